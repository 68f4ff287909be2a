"""Rows that belong together: no fold splits a group, and groups that nobody named are warned of."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

import audit
from audit.datasets import from_arrays
from audit.noise.options import ConfiguredNoise
from audit.settings.detect import Config
from audit.training.cross_validation import Fitting, FoldTask
from audit.training.folds import assign_balanced_folds, assign_blocks

PATIENTS, EACH, WIDE = 60, 10, 12
rng = np.random.default_rng(0)
CLASS = rng.integers(0, 3, PATIENTS)
CENTRES = rng.normal(0, 1.2, (3, WIDE))
PATIENT = np.repeat(np.arange(PATIENTS), EACH)
X = (CENTRES[CLASS] + rng.normal(0, 1.0, (PATIENTS, WIDE)))[PATIENT]
X = X + rng.normal(0, 0.15, X.shape)
WRONG = rng.choice(PATIENTS, 6, replace=False)
GIVEN = np.where(np.isin(np.arange(PATIENTS), WRONG), (CLASS + 1) % 3, CLASS)[PATIENT]
WRONG_ROWS = np.isin(PATIENT, WRONG)
QUICK = {"preset": "fast", "model": LogisticRegression(C=0.1)}


def found(run):
    return np.isin(np.flatnonzero(WRONG_ROWS), run.suspects()["id"].astype(int)).mean()


def test_patients_that_are_labelled_wrong_as_a_whole_are_found_with_groups_and_warned_of_without():
    run = audit.detect(X, GIVEN, groups=[f"p{i}" for i in PATIENT], **QUICK)
    folds = run.record.probs.fold.reshape(PATIENTS, EACH)
    assert (folds == folds[:, :1]).all()
    changed = run.record.labels.flipped.reshape(PATIENTS, EACH)
    assert (changed == changed[:, :1]).all()
    assert changed[:, 0].sum() == round(0.1 * PATIENTS)
    assert not any("rows together" in line for line in run.cautions)
    assert found(run) > 0.5
    alone = audit.detect(X, GIVEN, **QUICK)
    assert found(alone) < found(run)
    assert any("about 10 rows together" in line for line in alone.cautions)
    assert "Caution:" in alone._repr_html_()


def test_a_column_of_a_table_names_the_groups_and_is_no_feature(run_audit, tmp_path):
    pd.DataFrame(X).assign(patient=PATIENT, label=GIVEN).to_csv(tmp_path / "t.csv", index=False)
    options = ("--noise", "0", "--preset", "fast", "--quiet")
    run_audit("detect", "t.csv", "--group-column", "patient", *options, "--out", "run", check=0)
    record = audit.load_run(tmp_path / "run").record
    assert record.data["shape"] == [PATIENTS * EACH, WIDE]
    assert "60 groups are held out whole" in record.data["notes"][0]
    hint = run_audit("detect", "t.csv", *options, "--dry-run", check=0).stdout
    assert "column 'patient' is left out: each of its 60 values has one label" in hint
    assert "--group-column" in hint


@pytest.mark.parametrize("bundled", ["digits", "wine", "breast_cancer"])
def test_rows_of_one_sample_are_not_taken_for_groups(bundled):
    from audit import datasets
    from audit.datasets.duplicates import find_duplicates
    from audit.datasets.giveaways.near_rows import caution_of_near_rows

    dataset = datasets.load(Config.of(bundled))
    assert caution_of_near_rows(dataset.X, dataset.labels, find_duplicates(dataset.X).groups) == ""


def test_frames_of_one_video_are_warned_of():
    from audit.datasets.giveaways.near_rows import caution_of_near_rows

    images, y = load_digits(return_X_y=True)
    frames = np.repeat(images[:120].reshape(-1, 8, 8, 1), 8, axis=0)
    frames = frames + np.random.default_rng(0).normal(0, 0.3, frames.shape)
    line = caution_of_near_rows(frames, np.repeat(y[:120], 8), np.arange(len(frames)))
    assert "about 8 rows together" in line


@settings(max_examples=25)
@given(st.lists(st.integers(0, 30), min_size=40, max_size=120), st.integers(2, 4), st.integers(0, 9))
def test_no_fold_splits_a_group(groups, folds, seed):
    groups = np.unique(groups, return_inverse=True)[1]
    labels = np.arange(len(groups)) % 2
    if groups.max() + 1 < folds:
        return
    fold = assign_balanced_folds(labels, groups, folds, seed)
    assert all(len(set(fold[groups == each])) == 1 for each in np.unique(groups))
    assert set(fold) <= set(range(folds))


@given(st.permutations(range(60)), st.integers(2, 6))
def test_blocks_are_of_one_size_and_follow_each_other(order, folds):
    fold = assign_blocks(np.arange(60), np.array(order), folds)
    in_order = fold[np.argsort(order)]
    assert (np.diff(in_order) >= 0).all()
    assert np.ptp(np.bincount(fold)) <= 1


def test_a_time_and_a_group_are_never_in_two_blocks():
    times = np.repeat(np.arange(20), 5)
    groups = np.arange(100)
    groups[[3, 90]] = 3
    fold = assign_blocks(np.unique(groups, return_inverse=True)[1], times, 4)
    assert fold[3] == fold[90] == 0
    others = np.delete(np.arange(100), [3, 90])
    assert all(len(set(fold[others][times[others] == time])) == 1 for time in range(20))


@settings(max_examples=60)
@given(
    times=st.lists(st.integers(0, 25), min_size=30, max_size=60),
    groups=st.lists(st.integers(0, 40), min_size=60, max_size=60),
    folds=st.integers(2, 5),
    train_folds=st.none() | st.integers(1, 3),
)
def test_no_model_is_trained_on_the_future_or_on_a_group_that_it_judges(times, groups, folds, train_folds):
    groups = np.unique(groups[: len(times)], return_inverse=True)[1]
    order = np.unique(times, return_inverse=True)[1]
    task = FoldTask(
        labels=np.arange(len(times)) % 2,
        groups=groups,
        k=2,
        folds=folds,
        fold_seed=0,
        fitting=Fitting(None),
        recipe=None,
        keep=np.arange(len(times)) % 5 > 0,
        train_folds=train_folds,
        order=order,
    )
    if len(np.unique(task.draw_folds())) < folds:
        return  # refused before
    judged = [task.rows_of(number) for number in range(folds)]
    assert sorted(np.concatenate([held for held, _ in judged])) == list(range(len(times)))
    for number, (held, trained) in enumerate(judged):
        assert not set(groups[held]) & set(groups[trained])
        assert not set(held) & set(trained)
        assert len(trained)
        if number:
            assert order[trained].max() < order[held].min()
    assert set(judged[0][1]) <= set(judged[1][0])


def test_dates_put_rows_in_order_and_folds_are_blocks_of_them():
    days = np.array([f"2030-01-{1 + i % 28:02d}" for i in range(len(X))])
    run = audit.detect(X, GIVEN, order=days, **QUICK)
    fold = run.record.probs.fold
    assert (np.diff(fold[np.argsort(days, kind="stable")]) >= 0).all()
    assert len(np.unique(fold)) == 5
    assert "the first, which has none, by models of the second" in run.record.data["notes"][0]


def test_a_column_of_a_frame_names_the_groups():
    frame = pd.DataFrame(X).assign(patient=PATIENT, label=GIVEN)
    dataset = from_arrays(frame, "label", groups="patient")
    assert (dataset.groups == PATIENT).all()
    assert dataset.X.shape == X.shape


def test_groups_of_several_labels_have_their_labels_changed_row_by_row():
    annotators = np.arange(len(X)) % 7
    dataset = from_arrays(X, GIVEN, groups=annotators)
    _, labels = ConfiguredNoise.of(Config.of()).inject_into(dataset, np.random.default_rng(0))
    assert labels.flipped.sum() == round(0.1 * len(X))


def test_an_order_of_texts_is_said_to_be_one():
    X = np.random.default_rng(0).normal(size=(40, 2))
    days = [f"{1 + i % 12}/{1 + i % 28}/2020" for i in range(40)]
    dataset = from_arrays(X, np.arange(40) % 2, order=days)
    assert dataset.notes[-1].startswith("the order is sorted as texts, from '1/")
    iso = [f"2020-{1 + i % 12:02d}-01" for i in range(40)]
    assert from_arrays(X, np.arange(40) % 2, order=iso).notes == ()


def test_an_order_of_fewer_times_than_folds_is_refused():
    X = np.random.default_rng(0).normal(size=(60, 2))
    with pytest.raises(audit.DataError, match="the order has 3 different values, expected 5 or more"):
        audit.detect(X, np.arange(60) % 2, order=np.arange(60) % 3, preset="fast")

import os
import pickle
import time
import warnings
from dataclasses import replace
from functools import partial

import joblib
import numpy as np
import pytest
from conftest import CORES, posix, striped_images
from hypothesis import given, settings
from hypothesis import strategies as st
from in_workers import Flat, Memory, Where, blocked, broken, environment, keeping
from joblib.externals.loky import get_reusable_executor, process_executor
from joblib.externals.loky.process_executor import _ExecutorManagerThread
from sklearn.linear_model import LogisticRegression

import audit
from audit.datasets.duplicates import find_duplicates
from audit.errors import DataError
from audit.training import cross_validation, models
from audit.training import folds as folding
from audit.training.backends.processes import KEPT_MEMORY, SPINS, keep_worker, run_in_processes
from audit.training.cross_validation import FoldTask, cross_validate
from audit.training.out_of_sample import combine_folds
from audit.types import FoldResult, Recipe


def cross_validated(X, y, folds, builder=Flat, groups=None, **settings):
    groups = np.arange(len(y)) if groups is None else groups
    task = FoldTask(
        y,
        groups,
        k=settings.pop("k", int(y.max()) + 1),
        folds=folds,
        fold_seed=0,
        fitting=cross_validation.Fitting(builder),
        recipe=Recipe(3),
        keep=settings.pop("keep", np.ones(len(y), dtype=bool)),
    )
    return list(cross_validate(X, task, seed=np.random.SeedSequence(0), **settings))


def test_a_model_is_told_how_many_rows_it_is_asked_for():
    X, y = striped_images(40)
    told = []

    def builder(training):
        told.append(training.predicted)
        return Flat(training)

    results = cross_validated(X, y, 4, builder, unlabelled=X[:7], jobs=1)
    assert told == [len(result.rows) + 7 for result in sorted(results, key=lambda each: each.fold)]


@given(st.integers(2, 6), st.integers(2, 5), st.integers(0, 1000), st.data())
@settings(max_examples=40, deadline=None)
def test_folds_partition_the_rows_and_stratify_and_keep_groups(folds, k, seed, data):
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(k), data.draw(st.integers(folds, 40)))
    groups = rng.permutation(len(labels))
    twins = rng.choice(len(labels), 2, replace=False)
    if (np.bincount(labels) > folds).all():
        groups[twins[0]] = groups[twins[1]]
    fold = folding.assign_folds(labels, groups, folds, seed)
    assert set(fold) == set(range(folds))
    for group in np.unique(groups):
        assert len(np.unique(fold[groups == group])) == 1
    counts = np.array([np.bincount(labels[fold == f], minlength=k) for f in range(folds)])
    assert np.ptp(counts, axis=0).max() <= 2
    assert (fold == folding.assign_folds(labels, groups, folds, seed)).all()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (3, "the largest class has 3 distinct examples, expected 5 or more, one for each fold; use --folds 3"),
        (1, "the largest class has 1 distinct examples, expected 5 or more, one for each fold; there is nothing to learn a class from; add examples"),
    ],
)  # fmt: skip
def test_more_folds_than_any_class_has_examples_are_refused(rows, message):
    labels = np.array([0] * rows + [1] * rows)
    with pytest.raises(audit.DataError) as caught:
        cross_validated(np.zeros((len(labels), 3)), labels, 5)
    assert str(caught.value) == message


@given(st.lists(st.integers(1, 30), min_size=2, max_size=8), st.integers(2, 6), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_a_class_smaller_than_the_folds_is_spread_over_as_many_as_it_has_examples(sizes, folds, seed):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    if max(sizes) < folds:
        return
    fold = folding.assign_folds(labels, np.arange(len(labels)), folds, seed)
    for label, size in enumerate(sizes):
        assert np.bincount(fold[labels == label]).max() <= -(-size // folds)


def test_no_row_is_predicted_by_a_model_that_saw_it_or_its_duplicate():
    X, _ = striped_images(60)
    X[30:40] = X[:10]
    y = np.arange(60) % 2
    out = combine_folds(cross_validated(X, y, 4, Memory, find_duplicates(X).groups, jobs=1), 60, 2)
    assert (out.pred_probs == 0.5).all()


def test_the_number_of_jobs_the_order_and_a_resumed_run_change_nothing():
    X, y = striped_images(120)
    one = combine_folds(cross_validated(X, y, 5, jobs=1), 120, 4)
    two = combine_folds(cross_validated(X, y, 5, jobs=2), 120, 4)
    first = cross_validated(X, y, 5, jobs=1, skip=[0, 3, 4])
    rest = cross_validated(X, y, 5, jobs=2, skip=[1, 2])
    resumed = combine_folds(rest + first, 120, 4)
    assert one.pred_probs.tobytes() == two.pred_probs.tobytes() == resumed.pred_probs.tobytes()


@pytest.mark.skipif(os.cpu_count() == 1, reason="needs two cores")
@pytest.mark.parametrize(
    ("shape", "jobs", "here"),
    [
        ((100, 500), None, True),
        ((100, 500), 2, False),
        ((100, 501), None, False),
        ((100, 8, 8, 1), None, False),  # a network trains for long on few images
    ],
)
def test_little_data_waits_for_no_workers_unless_told_to(shape, jobs, here, monkeypatch):
    monkeypatch.delenv(CORES)
    y = np.arange(100) % 2
    results = cross_validated(np.zeros(shape), y, 5, partial(Where, main=os.getpid()), jobs=jobs)
    assert (combine_folds(results, 100, 2).pred_probs[:, 0] == here).all()


def test_every_process_draws_the_same_folds_and_a_fold_is_predicted_by_what_is_trained_on_the_others():
    labels = np.arange(60) % 3
    keep = np.arange(60) % 5 > 0
    fitting = cross_validation.Fitting(Flat)
    recipe = Recipe(3)
    task = FoldTask(labels, np.arange(60), 3, folds=4, fold_seed=7, fitting=fitting, recipe=recipe, keep=keep)
    fold = task.draw_folds()
    assert (fold == pickle.loads(pickle.dumps(task)).draw_folds()).all()  # noqa: S301  just made
    assert (fold == folding.assign_folds(labels, np.arange(60), 4, 7)).all()
    for number in range(4):
        held_out, trained = task.rows_of(number)
        assert held_out.tolist() == np.flatnonzero(fold == number).tolist()
        assert trained.tolist() == np.flatnonzero((fold != number) & keep).tolist()
        _, next_fold = replace(task, train_folds=1).rows_of(number)
        assert next_fold.tolist() == np.flatnonzero((fold == (number + 1) % 4) & keep).tolist()


@given(st.integers(2, 12), st.integers(1, 64))
def test_threads_fill_the_cores_wave_by_wave(folds, cores):
    threads = [cross_validation.threads_of(fold, folds, cores) for fold in range(folds)]
    last = folds % cores
    assert all(t == 1 for t in threads[: folds - last])
    if last:
        assert cores - last < sum(threads[folds - last :]) <= cores


def test_progress_reaches_every_fold():
    X, y = striped_images(80)
    seen = []
    cross_validated(X, y, 4, jobs=2, skip=[2], progress=seen.append)
    assert seen[-1] == [1, 1, 1, 1]


def test_gather_refuses_rows_predicted_twice_or_never():
    def result(fold, rows):
        probs, none = np.full((len(rows), 2), 0.5, np.float32), np.zeros(0, np.float32)
        return FoldResult(fold, np.array(rows), probs, np.zeros(0, np.int64), none, (), 0.0, "cpu")

    with pytest.raises(ValueError, match="another fold"):
        combine_folds([result(0, [0, 1]), result(1, [1, 2])], 3, 2)
    with pytest.raises(ValueError, match="1 rows were predicted by no fold"):
        combine_folds([result(0, [0, 1])], 3, 2)


def test_a_class_that_a_model_does_not_know_has_probability_zero():
    X, _ = striped_images(20)
    y = 2 * (np.arange(20) % 2)
    out = combine_folds(cross_validated(X, y, 2, Memory, k=3, jobs=1), 20, 3)
    assert (out.pred_probs == [0.5, 0, 0.5]).all()


def test_only_rows_that_are_kept_are_trained_on_and_all_are_predicted():
    X, y = striped_images(80)
    fold = folding.assign_folds(y, np.arange(80), 4, 0)
    keep = np.arange(80) % 3 > 0
    results = cross_validated(X, y, 4, keep=keep, jobs=1)
    assert set(np.concatenate([r.rows for r in results])) == set(range(80))
    for result in results:
        assert set(result.trained) == set(np.flatnonzero(keep & (fold != result.fold)))


def test_margins_are_the_mean_over_the_models_that_trained_on_a_row():
    def result(fold, rows, trained, margins):
        probs = np.full((len(rows), 2), 0.5, np.float32)
        margins = np.array(margins, dtype=np.float32)
        return FoldResult(fold, np.array(rows), probs, np.array(trained), margins, (), 0.0, "cpu")

    folds = [result(0, [0], [1, 2], [1, 2]), result(1, [1], [0, 2], [3, 6]), result(2, [2], [0, 1], [5, 7])]
    assert combine_folds(folds, 3, 2).margins.tolist() == [4, 4, 4]
    folds[2] = result(2, [2], [1], [7])
    assert combine_folds(folds, 3, 2).margins.tolist() == [3, 4, 4]
    folds[1] = result(1, [1], [2], [6])
    assert combine_folds(folds, 3, 2).margins is None  # no model was trained on row 0


TUNED = ("OMP_WAIT_POLICY", *SPINS, *KEPT_MEMORY)


@pytest.mark.parametrize(
    ("own", "added"),
    [
        ({}, SPINS | KEPT_MEMORY),
        ({"GOMP_SPINCOUNT": "7"}, KEPT_MEMORY),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, KEPT_MEMORY),
        ({"MALLOC_TRIM_THRESHOLD_": "9"}, SPINS),
    ],
)
def test_workers_have_their_environment_unless_somebody_says_otherwise_and_nothing_else_has(
    monkeypatch, own, added
):
    for name in TUNED:
        monkeypatch.delenv(name, raising=False)
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    get_reusable_executor().shutdown()  # so that new ones are started
    assert list(run_in_processes([joblib.delayed(environment)(TUNED)], 2)) == [own | added]
    assert environment(TUNED) == own


def test_joblib_still_has_the_variable_that_keeps_a_worker(monkeypatch):
    monkeypatch.setattr(process_executor, "_USE_PSUTIL", process_executor._USE_PSUTIL)  # put back afterwards
    assert keep_worker()
    monkeypatch.delattr(process_executor, "_USE_PSUTIL")
    assert not keep_worker()


def test_a_worker_that_keeps_memory_stays():
    pytest.importorskip("psutil", reason="joblib watches the memory of workers with it")
    get_reusable_executor().shutdown()
    pids = set()
    for megabytes in (0, 0, 400, 0, 0, 0):
        pids.update(run_in_processes([joblib.delayed(keeping)(megabytes)], 2))
    get_reusable_executor().shutdown()
    assert len(pids) <= 2


@posix
def test_workers_hear_no_interrupts_from_their_first_moment_and_the_main_process_does():
    get_reusable_executor().shutdown()
    assert list(run_in_processes([joblib.delayed(blocked)()], 2)) == [True]
    assert not blocked()


@pytest.mark.parametrize("jobs", [1, 2])
def test_workers_that_start_import_what_they_need_and_leave_its_mistakes_to_the_folds(tmp_path, jobs):
    X, labels = np.zeros((9, 4)), np.arange(9) % 2
    with cross_validation.workers_starting(partial(broken, tmp_path), X.shape, folds=3, jobs=jobs):
        results = cross_validated(X, labels, 3, models.Cloned(LogisticRegression()), jobs=2)
    assert sorted(result.fold for result in results) == [0, 1, 2]  # with the workers still starting
    assert len(list(tmp_path.iterdir())) == (min(2, max(1, joblib.cpu_count() - 1)) if jobs == 2 else 0)
    with pytest.raises(ValueError, match="no such net"):
        cross_validated(X, labels, 3, partial(broken, tmp_path), jobs=2)


def test_a_refusal_while_workers_start_finds_their_pool_at_work(tmp_path, monkeypatch):
    wait = _ExecutorManagerThread.wait_result_broken_or_wakeup

    def slow(thread):
        found = wait(thread)
        time.sleep(0.01)
        return found

    get_reusable_executor().shutdown()
    monkeypatch.setattr(_ExecutorManagerThread, "wait_result_broken_or_wakeup", slow)
    assert list(run_in_processes([joblib.delayed(len)("ab")], 2)) == [2]
    starting = cross_validation.workers_starting(partial(broken, tmp_path), (8, 4), folds=3, jobs=2)
    with pytest.raises(DataError), starting:  # pytest would say if the pool's thread failed
        raise DataError("no such labels")


def test_an_interrupt_while_workers_start_gives_no_advice(tmp_path):
    starting = cross_validation.workers_starting(partial(broken, tmp_path), (8, 4), folds=3, jobs=2)
    with warnings.catch_warnings(action="error"), pytest.raises(KeyboardInterrupt), starting:
        raise KeyboardInterrupt

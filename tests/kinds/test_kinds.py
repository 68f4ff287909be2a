import json

import numpy as np
import pandas as pd
import pytest
from conftest import striped_images
from hypothesis import given, settings
from hypothesis import strategies as st

import audit
from audit.datasets import from_arrays
from audit.kinds.defects import images as drawing
from audit.kinds.defects.canvas import Canvas
from audit.kinds.defects.insert import INSERTED_KINDS, insert
from audit.kinds.defects.synthetic import Sources, synthesize
from audit.kinds.statistics import STATISTICS, statistics
from audit.kinds.step import synthesizer
from audit.runs.folder import RunFolder
from audit.runs.folds import FoldCheckpoints
from audit.settings import choices
from audit.training import embeddings
from audit.training.out_of_sample import combine_synthetic
from audit.types import KINDS, FoldResult

FORMS = {
    "bytes": lambda X: X,
    "dark on light": lambda X: 255 - X,
    "floats": lambda X: (X / 255).astype(np.float32),
    "colour": lambda X: np.repeat(X, 3, axis=3),
    "integers": lambda X: X.astype(np.int16) - 100,
}


def bars(n=240, side=20, seed=0):
    """A bright bar on an even ground; its height is the class."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 4, n)
    X = np.zeros((n, side, side, 1), np.uint8)
    for image, label, left in zip(X, y, rng.integers(2, 6, n), strict=True):
        image[3 + 4 * label : 6 + 4 * label, left : left + 12] = 220
    return X, y


def sources(X, y, names=("a", "b", "c", "d")):
    return Sources(X, y, np.arange(len(y)), names)


@pytest.mark.parametrize("form", FORMS)
def test_planted_rows_have_the_form_of_the_data(form):
    X, y = bars()
    X = FORMS[form](X)
    synthetic = synthesize(sources(X, y), np.random.default_rng(0), per_kind=30)
    again = synthesize(sources(X, y), np.random.default_rng(0), per_kind=30)
    assert synthetic.X.tobytes() == again.X.tobytes()
    assert (synthetic.X.dtype, synthetic.X.shape[1:]) == (X.dtype, X.shape[1:])
    assert synthetic.X.min() >= X.min()
    assert synthetic.X.max() <= X.max()
    assert np.bincount(synthetic.kind, minlength=7).tolist() == [30, 30, 30, 30, 0, 30, 30]
    assert set(synthetic.labels) <= {0, 1, 2, 3}
    assert len(np.unique(synthetic.sources[:, 0])) == 180


def test_a_planted_wrong_label_changes_nothing_else_and_a_planted_nothing_changes_nothing():
    X, y = bars()
    synthetic = synthesize(sources(X, y), np.random.default_rng(0), per_kind=30)
    own = synthetic.sources[:, 0]
    wrong, none = (synthetic.kind == KINDS.index(kind) for kind in ("mislabelled", "none"))
    assert (synthetic.X[wrong | none] == X[own][wrong | none]).all()
    assert (synthetic.labels[wrong] != y[own][wrong]).all()
    assert (synthetic.labels[none] == y[own][none]).all()


def test_an_ambiguous_row_is_made_of_two_classes():
    X, y = bars()
    synthetic = synthesize(sources(X, y), np.random.default_rng(0), per_kind=30)
    one, two = synthetic.sources[synthetic.kind == KINDS.index("ambiguous")].T
    assert (y[one] != y[two]).all()


@pytest.mark.parametrize("n", [0, 1, 5])
def test_too_few_rows_plant_nothing(n):
    X, y = bars(n)
    assert synthesize(sources(X, y), np.random.default_rng(0), per_kind=30) is None


def test_one_class_plants_nothing():
    X, y = bars()
    assert synthesize(sources(X, 0 * y), np.random.default_rng(0), per_kind=30) is None


@settings(max_examples=20)
@given(st.integers(2, 7), st.integers(1, 2**31))
def test_the_planted_rows_of_a_fold_are_made_of_those_of_its_rows_that_are_kept(folds, seed):
    X, y = bars()
    rng = np.random.default_rng(seed)
    fold, keep = rng.integers(0, folds, len(y)), rng.random(len(y)) < 0.8
    make = synthesizer("abcd", np.random.SeedSequence(seed), folds)
    for number in range(folds):
        rows = np.flatnonzero((fold == number) & keep)
        synthetic, again = (make(X, y, rows, number) for _ in range(2))
        assert np.isin(synthetic.sources, [-1, *rows]).all()
        assert synthetic.X.tobytes() == again.X.tobytes()
        assert len(synthetic.labels) <= 6 * -(-500 // folds)


def fold_result(number, rows, synthetic, k=4):
    rng = np.random.default_rng(number)
    seen, landmarks = rng.normal(size=(len(rows), 5)).astype(np.float32), np.eye(5, dtype=np.float32)
    asked = 0 if synthetic is None else len(synthetic.labels)
    return FoldResult(
        fold=number,
        rows=rows,
        pred_probs=np.full((len(rows), k), number, np.float32),
        trained=rows,
        margins=np.empty(0, np.float32),
        losses=(),
        seconds=0.0,
        device="cpu",
        features=seen,
        landmarks=landmarks,
        synthetic=synthetic,
        synthetic_probs=None if synthetic is None else np.full((asked, k), number, np.float32),
        synthetic_features=None if synthetic is None else np.full((asked, 5), number, np.float32),
    )


@pytest.mark.parametrize("without", [(), (0,), (1,), (0, 2)])
def test_planted_rows_are_gathered_with_what_their_own_fold_says(without):
    X, y = bars()
    make = synthesizer("abcd", np.random.SeedSequence(0), 3)
    parts = np.split(np.arange(len(y)), 3)
    results = [
        fold_result(number, rows, None if number in without else make(X, y, rows, number))
        for number, rows in enumerate(parts)
    ]
    synthetic, said = combine_synthetic(results)
    of = synthetic.sources[:, 0] // len(parts[0])
    assert not np.isin(of, without).any()
    assert (said.fold == of).all()
    assert (said.pred_probs == of[:, None]).all()
    np.testing.assert_allclose(said.features, np.repeat(of[:, None], 5, axis=1), atol=1e-3)


def test_a_fold_is_stored_under_the_array_names_that_run_folders_have_always_had(tmp_path):
    X, y = bars()
    synthetic = synthesizer("abcd", np.random.SeedSequence(0), 3)(X, y, np.arange(len(y)), 0)
    shelf = FoldCheckpoints(RunFolder(tmp_path), "key")
    shelf.save_fold("round-1", fold_result(0, np.arange(len(y)), synthetic))
    with np.load(tmp_path / "folds" / "round-1" / "0.npz") as stored:
        assert {name for name in stored if name.startswith("planted")} == {
            *("planted_probs", "planted_features", "planted.X", "planted.labels", "planted.kind"),
            *("planted.defect", "planted.sources"),
        }
        assert not [name for name in stored if name.startswith("synthetic")]
    (back,) = shelf.load_folds("round-1", 1)
    assert back.synthetic.X.tobytes() == synthetic.X.tobytes()
    assert back.synthetic.defect.tolist() == synthetic.defect.tolist()
    assert (back.synthetic_probs == 0).all()


def test_where_no_fold_has_synthetic_rows_there_are_none():
    assert combine_synthetic([fold_result(number, np.arange(3), None) for number in range(3)]) is None


def test_features_are_planted_with_missing_values_and_columns_that_never_change():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 6))
    X[::7, 2], X[:, 4], X[:, 5] = np.nan, np.nan, 3
    synthetic = synthesize(sources(X, rng.integers(0, 4, 120)), rng, per_kind=30)
    assert synthetic.X.shape == (120, 6)
    assert np.isfinite(synthetic.X[:, [0, 1, 3, 5]]).all()


@pytest.mark.parametrize("form", FORMS)
def test_a_canvas_gives_back_what_it_took(form):
    X = FORMS[form](bars()[0])
    canvas = Canvas.of(X, np.arange(len(X)))
    assert canvas.drawings
    assert canvas.dark_on_light == (form == "dark on light")
    np.testing.assert_allclose(canvas.leave(canvas.enter(X)), X, atol=1e-6)


every = {**drawing.ATYPICAL, **drawing.LOW_QUALITY, **drawing.STROKES}
every |= {name: defect for group in drawing.HELD_OUT.values() for name, defect in group.items()}


@pytest.mark.parametrize("name", every)
@settings(max_examples=15)
@given(
    side=st.sampled_from([(8, 8), (9, 17), (28, 28)]),
    channels=st.sampled_from([1, 3]),
    level=st.sampled_from([0.0, 0.5, 1.0]),
    seed=st.integers(0, 99),
)
def test_a_defect_keeps_the_form_of_any_image(name, side, channels, level, seed):
    image = np.full((*side, channels), level, np.float32)
    changed = every[name](image, np.random.default_rng(seed))
    assert changed.shape == image.shape
    assert changed.dtype == np.float32
    assert np.isfinite(changed).all()


def measured(images):
    X = np.asarray(images, np.float32)[..., None]
    canvas = Canvas(0, 1, dark_on_light=False, drawings=True, dtype=np.dtype(np.float32))
    return pd.DataFrame(statistics(X, np.arange(len(X)), canvas), columns=STATISTICS)


def test_statistics_say_what_can_be_seen():
    blank, line, two, ring, border = np.zeros((5, 21, 21))
    line[4:16, 8:11] = 1
    two[2:6, 2:6] = two[12:18, 12:18] = 1
    ring[5:15, 5:15] = 1
    ring[8:12, 8:12] = 0
    border[:, 0] = 1
    found = measured([blank, line, two, ring, border])
    assert found["pieces"].tolist() == [0, 1, 2, 1, 1]
    assert found["holes"].tolist() == [0, 0, 0, 1, 0]
    assert found["stroke"][1] == pytest.approx(3, abs=0.5)
    assert found["height"][1] == pytest.approx(12 / 21)
    assert found["stray"][2] == pytest.approx(16 / 52)
    assert found["border"].idxmax() == 4
    assert found["contrast"][0] == 0
    assert found["even"][0] == found["even"][1:].min() == 0 < found["even"][2]
    assert found["straight"].idxmax() == 4
    assert found["straight"][4] == pytest.approx(1)


@settings(max_examples=20)
@given(st.integers(1, 40), st.integers(0, 99))
def test_statistics_of_an_image_do_not_depend_on_those_beside_it(n, seed):
    images = np.random.default_rng(seed).random((n, 12, 10)) ** 3
    together = measured(images)
    alone = pd.concat([measured(images[i : i + 1]) for i in (0, n - 1)])
    np.testing.assert_allclose(together.iloc[[0, n - 1]], alone, atol=1e-6)
    assert np.isfinite(together).all(axis=None)


@given(st.integers(0, 999), st.floats(0.1, 10))
def test_spaces_that_differ_by_a_turn_a_shift_and_a_scale_are_brought_together(seed, scale):
    rng = np.random.default_rng(seed)
    landmarks = rng.normal(size=(50, 5))
    turn, _ = np.linalg.qr(rng.normal(size=(5, 5)))
    moved = scale * landmarks @ turn + rng.normal(size=5)
    np.testing.assert_allclose(embeddings.alignment(moved, landmarks)(moved), landmarks, atol=1e-4)


def test_every_suspect_has_a_kind_with_a_probability_and_a_reason(finished_run):
    run, path = finished_run
    kinds = run.record.kinds
    suspects = np.flatnonzero(run.record.suspects.is_issue)
    assert np.isin(suspects, kinds.rows).all()
    np.testing.assert_allclose(kinds.probability.sum(axis=1), 1, atol=1e-5)
    assert (kinds.probability.argmax(axis=1) == kinds.kind).all()
    assert all(kinds.reason)
    table = pd.read_csv(path / "issues.csv")
    of_suspects = table[table["list"] == "suspect"]
    assert set(of_suspects["kind"]) <= set(KINDS)
    assert of_suspects["reason"].notna().all()
    assert of_suspects["kind_probability"].between(0, 1).all()
    back = RunFolder(path).load_record()
    assert back.kinds.probability.tobytes() == kinds.probability.tobytes()
    assert back.kinds.reason.tolist() == kinds.reason.tolist()
    assert back.probs.features.tobytes() == run.record.probs.features.tobytes()


def test_the_confusion_counts_every_planted_row_that_was_used(finished_run):
    figures = finished_run[0].record.scores.kinds
    assert figures.names == choices.SYNTHETIC_KINDS
    assert all(figures.planted.values())
    assert 0 <= figures.macro_f1 <= 1


def test_conflicting_duplicates_are_so_by_rule():
    X, y = striped_images(160)
    X[1], y[1] = X[0], (y[0] + 1) % 4
    run = audit.detect(X, y, noise=0, epochs=1)
    kinds = run.kinds.set_index("id")
    assert kinds.loc[[0, 1], "kind"].tolist() == ["duplicate"] * 2
    assert kinds.loc[0, "reason"] == f"a duplicate of it is labelled {y[1]}"


def test_probabilities_from_elsewhere_leave_the_kinds_unknown():
    X, y = striped_images(60)
    probs = np.full((60, 4), 0.1)
    probs[np.arange(60), y] = 0.7
    run = audit.detect(X, y, pred_probs=probs)
    assert run.record.kinds is None
    assert run.record.scores.kinds is None
    assert run.kinds.empty


def test_the_list_is_narrowed_and_every_row_is_named(run_audit, tmp_path):
    run_audit("detect", "wine", "--out", "all", "--kinds-of", "all", check=0)
    run_audit("detect", "wine", "--out", "some", "--kinds", "mislabelled,ambiguous", check=0)
    every = pd.read_csv(tmp_path / "all" / "kinds.csv")
    assert len(every) == 178
    whole, narrow = (pd.read_csv(tmp_path / name / "issues.csv") for name in ("all", "some"))
    of_all = whole[(whole["list"] == "suspect") & whole["kind"].isin(["mislabelled", "ambiguous"])]
    assert narrow.loc[narrow["list"] == "suspect", "id"].tolist() == of_all["id"].tolist()
    scores = json.loads((tmp_path / "some" / "scores.json").read_text())
    assert scores["suspects"]["natural"] == len(of_all)
    assert sum(scores["kinds"]["suspects"].values()) == (whole["list"] == "suspect").sum()


@pytest.mark.parametrize("form", ["bytes", "features"])
def test_only_chosen_rows_are_replaced_in_exact_numbers(form):
    X, y = bars()
    X = (
        X
        if form == "bytes"
        else X.reshape(len(X), -1)[:, :30] + np.random.default_rng(0).random((len(X), 30))
    )
    data = from_arrays(X, y)
    free = np.arange(40, 240)
    counts = dict.fromkeys(INSERTED_KINDS, 8)
    made = insert(data, counts, np.random.default_rng(0), free=free)
    touched = made.defect != ""
    assert not touched[:40].any()
    assert (made.X[~touched] == data.X[~touched]).all()
    assert (made.labels[~touched] == data.labels[~touched]).all()
    found = np.bincount(made.kind[touched], minlength=7)
    assert found.tolist() == [0, 8, 8, 8, 16, 8, 0]  # a duplicate and its twin
    copies = np.flatnonzero((made.defect == "exact copy") & (made.sources[:, 0] >= 0))
    assert (made.X[copies] == made.X[made.sources[copies, 0]]).all()
    assert (made.labels[copies] != made.labels[made.sources[copies, 0]]).all()


def test_inject_writes_a_data_set_with_its_truth_that_detect_reads(run_audit, tmp_path):
    run_audit("inject", "digits", "--defects", "all:0.01", "--noise", "0.05", "--out", "new", check=0)
    truth = pd.read_csv(tmp_path / "new" / "truth.csv", keep_default_na=False)
    y = np.load(tmp_path / "new" / "y.npy")
    assert (truth["given"] == y).all()
    assert (truth["kind"] == "mislabelled").sum() == (truth["given"] != truth["true"]).sum() == 90
    assert truth.loc[truth["kind"] == "mislabelled", "defect"].eq("").all()
    assert (truth["kind"] == "off-topic").sum() == 18
    again = run_audit("inject", "digits", "--out", "new", check=2)
    assert "new is not empty" in again.stderr
    facts = run_audit("detect", "--X", "new/X.npy", "--y", "new/y.npy", "--dry-run", check=0).stdout
    assert "1,797 images of 8 × 8 × 1" in facts

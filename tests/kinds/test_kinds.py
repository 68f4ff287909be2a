import json

import numpy as np
import pandas as pd
import pytest
from conftest import striped_images
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

import audit
from audit.datasets import from_arrays
from audit.events import Silent
from audit.kinds import classifier, image_statistics, step
from audit.kinds.defects import images
from audit.kinds.defects import synthetic as synthetic_rows
from audit.kinds.defects.apply import Sources
from audit.kinds.defects.image_scale import ImageScale
from audit.kinds.defects.insert import INSERTED_KINDS, insert
from audit.kinds.defects.synthetic import synthesize
from audit.kinds.image_statistics import STATISTICS, statistics
from audit.kinds.step import synthesizer
from audit.runs.folder import RunFolder
from audit.runs.folds import FoldCheckpoints
from audit.settings import choices
from audit.training import embeddings
from audit.training.out_of_sample import combine_synthetic
from audit.types import KINDS, FoldResult

TREES = classifier.TREES  # before the tests of other rooms make it small

FORMS = {
    "bytes": lambda X: X,
    "dark on light": lambda X: 255 - X,
    "floats": lambda X: (X / 255).astype(np.float32),
    "colour": lambda X: np.repeat(X, 3, axis=3),
    "integers": lambda X: X.astype(np.int16) - 100,
}


@pytest.fixture(autouse=True)
def whole_forests(monkeypatch):
    """The forests of a user's run."""
    monkeypatch.setattr(classifier, "TREES", TREES)


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
def test_synthetic_rows_have_the_form_of_the_data(form):
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


def test_a_synthetic_wrong_label_changes_nothing_else_and_the_kind_none_changes_nothing():
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


def check_labels(synthetic, y):
    """Every kind has the labels that its definition asks for."""
    first, second = synthetic.sources.T
    of = {kind: synthetic.kind == KINDS.index(kind) for kind in choices.SYNTHETIC_KINDS}
    assert (synthetic.labels != y[first])[of["mislabelled"]].all()
    assert ((synthetic.labels == y[first]) | (synthetic.labels == y[second]))[of["ambiguous"]].all()
    assert ((second >= 0) == of["ambiguous"]).all()
    for kind in ("atypical", "low quality", "none"):
        assert (synthetic.labels == y[first])[of[kind]].all()
    off_topic = of["off-topic"]
    assert sorted(synthetic.labels[off_topic]) == sorted(y[first][off_topic])


@pytest.mark.parametrize("form", ["images", "features"])
@pytest.mark.parametrize("seed", range(6))
def test_the_order_of_the_kinds_moves_no_label_and_no_defect(form, seed, monkeypatch):
    X, y = bars()
    X = X if form == "images" else X.reshape(len(X), -1).astype(float)
    usual = synthesize(sources(X, y), np.random.default_rng(0), per_kind=30)
    order = np.random.default_rng(seed).permutation(choices.SYNTHETIC_KINDS).tolist()
    monkeypatch.setattr(synthetic_rows, "SYNTHETIC_KINDS", tuple(order))
    moved = synthesize(sources(X, y), np.random.default_rng(0), per_kind=30)
    assert [KINDS[kind] for kind in moved.kind[::30]] == order
    for made in (usual, moved):
        check_labels(made, y)
    for kind in range(len(KINDS)):
        assert set(moved.defect[moved.kind == kind]) == set(usual.defect[usual.kind == kind])


@settings(max_examples=10)
@given(st.permutations(STATISTICS), st.integers(0, len(STATISTICS)))
def test_the_order_of_the_statistics_moves_no_value(order, count):
    pictures = np.random.default_rng(0).random((3, 12, 10)) ** 3
    usual = measured(pictures)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(image_statistics, "STATISTICS", (*order[:count], "ink"))
        moved = image_statistics.statistics(pictures[..., None].astype(np.float32), np.arange(3), UNIT)
    for column, name in enumerate((*order[:count], "ink")):
        assert (moved[:, column] == usual[name]).all()


@pytest.mark.parametrize("n", [0, 1, 5])
def test_too_few_rows_make_no_synthetic_ones(n):
    X, y = bars(n)
    assert synthesize(sources(X, y), np.random.default_rng(0), per_kind=30) is None


def test_one_class_makes_no_synthetic_rows():
    X, y = bars()
    assert synthesize(sources(X, 0 * y), np.random.default_rng(0), per_kind=30) is None


@settings(max_examples=20)
@given(st.integers(2, 7), st.integers(1, 2**31))
def test_the_synthetic_rows_of_a_fold_are_made_from_those_of_its_rows_that_are_kept(folds, seed):
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
def test_synthetic_rows_are_gathered_with_the_predictions_of_their_own_fold(without):
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


def test_synthetic_features_may_have_missing_values_and_columns_that_never_change():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 6))
    X[::7, 2], X[:, 4], X[:, 5] = np.nan, np.nan, 3
    synthetic = synthesize(sources(X, rng.integers(0, 4, 120)), rng, per_kind=30)
    assert synthetic.X.shape == (120, 6)
    assert np.isfinite(synthetic.X[:, [0, 1, 3, 5]]).all()


@pytest.mark.parametrize("form", FORMS)
def test_images_are_the_same_after_a_scale_and_back(form):
    X = FORMS[form](bars()[0])
    scale = ImageScale.of(X, np.arange(len(X)))
    assert scale.drawings
    assert scale.dark_on_light == (form == "dark on light")
    np.testing.assert_allclose(scale.from_unit(scale.to_unit(X)), X, atol=1e-6)


every = {**images.ATYPICAL, **images.LOW_QUALITY, **images.STROKES}
every |= {name: defect for group in images.HELD_OUT.values() for name, defect in group.items()}


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


UNIT = ImageScale(0, 1, dark_on_light=False, drawings=True, dtype=np.dtype(np.float32))


def measured(pictures):
    X = np.asarray(pictures, np.float32)[..., None]
    return pd.DataFrame(statistics(X, np.arange(len(X)), UNIT), columns=STATISTICS)


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


def test_synthetic_rows_of_every_kind_are_scored(finished_run):
    figures = finished_run[0].record.scores.kinds
    assert figures.names == choices.SYNTHETIC_KINDS
    assert all(figures.planted.values())
    assert 0 <= figures.macro_f1 <= 1


def test_conflicting_duplicates_are_so_by_rule():
    X, y = striped_images(160)
    X[1], y[1] = X[0], (y[0] + 1) % 4
    run = audit.detect(X.reshape(160, -1), y, noise=0)
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


def test_the_list_is_narrowed_and_every_row_gets_a_kind(run_audit, tmp_path):
    run_audit("detect", "wine", "--out", "run", "--kinds-of", "all", check=0)
    every = pd.read_csv(tmp_path / "run" / "kinds.csv")
    assert len(every) == 178
    whole = pd.read_csv(tmp_path / "run" / "issues.csv")
    run_audit("detect", "wine", "--out", "run", "--kinds", "mislabelled,ambiguous", check=0)
    narrow = pd.read_csv(tmp_path / "run" / "issues.csv")
    of_all = whole[(whole["list"] == "suspect") & whole["kind"].isin(["mislabelled", "ambiguous"])]
    assert narrow.loc[narrow["list"] == "suspect", "id"].tolist() == of_all["id"].tolist()
    scores = json.loads((tmp_path / "run" / "scores.json").read_text(encoding="utf-8"))
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


def test_no_defects_leave_a_data_set_as_it_is(run_audit, tmp_path):
    made = insert(from_arrays(*bars()), {}, np.random.default_rng(0))
    assert (bars()[0] == made.X).all()
    assert set(made.defect) == {""}
    assert set(made.sources.ravel()) == {-1}
    run_audit("inject", "digits", "--limit", "50", "--defects", "all:0", "--out", "new", check=0)
    assert set(pd.read_csv(tmp_path / "new" / "truth.csv")["kind"]) == {"none"}


def test_more_duplicates_than_rows_to_copy_are_refused():
    with pytest.raises(ValueError, match="200 duplicates need as many other rows, found 40"):
        insert(from_arrays(*bars()), {"duplicate": 200}, np.random.default_rng(0))


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


def test_naming_kinds_tells_how_far_it_is(monkeypatch):
    heard = []

    class Listener(Silent):
        def counted(self, what, done, total):
            heard.append((what, done, total))

    asked = {"noise": 0.1, "preset": "fast", "folds": 3, "epochs": 1, "kinds_of": "all"}
    X, y = load_digits(return_X_y=True)
    X, y = X[:300].reshape(-1, 8, 8), y[:300]
    whole = audit.detect(X, y, **asked).record.kinds
    monkeypatch.setattr(step, "ROWS_AT_ONCE", 128)
    parts = audit.detect(X, y, listener=Listener(), **asked).record.kinds
    named = [each for each in heard if each[0] == "naming the kinds of suspects"]
    assert [done for _, done, _ in named] == [128, 256, 300]
    assert ("comparing detectors", 15, 15) in heard
    assert parts.rows.tolist() == list(range(300))
    assert parts.reason.tolist() == whole.reason.tolist()
    np.testing.assert_array_equal(parts.probability, whole.probability)

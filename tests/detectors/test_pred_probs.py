import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import audit
from audit.datasets import read_probabilities
from audit.detectors import pred_probs

AGAIN = "predict such rows again, or leave them out with their labels"


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def world(n=400, k=3, accuracy=0.85, seed=0):
    """Labels, and probabilities whose likeliest class is the label in about this share of rows."""
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(k), rng.integers(0, k, n - k)])
    seen = np.where(rng.random(n) < accuracy, labels, rng.integers(0, k, n))
    return labels, softmax(rng.normal(size=(n, k)) + 6 * np.eye(k)[seen])


def names_of(k):
    return [f"c{i:03d}" for i in range(k)]


def refusal(labels, probs, names=None, **settings):
    with pytest.raises(audit.DataError) as caught:
        pred_probs.checked(np.asarray(labels), probs, names, **settings)
    message = str(caught.value)
    assert "\n" not in message
    return message


worlds = st.builds(
    world, n=st.integers(20, 300), k=st.integers(2, 8), accuracy=st.floats(0.6, 1), seed=st.integers(0, 2**32)
)


@given(
    worlds,
    st.sampled_from([np.float16, np.float32, np.float64, np.longdouble]),
    st.integers(0, 2**32),
)
@settings(max_examples=100)
def test_probabilities_are_taken_in_any_order_of_rows_and_classes(example, dtype, seed):
    labels, probs = example
    n, k = probs.shape
    rng = np.random.default_rng(seed)
    rows, columns = rng.permutation(n), rng.permutation(k)
    moved = probs[rows][:, columns].astype(dtype)
    ready = pred_probs.checked(np.argsort(columns)[labels][rows], moved, names_of(k))
    assert ready.pred_probs.dtype == np.float32
    np.testing.assert_allclose(ready.pred_probs, probs[rows][:, columns], atol=2e-3)
    np.testing.assert_allclose(ready.pred_probs.sum(axis=1), 1, atol=1e-6)
    assert (
        pred_probs.checked(np.argsort(columns)[labels][rows], moved).pred_probs.tolist()
        == ready.pred_probs.tolist()
    )


@given(
    hnp.arrays(
        st.sampled_from(
            [
                np.float64,
                np.float16,
                np.float32,
                np.longdouble,
                np.int64,
                np.uint8,
                bool,
                "U3",
                complex,
                "M8[s]",
            ]
        ),
        hnp.array_shapes(max_dims=3, max_side=12),
    ),
    st.integers(1, 12),
    st.one_of(st.none(), st.integers(2, 4)),
)
@settings(max_examples=300)
def test_any_array_is_ready_or_refused_in_one_line(probs, n, k):
    labels = np.arange(n) % (k or 2)
    try:
        ready = pred_probs.checked(labels, probs, None if k is None else names_of(k))
    except audit.DataError as error:
        assert "\n" not in str(error)
    else:
        assert ready.pred_probs.shape == (n, probs.shape[1])
        assert (ready.pred_probs >= 0).all()
        np.testing.assert_allclose(ready.pred_probs.sum(axis=1), 1, atol=1e-6)


@given(worlds, st.floats(0.1, 50))
def test_what_is_no_probability_is_never_taken_for_one(example, scale):
    labels, probs = example
    logits = np.log(probs + 1e-9)
    assert "holds logarithms of probabilities" in refusal(labels, np.log(probs))
    assert "look like logits" in refusal(
        labels, scale * (logits + 20 * (1 + np.arange(len(labels))[:, None]))
    )
    assert "divide by it: pred_probs / 100" in refusal(labels, 100 * probs)
    assert refusal(labels, np.where(np.arange(len(labels))[:, None] == 1, np.nan, probs)).startswith(
        "pred_probs has NaN"
    )


@given(st.integers(2, 8), st.integers(0, 2**32))
@settings(max_examples=50)
def test_columns_in_another_order_are_found_and_the_remedy_works(k, seed):
    labels, probs = world(n=60 * k, k=k, seed=seed)
    order = np.random.default_rng(seed).permutation(k)
    order = order if (order == np.arange(k)).sum() <= k // 2 else np.roll(np.arange(k), 1)
    message = refusal(labels, probs[:, order], names_of(k))
    remedy = message.partition("reorder them: ")[2]
    assert remedy.startswith("pred_probs[:, [")
    mended = eval(remedy, {"pred_probs": probs[:, order]})  # noqa: S307  our own remedy
    np.testing.assert_array_equal(mended, probs)


@given(st.integers(2, 12), st.integers(5, 40), st.integers(0, 2**32))
@settings(max_examples=200)
def test_a_useless_model_is_not_said_to_have_its_columns_in_another_order(k, each, seed):
    rng = np.random.default_rng(seed)
    pred_probs.checked(np.repeat(np.arange(k), each), softmax(3 * rng.normal(size=(k * each, k))))


def test_columns_in_another_order_are_refused_whole():
    labels, probs = world(n=300, accuracy=1)
    assert refusal(labels, probs[:, [1, 2, 0]], ["ant", "bee", "cat"]) == (
        "the columns of pred_probs are in another order than the classes ('ant', 'bee', 'cat'), expected the same: the likeliest "
        "class is the given label in 0.0 % of rows, but in 100.0 % if column 2 'ant', column 0 'bee', column 1 'cat' stand for "
        "these classes; reorder them: pred_probs[:, [2, 0, 1]]"
    )
    labels, probs = world(n=1000, k=30, accuracy=1)
    message = refusal(labels, probs[:, ::-1], names_of(30))
    assert message.endswith(
        "column 25 'c004', … stand for these classes; reorder them: pred_probs[:, order] with the model's classes"
    )


LABELS, PROBS = world(n=40)
CLASSES = ["ant", "bee", "cat"]


def changed(row, values):
    probs = PROBS.copy()
    probs[row] = values
    return probs


@pytest.mark.parametrize(
    ("probs", "message"),
    [
        (PROBS[:30], "pred_probs has 30 rows for 40 labels, expected as many, in the same order; predict each labelled row once"),
        (PROBS.T, "pred_probs has 3 rows for 40 labels, expected as many, in the same order; turn it: pred_probs.T"),
        (PROBS[:, :2], "pred_probs has 2 columns, expected 3, one for each class of the labels ('ant', 'bee', 'cat'), in the sorted order of their names; add a column of zeros for each class that the model does not know"),
        (np.c_[PROBS, PROBS], "pred_probs has 6 columns, expected 3, one for each class of the labels ('ant', 'bee', 'cat'), in the sorted order of their names; leave out the columns of classes that no label has, and divide each row by its sum"),
        (PROBS[:, 0], "pred_probs has shape (40,), expected (40, 3): a row for each label, a column for each class"),
        (PROBS[None], "pred_probs has shape (1, 40, 3), expected (40, 3): a row for each label, a column for each class"),
        (PROBS.astype(str), "pred_probs has dtype <U32, expected an array of numbers, a row for each label and a column for each class"),
        ([["a", 1]], "pred_probs has dtype <U21, expected an array of numbers, a row for each label and a column for each class"),
        (pd.DataFrame({"a": [None, "x"]}, dtype=object), "pred_probs of type DataFrame cannot be read as numbers (could not convert string to float: 'x'), expected an array of numbers, a row for each label and a column for each class"),
        (changed(7, np.nan), f"pred_probs has NaN or infinite values in 1 of 40 rows, first in row 7, expected numbers from 0 to 1; {AGAIN}"),
        (changed(7, [np.inf, 0, 0]), f"pred_probs has NaN or infinite values in 1 of 40 rows, first in row 7, expected numbers from 0 to 1; {AGAIN}"),
        (np.log(PROBS), "pred_probs holds logarithms of probabilities, expected 0 to 1; use numpy.exp(pred_probs)"),
        (np.log(np.eye(3) + 1e-300)[LABELS], "pred_probs holds logarithms of probabilities, expected 0 to 1; use numpy.exp(pred_probs)"),
        (np.eye(3)[LABELS] * 7 - 2 + 1e-2 * LABELS[:, None], "pred_probs has values from -2 to 5.02, expected 0 to 1: they look like logits; apply softmax: scipy.special.softmax(pred_probs, axis=1)"),
        (np.eye(3)[LABELS] * np.arange(1, 41)[:, None], "pred_probs has values from 0 to 40, expected 0 to 1: they look like logits; apply softmax: scipy.special.softmax(pred_probs, axis=1), or divide each row by its sum if they are counts"),
        (np.eye(3)[LABELS] * 1.5 - 0.5 / 3, "pred_probs has values from -0.1667 to 1.333, expected 0 to 1; its rows sum to 1, but probabilities cannot be negative; use predict_proba"),
        (100 * PROBS, "every row of pred_probs sums to 100, expected 1; divide by it: pred_probs / 100"),
        (changed(7, [0.5, 0.5, 0.4]), f"row 7 of pred_probs sums to 1.4, expected 1, as in all (1 of 40 rows do not); {AGAIN}"),
        (changed(7, 0), f"row 7 of pred_probs sums to 0, expected 1, as in all (1 of 40 rows do not); {AGAIN}"),
        (np.clip(PROBS * np.linspace(0.5, 1.5, 40)[:, None], 0, 1) , "row 0 of pred_probs sums to 0.5, expected 1, as in all (40 of 40 rows do not); they look like sigmoids, each class by itself; train with softmax, or divide each row by its sum: pred_probs / pred_probs.sum(axis=1, keepdims=True)"),
        (np.tile([0.2, 0.3, 0.5], (40, 1)), "all 40 rows of pred_probs are the same (0.2, 0.3, 0.5), expected a model that tells them apart; check that it was trained, and predicts from the right inputs"),
    ],
)  # fmt: skip
def test_what_is_not_a_probability_of_these_labels_is_refused(probs, message):
    assert refusal(LABELS, probs, CLASSES) == message


@pytest.mark.parametrize(
    ("labels", "probs", "message"),
    [
        ([0, 1, 0], [0.1, 0.9, 0.2], "pred_probs has shape (3,), expected (3, 2): a column for each of two classes; stack them: numpy.column_stack([1 - pred_probs, pred_probs])"),
        ([0, 1], [[0.1], [0.9]], "pred_probs has shape (2, 1), expected (2, 2): a column for each of two classes; stack them: numpy.column_stack([1 - pred_probs[:, 0], pred_probs[:, 0]])"),
        ([0, 2], [[0.1], [0.9]], "pred_probs has shape (2, 1), expected (2, k): a row for each label, a column for each class"),
        ([0, 2], [0.1, 0.9], "pred_probs has shape (2,), expected (2, k): a row for each label, a column for each class"),
        ([0, 2], [[0.5, 0.5]] * 2, "labels must be integers 0 to 1, one for each column, found 0 to 2"),
        (["a", "b"], [[0.5, 0.5]] * 2, "labels must be integers 0 to 1, one for each column, found <U1"),
        ([0.0, 1.5], [[0.5, 0.5]] * 2, "labels must be integers 0 to 1, one for each column, found 0.0 to 1.5"),
        ([[0, 1]], [[0.5, 0.5]] * 2, "labels have shape (1, 2), expected (n,): one label for each row of pred_probs"),
        ([], np.zeros((0, 2)), "labels have shape (0,), expected (n,): one label for each row of pred_probs"),
        ([0, 1], object(), "pred_probs of type object cannot be read as numbers (float() argument must be a string or a real number, not 'object'), expected an array of numbers, a row for each label and a column for each class"),
    ],
)  # fmt: skip
def test_without_names_the_classes_are_the_columns(labels, probs, message):
    assert refusal(labels, probs) == message


def test_messages_name_what_was_given():
    assert refusal(LABELS, PROBS.T, CLASSES, name="p.csv").endswith("turn it: p.csv.T")


def test_anything_array_like_is_taken():
    import torch

    expected = pred_probs.checked(LABELS, PROBS).pred_probs
    tensor = torch.tensor(PROBS, requires_grad=True)
    for probs in (
        PROBS.tolist(),
        pd.DataFrame(PROBS),
        PROBS.astype(object),
        tensor,
        tensor.half(),
        np.ma.array(PROBS),
    ):
        np.testing.assert_allclose(pred_probs.checked(LABELS, probs).pred_probs, expected, atol=5e-3)
    assert "they look rounded; divide" in refusal(LABELS, tensor.bfloat16())
    assert "they look rounded; divide" in refusal(LABELS, PROBS.round(2))
    masked = np.ma.array(PROBS, mask=np.arange(40)[:, None] * [1, 1, 1] == 5)
    assert "first in row 5" in refusal(LABELS, masked)


MODELS = {
    "forest": lambda seed: RandomForestClassifier(40, random_state=seed),
    "neighbours": lambda _: make_pipeline(StandardScaler(), KNeighborsClassifier(5, weights="distance")),
    "logistic": lambda _: make_pipeline(StandardScaler(), LogisticRegression(max_iter=300)),
}


def noisy(load, rate, seed):
    X, y = load(return_X_y=True)
    rng = np.random.default_rng(seed)
    k = y.max() + 1
    return X, np.where(rng.random(len(y)) < rate, (y + rng.integers(1, k, len(y))) % k, y)


def says_in_sample(y, probs):
    return any("look in-sample" in note for note in pred_probs.checked(y, probs).notes)


@pytest.mark.parametrize(("rate", "seed"), [(0, 0), (0.05, 1), (0.1, 2)])
@pytest.mark.parametrize("load", [load_digits, load_breast_cancer])
@pytest.mark.parametrize("model", MODELS)
def test_models_that_saw_the_labels_are_told_from_those_that_did_not(model, load, rate, seed):
    X, y = noisy(load, rate, seed)
    classifier = MODELS[model](seed)
    folds = StratifiedKFold(4, shuffle=True, random_state=seed)
    assert not says_in_sample(y, cross_val_predict(classifier, X, y, cv=folds, method="predict_proba"))
    if model != "logistic":  # which cannot learn its labels by heart, and so agrees with as few as others
        assert says_in_sample(y, classifier.fit(X, y).predict_proba(X))


@pytest.mark.parametrize("model", MODELS)
def test_of_few_rows_nothing_is_said(model):
    X, y = load_wine(return_X_y=True)
    assert not says_in_sample(y, MODELS[model](0).fit(X, y).predict_proba(X))


def test_the_note_gives_its_figures():
    labels = np.arange(5000) % 4
    probs = np.full((5000, 4), 0.01)
    probs[np.arange(5000), labels] = 0.97
    assert pred_probs.checked(labels, probs).notes[0] == (
        "pred_probs agree with the given labels in 5,000 of 5,000 rows (100.0 %, at a mean confidence of 97.0 %): they look "
        "in-sample, made by a model that was trained on these rows, and label errors hide there; unless classes are easy "
        "and labels clean, use cross-validated ones"
    )
    labels[:11] = (labels[:11] + 1) % 4
    assert pred_probs.checked(labels, probs).notes == ()


def csv(text):
    return lambda path: path.write_text(text)


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("index", [True, False])
@pytest.mark.parametrize("columns", [None, CLASSES])
def test_files_give_the_numbers_that_were_written(tmp_path, header, index, columns):
    frame = pd.DataFrame(PROBS, columns=columns)
    if header or not index:
        frame.to_csv(tmp_path / "p.csv", index=index, header=header)
        np.testing.assert_allclose(read_probabilities(tmp_path / "p.csv"), PROBS)
    np.save(tmp_path / "p.npy", PROBS)
    np.savez(tmp_path / "one.npz", anything=PROBS)
    np.savez_compressed(tmp_path / "two.npz", pred_probs=PROBS, labels=LABELS)
    for name in ("p.npy", "one.npz", "two.npz"):
        np.testing.assert_array_equal(read_probabilities(tmp_path / name), PROBS)
    assert isinstance(read_probabilities(tmp_path / "p.npy"), np.memmap)


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("p.txt", csv("1"), "p.txt is not a file of probabilities, expected one that ends in .npy, .npz or .csv"),
        ("p.npy", lambda _: None, "p.npy does not exist, expected a file of probabilities (.npy, .npz or .csv)"),
        ("p.npy", lambda p: p.mkdir(), "p.npy cannot be read (Is a directory), expected rows of numbers; save it again"),
        ("p.npy", csv(""), "p.npy cannot be read (No data left in file), expected rows of numbers; save it again"),
        ("p.npz", csv("PK\x03\x04"), "p.npz cannot be read (File is not a zip file), expected rows of numbers; save it again"),
        ("p.npz", lambda p: np.savez(p, a=PROBS, b=PROBS), "p.npz holds 'a', 'b', expected one array, or one named pred_probs"),
        ("p.csv", csv(""), "p.csv cannot be read (No columns to parse from file), expected rows of numbers; save it again"),
        ("p.csv", csv("0.5,0.5\n1,2,3\n"), "p.csv cannot be read (Error tokenizing data. C error: Expected 2 fields in line 2, saw 3), expected rows of numbers; save it again"),
        ("p.csv", lambda p: p.write_bytes(b"\xff\xfe\x00"), "p.csv cannot be read ('utf-8' codec can't decode byte 0xff in position 0: invalid start byte), expected rows of numbers; save it again"),
    ],
)  # fmt: skip
def test_files_that_cannot_be_read_are_refused(tmp_path, monkeypatch, name, make, message):
    from pathlib import Path

    monkeypatch.chdir(tmp_path)
    make(Path(name))
    with pytest.raises(audit.DataError) as caught:
        read_probabilities(Path(name))
    assert str(caught.value) == message


def test_archives_and_arrays_with_the_wrong_ending_are_refused(tmp_path):
    for ending, other in ((".npy", "npz"), (".npz", "npy")):
        path = tmp_path / f"p{ending}"
        with path.open("wb") as file:
            (np.savez if other == "npz" else np.save)(file, PROBS)
        with pytest.raises(audit.DataError, match=rf"expected .* give it the ending \.{other}$"):
            read_probabilities(path)


def test_python_objects_are_not_unpickled(tmp_path):
    np.save(tmp_path / "p.npy", np.array([[1], [2, 3]], dtype=object), allow_pickle=True)
    with pytest.raises(audit.DataError, match=r"cannot be read .*expected rows of numbers; save it again"):
        read_probabilities(tmp_path / "p.npy")

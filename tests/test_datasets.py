import hashlib

import numpy as np
import pytest
from conftest import striped_images
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import audit
from audit import datasets
from audit.config import Config
from audit.datasets import bundled
from audit.types import LabeledDataset


def refused(X, y):
    with pytest.raises(audit.DataError) as caught:
        datasets.from_arrays(X, y)
    message = str(caught.value)
    assert "\n" not in message
    return message


images = np.zeros((6, 8, 8), dtype=np.uint8)
labels = np.array([0, 1, 0, 1, 0, 1])


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (images, labels[:5], "y has 5 entries but X has 6 rows; there must be one label for each image, in the same order"),
        (images[0], labels, "X has shape (8, 8), expected (n, h, w), (n, h, w, c) or (n, c, h, w); reshape it, for example X.reshape(-1, height, width)"),
        (np.zeros((6, 784)), labels, "X has shape (6, 784), expected (n, h, w), (n, h, w, c) or (n, c, h, w); reshape it, for example X.reshape(-1, height, width)"),
        (np.zeros((6, 8, 8, 5)), labels, "X has shape (6, 8, 8, 5), expected (n, h, w), (n, h, w, c) or (n, c, h, w); the channels (1, 3 or 4) must be its last or its second axis"),
        (np.zeros((6, 4, 4)), labels, "X holds images of 4 x 4 pixels (shape (6, 4, 4)), expected 8 x 8 or more; scale them up, or reshape X if this is not (n, h, w)"),
        (images[:0], labels[:0], "X has no rows (shape (0, 8, 8)); there is nothing to audit"),
        (np.where(np.arange(6)[:, None, None] == 2, np.nan, images), labels, "X has NaN or infinite pixels, first in row 2; expected finite numbers; leave out such rows or use numpy.nan_to_num"),
        (np.array([images[0], images[0, :4]] * 3, dtype=object), labels, "X has dtype object, expected numbers (uint8 or float): images of different sizes or Python objects do not form an array; bring them to one size and use numpy.stack"),
        (images, np.zeros(6, int), "y must hold two classes or more, found only '0'; there is nothing to confuse"),
        (images, labels.astype(float), "y has dtype float64, expected integers or strings; if these are class numbers, use y.astype(int)"),
        (images, labels + 0.5, "y has dtype float64, expected integers or strings; these look like measurements: an audit needs classes, not a regression target"),
        (images, np.array([0, 1, np.nan, 1, 0, np.nan]), "y has dtype float64, expected integers or strings; 2 of them are NaN or infinite, first in row 2: drop those rows first"),
        (images, np.array(["a", None] * 3, dtype=object), "y is an array of Python objects, expected integers or strings; convert it: y.astype(str) or y.astype(int)"),
        (images, np.eye(6), "y has shape (6, 6), expected (n,): one label for each image"),
        (images, np.array([b"a", b"b"] * 3), "y has dtype |S1, expected integers or strings; use y.astype(str)"),
    ],
)  # fmt: skip
def test_what_cannot_be_audited_is_refused_in_one_line(X, y, message):
    assert refused(X, y) == message


@given(
    hnp.arrays(
        st.sampled_from([np.uint8, np.float32, np.int64, np.bool_, object, "U3", np.complex64]),
        hnp.array_shapes(max_dims=5, max_side=10),
    ),
    hnp.arrays(
        st.sampled_from([np.int64, np.float64, np.bool_, object, "U3", "S2", "M8[s]"]),
        hnp.array_shapes(max_dims=2),
    ),
)
@settings(max_examples=300)
def test_any_arrays_are_audited_or_refused_never_a_traceback(X, y):
    try:
        dataset = datasets.from_arrays(X, y)
    except audit.AuditError as error:
        assert "\n" not in str(error)
    else:
        assert isinstance(dataset, LabeledDataset)


@pytest.mark.parametrize(
    "shape", [(20, 8, 9), (20, 8, 9, 1), (20, 8, 9, 3), (20, 3, 8, 9), (20, 1, 8, 9), (20, 9, 8, 4)]
)
def test_channels_first_last_and_none_become_one_form(shape):
    X = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    dataset = datasets.from_arrays(X, np.arange(20) % 2)
    n, h, w, c = dataset.images.shape
    assert (n, c) == (20, 1 if len(shape) == 3 else shape[1] if shape[1] in (1, 3) else shape[3])
    assert {h, w} == {8, 9}
    assert np.shares_memory(dataset.images, X)


def test_labels_of_any_kind_become_numbers_with_names():
    names = np.array(["zwei", "eins", "Ω", "eins", "zwei", "Ω"])
    dataset = datasets.from_arrays(images, names)
    assert dataset.class_names == ("eins", "zwei", "Ω")
    assert [dataset.class_names[label] for label in dataset.labels] == list(names)
    assert datasets.from_arrays(images, np.array([-5, 7] * 3)).class_names == ("-5", "7")


def test_the_fingerprint_sees_pixels_labels_and_names():
    def fingerprint(X, y):
        return datasets.from_arrays(X, y).fingerprint

    changed = images.copy()
    changed[3, 2, 1] = 1
    prints = [
        fingerprint(images, labels),
        fingerprint(changed, labels),
        fingerprint(images, 1 - labels),
        fingerprint(images, labels + 1),
    ]
    assert len(set(prints)) == 4
    assert fingerprint(images.copy(), labels.copy()) == prints[0]


def test_all_of_mnist_ships_as_published():
    dataset = datasets.load(Config())
    assert dataset.images.shape == (70_000, 28, 28, 1)
    assert dataset.images.dtype == np.uint8
    published = "6bbc9ace898e44ae57da46a324031adb"
    header = np.array([2051, 60_000, 28, 28], ">i4").tobytes()
    body = np.ascontiguousarray(dataset.images[:60_000]).tobytes()
    assert hashlib.md5(header + body, usedforsecurity=False).hexdigest() == published
    assert np.bincount(dataset.labels).tolist() == [
        6903,
        7877,
        6990,
        7141,
        6824,
        6313,
        6876,
        7293,
        6825,
        6958,
    ]


def test_parts_of_mnist_keep_their_row_numbers():
    train, test = (datasets.load(Config(data=f"mnist:{part}")) for part in ("train", "test"))
    assert (len(train.labels), len(test.labels)) == (60_000, 10_000)
    assert (train.ids[0], test.ids[0], test.ids[-1]) == (0, 60_000, 69_999)


def test_a_damaged_bundle_is_refused_with_the_remedy(tmp_path, monkeypatch):
    damaged = tmp_path / "mnist.npz"
    damaged.write_bytes(bundled.MNIST_FILE.read_bytes()[:-1] + b"x")
    monkeypatch.setattr(bundled, "MNIST_FILE", damaged)
    with pytest.raises(
        audit.DataError, match=r"is damaged: expected sha256 262c.*pip install --force-reinstall"
    ):
        datasets.load(Config())
    damaged.unlink()
    with pytest.raises(audit.DataError, match=r"cannot be read \(No such file or directory\)"):
        datasets.load(Config())


@given(st.integers(10, 1797), st.integers(0, 5))
@settings(max_examples=20, deadline=None)
def test_a_limit_keeps_the_share_of_every_class(limit, seed):
    whole, part = (
        datasets.load(Config(data="digits")),
        datasets.load(Config(data="digits", limit=limit, seed=seed)),
    )
    assert len(part.labels) == limit
    wanted = np.bincount(whole.labels) * limit / len(whole.labels)
    assert (np.abs(np.bincount(part.labels, minlength=10) - wanted) < 1).all()
    assert (whole.labels[part.ids] == part.labels).all()
    assert (np.diff(part.ids) > 0).all()


def test_files_give_the_same_data_as_arrays(tmp_path):
    X, y = striped_images(30)
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", y.astype(str))
    np.savez(tmp_path / "both.npz", images=X, labels=y)
    expected = datasets.from_arrays(X, y.astype(str)).fingerprint
    pair = datasets.load(Config(X=tmp_path / "X.npy", y=tmp_path / "y.npy"))
    assert pair.fingerprint == expected
    assert isinstance(pair.images, np.memmap)
    assert datasets.load(Config(data=str(tmp_path / "both.npz"))).fingerprint == expected


def save_object_array(path):
    np.save(path / "X.npy", np.array([[1], [2, 3]], dtype=object), allow_pickle=True)


@pytest.mark.parametrize(
    ("make", "config", "message"),
    [
        (lambda _: None, {"data": "nothing"}, "'nothing' is no data set: expected mnist"),
        (lambda _: None, {"data": "none.npz"}, "none.npz does not exist"),
        (lambda p: np.savez(p / "a.npz", foo=1), {"data": "a.npz"}, "a.npz holds foo; expected arrays named X and y or"),
        (lambda p: (p / "a.npz").write_text("no"), {"data": "a.npz"}, "a.npz is not a plain array"),
        (lambda p: (p / "a.npz").mkdir(), {"data": "a.npz"}, "a.npz cannot be read as a NumPy file"),
        (save_object_array, {"X": "X.npy", "y": "X.npy"}, "X.npy is not a plain array: it holds Python objects"),
        (lambda p: np.savez(p / "X.npy.npz", X=1), {"X": "X.npy.npz", "y": "y"}, "is an .npz archive, expected one .npy"),
    ],
)  # fmt: skip
def test_files_that_cannot_be_read_are_refused(tmp_path, monkeypatch, make, config, message):
    monkeypatch.chdir(tmp_path)
    make(tmp_path)
    settings = Config.from_json({**config})
    with pytest.raises(audit.DataError) as caught:
        datasets.load(settings)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)

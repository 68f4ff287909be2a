import hashlib
from decimal import Decimal

import numpy as np
import pytest
from conftest import striped_images
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import audit
from audit import datasets
from audit.datasets.source import Source
from audit.datasets.sources import bundled
from audit.datasets.validation import Selection, validate
from audit.settings.detect import Config
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
        (images, labels[:5], "y has 5 entries but X has 6 rows; there must be one label for each row, in the same order"),
        (np.zeros(6), labels, "X has shape (6,), expected images (n, h, w), (n, h, w, c) or (n, c, h, w), or features (n, d); reshape it"),
        (np.zeros((6, 8, 8, 5)), labels, "X has shape (6, 8, 8, 5), expected images (n, h, w), (n, h, w, c) or (n, c, h, w), or features (n, d); the channels (1, 3 or 4) must be its last or its second axis"),
        (np.zeros((6, 4, 4)), labels, "X holds images of 4 x 4 pixels (shape (6, 4, 4)), expected 8 x 8 or more; scale them up, or give numbers that are not pixels as features (n, d)"),
        (images[:0], labels[:0], "X has no rows (shape (0, 8, 8)); there is nothing to audit"),
        (np.zeros((6, 0)), labels, "X has no columns (shape (6, 0)), expected features (n, d), d from 1 up"),
        (np.where(np.arange(6)[:, None, None] == 2, np.nan, images), labels, "X has NaN or infinite pixels, first in row 2; expected finite numbers; leave out such rows or use numpy.nan_to_num"),
        (np.where(np.arange(6)[:, None] == 2, np.inf, np.zeros((6, 3))), labels, "X has infinite values, first in row 2; expected finite numbers or NaN for a missing one; replace them or leave out such rows"),
        (np.array([images[0], images[0, :4]] * 3, dtype=object), labels, "X has dtype object, expected numbers (uint8 or float): images of different sizes or Python objects do not form an array; bring them to one size and use numpy.stack"),
        (images, np.array([0, 0, 0, 0, 0, 1]), "y has only one example in 1 of 2 classes, such as '1'; expected two or more in each, because the models that judge an example learn its class from others; leave such classes out with --min-class-size 2, or add examples"),
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
@example(np.zeros((2, 3)), np.array([Decimal("sNaN"), Decimal("NaN")], dtype=object))
@example(np.zeros((2, 3)), np.array([[Decimal("sNaN"), 1], [0, 1]], dtype=object))
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
    n, h, w, c = dataset.X.shape
    assert (n, c) == (20, 1 if len(shape) == 3 else shape[1] if shape[1] in (1, 3) else shape[3])
    assert {h, w} == {8, 9}
    assert np.shares_memory(dataset.X, X)


def test_rows_without_a_label_are_set_apart():
    X = np.arange(6 * 64).reshape(6, 8, 8)
    dataset = datasets.from_arrays(X, ["a", None, "b", "a", "", "b"])
    assert dataset.class_names == ("a", "b")
    assert dataset.ids.tolist() == dataset.rows.tolist() == [0, 2, 3, 5]
    assert (dataset.X[..., 0] == X[[0, 2, 3, 5]]).all()
    assert dataset.unlabelled.ids.tolist() == [1, 4]
    assert (dataset.unlabelled.X[..., 0] == X[[1, 4]]).all()
    assert "2 of 6 rows have no label" in dataset.notes[0]
    assert datasets.from_arrays(X, ["a", "a", "b", "a", "b", "b"]).unlabelled is None


@given(st.lists(st.integers(0, 5), min_size=2, max_size=60), st.integers(2, 5))
def test_small_classes_are_left_out_and_named(codes, least):
    y = np.array(codes)
    X = np.zeros((len(y), 8, 8))
    counts = np.bincount(y)
    large = np.flatnonzero(counts >= least)
    config = Config.of(min_class_size=least)
    if len(large) < 2:
        with pytest.raises(audit.DataError):
            datasets.from_arrays(X, y, config=config)
        return
    dataset = datasets.from_arrays(X, y, config=config)
    assert dataset.class_names == tuple(map(str, large))
    assert (large[dataset.labels] == y[dataset.rows]).all()
    assert len(dataset.rows) == counts[large].sum()
    small = [str(i) for i in np.flatnonzero((counts > 0) & (counts < least))]
    assert bool(small) == bool(dataset.notes)


class OnlyTheseRows:
    """Notes which rows are read."""

    def __init__(self, X):
        self.X, self.shape, self.dtype, self.read = X, X.shape, X.dtype, []

    def __len__(self):
        return len(self.X)

    def __getitem__(self, rows):
        self.read.extend(np.asarray(rows).tolist())
        return self.X[rows]


def test_only_the_sample_is_read():
    X = OnlyTheseRows(np.random.default_rng(0).integers(0, 255, (500, 8, 8)).astype(np.uint8))
    source = Source(name="lazy", X=X, y=np.arange(500) % 3)
    dataset = validate(source, Selection(limit=30))
    assert sorted(X.read) == dataset.rows.tolist()
    assert len(X.read) == 30
    assert np.bincount(dataset.labels).tolist() == [10, 10, 10]


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
    assert dataset.X.shape == (70_000, 28, 28, 1)
    assert dataset.X.dtype == np.uint8
    published = "6bbc9ace898e44ae57da46a324031adb"
    header = np.array([2051, 60_000, 28, 28], ">i4").tobytes()
    body = np.ascontiguousarray(dataset.X[:60_000]).tobytes()
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
    train, test = (datasets.load(Config.of(data=f"mnist:{part}")) for part in ("train", "test"))
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


@given(st.integers(20, 1797), st.integers(0, 5))
@settings(max_examples=20, deadline=None)
def test_a_limit_keeps_the_share_of_every_class(limit, seed):
    whole, part = (
        datasets.load(Config.of(data="digits")),
        datasets.load(Config.of(data="digits", limit=limit, seed=seed)),
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
    pair = datasets.load(Config.of(X=tmp_path / "X.npy", y=tmp_path / "y.npy"))
    assert pair.fingerprint == expected
    assert isinstance(pair.X, np.memmap)
    assert datasets.load(Config.of(data=str(tmp_path / "both.npz"))).fingerprint == expected


def save_archive_and_labels(folder):
    np.savez(folder / "X.npz", X=1)
    np.save(folder / "y.npy", [0, 1])


def save_object_array(path):
    np.save(path / "X.npy", np.array([[1], [2, 3]], dtype=object), allow_pickle=True)


@pytest.mark.parametrize(
    ("make", "config", "message"),
    [
        (lambda _: None, {"data": "nothing"}, "'nothing' is not a data set: expected mnist"),
        (lambda _: None, {"data": "none.npz"}, "none.npz does not exist"),
        (lambda p: np.savez(p / "a.npz", foo=1), {"data": "a.npz"}, "a.npz holds foo, expected two arrays called X and y, "),
        (lambda p: (p / "a.npz").write_text("no"), {"data": "a.npz"}, "a.npz is not a plain array"),
        (lambda p: (p / "a.npz").mkdir(), {"data": "a.npz"}, "a.npz has 0 images in 0 subfolders and 0 beside them, expected a subfolder of images"),
        (save_object_array, {"X": "X.npy", "y": "X.npy"}, "X.npy is not a plain array: it holds Python objects"),
        (save_archive_and_labels, {"X": "X.npz", "y": "y.npy"}, "is an .npz archive, expected one .npy"),
    ],
)  # fmt: skip
def test_files_that_cannot_be_read_are_refused(tmp_path, monkeypatch, make, config, message):
    monkeypatch.chdir(tmp_path)
    make(tmp_path)
    settings = Config.of(**config)
    with pytest.raises(audit.DataError) as caught:
        datasets.load(settings)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.integers(0, 99), st.sampled_from([2, 3, 4]), st.sampled_from(["C", "F"]))
@settings(max_examples=20)
def test_a_sample_of_a_mapped_file_is_that_of_the_array(tmp_path_factory, seed, axes, order):
    rng = np.random.default_rng(seed)
    X = np.asarray(rng.integers(0, 255, (3000, 8, 9, 3)[:axes]), order=order)
    y = rng.integers(0, 3, 3000)
    path = tmp_path_factory.mktemp("map") / "X.npy"
    np.save(path, X)
    config = Config.of(limit=2500, seed=seed)
    mapped = datasets.from_arrays(np.load(path, mmap_mode="r"), y, config=config)
    assert mapped.fingerprint == datasets.from_arrays(X, y, config=config).fingerprint
    part = datasets.from_arrays(np.load(path, mmap_mode="r")[200:], y[200:], config=config)
    assert part.fingerprint == datasets.from_arrays(X[200:], y[200:], config=config).fingerprint

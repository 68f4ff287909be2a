"""Neighbours of the cards: of the class that is asked for, agreeing, nearest, and few are read."""

import numpy as np
from conftest import striped_images
from hypothesis import given
from hypothesis import strategies as st

from audit.report import neighbours
from audit.report.neighbours import nearest_images


@given(seed=st.integers(0, 99), n=st.integers(4, 40), k=st.integers(1, 5), m=st.integers(0, 4))
def test_a_neighbour_agrees_is_of_its_class_and_none_of_the_rows(seed, n, k, m):
    rng = np.random.default_rng(seed)
    X, labels = rng.integers(0, 256, (n, 9, 10, 3)).astype(np.uint8), rng.integers(0, k, n)
    agreeing, rows = rng.random(n) < 0.6, rng.permutation(n)[:m]
    classes = rng.integers(0, k, (m, 2))
    found = nearest_images(X, labels, agreeing, rows, classes)
    for (i, j), row in np.ndenumerate(found):
        free = [r for r in range(n) if agreeing[r] and labels[r] == classes[i, j] and r not in rows]
        assert row in free if free else row == -1


@given(seed=st.integers(0, 99))
def test_it_is_the_nearest_by_a_plain_loop(seed):
    rng = np.random.default_rng(seed)
    X, labels = rng.random((30, 8, 8, 1)), np.arange(30) % 2
    found = nearest_images(X, labels, np.ones(30, bool), np.array([3]), np.array([[0, 1]]))
    flat = X.reshape(30, -1)
    likeness = [np.corrcoef(flat[3], each)[0, 1] for each in flat]
    for label, row in enumerate(found[0]):
        assert row == max((r for r in range(30) if r != 3 and labels[r] == label), key=lambda r: likeness[r])


def test_brightness_and_contrast_do_not_count():
    X, labels = striped_images(60, classes=2, dtype=np.float64)
    X[0] = 0.5 * X[7] + 90
    found = nearest_images(X, labels, np.ones(60, bool), np.array([0]), labels[[7]][None])
    assert found.tolist() == [[7]]


def test_few_of_many_large_images_are_read(monkeypatch):
    class Counted:
        shape, reads = (500, 64, 64, 3), 0

        def __getitem__(self, rows):
            Counted.reads += np.arange(500)[rows].size
            return np.zeros((*np.arange(500)[rows].shape, 64, 64, 3), np.uint8)

    labels = np.arange(500) % 4
    monkeypatch.setattr(neighbours, "MOST_BYTES", 4 * 20 * 64 * 64 * 3)
    nearest_images(Counted(), labels, np.ones(500, bool), np.arange(3), np.array([[0, 1], [1, 2], [2, 3]]))
    assert Counted.reads <= 1 + 3 + 4 * 20


def test_long_thin_images_and_flat_ones_are_no_trouble():
    for shape in ((12, 8, 500, 1), (12, 200, 8, 3)):
        X = np.zeros(shape, np.uint8)
        found = nearest_images(X, np.arange(12) % 2, np.ones(12, bool), np.array([0]), np.array([[0, 1]]))
        assert (found > 0).all()

import numpy as np
import pytest
from conftest import striped_images
from hypothesis import given
from hypothesis import strategies as st

from audit.datasets import lazy_rows
from audit.training import models
from audit.training.models import batches
from audit.types import Recipe, Training


@given(st.lists(st.integers(0, 19), min_size=1, max_size=30), st.data())
def test_some_rows_are_the_rows(rows, data):
    X = np.arange(20 * 6).reshape(20, 2, 3)
    some = lazy_rows.LazyRows(X, np.array(rows))
    assert (len(some), some.shape, some.dtype, some.ndim) == (len(rows), (len(rows), 2, 3), X.dtype, 3)
    part = data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=1))
    assert (some[np.array(part)] == X[rows][part]).all()
    assert (some[1:] == X[rows][1:]).all()


VIEWS = {  # of a mapped file, of which not all can be asked for ahead
    "whole": lambda X: X,
    "with channels": lambda X: X[..., np.newaxis],
    "from the third row": lambda X: X[3:],
    "every second row": lambda X: X[::2],
    "channels last": lambda X: np.moveaxis(X, 1, -1),
    "copied when written to": lambda X: np.memmap(X.filename, X.dtype, "c", X.offset, X.shape),
    "in memory": np.array,
}


@pytest.mark.parametrize("view", VIEWS)
def test_rows_of_a_mapped_file_are_the_rows(tmp_path, view):
    np.save(tmp_path / "X.npy", np.arange(40 * 3 * 700, dtype=np.int16).reshape(40, 3, 700))
    X = VIEWS[view](np.load(tmp_path / "X.npy", mmap_mode="r"))
    rows = np.array([11, 2, 2, len(X) - 1])
    found = lazy_rows.read_rows(X, rows)
    assert (found == np.array(X)[rows]).all()
    assert not isinstance(found, np.memmap)


@pytest.fixture
def on_disk(tmp_path):
    X, y = striped_images(200, side=20, channels=3)
    np.save(tmp_path / "X.npy", X)
    return np.load(tmp_path / "X.npy", mmap_mode="r"), X, y


def test_only_large_files_are_read_lazily(on_disk, monkeypatch):
    mapped, X, _ = on_disk
    rows = np.arange(10)
    assert isinstance(lazy_rows.lazy_rows(mapped, rows, lazily=True), np.ndarray)
    monkeypatch.setattr(lazy_rows, "LAZY_BYTES", 1000)
    assert isinstance(lazy_rows.lazy_rows(mapped, rows, lazily=True), lazy_rows.LazyRows)
    assert isinstance(lazy_rows.lazy_rows(mapped, rows, lazily=False), np.ndarray)
    assert isinstance(lazy_rows.lazy_rows(X, rows, lazily=True), np.ndarray)


@pytest.mark.parametrize("room", [0, 1 << 30])
def test_the_network_says_the_same_of_rows_that_are_read_lazily(on_disk, room, monkeypatch):
    monkeypatch.setattr(batches, "room", lambda _: room)
    monkeypatch.setattr(batches, "MOVED_BYTES", 5000)
    mapped, X, y = on_disk
    rows = np.arange(150)

    def probs(examples):
        task = Training((150, 20, 20, 3), 4, 0, Recipe(epochs=1, views=3), 1, "cpu", lambda _: None)
        model = models.NamedBuilder(models.BUILDERS["cnn"])(task).fit(examples, y[rows])
        return model.predict_proba(examples)

    assert probs(lazy_rows.LazyRows(mapped, rows)).tobytes() == probs(X[rows]).tobytes()

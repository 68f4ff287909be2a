"""Audits whose models read features of the examples."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import striped_images
from PIL import Image

import audit
from audit.errors import DataError
from audit.events import Silent
from audit.pipeline import embedding

X, y = striped_images(120, channels=3)
QUICK = {"preset": "fast", "folds": 3, "noise": 0.1}


def rows_and_columns(images):
    """Row and column sums of images, of their pixels alone."""
    images = np.asarray(images, np.float32)
    return np.concatenate([images.sum(axis=(2, 3)), images.sum(axis=(1, 3))], axis=1)


def content(folder):
    """The bytes of what an audit computed, by file."""
    names = ("labels.npz", "pred_probs.npy", "suspects.npz", "issues.npz", "thumbnails.npz")
    return {name: (Path(folder) / name).read_bytes() for name in names}


@pytest.fixture
def small_files(monkeypatch):
    """A file of features for each batch."""
    monkeypatch.setattr(embedding, "STORED_BATCHES", 1)


class Counted:
    """A function that fails at one of its calls, and counts them."""

    def __init__(self, fails=None):
        self.calls, self.fails = 0, fails

    def __call__(self, images):
        self.calls += 1
        if self.calls == self.fails:
            raise KeyboardInterrupt
        return rows_and_columns(images)


def test_a_stopped_embedding_resumes_and_ends_with_the_same_bytes(tmp_path, small_files):
    audit.detect(X, y, embed=Counted(), out=tmp_path / "whole", **QUICK)
    stopped = Counted(fails=4)  # the first call tries the function
    with pytest.raises(KeyboardInterrupt):
        audit.detect(X, y, embed=stopped, out=tmp_path / "run", **QUICK)
    assert len(list((tmp_path / "run/embedding").iterdir())) == 2
    again = Counted()
    audit.detect(X, y, embed=again, out=tmp_path / "run", **QUICK)
    assert again.calls == 1 + 2  # of four batches, two were kept
    assert content(tmp_path / "run") == content(tmp_path / "whole")
    finished = Counted()
    audit.detect(X, y, embed=finished, out=tmp_path / "run", **QUICK)
    assert finished.calls == 1


def test_features_of_another_function_or_of_other_data_are_not_used_again(tmp_path, small_files):
    audit.detect(X, y, embed=Counted(), out=tmp_path / "run", **QUICK)

    class Scaled(Counted):
        __qualname__ = Counted.__qualname__

        def __call__(self, images):
            return super().__call__(images) * 2

    scaled, moved = Scaled(), Counted()
    audit.detect(X, y, embed=scaled, out=tmp_path / "run", **QUICK)
    assert scaled.calls == 5
    audit.detect(X[::-1], y[::-1], embed=moved, out=tmp_path / "run", **QUICK)
    assert moved.calls == 5


def test_a_damaged_file_of_features_is_made_again(tmp_path, small_files):
    audit.detect(X, y, embed=Counted(), out=tmp_path / "run", **QUICK)
    before = content(tmp_path / "run")
    (tmp_path / "run/embedding/rows-1.npz").write_bytes(b"damage")
    again = Counted()
    audit.detect(X, y, embed=again, out=tmp_path / "run", **QUICK)
    assert again.calls == 2
    assert content(tmp_path / "run") == before


def test_ready_features_a_function_and_a_file_say_the_same(tmp_path, run_audit):
    features = rows_and_columns(X)
    by_function = audit.detect(X, y, embed=rows_and_columns, **QUICK).record
    ready = audit.detect(X, y, embed=features, **QUICK).record
    assert (by_function.probs.pred_probs == ready.probs.pred_probs).all()
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", y)
    np.save(tmp_path / "f.npy", features)
    (tmp_path / "mine_too.py").write_text(
        "import numpy as np\n\n\ndef embed(images):\n    images = np.asarray(images, np.float32)\n"
        "    return np.concatenate([images.sum(axis=(2, 3)), images.sum(axis=(1, 3))], axis=1)\n"
    )
    data = ["--X", "X.npy", "--y", "y.npy", "--preset", "fast", "--folds", "3", "--noise", "0.1"]
    for embed, out in (("f.npy", "a"), ("mine_too:embed", "b")):
        run_audit("detect", *data, "--embed", embed, "--out", out, check=0)
        record = audit.load_run(tmp_path / out).record
        assert (record.probs.pred_probs == ready.probs.pred_probs).all()
        assert "models read 24 features of each example" in " ".join(record.data["notes"])
    assert run_audit("detect", *data, "--embed", "f.npy", "--dry-run", check=0).returncode == 0


def test_what_is_shown_counted_and_hashed_are_the_examples():
    copies = np.concatenate([X, X[:5]])
    labels = np.concatenate([y, (y[:5] + 1) % 4])
    plain = audit.detect(copies, labels, model="linear", **QUICK).record
    embedded = audit.detect(copies, labels, embed=rows_and_columns, **QUICK).record
    assert (plain.hashes == embedded.hashes).all()
    assert embedded.data["shape"] == plain.data["shape"]
    assert set(range(120, 125)) <= set(embedded.conflicts.rows.tolist())
    assert embedded.thumbnails.images.shape[1:] == (12, 12, 3)
    assert (embedded.thumbnails.nearest >= 0).any()
    assert embedded.kinds is not None
    assert embedded.probs.features is not None


def test_texts_parts_groups_order_limits_and_missing_labels_go_on_working():
    texts = pd.Series([f"text number {i} of class {label}" for i, label in enumerate(y)])
    labels = pd.Series(y).astype(object).where(np.arange(120) % 10 != 3, None)

    def read(some):
        assert all(isinstance(text, str) for text in some)
        return np.array([[len(text), ord(text[-1]), text.count("1")] for text in some], float)

    run = audit.detect(
        texts.tolist(), labels, embed=read, groups=np.arange(120) // 2, split=np.arange(120) % 2, **QUICK
    )
    assert len(run.unlabelled) == 12
    assert (run.unlabelled["suggested"].astype(int).to_numpy() == y[3::10]).mean() > 0.8
    assert run.record.thumbnails.unusual[0][0].name == "text"
    limited = audit.detect(texts.tolist(), y, embed=read, limit=80, order=np.arange(120), **QUICK).record
    assert len(limited.labels.noisy) == 80
    features = np.random.default_rng(0).normal(size=(120, 3)).astype(np.float16)
    ready = audit.detect(texts.tolist(), labels, embed=features, limit=60, **QUICK)
    assert len(ready.unlabelled) == 12


def test_features_that_do_not_fit_the_rows_are_refused():
    for features, why in (
        (np.ones((119, 3)), "--embed has features of 119 rows but X has 120 rows"),
        (np.ones((120, 3, 3)), r"embed has shape \(120, 3, 3\), expected features"),
        (np.full((120, 2), np.inf), "embed has infinite values"),
        (np.full((120, 2), "a"), "embed has dtype"),
    ):
        with pytest.raises(DataError, match=why):
            audit.detect(X, y, embed=features, **QUICK)


@pytest.fixture
def photos(tmp_path):
    """A folder of photos of two classes and of very different sizes, one in grey of 16 bits."""
    rng = np.random.default_rng(0)
    for i in range(24):
        side = int(rng.integers(200, 900))
        pixels = np.zeros((side, 2 * side // 3, 3), np.uint8)
        pixels[: side // 2, :, i % 2] = 200
        path = tmp_path / "photos" / "ab"[i % 2] / f"{i}.{'png' if i % 3 else 'jpg'}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    Image.fromarray(np.full((300, 200), 40_000, np.uint16)).save(tmp_path / "photos/a/deep.png")
    return tmp_path / "photos"


SEEN = """
import numpy as np


def embed(images):
    assert all(image.dtype == np.uint8 and image.shape[2] == 3 for image in images)
    assert all(130 < min(image.shape[:2]) < 600 for image in images)
    return np.array([image.mean(axis=(0, 1)) for image in images])
"""


def test_photos_of_all_sizes_are_embedded_from_their_files(photos, run_audit):
    (photos.parent / "seen.py").write_text(SEEN)
    arguments = [
        "detect",
        "photos",
        "--embed",
        "seen:embed",
        "--folds",
        "2",
        "--preset",
        "fast",
        "--out",
        "r",
    ]
    run_audit(*arguments, check=0)
    record = audit.load_run(photos.parent / "r").record
    assert (record.probs.pred_probs.argmax(axis=1) == record.labels.original).mean() > 0.9
    assert max(record.data["shape"][1:3]) <= 64
    shutil.copy(photos / "b/1.png", photos / "b/3.png")
    assert "reusing" not in run_audit(*arguments, check=0).stderr


def test_a_listener_hears_how_many_examples_are_embedded():
    heard = []

    class Listener(Silent):
        def counted(self, what, done, total):
            if what == "embedding":
                heard.append((done, total))

    audit.detect(X, y, embed=rows_and_columns, listener=Listener(), **QUICK)
    assert heard == [(32, 120), (64, 120), (96, 120), (120, 120)]

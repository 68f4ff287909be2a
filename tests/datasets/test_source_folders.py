import os

import numpy as np
import pytest
from conftest import posix
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import audit
from audit.datasets.sources import folders
from audit.datasets.sources.folders import LEAST_SIDE, LONGEST_SIDE, image_files, load_tree
from audit.events import Silent
from audit.settings.data import DataSettings

MOVE = (
    "expected a subfolder of images for each of two or more classes, or IDX files; "
    "move the images into folders named by their class; texts go into a table of texts and labels"
)


def grey(value=0, size=(20, 20)):
    return Image.new("L", size, value)


def write(folder, images):
    for name, image in images.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(image) if isinstance(image, bytes) else image.save(path)
    return folder


def two_classes(folder):
    return write(folder, {f"{c}/{i}.png": grey(60 * i) for c in "ab" for i in range(2)})


def tree(folder, *, skip_broken=False):
    return load_tree(folder, DataSettings(skip_broken=skip_broken), Silent())


def refused(folder, **options):
    with pytest.raises(audit.DataError) as caught:
        tree(folder, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@given(st.lists(st.tuples(st.integers(1, 300), st.integers(1, 300)), min_size=2, max_size=6))
@settings(max_examples=25)
def test_images_of_any_sizes_become_one_that_the_audit_takes(tmp_path_factory, sizes):
    folder = tmp_path_factory.mktemp("tree")
    source = tree(write(folder, {f"{'ab'[i % 2]}/{i}.png": grey(200, size) for i, size in enumerate(sizes)}))
    height, width = source.X.shape[1:3]
    assert LEAST_SIDE <= min(height, width) <= max(height, width) <= LONGEST_SIDE
    assert set(np.unique(source.X)) <= {0, 200}  # black beside the image, nothing else
    assert (source.X == 200).any(axis=(1, 2, 3)).all()
    assert bool(source.notes) == (set(sizes) != {(width, height)})


@posix
def test_classes_behind_links_are_read_and_loops_end(tmp_path):
    outside = write(tmp_path / "outside", {"1.png": grey(), "deep/2.png": grey()})
    folder = two_classes(tmp_path / "tree")
    (folder / "c").symlink_to(outside)
    (folder / "a" / "up").symlink_to(folder)
    (folder / "b" / "higher").symlink_to(tmp_path)
    (outside / "again").symlink_to(outside)
    source = tree(folder)
    assert source.ids.tolist() == ["a/0.png", "a/1.png", "b/0.png", "b/1.png", "c/1.png", "c/deep/2.png"]
    assert source.y.tolist() == list("aabbcc")


@posix
def test_a_dead_link_is_a_broken_image(tmp_path):
    two_classes(tmp_path)
    (tmp_path / "a" / "dead.png").symlink_to(tmp_path / "nowhere")
    assert refused(tmp_path) == (
        f"1 of 5 files cannot be read as images, first {tmp_path / 'a' / 'dead.png'} ([Errno 2] No such file or "
        "directory: 'dead.png'); fix them, or leave them out with --skip-broken"
    )
    assert tree(tmp_path, skip_broken=True).notes == ("1 broken images left out: a/dead.png",)


def test_reading_tells_how_far_it_is(tmp_path, monkeypatch):
    class Reader(Silent):
        def __init__(self):
            self.seen = []

        def counted(self, what, done, total):
            assert what == "reading files"
            self.seen.append((done, total))

    monkeypatch.setattr(folders, "READ_AT_ONCE", 3)
    two_classes(tmp_path)
    reader = Reader()
    source = load_tree(tmp_path, DataSettings(), reader)
    n = len(source.y)
    decoded, kept = reader.seen[:n], reader.seen[n:]
    assert decoded == [(done, n) for done in range(1, n + 1)]
    assert kept[-1] == (n, n)
    assert len(kept) == -(-n // 3)


def test_what_is_left_out_is_said(tmp_path):
    two_classes(tmp_path)
    write(tmp_path, {"loose.png": grey(), "a/x.txt": b"text", "b/y.txt": b"text", "empty/z.txt": b"text"})
    (tmp_path / ".hidden").mkdir()
    assert tree(tmp_path).notes == (
        "1 images outside the folders of classes left out",
        "1 subfolders without images left out: empty",
        "3 files that are not images left out",
    )


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ([], "0 images in 0 subfolders and 0 beside them"),
        (["a.png", "b.png"], "0 images in 0 subfolders and 2 beside them"),
        (["a/a.png", "a/b.png"], "2 images in 1 subfolder and 0 beside them"),
    ],
)
def test_fewer_than_two_classes_are_refused(tmp_path, names, found):
    assert refused(write(tmp_path, {name: grey() for name in names})) == f"{tmp_path} has {found}, {MOVE}"


def test_folders_that_cannot_be_listed_are_refused(tmp_path, monkeypatch):
    missing = tmp_path / "none"
    assert refused(missing) == f"{missing} cannot be listed (No such file or directory); make it readable"
    two_classes(tmp_path)
    scandir = os.scandir

    def locked(folder):
        if str(folder).endswith("b"):
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", locked)
    assert refused(tmp_path) == f"{tmp_path / 'b'} cannot be listed (Permission denied); make it readable"


def test_broken_images_are_named_five_at_most(tmp_path):
    write(two_classes(tmp_path), {f"a/x{i}.jpg": b"" for i in range(7)})
    assert refused(tmp_path) == (
        f"7 of 11 files cannot be read as images, first {tmp_path / 'a' / 'x0.jpg'} (cannot identify image file "
        "'x0.jpg'); fix them, or leave them out with --skip-broken"
    )
    source = tree(tmp_path, skip_broken=True)
    assert source.notes == ("7 broken images left out: a/x0.jpg, a/x1.jpg, a/x2.jpg, a/x3.jpg, a/x4.jpg, …",)
    assert source.y.tolist() == list("aabb")


def test_orientation_is_applied_and_missing_pixels_are_black(tmp_path):
    image = Image.new("RGB", (40, 20), "red")
    exif = image.getexif()
    exif[0x0112] = 6  # lies on its side
    for name in ("a/1.jpg", "b/1.jpg"):
        (tmp_path / name).parent.mkdir()
        image.save(tmp_path / name, exif=exif)
    assert tree(tmp_path).X.shape == (2, 40, 20, 3)
    lost = Image.fromarray(np.full((20, 20), np.nan, dtype=np.float32))
    other = tmp_path / "other"
    assert not tree(write(other, {"a/1.tif": lost, "b/1.tif": lost})).X.any()


def test_no_files_are_no_images(tmp_path):
    with pytest.raises(audit.DataError) as caught:
        image_files([], tmp_path, skip_broken=True, listener=Silent())
    assert str(caught.value) == f"{tmp_path} has no images to read (0 files); there is nothing to audit"

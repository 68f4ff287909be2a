import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import audit
from audit.datasets.sources.idx import TYPES, is_idx, is_idx_folder, load_idx_folder, load_idx_pair
from audit.events import Silent
from audit.settings.data import DataSettings

FASHION = Path("/usr/share/datasets/fashion-mnist")  # Debian's dataset-fashion-mnist
AGAIN = "get the file again"
CODES = {np.dtype(name).newbyteorder("="): code for code, name in TYPES.items()}


def idx_bytes(array):
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    start = bytes([0, 0, CODES[array.dtype], array.ndim])
    return start + sizes + array.astype(array.dtype.newbyteorder(">")).tobytes()


def write(path, content):
    path.write_bytes(content)
    return path


def loaded(load, path, **settings):
    """The source that a loader reads, under these settings."""
    return load(path, DataSettings(**settings), Silent())


def refused(load, path, **settings):
    with pytest.raises(audit.DataError) as caught:
        loaded(load, path, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


arrays = hnp.arrays(st.sampled_from(list(CODES)), hnp.array_shapes(max_dims=5, max_side=5, min_side=0))


@given(arrays, st.booleans())
def test_what_was_written_is_read_in_native_order(tmp_path_factory, array, packed):
    content = idx_bytes(array)
    path = write(tmp_path_factory.mktemp("idx") / "a-idx", gzip.compress(content) if packed else content)
    read = loaded(load_idx_pair, path, X=path, y=path).X
    assert read.dtype == array.dtype
    assert read.dtype.isnative
    np.testing.assert_array_equal(read, array)


@given(st.binary(max_size=60) | st.binary(max_size=40).map(lambda rest: b"\0\0\x08" + rest), st.booleans())
def test_any_bytes_are_read_or_refused_in_one_line(tmp_path_factory, content, packed):
    path = write(tmp_path_factory.mktemp("idx") / "a-idx", gzip.compress(content) if packed else content)
    try:
        loaded(load_idx_pair, path, X=path, y=path)
    except audit.DataError as error:
        assert "\n" not in str(error)


whole = gzip.compress(b"\0\0\x08\x01\0\0\0\x05abcde", mtime=0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not an IDX file: it begins with nothing, expected 00 00, a type from 08 to 0e and the number of axes"),
        (b"\0\0\x0a\x01\0\0\0\0", "is not an IDX file: it begins with 00 00 0a 01, expected 00 00, a type from 08 to 0e and the number of axes"),
        (b"\0\0\x08\xff" + b"\0\0\0\x01" * 255 + b"a", "is not an IDX file: it begins with 00 00 08 ff, expected 00 00, a type from 08 to 0e and the number of axes"),
        (b"\0\0\x08\x03\0\0\0\x05", "ends within its header, after 8 bytes"),
        (b"\0\0\x0c\x01\0\0\0\x05abc", "has 11 bytes unpacked, expected 28 for its shape (5,)"),
        (b"\0\0\x08\x01\0\0\0\x02abc", "has 11 bytes unpacked, expected 10 for its shape (2,)"),
        (whole[:-9], "cannot be read (Compressed file ended before the end-of-stream marker was reached)"),
        (whole + b"junk", "cannot be read (Not a gzipped file (b'ju'))"),
    ],
)  # fmt: skip
def test_a_damaged_file_says_what_is_wrong(tmp_path, content, message):
    path = write(tmp_path / "a-idx.gz", content)
    assert refused(load_idx_pair, path) == f"{path} {message}; {AGAIN}"


def test_a_file_that_is_not_there_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "none-idx"
    assert refused(load_idx_pair, path) == f"{path} does not exist (looked in {tmp_path}); check the path"
    assert refused(load_idx_pair, tmp_path) == (f"{tmp_path} cannot be read (Is a directory); {AGAIN}")
    assert not is_idx(path)


def parts(folder, which=("train", "t10k"), dot="-", end=""):
    pixels = np.arange(5 * 9 * 8, dtype=np.uint8).reshape(5, 9, 8)
    for part, rows in (("train", slice(3)), ("t10k", slice(3, 5))):
        if part in which:
            for what, array in (("images{}idx3", pixels), ("labels{}idx1", np.arange(5, dtype=np.uint8))):
                content = idx_bytes(array[rows])
                name = f"{part}-{what.format(dot)}-ubyte{end}"
                write(folder / name, gzip.compress(content) if end else content)
    return pixels


@pytest.mark.parametrize("end", ["", ".gz"])
@pytest.mark.parametrize("dot", ["-", "."])
@pytest.mark.parametrize(
    ("which", "rows"), [(("train", "t10k"), slice(5)), (("train",), slice(3)), (("t10k",), slice(3, 5))]
)
def test_a_folder_is_its_parts_under_any_of_their_names(tmp_path, which, rows, dot, end):
    assert not is_idx_folder(tmp_path)
    pixels = parts(tmp_path, which, dot, end)
    assert is_idx_folder(tmp_path)
    source = loaded(load_idx_folder, tmp_path)
    np.testing.assert_array_equal(source.X, pixels[rows])
    assert source.y.tolist() == list(range(5))[rows]


def test_half_a_part_is_refused(tmp_path):
    parts(tmp_path)
    images, labels = tmp_path / "t10k-images-idx3-ubyte", tmp_path / "t10k-labels-idx1-ubyte"
    write(labels, idx_bytes(np.zeros(3, dtype=np.uint8)))
    assert refused(load_idx_folder, tmp_path) == (
        f"{labels} has 3 labels but {images} has 2 images; expected one for each; get both files again"
    )
    write(images, idx_bytes(np.zeros((3, 9, 9), dtype=np.uint8)))
    assert refused(load_idx_folder, tmp_path) == (
        f"the parts of {tmp_path} have shapes (3, 9, 8) and (3, 9, 9); expected images of one size"
    )
    labels.unlink()
    assert refused(load_idx_folder, tmp_path) == (
        f"{tmp_path} has t10k-images-idx3-ubyte and no t10k-labels-idx1-ubyte; expected both; add the labels"
    )


def test_labels_without_images_are_not_an_image_folder(tmp_path):
    write(tmp_path / "train-labels-idx1-ubyte", idx_bytes(np.zeros(3, dtype=np.uint8)))
    assert is_idx_folder(tmp_path)
    assert refused(load_idx_folder, tmp_path) == (
        f"{tmp_path} has train-labels-idx1-ubyte and no train-images-idx3-ubyte; expected both; add the images"
    )


@pytest.mark.skipif(not FASHION.is_dir(), reason="Debian's dataset-fashion-mnist is not installed")
def test_debians_fashion_mnist_loads_as_it_lies_there():
    source = loaded(load_idx_folder, FASHION)
    assert source.X.shape == (70_000, 28, 28)
    assert source.X.dtype == np.uint8
    assert np.bincount(source.y).tolist() == [7000] * 10
    assert source.y[:5].tolist() == [9, 0, 0, 3, 0]

"""The one place where a reader's exceptions become a line, and the limits that no file may exceed."""

import csv
import errno
import gzip
import io
import lzma
import os
import socket
import struct
import subprocess
import sys
import tokenize
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from conftest import posix, striped_images
from PIL import Image

import audit
from audit import datasets
from audit.datasets.files import reading, refuse_dense
from audit.noise.options import ConfiguredNoise
from audit.settings.detect import Config

X, y = striped_images(40)
FLAT = X.reshape(40, -1).astype(float)


def raised():
    """One of each kind of exception that readers were seen to raise, or may."""
    import pyarrow as pa

    plain = (
        ValueError, OverflowError, MemoryError, EOFError, RecursionError, SyntaxError, KeyError, IndexError,
        TypeError, AttributeError, AssertionError, NotImplementedError, RuntimeError, ZeroDivisionError,
        FloatingPointError, LookupError, BufferError, struct.error, zlib.error, lzma.LZMAError,
        zipfile.BadZipFile, zipfile.LargeZipFile, gzip.BadGzipFile, tokenize.TokenError, csv.Error,
        pa.ArrowInvalid, pa.ArrowMemoryError, pa.ArrowNotImplementedError, pa.ArrowTypeError, pa.ArrowIndexError,
        Image.DecompressionBombError, Image.UnidentifiedImageError,
    )  # fmt: skip
    yield from (kind("no\nsuch\ttext " + 1000 * "x") for kind in plain)
    yield from (kind() for kind in plain)
    yield UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")
    yield UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed")
    numbers = (
        errno.EIO,
        errno.ENAMETOOLONG,
        errno.EACCES,
        errno.ELOOP,
        errno.ESTALE,
        errno.ENXIO,
        errno.ENOENT,
    )
    yield from (OSError(number, os.strerror(number), "some\nfile") for number in numbers)


@pytest.mark.parametrize("kind", [audit.DataError, audit.ConfigError, audit.errors.ReviewError])
@pytest.mark.parametrize("error", list(raised()), ids=lambda error: type(error).__name__)
def test_whatever_a_reader_raises_becomes_one_short_line(tmp_path, kind, error):
    path = tmp_path / "a\nfile"
    path.touch()
    with pytest.raises(kind) as caught, reading(path, "cannot be read as JSON", "; save it again", kind):
        raise error
    line = str(caught.value)
    assert len(line.splitlines()) == 1
    assert len(line) < 600
    assert caught.value.__cause__ is error
    assert str(tmp_path) in line


def test_errors_of_this_package_and_interrupts_pass(tmp_path):
    path = tmp_path / "a"
    path.touch()
    for error in (audit.DataError("a line"), audit.ConfigError("another"), KeyboardInterrupt()):
        with pytest.raises(type(error)) as caught, reading(path, "cannot be read", ""):
            raise error
        assert caught.value is error


def refused(**settings):
    """The line with which data is refused, in less memory than it promises to take."""
    with pytest.raises(audit.AuditError) as caught:
        datasets.load(Config.of(**settings))
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def header(shape, descr="<f8"):
    """The header of an .npy file that promises this shape."""
    text = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text


LIES = {
    "more rows": header((10**13,)),
    "more than any integer": header((10**22,)),
    "less than none": header((-5, 4)),
    "a product that overflows": header((2**40, 2**40)),
    "long texts": header((40,), "<U500000000"),
    "texts of no length": header((10**12,), "<U0"),
    "nothing of many": header((10**12,), "|V0"),
    "parts": header((10**12,), [("a", "<f8"), ("b", "<i4")]),
    "nested": b"\x93NUMPY\1\0" + struct.pack("<H", 100) + b"(" * 99 + b"\n",
    "cut": header((40,))[:50],
    "another version": b"\x93NUMPY\7\0" + header((40,))[8:],
    "no letters": header((40,), "<U2") + b"\xff\xff\xff\x7f" * 80,
    "halves of letters": header((40,), "<U1") + b"\x00\xd8\x00\x00" * 40,
}


@pytest.mark.parametrize("content", LIES.values(), ids=LIES)
def test_headers_that_lie_are_refused_wherever_arrays_are_read(tmp_path, content):
    lie = tmp_path / "lie.npy"
    lie.write_bytes(content)
    np.save(tmp_path / "X.npy", FLAT)
    np.save(tmp_path / "y.npy", y)
    archive = tmp_path / "lie.npz"
    for names in ("Xy", "yX"):
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr(f"{names[0]}.npy", content)
            file.write(tmp_path / f"{names[1]}.npy", f"{names[1]}.npy")
        assert refused(data=str(archive)).startswith(str(archive))
    with zipfile.ZipFile(tmp_path / "p.npz", "w") as file:
        file.writestr("pred_probs.npy", content)
    assert refused(X=lie, y=tmp_path / "y.npy").startswith(str(lie))
    assert refused(X=tmp_path / "X.npy", y=lie).startswith(str(lie))
    for path in (lie, tmp_path / "p.npz"):
        with pytest.raises(audit.DataError) as caught:
            audit.find_issues(y, datasets.read_probabilities(path))
        assert len(str(caught.value).splitlines()) == 1
    with pytest.raises(audit.ConfigError) as caught:
        ConfiguredNoise.of(Config.of(noise_kind="matrix", noise_matrix=lie))
    assert len(str(caught.value).splitlines()) == 1


def zeros(path, form, size):
    """Write a small file that unpacks to so many zeros."""
    if form == "npz":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
            file.writestr("X.npy", header((4, 8, 8), "|u1") + bytes(256))
            with file.open("y.npy", "w", force_zip64=True) as member:
                member.write(header((size,), "|u1"))
                for _ in range(size >> 20):
                    member.write(bytes(1 << 20))
    else:
        start = b"\0\0\x08\1" + struct.pack(">I", size) if form == "idx" else b"label,a\n"
        block = bytes(1 << 20) if form == "idx" else b"0,1\n" * (1 << 18)
        path.write_bytes(gzip.compress(start) + gzip.compress(block) * (size >> 20))


@pytest.mark.parametrize("form", ["npz", "idx", "csv"])
def test_a_small_file_that_unpacks_to_a_huge_one_is_refused(tmp_path, form):
    path = tmp_path / {"npz": "a.npz", "idx": "labels-idx1.gz", "csv": "a.csv.gz"}[form]
    zeros(path, form, 300 << 20)
    resource = pytest.importorskip("resource")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    settings = {"X": path, "y": path} if form == "idx" else {"data": str(path)}
    assert "unpacks to" in refused(**settings)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 250_000  # kilobytes


def test_real_data_that_packs_well_is_read(tmp_path):
    images = np.zeros((40, 28, 28), np.uint8)
    images[:, 10, 10] = np.arange(40)
    np.savez_compressed(tmp_path / "a.npz", X=images, y=y)
    np.testing.assert_array_equal(datasets.load(Config.of(data=str(tmp_path / "a.npz"))).X[..., 0], images)


def test_two_arrays_of_one_name_are_refused(tmp_path):
    for name in ("X.npy", "X"):
        np.savez(tmp_path / "a.npz", X=FLAT, y=y)
        with zipfile.ZipFile(tmp_path / "a.npz", "a") as file, pytest.WarningsRecorder(_ispytest=True):
            file.writestr(name, "another")
        assert "two arrays called 'X'" in refused(data=str(tmp_path / "a.npz"))


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2, zipfile.ZIP_DEFLATED])
def test_damaged_members_are_refused(tmp_path, method):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w", method) as file:
        for name, array in (("X", FLAT), ("y", y)):
            content = io.BytesIO()
            np.save(content, array)
            file.writestr(f"{name}.npy", content.getvalue())
    damaged = bytearray(path.read_bytes())
    damaged[60:70] = b"\x5a" * 10
    path.write_bytes(damaged)
    assert "cannot be read as a NumPy file" in refused(data=str(path))


def test_tables_of_commas_are_refused_at_once(tmp_path):
    rows = "label,a\n" + "1,2\n" * 10
    for name, text in (
        ("header", "," * (12 << 20)),
        ("row", rows + "," * (12 << 20)),
        ("rows", rows + ",\n" * (6 << 20)),
    ):
        path = tmp_path / f"{name}.csv"
        path.write_text(text, encoding="utf-8")
        assert "fields" in refused(data=str(path)), name
        with pytest.raises(audit.DataError, match="fields"):
            datasets.read_probabilities(path)


def test_fields_of_any_length_are_read_and_ragged_rows_named(tmp_path):
    path = tmp_path / "t.csv"
    rows = "".join(f"{'z' * 200_000 if i < 2 else i},{i},{i % 2}\n" for i in range(40))
    path.write_text(f"f,g,label\n{rows}", encoding="utf-8")
    assert len(datasets.load(Config.of(data=str(path))).labels) == 40
    path.write_text(f"f,g,label\n{rows}1,2\n", encoding="utf-8")
    assert "has 2 fields in line 42, expected 3" in refused(data=str(path))


def test_texts_of_far_too_many_parts_are_refused():
    refuse_dense(b"[" * 10_000_000, {b"[": 20})
    with pytest.raises(ValueError, match="would take"):
        refuse_dense(b"[" * 10_000_000, {b"[": 60, b"]": 1})


@posix
def test_pipes_devices_and_sockets_are_refused_wherever_a_file_is_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("X.npy", FLAT)
    zero = Path("/dev/zero")
    for name in ("a.csv", "a.csv.gz", "a.npz", "a.h5", "a.parquet", "pipe", "p.npy", "p.csv", "p.npz"):
        os.mkfifo(name)
    for name in ("a.csv", "a.csv.gz", "a.npz", "a.h5", "a.parquet", "pipe", "/dev/zero"):
        assert "a pipe, expected a file" in refused(data=name) or name == "/dev/zero"
    assert "a device, expected a file" in refused(data="/dev/zero")
    for other in (zero, Path("pipe")):
        assert "expected a file" in refused(X=Path("X.npy"), y=other)
        assert "expected a file" in refused(X=other, y=Path("X.npy"))
    for name in ("p.npy", "p.csv", "p.npz"):
        with pytest.raises(audit.DataError, match="a pipe, expected a file"):
            datasets.read_probabilities(Path(name))
    with pytest.raises(audit.ConfigError, match="a pipe, expected a file"):
        ConfiguredNoise.of(Config.of(noise_kind="matrix", noise_matrix=Path("p.npy")))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s.npz")
        assert "a socket, expected a file" in refused(data="s.npz")


@posix
def test_names_that_no_system_looks_up_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("loop").symlink_to("loop")
    Path("loop.csv").symlink_to("loop.csv")
    for name in ("a" * 300, f"{'a' * 300}.csv", f"{'a/' * 3000}b", "loop", "loop.csv", "a\0b", "a\0.csv"):
        refused(data=name)
        refused(X=Path(name), y=Path(name))


def test_values_whose_squares_are_none_are_named_by_row_and_column():
    for scale in (1e300, 1e200):
        features = FLAT.copy()
        features[7, 3] = -scale
        with pytest.raises(audit.DataError) as caught:
            datasets.from_arrays(features, y)
        assert str(caught.value) == (
            f"X has the value {-scale:g} in row 7, column 3, expected numbers from -1e+100 to 1e+100; give them in "
            "a larger unit, or leave them out"
        )
    images = X.astype(float)
    images[5, 2, 1, 0] = 1e300
    with pytest.raises(audit.DataError, match=r"in row 5, pixel \(2, 1, 0\)"):
        datasets.from_arrays(images, y)
    datasets.from_arrays((FLAT * 1e30).astype(np.float32), y)


def hdf5(path, **extra):
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        for name, value in {"X": FLAT, "y": y, **extra}.items():
            if value is not None:
                file[name] = value
    return h5py


def test_hdf5_does_not_lead_to_other_files(tmp_path):
    h5py = hdf5(tmp_path / "other.h5")
    (tmp_path / "secret").write_bytes(bytes(8 * FLAT.size))
    hdf5(tmp_path / "a.h5", X=None)
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file.create_dataset("X", FLAT.shape, "f8", external=[(str(tmp_path / "secret"), 0, 8 * FLAT.size)])
        layout = h5py.VirtualLayout(FLAT.shape, "f8")
        layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "X", FLAT.shape)
        file.create_virtual_dataset("virtual", layout)
        file["link"] = h5py.ExternalLink("other.h5", "X")
    name = str(tmp_path / "a.h5")
    for key in ("X", "virtual"):
        assert f"{name}[{key}] keeps its rows in other files" in refused(data=name, x_name=key, y_name="y")
    assert "has no array 'link'" in refused(data=name, x_name="link", y_name="y")


def test_hdf5_that_promises_more_than_it_holds_is_refused(tmp_path):
    h5py = hdf5(tmp_path / "a.h5", X=None, y=None)
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file.create_dataset("X", (10**9, 4), "f8", chunks=(1000, 4))
        file.create_dataset("y", (10**9,), "i8", chunks=(1000,))
    assert "unpacks to 8,000,000,000 or more" in refused(data=str(tmp_path / "a.h5"))


def test_a_parquet_file_that_promises_more_than_it_holds_is_refused(tmp_path):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    repeated = pa.array(np.zeros(30_000_000, np.int8))
    parquet.write_table(pa.table({"label": repeated, "a": repeated}), tmp_path / "a.parquet")
    assert "unpacks to 480,000,000 or more" in refused(data=str(tmp_path / "a.parquet"))


def test_an_image_of_far_more_pixels_than_bytes_is_refused_by_its_header(tmp_path):
    for label in "ab":
        (tmp_path / "tree" / label).mkdir(parents=True)
        for i in range(3):
            Image.fromarray(X[i, ..., 0]).save(tmp_path / "tree" / label / f"{i}.png")
    chunk = b"IHDR" + struct.pack(">IIBBBBB", 48_000, 1_500, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    rest = (tmp_path / "tree" / "a" / "0.png").read_bytes()[33:]
    (tmp_path / "tree" / "a" / "bomb.png").write_bytes(png + rest)
    assert "48000 x 1500 pixels in" in refused(data=str(tmp_path / "tree"))
    loaded = datasets.load(Config.of(data=str(tmp_path / "tree"), skip_broken=True))
    assert len(loaded.labels) == 6


def test_a_page_of_postscript_is_no_image(tmp_path):
    for label in "ab":
        (tmp_path / "tree" / label).mkdir(parents=True)
        (tmp_path / "tree" / label / "0.png").write_bytes(
            b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 20 20\n%%EndComments\nshowpage\n"
        )
    assert "cannot identify image file" in refused(data=str(tmp_path / "tree"))


@posix
def test_trees_without_end_are_refused(tmp_path):
    here = tmp_path / "deep"
    here.mkdir()
    descriptor = os.open(here, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=descriptor)
        below = os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(descriptor)
    try:
        assert "folders deep" in refused(data=str(here))
    finally:
        subprocess.run(["/bin/rm", "-rf", here], check=True)
    doubling = tmp_path / "doubling"
    for i in range(40):
        (doubling / str(i)).mkdir(parents=True)
        for name in "ab":
            (doubling / str(i) / name).symlink_to(f"../{i + 1}")
    assert "links that lead to" in refused(data=str(doubling))


def test_images_behind_links_are_found_once_a_link(tmp_path):
    for label in "ab":
        (tmp_path / "store" / label).mkdir(parents=True)
        for i in range(3):
            Image.fromarray(X[i, ..., 0]).save(tmp_path / "store" / label / f"{i}.png")
    tree = tmp_path / "tree"
    tree.mkdir()
    for name, label in (("a", "a"), ("b", "b"), ("c", "b")):
        (tree / name).symlink_to(tmp_path / "store" / label)
    (tmp_path / "store" / "a" / "up").symlink_to(tmp_path / "store")
    assert len(datasets.load(Config.of(data=str(tree))).labels) == 9


@pytest.mark.skipif(sys.platform != "linux", reason="only there the reader is tried in a process of its own")
def test_a_reader_that_does_not_end_is_ended(tmp_path, monkeypatch):
    from audit.datasets import probe

    def endless(_):
        while True:
            pass

    def greedy(_):
        bytearray(1 << 30)

    def broken(_):
        os.abort()

    monkeypatch.setattr(probe, "SECONDS", 1)
    for reader, why in (
        (endless, "takes longer than 1 second"),
        (greedy, "more memory"),
        (broken, "signal 6"),
    ):
        monkeypatch.setattr(probe, "_try_hdf5", reader)
        hdf5(tmp_path / "a.h5")
        assert why in refused(data=str(tmp_path / "a.h5"))


def test_a_small_gzipped_table_may_not_unpack_to_one_endless_field(tmp_path):
    text = b"a,label\n1,x\n2," + 40_000_000 * b"y" + b"\n"
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(text, 1))
    assert "unpack it with gunzip" in refused(data=str(tmp_path / "t.csv.gz"))

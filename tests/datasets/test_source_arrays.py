import zipfile

import numpy as np
import pytest
from conftest import striped_images
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import audit
from audit import datasets
from audit.datasets.sources.arrays import load_hdf5, load_npy_pair, load_npz
from audit.events import Silent
from audit.settings.data import DataSettings
from audit.settings.detect import Config

PAIRS = "X and y, images and labels, x and y, data and labels or data and target"


def loaded(load, path, **settings):
    """The source that a loader reads, under these settings."""
    return load(path, DataSettings(**settings), Silent())


def refused(call, *arguments, **settings):
    with pytest.raises(audit.DataError) as caught:
        call(*arguments, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """The same images in each form."""
    h5py = pytest.importorskip("h5py")
    folder = tmp_path_factory.mktemp("stored")
    X, y = striped_images(24, side=9)
    np.save(folder / "X.npy", X)
    np.savez_compressed(folder / "a.npz", X=X, y=y)
    with h5py.File(folder / "a.h5", "w") as file:
        file.create_dataset("X", data=X, chunks=(4, *X.shape[1:]), compression="gzip")
        file["y"], file["type"] = y, np.dtype("f8")  # a named type is not a data set
    return folder, X, y


rows = st.lists(st.integers(-24, 23), max_size=40).map(lambda each: np.array(each, dtype=np.int64))
masks = hnp.arrays(np.bool_, 24)
slices = st.slices(24)


@given(rows | masks | slices)
def test_rows_of_an_hdf5_file_are_those_of_its_array(stored, rows):
    folder, X, _ = stored
    np.testing.assert_array_equal(loaded(load_hdf5, folder / "a.h5").X[rows], X[rows])


damage = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=20)


@pytest.mark.parametrize("name", ["X.npy", "a.npz", "a.h5"])
@given(damage=damage, length=st.integers(0, 10**4))
def test_a_damaged_file_is_read_or_refused_in_one_line(stored, tmp_path_factory, name, damage, length):
    folder, _, _ = stored
    content = bytearray((folder / name).read_bytes())
    for place, value in damage:
        content[place % (150 if name == "X.npy" else len(content))] = value
    path = tmp_path_factory.mktemp("damaged") / name
    path.write_bytes(content[: max(length, 1)] if length % 3 == 0 else content)
    try:
        if name == "X.npy":
            loaded(load_npy_pair, path, X=path, y=folder / "X.npy")
        else:
            source = loaded(load_npz if name == "a.npz" else load_hdf5, path)
            source.X[np.arange(min(3, len(source.X)))]
    except audit.DataError as error:
        assert "\n" not in str(error)


def test_a_name_in_hdf5_that_is_not_text_is_named_all_the_same(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset(b"im\xff", data=np.zeros((3, 8, 8)))
    with pytest.raises(audit.DataError, match=r"a\.h5 holds im\\xff, expected two arrays called"):
        loaded(load_hdf5, tmp_path / "a.h5")


def test_labels_in_hdf5_are_utf_8_whatever_their_type(tmp_path):
    h5py = pytest.importorskip("h5py")
    X, y = striped_images(24)
    names = ["ключ", "ä", "猫", "b"]
    for i, dtype in enumerate((h5py.string_dtype(), h5py.string_dtype(length=12))):
        path = tmp_path / f"{i}.h5"
        with h5py.File(path, "w") as file:
            file["images"] = X
            file.create_dataset("labels", data=[names[each].encode() for each in y], dtype=dtype)
        dataset = datasets.load(Config.of(data=str(path)))
        assert [dataset.class_names[label] for label in dataset.labels] == [names[each] for each in y]


def test_labels_in_hdf5_that_are_not_text_are_refused(tmp_path):
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["X"] = np.zeros((4, 9, 9))
        file.create_dataset("y", data=[b"\xff", b"a"] * 2, dtype=h5py.string_dtype())
        lists = file.create_dataset("lists", (4,), dtype=h5py.vlen_dtype(np.int32))
        lists[0] = [1, 2]
    assert refused(datasets.load, Config.of(data=str(path))) == (
        f"{path}[y] holds b'\\xff' in row 0, which is not UTF-8 text, expected classes: integers, strings or "
        "booleans, one for each row; decode it, or give strings"
    )
    message = refused(datasets.load, Config.of(data=str(path), x_name="X", y_name="lists"))
    assert message.startswith(
        f"{path}[lists] holds objects of type ndarray such as array([1, 2], dtype=int32)"
    )


def test_an_archive_of_other_things_is_refused(tmp_path):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("X", "no array")
        file.writestr("y", "no array")
    assert refused(loaded, load_npz, path) == f"{path}[X] is not an array; save it with numpy.savez"
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    assert refused(loaded, load_npz, path) == (
        f"{path} holds one array, not an .npz archive; give it as --X, with --y"
    )
    np.savez(path, inputs=np.zeros(2), answers=np.zeros(2))
    assert refused(loaded, load_npz, path) == (
        f"{path} holds inputs, answers, expected two arrays called {PAIRS}; name yours with --x-name and --y-name"
    )
    assert refused(loaded, load_npz, path, x_name="inputs", y_name="wrong") == (
        f"{path} has no array 'wrong', found inputs, answers; check --y-name"
    )


def test_files_that_are_not_there_or_not_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    missing = tmp_path / "none"
    for load in (load_npz, load_hdf5, load_npy_pair):
        assert (
            refused(loaded, load, missing)
            == f"{missing} does not exist (looked in {tmp_path}); check the path"
        )
    assert refused(loaded, load_npz, tmp_path) == (
        f"{tmp_path} cannot be read as a NumPy file (Is a directory); save it with numpy.save or numpy.savez"
    )
    message = refused(loaded, load_hdf5, tmp_path)
    assert message.startswith(f"{tmp_path} cannot be read as HDF5 (")
    assert message.endswith("); write or copy it again")


def test_hdf5_without_h5py_names_the_package(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    path = tmp_path / "a.h5"
    assert refused(loaded, load_hdf5, path) == (
        f'{path} needs h5py, which is not installed; pip install "label-audit[hdf5]"'
    )


@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
@pytest.mark.parametrize("container", ["array", "matrix"])
def test_a_sparse_matrix_is_the_same_as_with_its_zeros(form, container, tmp_path):
    from scipy import sparse

    dense = np.where(np.random.default_rng(0).random((30, 5)) < 0.4, np.arange(150.0).reshape(30, 5), 0)
    sparse.save_npz(tmp_path / "X.npz", getattr(sparse, f"{form}_{container}")(dense))
    np.save(tmp_path / "y.npy", np.arange(30) % 2)
    found = datasets.load_as_read(Config.of(X=tmp_path / "X.npz", y=tmp_path / "y.npy"))
    assert np.array_equal(found.X, dense)
    assert np.array_equal(found.as_given.examples.toarray(), dense)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": b"bsr"}, "holds a sparse matrix in the format 'bsr', expected csr, csc or coo; save matrix.tocsr()"),
        ({"shape": [30, 10**12]}, "unpacks to 8,000,000,000,240 or more"),
        ({"shape": [30]}, "cannot be read as a NumPy file (it has the shape [30] and numbers of the type float64)"),
        ({"indptr": np.arange(31) * 1000}, "cannot be read as a NumPy file ("),
        ({"indices": np.full(60, -1)}, "cannot be read as a NumPy file ("),
        ({"data": np.array(["a"] * 60)}, "numbers of the type <U1"),
        ({"data": np.array([None] * 60)}, "never unpickled"),
        ({"indices": np.zeros(60)}, "its indices are of the type float64"),
    ],
)  # fmt: skip
def test_a_sparse_matrix_that_is_none_is_one_line(changes, message, tmp_path):
    arrays = {
        "format": b"csr",
        "shape": [30, 2],
        "data": np.ones(60),
        "indices": np.tile([0, 1], 30),
        "indptr": np.arange(31) * 2,
    }
    np.savez(tmp_path / "X.npz", **(arrays | changes))
    np.save(tmp_path / "y.npy", np.arange(30) % 2)
    with pytest.raises(audit.DataError) as caught:
        datasets.load_as_read(Config.of(X=tmp_path / "X.npz", y=tmp_path / "y.npy"))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_sparse_matrix_of_many_columns_is_audited_and_corrected(run_audit, tmp_path):
    from scipy import sparse

    y = np.arange(120) % 2
    rows = np.arange(120).repeat(3)
    columns = np.random.default_rng(0).integers(0, 40, 360) * 2 + y[rows] + 399_000
    matrix = sparse.coo_array((np.ones(360), (rows, columns)), shape=(120, 400_000)).tocsr()
    sparse.save_npz(tmp_path / "X.npz", matrix)
    np.save(tmp_path / "y.npy", np.array(["no", "yes"])[y])
    shown = run_audit("detect", "--X", "X.npz", "--y", "y.npy", "--preset", "fast", "--out", "run", check=0)
    assert "its first" in shown.stderr + shown.stdout
    run_audit("apply", "run", "--accept-above", "0.01", check=0)
    assert len(np.load(tmp_path / "corrected" / "y.npy")) == 120
    alone = run_audit("detect", "X.npz", check=2).stderr
    assert (
        alone
        == "audit: X.npz holds a sparse matrix without labels; give it as --X X.npz, with the labels as --y\n"
    )


def test_numbers_of_half_precision_do_not_overflow(tmp_path):
    X = np.random.default_rng(0).normal(20_000, 9_000, (60, 3)).astype(np.float16)
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", np.arange(60) % 2)
    found = datasets.load_as_read(Config.of(X=tmp_path / "X.npy", y=tmp_path / "y.npy"))
    assert found.X.dtype == np.float32
    assert np.array_equal(found.X, X)


def test_bfloat16_is_read_from_files_and_tensors(tmp_path):
    torch = pytest.importorskip("torch")
    tensor = torch.randn(60, 3, generator=torch.Generator().manual_seed(0)).bfloat16()
    y = np.arange(60) % 2
    np.save(
        tmp_path / "X.npy", tensor.view(torch.int16).numpy().view("V2")
    )  # as NumPy saves that of ml_dtypes
    np.save(tmp_path / "y.npy", y)
    found = datasets.load_as_read(Config.of(X=tmp_path / "X.npy", y=tmp_path / "y.npy"))
    assert np.array_equal(found.X, tensor.float().numpy())
    assert "read as bfloat16" in found.notes[0]
    assert np.array_equal(datasets.from_arrays(tensor, y).X, found.X)
    np.save(tmp_path / "X.npy", np.zeros((60, 3), "V1"))
    with pytest.raises(audit.DataError, match="such as floats of 8 bits; save it as float32"):
        datasets.load_as_read(Config.of(X=tmp_path / "X.npy", y=tmp_path / "y.npy"))

"""Files and folders as people have them: what they hold is what is audited, or one line says what is wrong."""

import gzip
import struct
import warnings

import numpy as np
import pandas as pd
import pytest
from conftest import striped_images
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

import audit
from audit import datasets
from audit.datasets.sources.folders import LONGEST_SIDE, ImageFiles
from audit.datasets.sources.idx import TYPES, load_idx_pair
from audit.datasets.sources.tables import features_from_frame, load_table
from audit.events import Silent
from audit.settings.data import DataSettings
from audit.settings.detect import Config


def idx_bytes(array):
    code = {np.dtype(name).newbyteorder("="): code for code, name in TYPES.items()}[array.dtype]
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, code, array.ndim]) + sizes + array.astype(array.dtype.newbyteorder(">")).tobytes()


def refused(**settings):
    with pytest.raises(audit.DataError) as caught:
        datasets.load(Config.of(**settings))
    assert "\n" not in str(caught.value)
    return str(caught.value)


# IDX


@given(
    hnp.arrays(
        st.sampled_from([np.dtype(name).newbyteorder("=") for name in TYPES.values()]),
        hnp.array_shapes(max_dims=4, max_side=5),
    ),
    st.booleans(),
)
@settings(max_examples=60)
def test_idx_files_of_every_type_and_shape_come_back(tmp_path_factory, array, packed):
    path = tmp_path_factory.mktemp("idx") / ("some-idx-ubyte" + ".gz" * packed)
    content = idx_bytes(array)
    path.write_bytes(gzip.compress(content) if packed else content)
    read = load_idx_pair(path, DataSettings(X=path, y=path), Silent()).X
    assert read.dtype == array.dtype
    np.testing.assert_array_equal(read, array)


@pytest.mark.parametrize("packed", [False, True])
def test_a_folder_of_idx_files_is_its_parts_in_order(tmp_path, packed):
    X, y = striped_images(30, side=28)
    for part, rows in (("train", slice(20)), ("t10k", slice(20, None))):
        for what, array in (("images-idx3", X[rows, ..., 0]), ("labels-idx1", y[rows].astype(np.uint8))):
            content = idx_bytes(array)
            name = f"{part}-{what}-ubyte" + ".gz" * packed
            (tmp_path / name).write_bytes(gzip.compress(content) if packed else content)
    dataset = datasets.load(Config.of(data=str(tmp_path)))
    assert (dataset.X == X).all()
    assert [dataset.class_names[label] for label in dataset.labels] == [str(label) for label in y]
    images, labels = (
        tmp_path / f"train-{what}-ubyte{'.gz' * packed}" for what in ("images-idx3", "labels-idx1")
    )
    pair = datasets.load(Config.of(X=images, y=labels))
    assert (X[:20] == pair.X).all()
    labels.unlink()
    assert "and no train-labels-idx1-ubyte; expected both; add the labels" in refused(data=str(tmp_path))


@pytest.mark.skipif(
    not __import__("os").path.isdir("/usr/share/datasets/fashion-mnist"), reason="not installed"
)
def test_debians_fashion_mnist_works_as_it_lies_on_disk():
    dataset = datasets.load(Config.of(data="/usr/share/datasets/fashion-mnist"))
    assert dataset.X.shape == (70_000, 28, 28, 1)
    assert np.bincount(dataset.labels).tolist() == [7000] * 10


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be told"),
        (b"\0\0\x08\x01\0\0\0\x05abc", "has 11 bytes unpacked, expected 13 for its shape (5,); get the file again"),
        (b"\0\0\x08\x01\0\0\0\x02abc", "has 11 bytes unpacked, expected 10 for its shape (2,); get the file again"),
        (b"\0\0\x08\x03\0\0\0\x05", "ends within its header, after 8 bytes; get the file again"),
        (gzip.compress(b"\0\0\x08\x01\0\0\0\x05abcde" * 9, mtime=0)[:-9], "cannot be read (Compressed file ended before the end-of-stream marker was reached); get the file again"),
        (gzip.compress(b"GIF89a", mtime=0), "is not an IDX file: it begins with 47 49 46 38, expected 00 00, a type from 08 to 0e and the number of axes; get the file again"),
    ],
)  # fmt: skip
def test_damaged_idx_files_say_what_is_wrong(tmp_path, content, message):
    path = tmp_path / "x-idx3-ubyte.gz"
    path.write_bytes(content)
    if content:
        assert refused(X=path, y=path) == f"{path} {message}"
    else:
        assert "is not a plain array" in refused(X=path, y=path) or "cannot be read" in refused(
            X=path, y=path
        )


# Arrays


@pytest.mark.parametrize("names", [("images", "labels"), ("X", "y"), ("mine/x", "mine/y")])
def test_hdf5_is_read_by_rows(tmp_path, names):
    h5py = pytest.importorskip("h5py")
    X, y = striped_images(40)
    words = np.array(["ключ", "дом", "кот", "мир"], dtype=object)[y]
    path = tmp_path / "data.h5"
    with h5py.File(path, "w") as file:
        file[names[0]], file[names[1]] = X, words
    asked = {"x_name": names[0], "y_name": names[1]} if "/" in names[0] else {}
    dataset = datasets.load(Config.of(data=str(path), limit=20, **asked))
    assert (X[dataset.rows] == dataset.X).all()
    assert [dataset.class_names[label] for label in dataset.labels] == words[dataset.rows].tolist()
    message = f"{path} has no array 'wrong', found {', '.join(names)}; check --x-name"
    assert refused(data=str(path), x_name="wrong") == message


def test_arrays_of_other_names_are_found_by_them(tmp_path):
    X, y = striped_images(20)
    np.savez(tmp_path / "a.npz", inputs=X, answers=y, more=y)
    path = str(tmp_path / "a.npz")
    assert "holds inputs, answers, more, expected two arrays called X and y, " in refused(data=path)
    dataset = datasets.load(Config.of(data=path, x_name="inputs", y_name="answers"))
    assert (dataset.X == X).all()


# Folders of images


def write_tree(folder, images):
    for name, image in images.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path)


def square(size, colour, mode="RGB"):
    return Image.new(mode, size, colour)


def test_a_tree_of_images_of_one_size_is_read_as_it_is(tmp_path):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (6, 20, 30), dtype=np.uint8)
    names = ["кот/a.png", "кот/deep/b.png", "кот/c.png", "dog/a.png", "dog/b.PNG", "dog/z.png"]
    write_tree(tmp_path, {name: Image.fromarray(p) for name, p in zip(names, pixels, strict=True)})
    (tmp_path / "dog" / "notes.txt").write_text("no image")
    (tmp_path / ".hidden").mkdir()
    square((9, 9), 0).save(tmp_path / ".hidden" / "x.png")
    dataset = datasets.load(Config.of(data=str(tmp_path)))
    order = sorted(range(6), key=lambda i: tmp_path / names[i])
    assert dataset.ids.tolist() == [names[i] for i in order]
    assert (dataset.X[..., 0] == pixels[order]).all()
    assert [dataset.class_names[label] for label in dataset.labels] == [names[i].split("/")[0] for i in order]
    assert dataset.notes == ("1 files that are not images left out",)


def test_mixed_sizes_and_colours_follow_the_stated_rule(tmp_path):
    write_tree(
        tmp_path,
        {
            "a/wide.png": square((200, 100), "red"),
            "a/grey.jpg": square((100, 100), 128, "L"),
            "a/clear.png": square((100, 100), (0, 0, 0, 0), "RGBA"),
            "b/deep.png": Image.fromarray(np.full((100, 100), 65535, dtype=np.uint16)),
            "b/bits.png": square((100, 100), 1, "1"),
        },
    )
    dataset = datasets.load(Config.of(data=str(tmp_path)))
    assert dataset.X.shape == (5, LONGEST_SIDE, LONGEST_SIDE, 3)
    assert dataset.notes == (
        "1 image of more than 8 bits, beside others of 8 bits: scaled by 255 / 65535",
        "5 images of 2 sizes were scaled to 64 x 64, keeping their proportions",
    )
    by_name = dict(zip(dataset.ids.tolist(), dataset.X, strict=True))
    assert (by_name["a/wide.png"][32, 32] == (255, 0, 0)).all()
    assert (by_name["a/wide.png"][2, 32] == 0).all()  # the wide one has black above
    assert (by_name["a/clear.png"] == 255).all()
    assert (by_name["b/deep.png"] == 255).all()
    assert (by_name["b/bits.png"] == 255).all()


def test_broken_images_are_named_and_can_be_skipped(tmp_path):
    write_tree(tmp_path, {f"{c}/{i}.jpg": square((30, 30), 80 * i, "L") for c in "ab" for i in range(3)})
    whole = (tmp_path / "a" / "1.jpg").read_bytes()
    (tmp_path / "a" / "1.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "b" / "2.jpg").write_bytes(b"")
    message = refused(data=str(tmp_path))
    first = tmp_path / "a" / "1.jpg"
    assert message.startswith(f"2 of 6 files cannot be read as images, first {first} (")
    assert message.endswith("; fix them, or leave them out with --skip-broken")
    dataset = datasets.load(Config.of(data=str(tmp_path), skip_broken=True))
    assert dataset.ids.tolist() == ["a/0.jpg", "a/2.jpg", "b/0.jpg", "b/1.jpg"]
    assert dataset.notes == ("2 broken images left out: a/1.jpg, b/2.jpg",)


@pytest.mark.parametrize(
    ("images", "found"),
    [
        ({}, "0 images in 0 subfolders and 0 beside them"),
        ({"a.png": 1, "b.png": 2}, "0 images in 0 subfolders and 2 beside them"),
        ({"a/a.png": 1, "a/b.png": 2}, "2 images in 1 subfolder and 0 beside them"),
    ],
)
def test_folders_that_are_no_classes_are_refused(tmp_path, images, found):
    write_tree(tmp_path, {name: square((9, 9), value, "L") for name, value in images.items()})
    assert refused(data=str(tmp_path)) == (
        f"{tmp_path} has {found}, expected a subfolder of images for each of two or more classes, or IDX "
        "files; move the images into folders named by their class; texts go into a table of texts and labels"
    )


def test_images_are_read_when_they_are_asked_for(tmp_path):
    write_tree(tmp_path, {f"{i}.png": square((9, 9), 10 * i, "L") for i in range(5)})
    files = ImageFiles([tmp_path / f"{i}.png" for i in range(5)], (9, 9), "L")
    (tmp_path / "4.png").unlink()
    assert files[np.array([3, 0])][:, 0, 0, 0].tolist() == [30, 0]
    assert files[1:3].shape == (2, 9, 9, 1)


# Tables


texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=8).filter(str.strip)


@given(
    st.lists(
        st.sampled_from(["NA", "nan", "None", "null", "кот", "07", "1e5", "a,b", 'say "x"']) | texts,
        min_size=4,
        max_size=12,
    )
)
@settings(max_examples=60)
def test_labels_in_a_table_are_the_texts_that_stand_there(tmp_path_factory, names):
    path = tmp_path_factory.mktemp("table") / "t.csv"
    frame = pd.DataFrame({"a": range(len(names)), "label": names})
    frame["a"] = frame["a"] ** 2
    frame.to_csv(path, index=False)
    source = load_table(path, DataSettings(), Silent())
    assert source.y.tolist() == names
    assert source.X[:, 0].tolist() == frame["a"].tolist()


def table():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "id": np.arange(100, 160),
            "a": rng.normal(size=60),
            "flag": rng.random(60) < 0.5,
            "colour": rng.choice(["red", "green"], 60),
            "when": pd.date_range("2020-01-01", periods=60),
            "text": [f"t{i}" for i in range(60)],
            "Target": rng.choice(["x", "y"], 60),
        }
    )
    frame.loc[3, ["a", "colour"]] = np.nan
    return frame


@pytest.mark.parametrize("form", ["t.csv", "t.tsv", "t.csv.gz", "t.parquet", "semicolons.csv"])
def test_every_form_of_a_table_says_the_same(tmp_path, form):
    if form.endswith("parquet"):
        pytest.importorskip("pyarrow")
    frame, path = table(), tmp_path / form
    if form.endswith("parquet"):
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep={"t.tsv": "\t", "semicolons.csv": ";"}.get(form, ","))
    dataset = datasets.load(Config.of(data=str(path)))
    assert dataset.feature_names == ("a", "flag", "colour = green", "colour = red")
    np.testing.assert_allclose(dataset.X[:, 0], frame["a"])
    assert (dataset.X[:, 1] == frame["flag"]).all()
    assert dataset.X[3, 2:].tolist() == [0, 0]
    assert dataset.ids.tolist() == frame["id"].tolist()
    assert dataset.class_names == ("x", "y")
    assert dataset.notes[0].startswith("columns left out: 'id' (numbers the rows), 'when' (")


def test_a_table_of_paths_is_a_set_of_images(tmp_path):
    write_tree(tmp_path, {f"pictures/{i}.png": square((12, 12), 20 * i, "L") for i in range(6)})
    frame = pd.DataFrame({"file": [f"pictures/{i}.png" for i in range(6)], "what": ["a", "b"] * 3})
    frame.to_csv(tmp_path / "t.csv", index=False)
    dataset = datasets.load(Config.of(data=str(tmp_path / "t.csv"), label_column="what"))
    assert dataset.X[:, 0, 0, 0].tolist() == [0, 20, 40, 60, 80, 100]
    assert dataset.ids.tolist() == frame["file"].tolist()
    (tmp_path / "pictures" / "3.png").unlink()
    message = refused(data=str(tmp_path / "t.csv"), label_column="what")
    assert message.startswith("1 of 6 files cannot be read as images, first ")
    assert "3.png (" in message


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        ("", {}, "cannot be read (No columns to parse from file), expected a table in UTF-8 whose first line names the columns; save it so"),
        ("a,b\n1,2\n", {}, "has the columns a, b, expected one called label, labels, y, target or class; name the labels with --label-column"),
        ("a,b\n1,2\n", {"label_column": "c"}, "has no column 'c', found a, b; check --label-column"),
        ("a,a,y\n1,2,3\n", {}, "has two columns called 'a', expected different names; rename one"),
        ("y\nu\nv\n", {}, "has no columns of features beside the labels; add numbers or categories"),
        ("a,y\n1,2\n1,2,3\n", {}, "cannot be read (Error tokenizing data. C error: Expected 2 fields in line 3, saw 3), expected a table in UTF-8 whose first line names the columns; save it so"),
    ],
)  # fmt: skip
def test_tables_that_cannot_be_read_say_why(tmp_path, text, settings, message):
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    assert refused(data=str(path), **settings) == f"{path} {message}"


def test_another_encoding_is_said(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes("a,y\n1,köln\n2,bonn\n".encode("latin-1"))
    assert "can't decode byte" in refused(data=str(path))
    path.write_bytes("a,y\n1,köln\n2,bonn\n1,köln\n3,bonn\n".encode("utf-8-sig"))
    assert datasets.load(Config.of(data=str(path))).class_names == ("bonn", "köln")


@given(
    st.dictionaries(
        st.sampled_from(["a", "b", "id", "when", "ω"]),
        st.sampled_from(
            ["ints", "floats", "texts", "bools", "dates", "lists", "nothing", "category", "Int64"]
        ),
        max_size=4,
    )
)
def test_any_frame_becomes_numbers_or_a_line(kinds):
    columns = {
        "ints": [3, 1, 2], "floats": [0.5, None, 2], "texts": ["a", "b", None], "bools": [True, False, True],
        "dates": pd.date_range("2020", periods=3), "lists": [[1], [2], [3]], "nothing": [None] * 3,
        "category": pd.Categorical(["u", "v", "u"]), "Int64": pd.array([1, None, 2], dtype="Int64"),
    }  # fmt: skip
    frame = pd.DataFrame({name: columns[kind] for name, kind in kinds.items()})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            X, names, _ = features_from_frame(frame)
        except audit.DataError as error:
            assert "\n" not in str(error)
        else:
            assert X.shape == (3, len(names))
            assert X.dtype == np.float64

import datetime as dt
import gzip
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import audit
from audit import datasets
from audit.datasets.sources.tables import features_from_frame, load_table
from audit.events import Silent
from audit.settings.data import DataSettings
from audit.settings.detect import Config

NAMED = "expected a table in UTF-8 whose first line names the columns; save it so"
RAGGED = "as in its first line; fix that line, or quote texts that hold the separator"
NOT_CLASSES = (
    "expected classes: integers, strings or booleans, one for each row; "
    "a regression target cannot be audited; if these are classes, give them as strings"
)


def table(path, **asked):
    return load_table(path, DataSettings(**asked), Silent())


def write(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refused(path, **asked):
    with pytest.raises(audit.DataError) as caught:
        table(path, **asked)
    assert "\n" not in str(caught.value)
    return str(caught.value)


letters = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=8).filter(str.strip)
names = (
    st.sampled_from(["NA", "nan", "None", "null", "кот", "07", "10", "2", "1e5", "a,b", 'say "x"']) | letters
)


@given(st.lists(names, min_size=2, max_size=15))
@settings(max_examples=100)
def test_labels_are_the_texts_that_stand_there(tmp_path_factory, labels):
    path = tmp_path_factory.mktemp("table") / "t.csv"
    pd.DataFrame({"a": 0.5, "label": labels}).to_csv(path, index=False)
    assert table(path).y.tolist() == labels


shuffled = st.lists(st.integers(-20, 20), min_size=2, max_size=9, unique=True).flatmap(
    lambda classes: st.permutations(classes * 2)
)


@given(shuffled)
@settings(max_examples=50)
def test_integers_are_classes_in_the_order_of_numbers(tmp_path_factory, numbers):
    path = tmp_path_factory.mktemp("table") / "t.csv"
    pd.DataFrame({"a": 0.5, "y": numbers}).to_csv(path, index=False)
    dataset = datasets.load(Config.of(data=str(path)))
    assert [int(name) for name in dataset.class_names] == sorted(set(numbers))
    assert [int(dataset.class_names[label]) for label in dataset.labels] == numbers


def test_a_column_that_could_be_the_label_is_a_feature_beside_another(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"x": rng.normal(size=80), "y": rng.normal(size=80), "image": range(80), "label": ["a", "b"] * 40}
    )
    frame.to_csv(tmp_path / "t.csv", index=False)
    source = table(tmp_path / "t.csv")
    assert source.feature_names == ("x", "y", "image")
    np.testing.assert_allclose(source.X, frame[["x", "y", "image"]])


def test_the_column_of_paths_is_the_one_that_holds_some(tmp_path):
    Image.new("L", (9, 9), 7).save(tmp_path / "0.png")
    source = table(write(tmp_path / "t.csv", "file,image,y\nA,0.png,u\nB,0.png,v\n"))
    assert source.X.shape == (2, 9, 9, 1)
    assert source.ids.tolist() == ["0.png", "0.png"]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a,y\n1.5,u\n#N/A,v\nna,u\n-nan,v\n", [1.5, None, None, None]),
        ("a,y\nTrue,u\n,v\nFalse,u\n", [1, None, 0]),
        (",a,y\n0,7,u\n1,8,v\n", [7, 8]),
        ("a,id,y\n3,5,u\n4,6,v\n", [3, 4]),
        ('"weight, in kg";y\n3;u\n4;v\n', [3, 4]),
        ("a,empty,y\n3,,u\n4,,v\n", [3, 4]),
    ],
)
def test_features_of_a_text(tmp_path, text, values):
    np.testing.assert_array_equal(
        table(write(tmp_path / "t.csv", text)).X[:, 0], np.array(values, dtype=float)
    )


def test_a_tsv_is_parted_by_tabs_and_nothing_else(tmp_path):
    source = table(write(tmp_path / "t.tsv", "weight, kg\ty\n1\tu\n2\tv\n"))
    assert source.feature_names == ("weight, kg",)


def test_unnamed_columns_are_left_out_only_where_they_count(tmp_path):
    source = table(write(tmp_path / "t.csv", ",,y\n0,0.5,u\n1,6,v\n"))
    assert source.feature_names == ("Unnamed: 1",)
    assert source.notes == ("columns left out: 'Unnamed: 0' (numbers the rows)",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", f"cannot be read (No columns to parse from file), {NAMED}"),
        ("a,y\n", "has no rows below its column names; there is nothing to audit"),
        ("a,y\n1,u,9\n2,v,9\n", f"has 3 fields in line 2, expected 2 {RAGGED}"),
        ("a,b,y\n1,2,u\n1\n3,4,v\n", f"has 1 fields in line 3, expected 3 {RAGGED}"),
        ('a,y\n1,"u\n2,v\n', f"cannot be read (Error tokenizing data. C error: EOF inside string starting at row 1), {NAMED}"),
        ("a,a,y\n1,2,u\n", "has two columns called 'a', expected different names; rename one"),
        ("a,b\n1,2\n", "has the columns a, b, expected one called label, labels, y, target or class; name the labels with --label-column"),
        ("a,y\n1,köln\n".encode("latin-1"), f"cannot be read ('utf-8' codec can't decode byte 0xf6 in position 7: invalid start byte), {NAMED}"),
        ("id,y\n1,u\n2,v\n", "has no columns of features beside the labels; left out: 'id' (numbers the rows); add numbers or categories"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_read_says_why(tmp_path, text, message):
    path = write(tmp_path / "t.csv", text)
    assert refused(path) == f"{path} {message}"


def test_no_table_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("none.csv", "none.parquet"):
        path = tmp_path / name
        assert refused(path) == f"{path} does not exist (looked in {tmp_path}); check the path"
    path = tmp_path / "folder.csv"
    path.mkdir()
    assert refused(path) == f"{path} cannot be read (Is a directory), {NAMED}"


def test_a_regression_target_is_refused_with_the_reason(tmp_path):
    path = tmp_path / "t.csv"
    pd.DataFrame({"a": range(0, 60, 2), "target": np.arange(30) / 4}).to_csv(path, index=False)
    with pytest.raises(audit.DataError) as caught:
        datasets.load(Config.of(data=str(path)))
    assert str(caught.value) == (
        f"column 'target' of {path} holds 30 different measurements such as 0.25 (row 1), {NOT_CLASSES}"
    )


@given(st.binary(min_size=1, max_size=20), st.integers(0, 200), st.booleans())
@settings(max_examples=60)
def test_a_damaged_archive_is_read_or_refused_in_one_line(tmp_path_factory, junk, place, cut):
    content = gzip.compress(b"a,y\n" + b"1,u\n2,v\n" * 20, mtime=0)
    place %= len(content)
    damaged = content[:place] + junk + (b"" if cut else content[place + len(junk) :])
    try:
        table(write(tmp_path_factory.mktemp("gz") / "t.csv.gz", damaged))
    except audit.DataError as error:
        assert "\n" not in str(error)


def test_objects_of_a_parquet_file_are_numbers_or_dates(tmp_path):
    pytest.importorskip("pyarrow")
    path = tmp_path / "t.parquet"
    pd.DataFrame(
        {
            "price": [Decimal(i) / 4 if i else None for i in range(60)],
            "flag": pd.Series([True, None, False] * 20, dtype=object),
            "day": [dt.date(2020, 1, 1 + i % 3) for i in range(60)],
            "y": ["NA", "b"] * 30,
        }
    ).to_parquet(path)
    source = table(path)
    assert source.feature_names == ("price", "flag")
    np.testing.assert_array_equal(source.X[:3], [[np.nan, 1], [0.25, np.nan], [0.5, 0]])
    assert source.notes == ("columns left out: 'day' (dates)",)
    assert source.y.tolist()[:2] == ["NA", "b"]
    path.write_bytes(b"hello")
    message = refused(path)
    assert message.startswith(f"{path} cannot be read (")
    assert message.endswith("), expected a Parquet file; save it so")


def test_columns_of_one_name_in_a_frame_are_refused():
    with pytest.raises(audit.DataError) as caught:
        features_from_frame(pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"]))
    assert str(caught.value) == "X has two columns called 'a', expected different names; rename one"


def test_what_is_no_feature_is_left_out_with_the_reason():
    frame = pd.DataFrame(
        {
            "ID": [7, 8],
            "when": pd.period_range("2020", periods=2, freq="D"),
            "waves": [1j, 2],
            "lists": [[1], [2]],
            "none": [None, None],
        }
    )
    with pytest.raises(audit.DataError) as caught:
        features_from_frame(frame)
    assert str(caught.value) == (
        "X has no columns of features beside the labels; left out: 'ID' (numbers the rows), 'when' (dates), "
        "'waves' (complex numbers), 'lists' (neither numbers nor texts), 'none' (empty); add numbers or categories"
    )
    text = pd.DataFrame({"a": range(60), "text": [f"t{i}" for i in range(60)]})
    X, feature_names, notes = features_from_frame(text)
    assert (X.shape, feature_names) == ((60, 1), ("a",))
    assert notes == ("columns left out: 'text' (60 different texts)",)


@given(st.lists(st.decimals(-(10**7), 10**7, places=2), min_size=2, max_size=9), st.sampled_from(";\t"))
def test_decimal_commas_are_read_where_commas_separate_nothing(tmp_path_factory, numbers, separator):
    path = tmp_path_factory.mktemp("table") / "t.csv"
    commas = [f"{number:,}".translate(str.maketrans(",.", ".,")) for number in numbers]
    frame = pd.DataFrame({"price": [*commas, ""], "points": 0.5, "label": "1,5"})
    frame.to_csv(path, index=False, sep=separator)
    source = table(path)
    assert source.feature_names == ("price", "points")
    np.testing.assert_array_equal(source.X[:, 0], [*map(float, numbers), np.nan])
    assert source.y.tolist() == ["1,5"] * (len(numbers) + 1)
    assert source.notes == ("columns of numbers with a decimal comma: price",)


def test_texts_with_commas_are_no_numbers_where_commas_separate(tmp_path):
    path = write(tmp_path / "t.csv", 'a,size,label\n1,"1,234",x\n2,"5,678",y\n')
    assert table(path).feature_names == ("a", "size = 1,234", "size = 5,678")

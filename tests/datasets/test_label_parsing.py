import datetime as dt
import unicodedata

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from audit import DataError
from audit.datasets.labels import NO_LABEL, ParsedLabels, parse

EXPECTED = "expected classes: integers, strings or booleans, one for each row"
ONE_HOT = f"{EXPECTED}, or one-hot rows with exactly one 1"


def refused(y, class_names=None):
    with pytest.raises(DataError) as caught:
        parse(y, "y", class_names)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    return message


def named(parsed):
    """The name of each row's class, None where it has no label."""
    return [None if code == NO_LABEL else parsed.class_names[code] for code in parsed.codes]


def hold_two(labels):
    return len(set(labels) - {None}) > 1


def is_sound(parsed):
    found = set(parsed.codes.tolist()) - {NO_LABEL}
    return (
        isinstance(parsed, ParsedLabels)
        and parsed.codes.dtype == np.int64
        and found == set(range(len(parsed.class_names)))
        and len(set(parsed.class_names)) == len(parsed.class_names) > 1
        and all("\n" not in note for note in parsed.notes)
    )


words = st.lists(st.none() | st.text(min_size=1).filter(str.strip)).filter(hold_two)
numbers = st.lists(st.none() | st.integers(-9, 9), max_size=19).filter(hold_two)
containers = st.sampled_from([list, tuple, pd.Series, lambda y: np.array(y, dtype=object), pd.Categorical])


@given(words, containers)
def test_strings_in_any_script_are_named_as_they_are_and_sorted(labels, container):
    parsed = parse(container(labels), "y")
    assert is_sound(parsed)
    assert named(parsed) == labels
    assert list(parsed.class_names) == sorted(parsed.class_names)


@given(numbers, containers)
def test_integers_are_named_by_their_digits_in_the_order_of_numbers(labels, container):
    parsed = parse(container(labels), "y")
    assert is_sound(parsed)
    assert named(parsed) == [None if label is None else str(label) for label in labels]
    assert list(parsed.class_names) == sorted(parsed.class_names, key=int)


@given(words | numbers, st.randoms(use_true_random=False))
def test_rows_in_another_order_have_the_same_codes(labels, random):
    order = list(range(len(labels)))
    random.shuffle(order)
    parsed, shuffled = parse(labels, "y"), parse([labels[i] for i in order], "y")
    assert shuffled.class_names == parsed.class_names
    assert shuffled.codes.tolist() == parsed.codes[order].tolist()


things = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(st.characters()), st.binary(), st.complex_numbers(),
    st.dates(), st.decimals(allow_nan=False), st.lists(st.integers()), st.just(10**5000), st.just(pd.NA), st.just(pd.NaT), st.just(object),
)  # fmt: skip


@given(st.lists(things) | st.lists(st.integers()) | st.lists(st.floats()) | st.lists(st.binary()))
def test_whatever_objects_are_parsed_or_refused_in_one_line(labels):
    values = np.empty(len(labels), dtype=object)
    values[:] = labels
    for y in (labels, values):
        try:
            parsed = parse(y, "y")
        except DataError as error:
            assert len(str(error).splitlines()) == 1
        else:
            assert is_sound(parsed)


@given(
    hnp.arrays(
        hnp.scalar_dtypes() | hnp.unicode_string_dtypes() | hnp.byte_string_dtypes() | hnp.array_dtypes(),
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5),
    ),
    st.none() | st.lists(st.text()),
)
def test_whatever_arrays_are_parsed_or_refused_in_one_line(y, class_names):
    try:
        parsed = parse(y, "y", class_names)
    except DataError as error:
        assert len(str(error).splitlines()) == 1
    else:
        assert is_sound(parsed)


@given(numbers)
def test_every_form_of_the_same_integers_gives_the_same(labels):
    wanted = parse(labels, "y")
    floats = np.array([np.nan if each is None else each for each in labels])
    masked = np.ma.array([each or 0 for each in labels], mask=[each is None for each in labels])
    forms = [
        floats,
        masked,
        pd.Series(labels, dtype="Int64"),
        pd.Series(labels, dtype=float),
        pd.Index(labels, dtype=object),
    ]
    for form in forms:
        parsed = parse(form, "y")
        assert (named(parsed), parsed.class_names, parsed.notes) == (
            named(wanted),
            wanted.class_names,
            wanted.notes,
        )


@given(st.lists(st.none() | st.integers(0, 5)).filter(hold_two))
def test_one_hot_rows_stand_for_their_columns(labels):
    hot = np.array([[label == column for column in range(6)] for label in labels])
    unknown = np.where([[label is None] for label in labels], np.nan, hot)
    for rows in (hot, hot.astype(np.int8), unknown, hot.astype(object), hot.tolist(), pd.DataFrame(hot)):
        assert named(parse(rows, "y")) == [None if label is None else str(label) for label in labels]


def test_columns_of_one_hot_frames_name_the_classes():
    frame = pd.get_dummies(pd.Series(["u", "w", "v", None]))[["w", "u", "v"]]
    parsed = parse(frame, "y")
    assert parsed.class_names == ("w", "u", "v")
    assert named(parsed) == ["u", "w", "v", None]


@pytest.mark.parametrize(
    ("y", "names", "codes"),
    [
        ([True, False], ("False", "True"), [1, 0]),
        (pd.Series([True, None, False], dtype="boolean"), ("False", "True"), [1, -1, 0]),
        (pd.Series(["b", None, "a"], dtype="string"), ("a", "b"), [1, -1, 0]),
        (pd.Series(["b", None, "a"], dtype="category"), ("a", "b"), [1, -1, 0]),
        (pd.Categorical(["b", None, "a"], ["c", "b", "a"], ordered=True), ("b", "a"), [0, -1, 1]),
        (pd.CategoricalIndex([10, 9], [10, 9, 8], ordered=True), ("10", "9"), [0, 1]),
        (["nan", "None", "NA", ""], ("NA", "None", "nan"), [2, 1, 0, -1]),
        (["a", None, pd.NA, np.nan, pd.NaT, "", " \t", "b"], ("a", "b"), [0, -1, -1, -1, -1, -1, -1, 1]),
        ([b"\xce\xa9", b"a", b""], ("a", "Ω"), [1, 0, -1]),
        (np.array(["a\x00", "a"], dtype=object), ("a", "a\x00"), [1, 0]),
        ([1, 2.0, -0.0, 0.0], ("0", "1", "2"), [1, 2, 0, 0]),
        (np.array([2**64 - 1, 5], dtype=np.uint64), ("5", str(2**64 - 1)), [1, 0]),
        (list(range(10)) * 2, tuple("0123456789"), list(range(10)) * 2),
        ([str(i) for i in range(10, 40)], tuple(map(str, range(10, 40))), list(range(30))),
    ],
)
def test_labels_as_people_keep_them(y, names, codes):
    parsed = parse(y, "y")
    assert (parsed.class_names, parsed.codes.tolist()) == (names, codes)


def test_class_names_name_the_numbers_that_occur():
    parsed = parse([2, None, 0, 2], "y", ["z", "y", "x"])
    assert parsed.class_names == ("z", "x")
    assert parsed.codes.tolist() == [1, -1, 0, 1]
    assert parse(np.eye(2), "y", np.array(["n", "p"])).class_names == ("n", "p")
    assert parse([True, False], "y", ("n", "p")).class_names == ("n", "p")
    many = [str(i) for i in range(30)]
    assert parse(np.arange(30), "y", many).class_names == tuple(many)


@pytest.mark.parametrize(
    ("y", "notes"),
    [
        ([1, 2], ()),
        ([1, 2, None], ("1 of 3 rows has no label (row 2); it is left out of the audit, and gets a suggested label at the end",)),
        (["a", "", None, "b"] * 500, ("1,000 of 2,000 rows have no label (first row 1); they are left out of the audit, and get a suggested label at the end",)),
        ([" cat", "cat", "dog"], ("classes ' cat' and 'cat' differ only in spaces, case or Unicode form: are they the same?",)),
        ([unicodedata.normalize("NFD", "é"), "é"], ("classes 'e\\u0301' and 'é' differ only in spaces, case or Unicode form: are they the same?",)),
        (["a", "A", "b", "B", "c", "C", "d", "D", "D\n"], ("classes 'A' and 'a', 'B' and 'b', 'C' and 'c' and 2 pairs more differ only in spaces, case or Unicode form: are they the same?",)),
    ],
)  # fmt: skip
def test_notes(y, notes):
    assert parse(y, "y").notes == notes


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([], "y needs at least two classes, found none in 0 rows"),
        ([None, "", np.nan], "y needs at least two classes, found none in 3 rows"),
        (np.zeros(6, int), "y needs at least two classes, found only '0'"),
        (["a\nb", None], "y needs at least two classes, found only 'a\\nb'"),
        ([None, 1, "1"], f"y holds 1 (row 1) beside '1' (row 2), {EXPECTED}; give all labels the same type, for example with str(label)"),
        ([1, True], f"y holds 1 (row 0) beside True (row 1), {EXPECTED}; give all labels the same type, for example with str(label)"),
        ([1, 2.5, "a"], f"y holds 1 (row 0) beside 'a' (row 2), {EXPECTED}; give all labels the same type, for example with str(label)"),
        (np.arange(1000) / 999, f"y holds 1,000 different measurements such as 0.001001 (row 1), {EXPECTED}; a regression target cannot be audited; if these are classes, give them as strings"),
        ([0.5, 0.5, None], f"y holds 1 different measurements such as 0.5 (row 0), {EXPECTED}; a regression target cannot be audited; if these are classes, give them as strings"),
        (np.arange(20), f"y holds 20 different numbers in 20 rows, {EXPECTED}; it looks like an identifier or a regression target; if these are classes, give them as strings"),
        (pd.Series([*range(20), None]), f"y holds 20 different numbers in 20 rows, {EXPECTED}; it looks like an identifier or a regression target; if these are classes, give them as strings"),
        ([1, 2, -np.inf], f"y holds -inf in row 2, {EXPECTED}; give labels of this size as strings, missing ones as NaN"),
        ([1.0, 2.0**60], f"y holds 1.152921504606847e+18 in row 1, {EXPECTED}; give labels of this size as strings, missing ones as NaN"),
        ([b"a", b"b\xff"], f"y holds b'b\\xff' in row 1, which is not UTF-8 text, {EXPECTED}; decode it, or give strings"),
        (["a", "\ud800"], f"y holds '\\ud800' in row 1, which is not UTF-8 text, {EXPECTED}; decode it, or give strings"),
        (np.array([1j, 2]), f"y has dtype complex128, {EXPECTED}; give plain strings or integers"),
        (np.array(["2020"], "M8[Y]"), f"y has dtype datetime64[Y], {EXPECTED}; make classes of these moments, for example the year as a string"),
        (np.array([5], "m8[s]"), f"y has dtype timedelta64[s], {EXPECTED}; make classes of these moments, for example the year as a string"),
        ([dt.date(2020, 1, 2)], f"y holds objects of type date such as datetime.date(2020, 1, 2) (row 0), {EXPECTED}; make classes of these moments, for example the year as a string"),
        (np.zeros(2, [("a", "u1"), ("b", "u1")]), f"y has dtype [('a', 'u1'), ('b', 'u1')], {EXPECTED}; give its field 'a'"),
        ([[1, 2], [3]], f"y holds objects of type list such as [1, 2] (row 0), {EXPECTED}; give one label, not several, for each row"),
        (5, f"y is of type int, {EXPECTED}; give a list, an array or a Series"),
        (np.array(5), f"y has shape (), {EXPECTED}; give a list, an array or a Series"),
        ({"a": 1}, f"y is of type dict, {EXPECTED}; give a list, an array or a Series"),
        ([["a", "b"], ["b", "a"]], f"y has shape (2, 2), {ONE_HOT}; give one of its columns"),
        (np.zeros((2, 2, 2)), f"y has shape (2, 2, 2), {ONE_HOT}; reshape it"),
        ([[0, 1], [1, 1]], f"y has shape (2, 2), {ONE_HOT}, but row 1 is [1, 1]; rows of several labels cannot be audited: give one of its columns"),
        ([[0.25, 0.75]], f"y has shape (1, 2), {ONE_HOT}, but row 0 is [0.25, 0.75]; soft labels are not audited: give the most probable class of each row (argmax)"),
        (pd.DataFrame([[0, 1]], columns=["a", "a"]), "two classes of y are called 'a', rename one of them"),
    ],
)  # fmt: skip
def test_what_cannot_be_audited_is_refused_in_one_line(y, message):
    assert refused(y) == message


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0, 1, 2], "y holds 2 in row 2, expected integers 0 to 1 for 2 class names; correct the labels or the names"),
        ([-1, 1], "y holds -1 in row 0, expected integers 0 to 1 for 2 class names; correct the labels or the names"),
        (["", "n"], "y holds 'n' in row 1, expected integers 0 to 1 for 2 class names; correct the labels or the names"),
    ],
)  # fmt: skip
def test_labels_that_no_class_name_fits_are_refused(y, message):
    assert refused(y, ["n", "p"]) == message


def test_class_names_that_occur_twice_are_refused():
    assert refused([0, 1], ["n", "n"]) == "two classes of y are called 'n', rename one of them"


def test_labels_of_polars():
    pl = pytest.importorskip("polars")
    assert named(parse(pl.Series(["b", None, "a"]), "y")) == ["b", None, "a"]
    assert named(parse(pl.Series([3, None, -1]), "y")) == ["3", None, "-1"]
    assert parse(pl.DataFrame({"b": [1, 0], "a": [0, 1]}), "y").class_names == ("b", "a")


def test_labels_of_torch():
    torch = pytest.importorskip("torch")
    assert named(parse(torch.tensor([3, -1]), "y")) == ["3", "-1"]


def test_a_column_of_labels_is_a_list_of_them():
    assert parse(np.array([[3], [5], [3]]), "y").codes.tolist() == [0, 1, 0]


def test_records_are_refused_in_one_line_whatever_their_shape():
    for shape in [(0, 0), (3,), (3, 2)]:
        with pytest.raises(DataError, match="give its field 'f0'"):
            parse(np.zeros(shape, dtype=[("f0", "?")]), "y")

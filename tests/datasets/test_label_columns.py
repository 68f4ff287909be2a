"""Labels of any form as numbers of columns, and what looks like no label."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import DataError
from audit.datasets.labels import NO_LABEL, fit_to_columns, looks_unlabelled, parse
from audit.datasets.labels.raw import as_whole_number, class_called

codes = st.lists(st.integers(0, 4), min_size=5, max_size=40).map(lambda y: [*range(5), *y])
forms = st.sampled_from(
    [
        lambda y: y,
        lambda y: (3 * y - 2).tolist(),
        lambda y: y + 0.0,
        lambda y: np.array(list("abcde"))[y],
        lambda y: pd.Series(pd.Categorical(np.array(list("vwxyz"))[y])),
        lambda y: pd.Series(y, dtype="Int64"),
        lambda y: np.eye(5, dtype=int)[y],
    ]
)


@given(codes, forms)
def test_every_form_has_the_codes_of_its_sorted_classes_and_comes_back(y, form):
    y = np.array(y)
    given_labels = form(y)
    fitted = fit_to_columns(given_labels, "labels", 5)
    assert fitted.codes.tolist() == y.tolist()
    assert fitted.labelled.all()
    if np.ndim(given_labels) == 1:
        assert fitted.in_form(fitted.codes).tolist() == list(given_labels)


@given(
    st.lists(st.sampled_from(["cat", "dog", "NA", "?"]), min_size=4, max_size=40).map(
        lambda y: ["cat", "dog", *y]
    )
)
def test_marks_that_are_said_to_be_missing_are_as_good_as_none(labels):
    said = parse(labels, "y", missing={"NA", "?"})
    none = parse([None if each in ("NA", "?") else each for each in labels], "y")
    assert (said.codes.tolist(), said.class_names, said.notes) == (
        none.codes.tolist(),
        none.class_names,
        none.notes,
    )


@given(st.lists(st.text(min_size=1), max_size=8, unique=True))
def test_what_looks_unlabelled_is_among_the_names_in_any_order(names):
    found = looks_unlabelled(names)
    assert set(found) <= set(names)
    assert sorted(looks_unlabelled(names[::-1])) == sorted(found)


@given(st.integers(-(10**9), 10**9), st.integers(1, 3))
def test_whole_floats_are_their_integers(number, zeros):
    assert as_whole_number(f"{number}.{'0' * zeros}") == str(number)
    assert as_whole_number(str(number)) == str(number)


@pytest.mark.parametrize("text", ["007.0", "1.50", "1e5", "v1.0", "1.", "", "1,000"])
def test_other_texts_are_no_whole_floats(text):
    assert as_whole_number(text) == text


def test_classes_of_other_files_are_called_as_those_files_spell_them():
    assert class_called("10.0", ["9", "10"]) == "10"
    assert class_called(" cat", ["cat", "dog"]) == "cat"
    assert class_called("owl", ["cat", "dog"]) == "owl"
    assert class_called(" cat", [" cat", "cat"]) == " cat"


def test_integers_may_leave_columns_out_and_others_may_not():
    assert fit_to_columns([0, 2], "labels", 4).codes.tolist() == [0, 2]
    assert fit_to_columns([0.0, 2.0, None], "labels", 4).codes.tolist() == [0, 2, NO_LABEL]
    with pytest.raises(DataError, match="labels have 2 classes"):
        fit_to_columns(["a", "c"], "labels", 4)

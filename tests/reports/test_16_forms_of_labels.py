"""Labels of every form in `find_issues`, which reads them as `detect` does."""

import numpy as np
import pandas as pd
import pytest

import audit

NAMES = np.array(["cat", "dog", "owl"])


def world(n=300, k=3):
    rng = np.random.default_rng(0)
    true = rng.integers(0, k, n)
    probs = np.full((n, k), 0.05)
    probs[np.arange(n), true] = 1
    probs *= rng.gamma(2, 1, (n, k))
    probs /= probs.sum(axis=1, keepdims=True)
    y = true.copy()
    wrong = rng.choice(n, 20, replace=False)
    y[wrong] = (y[wrong] + 1) % k
    return y, probs


Y, PROBS = world()
FOUND = audit.find_issues(Y, PROBS)
FORMS = {
    "strings": lambda y: NAMES[y],
    "a list of strings": lambda y: NAMES[y].tolist(),
    "a series with another index": lambda y: pd.Series(NAMES[y], index=np.arange(len(y)) + 7),
    "categories": lambda y: pd.Series(pd.Categorical(NAMES[y])),
    "ordered categories": lambda y: pd.Categorical(NAMES[2 - y], ["owl", "dog", "cat"], ordered=True),
    "whole floats": lambda y: y.astype(float),
    "from 1": lambda y: y + 1,
    "with gaps": lambda y: 10 * y + 3,
    "bytes": lambda y: NAMES[y].astype("S"),
    "nullable integers": lambda y: pd.Series(y, dtype="Int64"),
    "objects": lambda y: y.astype(object),
    "a frame of one column": lambda y: pd.DataFrame({"label": NAMES[y]}),
    "a column": lambda y: y[:, None],
    "one-hot": lambda y: np.eye(3)[y],
    "one-hot names": lambda y: pd.DataFrame(np.eye(3)[y], columns=NAMES),
}


@pytest.mark.parametrize("form", FORMS)
def test_issues_are_those_of_the_codes_and_suggestions_have_the_form_that_was_given(form):
    labels = FORMS[form](Y)
    found = audit.find_issues(labels, PROBS)
    np.testing.assert_array_equal(found.is_issue, FOUND.is_issue)
    np.testing.assert_array_equal(found.p_error, FOUND.p_error)
    if form not in ("one-hot", "one-hot names", "a column", "a frame of one column"):
        assert found.suggested.tolist() == list(FORMS[form](FOUND.suggested))


def test_categories_that_nobody_has_keep_their_columns():
    probs = np.column_stack([PROBS[:, 0], np.zeros(300), PROBS[:, 1:]])
    labels = pd.Categorical(NAMES[Y], ["owl", "cow", "dog", "cat"])
    found = audit.find_issues(labels, probs)
    np.testing.assert_array_equal(found.is_issue, audit.find_issues(Y + (Y > 0), probs).is_issue)
    assert set(found.suggested) <= {*NAMES, "cow"}


def test_booleans_are_two_classes():
    two = Y < 2
    probs = PROBS[two][:, :2] / PROBS[two][:, :2].sum(axis=1, keepdims=True)
    found = audit.find_issues(Y[two] == 1, probs)
    assert found.suggested.dtype == bool
    np.testing.assert_array_equal(found.is_issue, audit.find_issues(Y[two], probs).is_issue)


@pytest.mark.parametrize(
    "labels", [np.where(np.arange(300) < 5, np.nan, Y), np.where(np.arange(300) < 5, "", NAMES[Y])]
)
def test_rows_without_a_label_are_no_issues_and_get_a_suggestion(labels):
    with pytest.warns(UserWarning, match="5 of 300 rows have no label"):
        found = audit.find_issues(labels, PROBS)
    with pytest.warns(UserWarning, match="5 of 300 rows have no label"):
        same = audit.find_issues(labels, PROBS[5:])
    assert len(found.is_issue) == 300
    assert not found.is_issue[:5].any()
    assert np.isnan(found.p_error[:5]).all()
    likeliest = PROBS[:5].argmax(axis=1)
    assert (
        found.suggested[:5].tolist() == (likeliest if labels.dtype.kind == "f" else NAMES[likeliest]).tolist()
    )
    np.testing.assert_array_equal(found.is_issue[5:], audit.find_issues(Y[5:], PROBS[5:]).is_issue)
    np.testing.assert_array_equal(found.is_issue, same.is_issue)


def test_a_mark_for_no_label_is_named_with_the_setting_that_takes_it_out():
    labels = np.where(np.arange(300) < 5, -1, Y)
    for call in (audit.find_issues, lambda y, p: audit.detect(None, y, pred_probs=p)):
        with pytest.raises(
            audit.DataError, match=r'if .-1. means "no label", leave it out with --missing=-1'
        ):
            call(labels, PROBS)
    with pytest.warns(UserWarning, match="have no label"):
        assert not audit.find_issues(labels, PROBS, missing=-1).is_issue[:5].any()


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([[0], [0, 1], [2]] * 100, "labels holds objects of type list such as [0] (row 0), expected classes"),
        (np.eye(3)[Y] + np.eye(3)[(Y + 1) % 3], "rows of several labels cannot be audited"),
        (NAMES[Y % 2], "labels have 2 classes ('cat', 'dog'), expected 3, one for each column"),
        (Y + 0.5, "a regression target cannot be audited"),
        (np.where(Y == 2, 7, Y - 3), "labels have 3 classes"),
    ],
)
def test_what_is_no_class_for_each_row_is_refused_in_one_line(labels, message):
    if message == "labels have 3 classes":
        assert audit.find_issues(labels, PROBS).is_issue.sum() == FOUND.is_issue.sum()
        return
    with pytest.raises(audit.DataError) as caught:
        audit.find_issues(labels, PROBS)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_frame_of_probabilities_is_matched_by_the_names_of_its_columns():
    frame = pd.DataFrame(PROBS, columns=NAMES)[["owl", "cat", "dog"]]
    found = audit.find_issues(NAMES[Y], frame)
    np.testing.assert_array_equal(found.is_issue, FOUND.is_issue)

"""Frames, tables of Python objects, and the usual pipeline that names columns."""

from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import audit
from audit import datasets


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    n = 120
    frame = pd.DataFrame(
        {
            "id": np.arange(n),
            "age": rng.normal(40, 9, n),
            "town": rng.choice(["Aa", "Bo"], n),
            "told": [f"story {i}" for i in range(n)],
        }
    )
    frame["kind"] = np.where(frame.age > 40, "hi", "lo")
    return frame.set_index(np.arange(n) + 7)


class Seeing(ClassifierMixin, BaseEstimator):
    """A classifier that refuses everything but the form it is told to expect."""

    def __init__(self, form="", columns=()):
        self.form = form
        self.columns = columns

    def fit(self, X, y):
        assert self.form in str(type(X))
        if self.columns:
            assert list(X.columns) == list(self.columns)
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        assert self.form in str(type(X))
        return np.tile(np.full(len(self.classes_), 1 / len(self.classes_)), (X.shape[0], 1))


def by_name():
    columns = ColumnTransformer(
        [("n", StandardScaler(), ["age"]), ("c", OneHotEncoder(handle_unknown="ignore"), ["town"])]
    )
    return make_pipeline(columns, LogisticRegression())


def test_a_pipeline_that_names_columns_gets_the_frame(frame):
    run = audit.detect(frame, "kind", model=by_name(), noise=0, preset="fast", folds=3)
    assert run.record.scores.accuracy.given > 0.9


def test_the_columns_that_number_the_rows_stay_out(frame):
    model = Seeing("DataFrame", ("age", "town", "told"))
    run = audit.detect(frame, "kind", model=model, noise=0, preset="fast", folds=3)
    assert "columns left out: 'id' (numbers the rows)" in run.record.data["notes"][0]


def test_a_frame_of_polars_stays_one(frame):
    model = Seeing("polars")
    audit.detect(pl.from_pandas(frame[["age", "town", "kind"]]), "kind", model=model, noise=0, preset="fast")


def test_a_model_that_cannot_read_the_frame_gets_its_numbers(frame):
    model = RandomForestClassifier(5, random_state=0)
    run = audit.detect(frame, "kind", model=model, noise=0, preset="fast", folds=3)
    assert run.record.scores.accuracy.given > 0.9


def test_a_model_that_can_read_neither_is_told_both_reasons(frame):
    with pytest.raises(
        audit.DataError, match=r"Error: .* \(examples as they came\), .*Error: .* \(their numb"
    ):
        audit.detect(frame, "kind", model=Seeing("csr_matrix"), noise=0, preset="fast", folds=3)


def test_a_frame_of_numbers_reaches_the_model_with_its_names_and_has_kinds(frame):
    numbers = frame[["age"]].assign(shoe=np.arange(120) % 7)
    model = make_pipeline(ColumnTransformer([("n", StandardScaler(), ["age", "shoe"])]), LogisticRegression())
    run = audit.detect(numbers, frame.kind, model=model, noise=0, preset="fast", folds=3)
    assert run.record.kinds is not None
    assert run.record.data["notes"] == []


@pytest.mark.parametrize("form", ["mixed", "strings", "decimals", "stacked", "lists"])
def test_python_objects_that_are_numbers_are_read_as_numbers(form):
    rng = np.random.default_rng(0)
    numbers = rng.integers(0, 9, (40, 3)) / 4
    X = numbers.astype(object)
    if form == "mixed":
        X[:, 0] = numbers[:, 0] > 1
    elif form == "lists":
        X = [[str(a), *rest] for a, *rest in numbers.tolist()]
    elif form == "strings":
        X = numbers.astype(str)
    elif form == "decimals":
        X = np.array([[Decimal(str(value)) for value in row] for row in numbers], dtype=object)
    else:
        X = np.empty(40, dtype=object)
        X[:] = list(numbers)
    dataset = datasets.from_arrays(X, np.arange(40) % 2)
    expected = numbers.copy()
    if form == "mixed":
        expected[:, 0] = numbers[:, 0] > 1
    assert np.array_equal(dataset.X, expected)


def test_a_change_that_only_the_model_can_see_is_not_taken_for_the_same_run(frame, tmp_path):
    settings = {"model": by_name(), "noise": 0, "preset": "fast", "folds": 3, "out": tmp_path / "run"}
    first = audit.detect(frame, "kind", **settings).record
    told = frame.assign(told=frame.told.str.upper())
    assert (
        audit.detect(told, "kind", **settings).record.stages["folds"]["key"] != first.stages["folds"]["key"]
    )

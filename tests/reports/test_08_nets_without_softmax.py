"""Models whose predict_proba returns no probabilities: logarithms, raw scores, NaN, wrong columns."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression

import audit


class Returning(ClassifierMixin, BaseEstimator):
    """A classifier whose probabilities are spoilt in one way."""

    def __init__(self, how):
        self.how = how

    def fit(self, X, y):
        self.model = LogisticRegression().fit(X, y)
        self.classes_ = self.model.classes_
        if self.how == "classes":
            self.classes_ = np.array(["a", "b", "c"])
        if self.how == "none":
            del self.classes_
        return self

    def predict_proba(self, X):
        probs = self.model.predict_proba(X)
        return {
            "logs": lambda: np.log(probs),
            "scores": lambda: self.model.decision_function(X),
            "nan": lambda: np.where(np.arange(len(X))[:, None] == 1, np.nan, probs),
            "columns": lambda: np.hstack([probs, 0 * probs]),
            "one": lambda: probs[:, 1],
            "sums": lambda: probs * [1, 1, 0.5],
            "per cent": lambda: 100 * probs,
            "texts": lambda: probs.astype(str),
            "half": lambda: probs.astype(np.float16),
            "wide": lambda: np.hstack([probs, np.full((len(X), 1), 0.0)]),
        }.get(self.how, lambda: probs)()


FAULTS = {
    "logs": "holds logarithms of probabilities, expected 0 to 1; make predict_proba return probabilities",
    "scores": "expected 0 to 1: they look like logits; make predict_proba return probabilities",
    "nan": "has NaN or infinite values in 1 of 30 rows, first in row 1, expected numbers from 0 to 1; the model",
    "columns": r"has shape \(30, 6\), expected \(30, 3\), a row for each example and a column for each of its",
    "one": r"has shape \(30,\), expected \(30, 3\)",
    "sums": "expected 1, as in all",
    "per cent": "sums to 100, expected 1; make predict_proba return probabilities",
    "texts": "has dtype <U",
}


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    y = np.arange(90) % 3
    return 2 * np.eye(3)[y] + rng.normal(0, 1, (90, 3)), y


@pytest.mark.parametrize("how", FAULTS)
def test_what_is_no_probability_is_refused_in_one_line_that_names_model_and_fold(data, how):
    with pytest.raises(audit.DataError, match=FAULTS[how]) as caught:
        audit.detect(*data, model=Returning(how), noise=0, preset="fast", folds=3)
    assert "predict_proba of the model Returning on fold 0" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_classes_that_are_not_those_of_the_labels_are_refused(data):
    with pytest.raises(
        audit.DataError, match=r"classes_ of the model Returning on fold 0 are .*, expected some"
    ):
        audit.detect(*data, model=Returning("classes"), noise=0, preset="fast", folds=3)


@pytest.mark.parametrize("how", ["sound", "none", "half"])
def test_probabilities_pass_in_half_precision_and_without_classes(data, how):
    run = audit.detect(*data, model=Returning(how), noise=0, preset="fast", folds=3)
    assert run.record.scores.accuracy.given > 0.6


def test_a_network_of_a_fixed_size_may_have_a_column_for_a_class_that_a_fold_lacks():
    from audit.training.model import Model
    from audit.types import Recipe, Training

    class Wide:
        classes_ = np.arange(2)

        def predict_proba(self, X):
            return np.tile([0.3, 0.3, 0.4], (len(X), 1))

    training = Training((4, 2), 2, 0, Recipe(1), 1, "cpu", lambda _: None)
    model = Model(Wide(), training, 3, np.array([0, 2]), "fold 0", None, None, (), "numbers")
    predicted = model.predict(np.zeros((5, 2)), np.arange(5)).pred_probs
    assert np.allclose(predicted, [0.5, 0, 0.5])

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import audit
from audit.training.sample_weights import Balancing, combined, weight_argument


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60))
def test_balance_gives_every_class_the_same_weight(labels):
    labels = np.array(labels)
    weights = Balancing(labels, 5).sample_weights
    totals = [weights[labels == label].sum() for label in np.unique(labels)]
    np.testing.assert_allclose(totals, len(labels) / len(totals))


@given(st.integers(0, 1000))
def test_probabilities_of_a_balanced_model_are_brought_back(seed):
    """Bayes: p(k | x) under balance is p(x | k) normalised; undone, it is p(x | k) p(k)."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(3, 200, p=[0.7, 0.2, 0.1])
    likelihood = rng.dirichlet(np.ones(3), 50)
    shares = np.bincount(labels, minlength=3) / 200
    expected = likelihood * shares
    found = Balancing(labels, 3).undo(likelihood.astype(np.float32))
    np.testing.assert_allclose(found, expected / expected.sum(axis=1, keepdims=True), rtol=1e-5)


def test_a_certain_prediction_for_an_absent_class_stays_finite():
    undone = Balancing(np.array([0, 0, 1]), 3).undo(np.array([[0, 0, 1]], dtype=np.float32))
    assert undone.tolist() == [[0, 0, 1]]


def test_weights_go_where_the_classifier_takes_them():
    weights = np.ones(3)
    assert weight_argument(LogisticRegression(), None) == {}
    assert list(weight_argument(LogisticRegression(), weights)) == ["sample_weight"]
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    assert list(weight_argument(pipeline, weights)) == ["logisticregression__sample_weight"]
    with pytest.raises(audit.ConfigError) as caught:
        weight_argument(KNeighborsClassifier(), weights)
    assert str(caught.value) == (
        "the model KNeighborsClassifier takes no weights, which --balance and sample_weight need; "
        "leave them out, or use --model linear, boosting or cnn"
    )


def test_weights_of_rows_and_of_classes_multiply():
    labels = np.array([0, 0, 0, 1])
    balancing = Balancing(labels, 2)
    rows = np.array([1.0, 2, 3, 4])
    assert combined(None, None) is None
    assert (combined(rows, None) == rows).all()
    assert (combined(rows, balancing) == rows * balancing.sample_weights).all()

"""The linear model of embeddings."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from audit.training.models.ridge import CalibratedRidge


def blobs(n, d, k=3, seed=0, apart=1.0):
    """Classes with their centres in a few of d directions, which are of very different scales."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, k, n)
    X = rng.normal(size=(n, d))
    X[:, :k] += apart * np.eye(k)[y] * 2
    return (X * np.geomspace(0.01, 100, d)).astype(np.float32), y


@given(st.integers(20, 60), st.integers(1, 90), st.integers(0, 5))
@settings(max_examples=15)
def test_probabilities_are_finite_and_sum_to_one_however_many_features_there_are(n, d, seed):
    X, y = blobs(n, max(d, 3), seed=seed)
    y[:3] = range(3)
    probs = CalibratedRidge().fit(X[:, :d], y).predict_proba(X[:, :d])
    assert np.isfinite(probs).all()
    assert np.allclose(probs.sum(axis=1), 1)


@given(st.integers(0, 3), st.floats(0.01, 100), st.floats(-5, 5))
@settings(max_examples=10)
def test_scale_and_origin_of_the_columns_do_not_matter(seed, scale, shift):
    X, y = blobs(80, 6, seed=seed)
    before = CalibratedRidge().fit(X, y).predict_proba(X)
    moved = X.astype(np.float64) * scale + shift
    assert np.allclose(before, CalibratedRidge().fit(moved, y).predict_proba(moved), atol=2e-3)


def test_a_weight_counts_as_so_many_rows():
    X, y = blobs(120, 5)
    weights = np.where(np.arange(120) % 3 == 0, 2.0, 1.0)
    twice = np.repeat(np.arange(120), weights.astype(int))
    weighted = CalibratedRidge().fit(X, y, sample_weight=weights)
    repeated = CalibratedRidge().fit(X[twice], y[twice])
    assert np.allclose(weighted.predict_proba(X), repeated.predict_proba(X), atol=0.02)


def test_rows_without_weight_do_not_count():
    X, y = blobs(90, 5)
    weights = (np.arange(90) < 60).astype(float)
    weighted = CalibratedRidge().fit(X, y, sample_weight=weights)
    assert np.allclose(
        weighted.predict_proba(X), CalibratedRidge().fit(X[:60], y[:60]).predict_proba(X), atol=1e-3
    )
    assert set(weights) == {0, 1}


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int16])
def test_all_types_constant_columns_and_gaps_are_read(dtype):
    X, y = blobs(90, 8)
    X = np.clip(X, -1000, 1000).astype(dtype)
    X[:, 2] = 7
    if dtype != np.int16:
        X[::7, 4] = np.nan
        X[:, 5] = np.nan
    model = CalibratedRidge().fit(X, y)
    assert np.isfinite(model.predict_proba(X)).all()


def test_rows_it_was_not_trained_on_are_about_as_likely_as_by_logistic_regression():
    X, y = blobs(1500, 40, k=4, apart=0.8)
    logistic = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
    losses = [
        log_loss(y[1000:], clone(model).fit(X[:1000], y[:1000]).predict_proba(X[1000:]))
        for model in (CalibratedRidge(), logistic)
    ]
    assert losses[0] <= losses[1] + 0.02


def test_labels_that_are_noise_get_probabilities_near_their_shares():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(400, 300)), rng.integers(0, 2, 400)
    probs = CalibratedRidge().fit(X[:200], y[:200]).predict_proba(X[200:])
    assert log_loss(y[200:], probs) < 0.75  # that of equal probabilities is 0.69


def test_one_class_alone_is_certain():
    assert (CalibratedRidge().fit(np.ones((5, 2)), np.zeros(5)).predict_proba(np.ones((3, 2))) == 1).all()

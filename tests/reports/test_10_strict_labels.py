"""A booster that wants labels 0..k-1 without a gap, and classes of very few rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression

import audit
from audit.datasets.source import Source
from audit.datasets.validation import Selection, validate
from audit.training.cross_validation import Fitting, FoldTask
from audit.types import Recipe


class Strict(ClassifierMixin, BaseEstimator):
    """Boosted trees' contract: labels are 0..k-1, each of them there."""

    def fit(self, X, y):
        found = np.unique(y)
        if not np.array_equal(found, np.arange(len(found))):
            raise ValueError(f"labels must be 0..{len(found) - 1}, got {found}")
        self.classes_ = found
        self.model = LogisticRegression().fit(X, y)
        return self

    def predict_proba(self, X):
        return self.model.predict_proba(X)


def crowd(n=160, rare=3):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 4))
    y = (X[:, 0] > 0).astype(int)
    y[:rare] = 2
    return X, np.array(["elm", "oak", "ash"])[y]


@pytest.mark.parametrize("rare", [2, 3])
def test_a_strict_model_is_cross_validated_over_rounds_with_a_class_of_few_rows(rare):
    run = audit.detect(*crowd(rare=rare), model=Strict(), rounds=2, noise=0.1)
    assert run.score["f1"]["value"] > 0.6


def test_copies_of_one_example_in_a_class_of_their_own_do_not_stop_a_strict_model():
    X, y = crowd(rare=3)
    X[:3] = X[0]
    audit.detect(X, y, model=Strict(), noise=0, preset="fast")


@given(st.integers(2, 5), st.integers(2, 5), st.integers(1, 4), st.integers(0, 1000))
@settings(max_examples=40)
def test_every_class_with_rows_outside_a_fold_is_trained_on(folds, k, train_folds, seed):
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.repeat(np.arange(k), 2), rng.integers(0, 2, 40)])
    keep = rng.random(len(labels)) < 0.5
    task = FoldTask(
        labels,
        np.arange(len(labels)),
        k=k,
        folds=folds,
        fold_seed=seed,
        fitting=Fitting(Strict),
        recipe=Recipe(1),
        keep=keep,
        train_folds=min(train_folds, folds - 1),
    )
    for number in range(folds):
        held_out, trained = task.rows_of(number)
        assert not set(held_out) & set(trained)
        outside = np.setdiff1d(np.arange(len(labels)), held_out)
        assert set(labels[trained]) == set(labels[outside])


@given(st.integers(4, 60), st.integers(2, 30), st.integers(0, 100))
@settings(max_examples=60)
def test_a_limit_draws_two_rows_of_each_class_or_leaves_it_out_by_name(limit, k, seed):
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.repeat(np.arange(k), 2), rng.integers(0, 2, 60)])
    source = Source("s", np.arange(2.0 * len(y)).reshape(-1, 2), y)
    try:
        dataset = validate(source, Selection(limit=limit, seed=seed))
    except audit.DataError as error:
        assert f"--limit {limit} leaves 2 examples in" in str(error)
        assert limit < 2 * k
        return
    counts = np.bincount(dataset.labels, minlength=len(dataset.class_names))
    assert counts.min() >= 2
    gone = set(map(str, range(k))) - set(dataset.class_names)
    assert bool(gone) == (limit < 2 * k and limit < len(y) and bool(gone))
    if gone:
        assert "left out" in dataset.notes[-1]
    else:
        assert len(dataset.labels) == min(limit, len(y))

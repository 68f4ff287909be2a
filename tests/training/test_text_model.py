"""The built-in classifier of texts."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.training.models.text import TextClassifier

TOPICS = {
    "sport": ["team", "match", "goal", "player", "coach", "season", "league", "score"],
    "money": ["bank", "market", "share", "price", "stock", "fund", "trade", "profit"],
    "food": ["soup", "bread", "cook", "taste", "sugar", "salt", "oven", "dish"],
}


def topical(n, topics=tuple(TOPICS), seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, len(topics), n)
    return [" ".join(rng.choice(TOPICS[topics[label]], 5)) for label in y], y


@pytest.mark.parametrize("topics", [("sport", "food"), ("sport", "money", "food")])
def test_it_learns_and_says_how_sure_it_is(topics):
    texts, y = topical(300, topics)
    rng = np.random.default_rng(1)
    wrong = rng.random(300) < 0.2
    noisy = np.where(wrong, (y + 1) % len(topics), y)
    model = TextClassifier(0).fit(texts, noisy)
    new, truth = topical(200, topics, seed=2)
    probs = model.predict_proba(new)
    assert probs.shape == (200, len(topics))
    assert np.allclose(probs.sum(axis=1), 1)
    assert (probs.argmax(axis=1) == truth).mean() > 0.97
    assert 0.6 < probs.max(axis=1).mean() < 0.95  # four of five labels are right, and it knows


@given(st.lists(st.text(max_size=20), min_size=8, max_size=20), st.integers(0, 3))
@settings(max_examples=20, deadline=None)
def test_any_texts_give_probabilities(texts, seed):
    texts = [*texts, "one word", "one word more"]
    y = np.arange(len(texts)) % 3
    model = TextClassifier(seed).fit(texts, y)
    probs = model.predict_proba([*texts, ""])
    assert np.isfinite(probs).all()
    assert np.allclose(probs.sum(axis=1), 1)


def test_the_same_seed_gives_the_same_model_in_any_container():
    texts, y = topical(60)
    first = TextClassifier(3).fit(texts, y).predict_proba(texts)
    for form in (
        tuple,
        pd.Series,
        lambda each: np.array(each, dtype=object),
        lambda each: pd.DataFrame({"t": each}),
    ):
        assert np.array_equal(TextClassifier(3).fit(form(texts), y).predict_proba(form(texts)), first)


def test_rows_without_weight_are_not_learned_from():
    texts, y = topical(200)
    spoilt = [*texts, *texts]
    labels = np.concatenate([y, (y + 1) % 3])
    weights = np.repeat([1.0, 1e-6], 200)
    probs = TextClassifier(0).fit(spoilt, labels, sample_weight=weights).predict_proba(texts)
    assert (probs.argmax(axis=1) == y).mean() > 0.97


def test_words_of_scripts_without_spaces_count():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 120)
    words = ("天地玄黄宇宙洪荒", "春夏秋冬寒来暑往")
    texts = ["".join(rng.choice(list(words[label]), 6)) for label in y]
    probs = TextClassifier(0).fit(texts[:80], y[:80]).predict_proba(texts[80:])
    assert (probs.argmax(axis=1) == y[80:]).mean() > 0.95

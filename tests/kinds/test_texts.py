"""Kinds of texts: their defects and their statistics."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import audit
from audit.kinds.defects import texts as defects
from audit.kinds.defects.apply import Sources
from audit.kinds.defects.synthetic import synthesize
from audit.kinds.text_statistics import STATISTICS, Vocabulary, statistics
from audit.settings.choices import SYNTHETIC_KINDS
from audit.types import KINDS, as_texts

DEFECTS = {
    **defects.ambiguous(["a text of the other class"] * 200),
    **defects.ATYPICAL,
    **defects.LOW_QUALITY,
    **defects.off_topic(["some words", "of other texts"]),
}
SENTENCES = "the quick brown fox jumps over the lazy dog every single day", "子曰学而时习之不亦说乎"
TOPICS = {
    "sport": ["team", "match", "goal", "player", "coach", "season", "league", "score"],
    "food": ["soup", "bread", "cook", "taste", "sugar", "salt", "oven", "dish"],
}


@pytest.mark.parametrize("name", DEFECTS)
@pytest.mark.parametrize("text", SENTENCES)
def test_every_defect_changes_a_text(name, text):
    changed = [DEFECTS[name](text, np.random.default_rng(seed)) for seed in range(5)]
    assert all(isinstance(each, str) for each in changed)
    assert any(each != text for each in changed)


@given(st.text(max_size=40), st.integers(0, 9))
@settings(max_examples=50, deadline=None)
def test_any_text_can_have_any_defect(text, seed):
    for name, defect in DEFECTS.items():
        if name != "blend":
            assert isinstance(defect(text, np.random.default_rng(seed)), str)


@given(st.lists(st.text(max_size=40), max_size=8))
def test_statistics_are_finite_and_shares_are_shares(texts):
    values = statistics(texts, Vocabulary.of(texts))
    assert values.shape == (len(texts), len(STATISTICS))
    assert np.isfinite(values).all()
    shares = values[:, 4:]
    assert ((shares >= 0) & (shares <= 1)).all()


def test_what_statistics_tell():
    vocabulary = Vocabulary.of([*SENTENCES, *SENTENCES])
    usual, shouted, shuffled, unknown = statistics(
        [SENTENCES[0], SENTENCES[0].upper(), "dog fox the day lazy jumps", "zorp blik flarn"], vocabulary
    )
    column = STATISTICS.index
    assert usual[column("known words")] == usual[column("known pairs")] == 1
    assert shouted[column("capitals")] == 1 > usual[column("capitals")]
    assert shuffled[column("known words")] == 1
    assert shuffled[column("known pairs")] < 0.5
    assert unknown[column("known words")] == 0


def topical(n):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, n)
    topics = list(TOPICS.values())
    return [f"we had {' '.join(rng.choice(topics[label], 6))} at home" for label in y], y


def test_synthetic_texts_of_every_kind():
    texts, y = topical(300)
    sources = Sources(as_texts(texts), y, np.arange(300), ("sport", "food"))
    made = synthesize(sources, np.random.default_rng(0), 20)
    counts = np.bincount(made.kind, minlength=len(KINDS))
    assert [counts[KINDS.index(kind)] for kind in SYNTHETIC_KINDS] == [20] * len(SYNTHETIC_KINDS)
    assert made.X.dtype.kind == "U"
    unchanged = made.kind == KINDS.index("none")
    assert made.X[unchanged].tolist() == [texts[row] for row in made.sources[unchanged, 0]]


def test_the_kinds_of_texts_are_told_apart_and_explained():
    texts, y = topical(400)
    given_labels = y.copy()
    given_labels[:12] = 1 - given_labels[:12]
    texts[20] = "zzz qqq zzz qqq"
    run = audit.detect(texts, given_labels, noise=0, preset="fast", kinds_of="all")
    kinds = run.record.kinds
    named = [KINDS[kind] for kind in kinds.kind[np.isin(kinds.rows, np.arange(12))]]
    assert named.count("mislabelled") >= 10
    assert KINDS[kinds.kind[kinds.rows == 20][0]] in ("off-topic", "low quality", "atypical")
    assert all(kinds.reason)

"""Duplicates among texts."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.datasets.duplicates import find_duplicates
from audit.types import as_texts

SENTENCES = [
    "How long does it take until a transfer arrives in my account?",
    "I lost my card yesterday and want to block it as soon as possible.",
    "Why was the exchange rate of my last payment so much worse than before?",
    "子曰学而时习之不亦说乎有朋自远方来不亦乐乎人不知而不愠",
]
CHANGED = {
    "case and punctuation": lambda text: text.upper().replace("?", " !!"),
    "another letter": lambda text: text[:-6] + "x" + text[-5:],
    "a word more": lambda text: text + " 好 ok",
}


def duplicates_of(texts):
    return find_duplicates(as_texts(texts))


def test_changed_copies_are_duplicates_and_other_texts_are_not():
    for name, change in CHANGED.items():
        found = duplicates_of([*SENTENCES, *map(change, SENTENCES)])
        assert np.array_equal(found.groups[:4], found.groups[4:]), name
        assert len(np.unique(found.groups)) == 4
        exact = name == "case and punctuation"
        assert (len(found.near) == 0) == exact


@given(st.lists(st.text("ab c.", max_size=30), max_size=12), st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_the_order_of_the_texts_does_not_matter(texts, random):
    texts = [*texts, *SENTENCES, SENTENCES[0] + " now"]
    order = list(range(len(texts)))
    random.shuffle(order)
    groups = duplicates_of(texts).groups
    moved = duplicates_of([texts[i] for i in order]).groups
    same = groups[order][:, None] == groups[order]
    assert np.array_equal(same, moved[:, None] == moved)


def test_texts_without_words_are_duplicates_only_of_the_same_and_empty_ones_of_none():
    groups = duplicates_of(["", " ", "?", "!", "a", "?"]).groups
    assert groups[0] != groups[1]
    assert groups[2] == groups[5]
    assert len(np.unique(groups)) == 5


def test_duplicates_of_different_labels_conflict():
    texts = [*SENTENCES, SENTENCES[0].lower()]
    conflicts = duplicates_of(texts).conflicts(np.array([0, 1, 0, 1, 1]))
    assert conflicts.rows.tolist() == [0, 4]
    assert not conflicts.near.any()

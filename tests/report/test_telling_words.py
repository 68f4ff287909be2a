"""Words that speak for the given or for the suggested class."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from audit.report.telling_words import pieces, telling_words
from audit.types import as_texts

CLASSES = ["the red apple", "the green pear"]


def test_words_of_one_class_speak_for_it_and_common_ones_for_none():
    texts = as_texts([CLASSES[i % 2] for i in range(60)] + ["The apple and a PEAR"])
    labels = np.append(np.arange(60) % 2, 0)
    trusted = np.append(np.ones(60, bool), False)
    told = telling_words(texts, labels, trusted, np.array([60]), np.array([[0, 1]]))
    assert told == [("apple", "pear")]
    exchanged = telling_words(texts, labels, trusted, np.array([60]), np.array([[1, 0]]))
    assert exchanged == [("pear", "apple")]
    marked = list(pieces(texts[60], *told[0]))
    assert [piece for piece in marked if piece[1]] == [("apple", "given"), ("PEAR", "suggested")]


def test_nothing_is_marked_where_no_text_can_be_trusted():
    texts = as_texts(["a b", "c d"])
    nobody = np.zeros(2, bool)
    assert telling_words(texts, np.array([0, 1]), nobody, np.array([0]), np.array([[0, 1]])) == [("", "")]


@given(st.text(), st.lists(st.text("ab文"), max_size=3), st.lists(st.text("cd学"), max_size=3))
def test_the_pieces_are_the_text(text, for_given, for_suggested):
    found = pieces(text, "\n".join(for_given), "\n".join(for_suggested))
    assert "".join(piece for piece, _ in found) == text

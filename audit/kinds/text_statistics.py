"""Statistics of a text that need no model: its length, its words, and how many of them other texts have."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from audit.datasets.words import words
from audit.kinds.defects.texts import LONGEST
from audit.types import Floats

KNOWN = 2  # texts that a known word, or a known pair of words, is in
STATISTICS = (
    "characters",
    "words",
    "word length",  # mean number of letters
    "longest word",
    "letters",  # share of the characters that are not spaces
    "digits",  # the same
    "capitals",  # share of the letters
    "repeats",  # share of the words that stand in the text before
    "known words",  # share of the words that other texts have
    "known pairs",  # share of the pairs of words that other texts have
)


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """In how many texts each word and each pair of neighbouring words is."""

    texts: Counter[str]
    pairs: Counter[tuple[str, str]]

    @classmethod
    def of(cls, texts: Sequence[str]) -> "Vocabulary":
        """Count them in these texts."""
        single: Counter[str] = Counter()
        pairs: Counter[tuple[str, str]] = Counter()
        for text in texts:
            found = words(text[:LONGEST])
            single.update(set(found))
            pairs.update(set(pairwise(found)))
        return cls(single, pairs)


def statistics(texts: Sequence[str], vocabulary: Vocabulary) -> Floats:
    """Compute the statistics of texts (m,), (m, s) in the order of STATISTICS."""
    return np.array([_of_text(text[:LONGEST], vocabulary) for text in texts]).reshape(-1, len(STATISTICS))


def _of_text(text: str, vocabulary: Vocabulary) -> list[float]:
    found = words(text)
    pairs = list(pairwise(found))
    lengths = [len(word) for word in found]
    shown = "".join(text.split())
    letters = [character for character in shown if character.isalpha()]
    return [
        float(len(text)),
        float(len(found)),
        float(np.mean(lengths)) if lengths else 0.0,
        float(max(lengths, default=0)),
        _share(len(letters), len(shown)),
        _share(sum(character.isdigit() for character in shown), len(shown)),
        _share(sum(letter.isupper() for letter in letters), len(letters)),
        _share(len(found) - len(set(found)), len(found)),
        _share(sum(vocabulary.texts[word] >= KNOWN for word in found), len(found)),
        _share(sum(vocabulary.pairs[pair] >= KNOWN for pair in pairs), len(pairs)),
    ]


def _share(count: int, of: int) -> float:
    return count / max(1, of)

"""Which words of a text speak for its given class, and which for the suggested one."""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from audit.datasets.words import WORD, words
from audit.types import Floats, Labels, Mask, Rows, Texts, evenly_at_most

MOST_TEXTS = 50_000  # by which words are judged
PRIOR_TEXTS = 10.0  # of each class that have words as often as all texts
TELLING = 1.96  # standard errors of the log-odds ratio from which a word tells the classes apart
MOST_WORDS = 8  # of a text, for each class
BETWEEN = "\n"  # words of a list

Word = tuple[str, str]  # a piece of a text, and which class it speaks for: given, suggested or neither


def telling_words(
    texts: Texts, labels: Labels, trusted: Mask, rows: Rows, classes: npt.NDArray[np.int64]
) -> list[tuple[str, str]]:
    """Find the words of some texts that speak for either of two classes, the strongest first.

    A word speaks for the class in whose trusted texts it is more often, by the log-odds ratio with a prior
    from all texts, in standard errors (Monroe, Colaresi and Quinn 2008).

    Parameters
    ----------
    texts
        All texts (n,).
    labels
        The class of every row (n,).
    trusted
        Which rows (n,) may be taken as examples of their class.
    rows
        The texts (m,) whose words are wanted.
    classes
        The two classes (m, 2), given and suggested.

    Returns
    -------
    For each row, the words for its given class and those for the suggested one, a line each.
    """
    from sklearn.feature_extraction.text import CountVectorizer  # noqa: PLC0415  slow to import

    known = evenly_at_most(np.flatnonzero(trusted), MOST_TEXTS)
    vectorizer = CountVectorizer(analyzer=words, binary=True)
    try:
        found = vectorizer.fit_transform(texts[known].tolist())
    except ValueError:  # as scikit-learn says that there are no words
        return [("", "")] * len(rows)
    k = 1 + max(int(classes.max(initial=0)), int(labels.max(initial=0)))
    counts = _sums(found, labels[known], k)
    sizes = np.bincount(labels[known], minlength=k).astype(np.float64)
    share = (np.asarray(found.sum(axis=0)).ravel() + 1) / (len(known) + 2)
    told = []
    for row, (given, suggested) in zip(rows.tolist(), classes.tolist(), strict=True):
        own = sorted({word for word in words(texts[row]) if word in vectorizer.vocabulary_})
        columns = [vectorizer.vocabulary_[word] for word in own]
        z = _z_scores(counts[[given, suggested]][:, columns], sizes[[given, suggested]], share[columns])
        told.append((_strongest(own, z), _strongest(own, -z)))
    return told


def pieces(text: str, for_given: str, for_suggested: str) -> Iterator[Word]:
    """A text piece by piece, each with the class that it speaks for, if any."""
    side = dict.fromkeys(for_given.split(BETWEEN), "given")
    side |= dict.fromkeys(for_suggested.split(BETWEEN), "suggested")
    end = 0
    for match in re.finditer(WORD, text):
        speaks_for = side.get(match[0].lower())
        if speaks_for:
            yield text[end : match.start()], ""
            yield match[0], speaks_for
            end = match.end()
    yield text[end:], ""


def _sums(found: Any, labels: Labels, k: int) -> Floats:
    """The number of texts of each class (k, w) that have each word."""
    from scipy.sparse import coo_array  # noqa: PLC0415  slow to import

    every = np.arange(len(labels))
    of_class = coo_array((np.ones(len(labels)), (labels, every)), shape=(k, len(labels)))
    return np.asarray((of_class @ found).toarray())


def _z_scores(counts: Floats, sizes: Floats, share: Floats) -> Floats:
    """The log-odds ratio of words (w,) in two classes (2, w), in standard errors; positive for the first."""
    with_word = counts + PRIOR_TEXTS * share
    without = sizes[:, None] + PRIOR_TEXTS - with_word
    log_odds = np.log(with_word) - np.log(without)
    error = np.sqrt((1 / with_word).sum(axis=0))
    return np.asarray((log_odds[0] - log_odds[1]) / error)


def _strongest(own: list[str], z: Floats) -> str:
    order = np.argsort(-z, kind="stable")[:MOST_WORDS].tolist()
    return BETWEEN.join(own[i] for i in order if z[i] >= TELLING)

"""The built-in classifier of texts in any language: words and pieces of words, weighed by linear models."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import log_softmax
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import SGDClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import FeatureUnion, make_union

from audit.datasets.words import WORD
from audit.types import AsGiven, Floats, Labels, Mask, Training

PIECES = (2, 4)  # characters of a piece of a word
LEAST_TEXTS = 2  # that a word has to be in
MOST_CHARACTERS = 4_000_000  # of all texts, from which pieces of words take longer than they help
EPOCHS = 4
INVERSE_PENALTY = 4.0  # as C of scikit-learn's logistic regression
SMOOTHING = 0.1  # of naive Bayes: what every word counts in every class
HELD_OUT = 8  # of every class, each row of this number tells how far the experts can be trusted
UNTRIED = (0.5, 0.1)  # the weights of both experts where no row can be held out, and where the search starts
MOST_WEIGHT = 20.0


def build(training: Training) -> "TextClassifier":
    """Build a linear classifier of texts."""
    return TextClassifier(training.seed, training.watch)


class TextClassifier:
    """Logistic regression and naive Bayes, together, on the TF-IDF of words, pairs of words and pieces.

    Logistic regression learns which words count; naive Bayes learns no wrong label by heart. Their log-odds
    are added with weights under which labels held out of a first training are likeliest (a logarithmic pool
    of opinions, Genest and Zidek 1986), so that probabilities are as sure as they may be.
    """

    def __init__(self, seed: int, watch: Callable[[float], None] = lambda _: None) -> None:
        self.seed = seed
        self.watch = watch

    def fit(self, X: Any, y: Labels, sample_weight: Floats | None = None) -> "TextClassifier":
        """Learn from texts (m,) and their labels (m,); ValueError where the texts hold no words."""
        texts = _texts(X)
        weights = np.ones(len(y)) if sample_weight is None else sample_weight
        self.classes_ = np.unique(y)
        self.vectorizer = _vectorizer(texts)
        features = self.vectorizer.fit_transform(texts)
        self.watch(0.2)
        held_out = _held_out(y, np.random.default_rng(self.seed))
        self.pool = np.array(UNTRIED)
        if held_out.any():
            first = self._experts(features[~held_out], y[~held_out], weights[~held_out])
            opinions = _opinions(first, features[held_out])
            codes = np.searchsorted(self.classes_, y[held_out])
            self.pool = _likeliest_pool(opinions, codes, weights[held_out])
        self.watch(0.6)
        self.experts = self._experts(features, y, weights)
        return self

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Class probabilities (m, k) of texts (m,)."""
        opinions = _opinions(self.experts, self.vectorizer.transform(_texts(X)))
        return np.asarray(np.exp(_pooled(self.pool, opinions)))

    def _experts(self, features: Any, y: Labels, weights: Floats) -> tuple[SGDClassifier, MultinomialNB]:
        """Train both; every class has a row among those that are not held out."""
        regression = SGDClassifier(
            loss="log_loss",
            alpha=1 / (INVERSE_PENALTY * len(y)),
            max_iter=EPOCHS,
            tol=None,
            average=True,
            random_state=self.seed,
        )
        bayes = MultinomialNB(alpha=SMOOTHING)
        return (
            regression.fit(features, y, sample_weight=weights),
            bayes.fit(features, y, sample_weight=weights),
        )


def _texts(X: Any) -> list[str]:
    texts = AsGiven(X).texts
    if texts is None:
        raise ValueError("expected texts")
    return texts


def _vectorizer(texts: list[str]) -> FeatureUnion:
    """What turns texts into features: words, pairs of words and, unless there is very much text, pieces."""
    parts = [_tfidf(token_pattern=WORD, ngram_range=(1, 2))]
    if sum(map(len, texts)) <= MOST_CHARACTERS:
        parts.append(_tfidf(analyzer="char_wb", ngram_range=PIECES))
    return make_union(*parts)


def _tfidf(**settings: Any) -> TfidfVectorizer:
    return TfidfVectorizer(min_df=LEAST_TEXTS, sublinear_tf=True, dtype=np.float32, **settings)


def _held_out(y: Labels, rng: np.random.Generator) -> Mask:
    """Every HELD_OUT-th row (m,) of each class, drawn at random; none of a class of fewer."""
    held_out = np.zeros(len(y), dtype=bool)
    for label in np.unique(y):
        held_out[rng.permutation(np.flatnonzero(y == label))[HELD_OUT - 1 :: HELD_OUT]] = True
    return held_out


def _opinions(experts: tuple[SGDClassifier, MultinomialNB], features: Any) -> Floats:
    """What each expert says of every class (2, m, k), as log-odds or log-likelihoods."""
    regression, bayes = experts
    scores = regression.decision_function(features)
    if scores.ndim == 1:
        scores = np.stack([-scores / 2, scores / 2], axis=1)
    return np.stack([scores, bayes.predict_log_proba(features)])


def _pooled(pool: Floats, opinions: Floats) -> Floats:
    """The logarithm of the probabilities (m, k) that the weights (2,) of the experts give."""
    return np.asarray(log_softmax(np.tensordot(pool, opinions, axes=1), axis=1))


def _likeliest_pool(opinions: Floats, y: Labels, weights: Floats) -> Floats:
    """The weights (2,) of the experts under which the labels (m,) are likeliest."""
    every = np.arange(len(y))

    def loss(pool: Floats) -> float:
        return float(-(weights * _pooled(pool, opinions)[every, y]).sum() / weights.sum())

    return np.asarray(minimize(loss, UNTRIED, bounds=[(0, MOST_WEIGHT)] * 2, method="L-BFGS-B").x)

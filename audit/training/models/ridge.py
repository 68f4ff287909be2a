"""Ridge regression as a classifier for embeddings: in closed form, with calibrated probabilities."""

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy import linalg
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.preprocessing import StandardScaler

from audit.types import Classifier, Floats, Labels, Rows, Training, evenly_spaced

STRENGTHS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)  # of the penalty, in mean variances of a direction
TEMPERATURES = (-3.0, 7.0)  # logarithms of the largest and the smallest
CALIBRATED_ROWS = 5000  # that choose strength and temperature
CALIBRATED_VALUES = 500_000  # of their scores
MOST_LEVERAGE = 0.999  # of a row on its own score; that of 1 would leave nothing without it

Matrix = npt.NDArray[np.float32]


def build(_: Training) -> Classifier:
    """Build the classifier; nothing in it is random."""
    model: Classifier = CalibratedRidge()
    return model


class CalibratedRidge(ClassifierMixin, BaseEstimator):
    """Multivariate ridge regression on the classes as 0 and 1; the softmax of its scores are probabilities.

    The strength of the penalty and the temperature of the softmax (Guo et al. 2017) are those under which
    each training row is likeliest by the regression without it, which has a closed form (Allen 1974). A
    missing value counts as the mean of its column.
    """

    def fit(self, X: npt.NDArray[Any], y: npt.NDArray[Any], sample_weight: Floats | None = None) -> Self:
        """Learn from features (m, d) and labels (m,); rows count by their weights."""
        self.classes_, codes = np.unique(y, return_inverse=True)
        weights = np.ones(len(codes)) if sample_weight is None else np.asarray(sample_weight, np.float64)
        weights = weights / weights.mean()
        with np.errstate(invalid="ignore", divide="ignore"):  # of columns without any value
            self.scaler_ = StandardScaler().fit(_numbers(X), sample_weight=weights)
        root = np.sqrt(weights).astype(np.float32)[:, None]
        rows = root * self._standardised(X)
        self.shares_ = np.bincount(codes, weights) / len(codes)
        targets = root * (np.eye(len(self.classes_))[codes] - self.shares_).astype(np.float32)
        variances, directions = _principal(rows)
        projected = directions.T @ (rows.T @ targets)  # (r, k)
        sample = _sample(weights, len(self.classes_))
        left_out = _LeftOut(
            rows[sample] @ directions, targets[sample], codes[sample], weights[sample], len(rows)
        )
        fits = []
        for strength in STRENGTHS:
            shrunk = (1 / (variances + strength * (variances.mean() or 1.0))).astype(np.float32)
            fits.append((*left_out.calibrated(projected, shrunk, self.shares_), shrunk))
        _, self.temperature_, shrunk = min(fits, key=lambda fit: fit[0])
        self.coefficients_ = directions @ (shrunk[:, None] * projected)
        return self

    def predict_proba(self, X: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Probabilities (m, k) of features (m, d)."""
        scores = self._standardised(X) @ self.coefficients_ + self.shares_
        return np.asarray(softmax(scores / self.temperature_, axis=1))

    def _standardised(self, X: npt.NDArray[Any]) -> Matrix:
        """Rows of mean 0 and variance 1 in each column; a missing value is 0."""
        return np.nan_to_num(np.asarray(self.scaler_.transform(_numbers(X)), dtype=np.float32))


class _LeftOut:
    """What the regression says of some rows (s,) when each is left out of it."""

    def __init__(self, components: Matrix, targets: Matrix, codes: Labels, weights: Floats, n: int) -> None:
        self.components = components  # (s, r)
        self.squares = np.square(components)
        self.targets = targets  # (s, k)
        self.codes = codes
        self.weights = weights
        self.n = n  # rows in all, of mean weight one

    def calibrated(self, projected: Matrix, shrunk: Matrix, offsets: Floats) -> tuple[float, float]:
        """The mean loss of the rows at the best temperature, and that temperature."""
        leverage = np.minimum(self.squares @ shrunk + self.weights / self.n, MOST_LEVERAGE)[:, None]
        fitted = self.components @ (shrunk[:, None] * projected)
        without = (fitted - leverage * self.targets) / (1 - leverage)
        scores = without / np.sqrt(self.weights)[:, None] + offsets

        def loss(log_temperature: float) -> float:
            logs = log_softmax(scores / np.exp(log_temperature), axis=1)
            return -float(np.average(logs[np.arange(len(self.codes)), self.codes], weights=self.weights))

        best = minimize_scalar(loss, bounds=TEMPERATURES, method="bounded", options={"xatol": 0.01})
        return float(best.fun), float(np.exp(best.x))


def _sample(weights: Floats, k: int) -> Rows:
    """Some of the rows that have a weight, evenly spaced."""
    rows = np.flatnonzero(weights)
    return rows[evenly_spaced(len(rows), max(1, min(CALIBRATED_ROWS, CALIBRATED_VALUES // k)))]


def _principal(rows: Matrix) -> tuple[Matrix, Matrix]:
    """The sums of squares (r,) and directions (d, r) of rows (m, d); r is the smaller of m and d."""
    if len(rows) <= rows.shape[1]:
        _, lengths, directions = linalg.svd(rows, full_matrices=False)
        return np.square(lengths), directions.T
    variances, directions = linalg.eigh(rows.T @ rows)
    return np.maximum(variances, 0), directions


def _numbers(X: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Examples (m, …) as features (m, d) of four bytes, or of eight where they are wider."""
    wide = X.dtype.itemsize > 4
    return np.asarray(X, dtype=np.float64 if wide else np.float32).reshape(len(X), -1)

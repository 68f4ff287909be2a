"""How much each row counts in training, and what that does to the probabilities."""

import inspect
from typing import Any

import numpy as np
import numpy.typing as npt

from audit.errors import ConfigError, DataError
from audit.types import Classifier, Floats, Labels, Probs, Rows


class Balancing:
    """Weights under which every class counts the same, and the way back from them."""

    def __init__(self, labels: Labels, k: int) -> None:
        self.labels = labels
        self.shares = np.bincount(labels, minlength=k) / len(labels)

    @property
    def weights(self) -> Floats:
        """One for each label (m,), of mean one."""
        present = np.count_nonzero(self.shares)
        return np.asarray(1 / (present * self.shares[self.labels]))

    def undone(self, probs: Probs) -> Probs:
        """Probabilities (n, k) of a model that was trained with the weights, as without them.

        By Bayes' rule: detectors ask how often a class is given, which balance makes the model forget.
        """
        joint = probs * self.shares
        sums = joint.sum(axis=1, keepdims=True)
        return np.asarray(np.where(sums > 0, joint / np.where(sums > 0, sums, 1), probs), dtype=np.float32)


def of_rows(sample_weight: npt.ArrayLike, rows: Rows) -> Floats:
    """The weights that somebody gave, of these rows (m,) of the source.

    Raises
    ------
    DataError
        When they are no weights, or too few.
    """
    weights = np.asarray(sample_weight)
    if weights.ndim != 1 or weights.dtype.kind not in "buif" or len(weights) <= rows.max():
        raise DataError(
            f"sample_weight has shape {weights.shape} and dtype {weights.dtype}, "
            "expected a number for each row"
        )
    weights = weights[rows].astype(np.float64)
    if not np.isfinite(weights).all() or weights.min() < 0 or not weights.any():
        raise DataError("sample_weight must be finite numbers of 0 or more, and not all 0")
    return weights


def together(weights: Floats | None, balancing: Balancing | None) -> Floats | None:
    """The product of both; None when there is neither."""
    if weights is None or balancing is None:
        return balancing.weights if balancing else weights
    return weights * balancing.weights


def weight_argument(classifier: Classifier, weights: Floats | None) -> dict[str, Floats]:
    """What `fit` takes the weights under: sample_weight, in a pipeline that of its last step.

    Raises
    ------
    ConfigError
        When the classifier takes no weights.
    """
    if weights is None:
        return {}
    steps: Any = getattr(classifier, "steps", None)
    last = steps[-1][1] if steps else classifier
    if "sample_weight" not in inspect.signature(last.fit).parameters:
        raise ConfigError(
            f"the model {type(last).__name__} takes no weights, which --balance and sample_weight need; "
            "leave them out, or use --model linear, boosting or cnn"
        )
    return {f"{steps[-1][0]}__sample_weight" if steps else "sample_weight": weights}

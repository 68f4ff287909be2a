"""How much each row counts in training, and what that does to the probabilities."""

import inspect

import numpy as np
import numpy.typing as npt

from audit.errors import ConfigError, DataError
from audit.training import capabilities
from audit.types import Classifier, Floats, Labels, Probs, Rows


class Balancing:
    """Sample weights under which every class counts the same, and how to undo their effect."""

    def __init__(self, labels: Labels, k: int) -> None:
        self.labels = labels
        self.shares = np.bincount(labels, minlength=k) / len(labels)

    @property
    def sample_weights(self) -> Floats:
        """One for each label (m,), of mean one."""
        present = np.count_nonzero(self.shares)
        return np.asarray(1 / (present * self.shares[self.labels]))

    def undo(self, probs: Probs) -> Probs:
        """Turn probabilities (n, k) of a model that was trained with the weights into those without them.

        By Bayes' rule: detectors need the frequencies of the classes, which a balanced model does not know.
        """
        joint = probs * self.shares
        sums = joint.sum(axis=1, keepdims=True)
        return np.asarray(np.where(sums > 0, joint / np.where(sums > 0, sums, 1), probs), dtype=np.float32)


def weights_of_rows(sample_weight: npt.ArrayLike, rows: Rows) -> Floats:
    """Check the user's sample weights, and select those of these rows (m,) of the source.

    Raises
    ------
    DataError
        When they are not weights, or too few.
    """
    weights = np.asarray(sample_weight)
    if weights.ndim != 1 or weights.dtype.kind not in "buif" or len(weights) <= rows.max():
        raise DataError(
            f"sample_weight has shape {weights.shape} and dtype {weights.dtype}, "
            "expected a number for each row"
        )
    weights = weights[rows].astype(np.float64)
    if not np.isfinite(weights).all() or weights.min() < 0 or not weights.any():
        raise DataError("sample_weight must be finite numbers of 0 or more, not all of them 0; correct it")
    return weights


def combined(sample_weights: Floats | None, balancing: Balancing | None) -> Floats | None:
    """Multiply the user's weights and those of balancing; None when there is neither."""
    if balancing is None:
        return sample_weights
    if sample_weights is None:
        return balancing.sample_weights
    return sample_weights * balancing.sample_weights


def weight_argument(classifier: Classifier, weights: Floats | None) -> dict[str, Floats]:
    """Name the argument of `fit` that takes the weights: sample_weight, in a pipeline that of its last step.

    Raises
    ------
    ConfigError
        When the classifier takes no weights.
    """
    if weights is None:
        return {}
    step, last = capabilities.last_step(classifier)
    if "sample_weight" not in inspect.signature(last.fit).parameters:
        raise ConfigError(
            f"the model {type(last).__name__} takes no weights, which --balance and sample_weight need; "
            "leave them out, or use --model linear, boosting or cnn"
        )
    if step is None:
        return {"sample_weight": weights}
    return {f"{step}__sample_weight": weights}

"""How much each row counts in training, and what that does to the probabilities."""

import inspect
from typing import Any

import numpy as np

from audit.errors import ConfigError
from audit.types import Classifier, Floats, Labels, Probs


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

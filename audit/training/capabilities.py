"""What a classifier offers beside scikit-learn's contract: the only place that asks.

Each function checks one of the protocols of `audit.types`, and says what holds for a model without it.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from audit.training.embeddings import Project
from audit.types import (
    Classifier,
    Embedding,
    EpochBased,
    Examples,
    Features,
    LazyReader,
    LossRecorded,
    MarginRecorded,
    Mirroring,
    OnDevice,
    Resumable,
    Stepwise,
)


def embeds(classifier: Classifier) -> bool:
    """Whether the classifier returns features of examples."""
    return isinstance(classifier, Embedding)


def predict_with_features(
    classifier: Classifier, X: Examples, project: Project
) -> tuple[npt.NDArray[Any], Features]:
    """Return probabilities (m, classes) and projected features (m, d); TypeError where there are none."""
    if not isinstance(classifier, Embedding):
        raise TypeError(f"{type(classifier).__name__} returns no features")
    return classifier.predict_with_features(X, project)


def reads_lazily(classifier: Classifier) -> bool:
    """Whether the classifier takes rows that are not read yet."""
    return isinstance(classifier, LazyReader) and bool(classifier.reads_lazily)


def may_mirror(classifier: Classifier) -> bool:
    """Whether the classifier would train on mirror images if its recipe said so."""
    return isinstance(classifier, Mirroring) and bool(classifier.may_mirror)


def margins(classifier: Classifier) -> npt.NDArray[np.float32]:
    """Return the mean margin of each training row (m,); empty where none were recorded."""
    if not isinstance(classifier, MarginRecorded):
        return np.empty(0, dtype=np.float32)
    return np.asarray(classifier.margins_, dtype=np.float32)


def losses(classifier: Classifier) -> tuple[float, ...]:
    """Return the training loss of each epoch; empty where none were recorded."""
    if not isinstance(classifier, LossRecorded) or classifier.history is None:
        return ()
    return tuple(float(loss) for loss in classifier.history[:, "train_loss"])


def device(classifier: Classifier) -> str:
    """Return the device that the classifier runs on; cpu where it does not say."""
    if isinstance(classifier, OnDevice):
        return str(classifier.device)
    return "cpu"


def epochs(classifier: Classifier) -> int:
    """Return the number of epochs that the classifier is trained for; 1 where it has none."""
    if isinstance(classifier, EpochBased):
        return int(classifier.max_epochs)
    return 1


def network_weights(classifier: Classifier) -> Mapping[str, npt.NDArray[Any]]:
    """Return the trained weights of a network, by name; TypeError where the classifier is not Resumable."""
    return _resumable(classifier).network_weights()


def start_from(classifier: Classifier, weights: Mapping[str, npt.NDArray[Any]]) -> None:
    """Begin the next training from these weights; TypeError where the classifier is not Resumable."""
    _resumable(classifier).start_from(weights)


def last_step(classifier: Classifier) -> tuple[str | None, Any]:
    """Return the name and the object of a pipeline's last step, or no name and the classifier itself."""
    if not isinstance(classifier, Stepwise) or not classifier.steps:
        return None, classifier
    return classifier.steps[-1]


def _resumable(classifier: Classifier) -> Resumable:
    if not isinstance(classifier, Resumable):
        raise TypeError(f"{type(classifier).__name__} cannot be trained on from the weights of another")
    return classifier

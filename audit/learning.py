"""One model: trained on some rows, asked about others."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from audit.errors import DataError
from audit.lazy import some_rows
from audit.types import Classifier, Examples, Floats, Labels, Probs, Rows, Training
from audit.weights import Balancing, together, weight_argument


def fit_and_predict(
    classifier: Classifier,
    X: Examples,
    trained: tuple[Rows, Labels],
    targets: Sequence[tuple[Examples, Rows]],
    *,
    task: Training,
    weights: Floats | None = None,
    balance: bool = False,
    where: str,
) -> list[Probs]:
    """Train a classifier on rows (m,) with their labels (m,), and predict (t, k) for each of the targets.

    Raises
    ------
    DataError
        When the model cannot be trained or cannot predict; `where` says at what.
    ConfigError
        When it takes no weights and there are some.
    """
    rows, labels = trained
    balancing = Balancing(labels, task.k) if balance else None
    argument = weight_argument(classifier, together(weights, balancing))
    lazily = getattr(classifier, "reads_lazily", False)
    with warnings.catch_warnings(), threadpool_limits(task.threads):
        warnings.simplefilter("ignore")  # other libraries' advice, once a worker, is noise to a user
        try:
            classifier.fit(some_rows(X, rows, lazily=lazily), labels, **argument)
            found = [
                _all_classes(
                    classifier.predict_proba(some_rows(*target, lazily=lazily)), classifier.classes_, task.k
                )
                for target in targets
            ]
        except Exception as error:  # anybody's model may raise anything
            raise untrainable(f"{where} of {task.shape}", error) from error
    return [balancing.undone(probs) if balancing else probs for probs in found]


def untrainable(where: str, error: Exception) -> DataError:
    """What to say of a model that raised this while it was trained on these examples."""
    said = " ".join(str(error).split())
    return DataError(
        f"the model cannot be trained on {where} examples: {type(error).__name__}: {said}; choose another "
        "with --model, or check X"
    )


def losses(classifier: Classifier) -> tuple[float, ...]:
    """The training loss of each epoch, where the classifier keeps skorch's history."""
    history = getattr(classifier, "history", None)
    return () if history is None else tuple(float(loss) for loss in history[:, "train_loss"])


def _all_classes(probs: npt.NDArray[Any], classes: npt.NDArray[Any], k: int) -> Probs:
    """Probabilities with a column for every class, in class order, zero where the model knows no class."""
    full = np.zeros((len(probs), k), dtype=np.float32)
    full[:, np.asarray(classes, dtype=np.int64)] = probs
    return full

"""One model: trained on some rows, asked about others."""

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from audit.errors import DataError
from audit.features import Project, projection
from audit.lazy import some_rows
from audit.types import Classifier, Examples, Features, Floats, Labels, Probs, Rows, Training
from audit.weights import Balancing, together, weight_argument


class Answer(NamedTuple):
    """What a model says of some examples."""

    pred_probs: Probs  # (t, k)
    features: Features | None  # (t, d) what it sees in them; None where nobody asked or it cannot say


def fit_and_predict(
    classifier: Classifier,
    X: Examples,
    trained: tuple[Rows, Labels],
    targets: Sequence[tuple[Examples, Rows]],
    *,
    anchors: Rows | None = None,
    task: Training,
    weights: Floats | None = None,
    balance: bool = False,
    where: str,
) -> list[Answer]:
    """Train a classifier on rows (m,) with their labels (m,), and ask it about each of the targets.

    With anchors, rows of X whose principal components all features are projected to, it is also asked for
    features.

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
            project = None if anchors is None else _projection(classifier, X[anchors])
            found = [
                _ask(classifier, some_rows(*target, lazily=lazily), project, task.k) for target in targets
            ]
        except Exception as error:  # anybody's model may raise anything
            raise untrainable(f"{where} of {task.shape}", error) from error
    if balancing is None:
        return found
    return [Answer(balancing.undone(each.pred_probs), each.features) for each in found]


def _projection(classifier: Classifier, anchors: Examples) -> Project | None:
    """The map to the principal components of what a classifier sees in the anchors, where it can say."""
    look = getattr(classifier, "predict_with_features", None)
    return None if look is None else projection(look(anchors, np.asarray)[1])


def _ask(classifier: Classifier, X: Any, project: Project | None, k: int) -> Answer:
    if not len(X):
        return Answer(np.empty((0, k), np.float32), None if project is None else np.empty((0, 0), np.float32))
    if project is None:
        return Answer(_all_classes(classifier.predict_proba(X), classifier.classes_, k), None)
    probs, features = classifier.predict_with_features(X, project)  # type: ignore[attr-defined]  # of the network
    return Answer(_all_classes(probs, classifier.classes_, k), features)


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

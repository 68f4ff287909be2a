"""One model: trained on some rows, asked about others."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from audit.datasets.lazy_rows import lazy_rows
from audit.errors import DataError
from audit.training.embeddings import Project, projection
from audit.training.sample_weights import Balancing, together, weight_argument
from audit.types import Classifier, Examples, Features, Floats, Labels, Probs, Rows, Training


class Answer(NamedTuple):
    """What a model says of some examples."""

    pred_probs: Probs  # (t, k)
    features: Features | None  # (t, d) what it sees in them; None where nobody asked or it cannot say


@dataclass(frozen=True, eq=False)
class Model:
    """A trained classifier."""

    classifier: Classifier
    task: Training
    where: str  # that it was trained at, as messages say it
    project: Project | None  # what it sees to principal components; None where nobody asked or it cannot say
    balancing: Balancing | None

    def ask(self, X: Examples, rows: Rows) -> Answer:
        """What it says of these rows (t,) of X.

        Raises
        ------
        DataError
            When it cannot predict.
        """
        if not len(rows):
            none = None if self.project is None else np.empty((0, 0), np.float32)
            return Answer(np.empty((0, self.task.k), np.float32), none)
        with _ours(self.task, self.where):
            examples = lazy_rows(X, rows, lazily=_lazily(self.classifier))
            if self.project is None:
                probs, features = self.classifier.predict_proba(examples), None
            else:
                look = self.classifier.predict_with_features  # type: ignore[attr-defined]  # of the network
                probs, features = look(examples, self.project)
        full = _all_classes(probs, self.classifier.classes_, self.task.k)
        return Answer(full if self.balancing is None else self.balancing.undone(full), features)


def fit(
    classifier: Classifier,
    X: Examples,
    trained: tuple[Rows, Labels],
    *,
    anchors: Rows | None = None,
    task: Training,
    weights: Floats | None = None,
    balance: bool = False,
    where: str,
) -> Model:
    """Train a classifier on rows (m,) of X with their labels (m,).

    With anchors, rows of X whose principal components all features are projected to, it says what it sees
    in examples too.

    Raises
    ------
    DataError
        When the model cannot be trained; `where` says at what.
    ConfigError
        When it takes no weights and there are some.
    """
    rows, labels = trained
    balancing = Balancing(labels, task.k) if balance else None
    argument = weight_argument(classifier, together(weights, balancing))
    with _ours(task, where):
        classifier.fit(lazy_rows(X, rows, lazily=_lazily(classifier)), labels, **argument)
        project = None if anchors is None else _projection(classifier, X[anchors])
    return Model(classifier, task, where, project, balancing)


@contextmanager
def _ours(task: Training, where: str) -> Iterator[None]:
    """A block that runs anybody's model on the threads of the task."""
    with warnings.catch_warnings(), threadpool_limits(task.threads):
        warnings.simplefilter("ignore")  # other libraries' advice, once a worker, is noise to a user
        try:
            yield
        except Exception as error:  # anybody's model may raise anything
            raise untrainable(f"{where} of {task.shape}", error) from error


def _lazily(classifier: Classifier) -> bool:
    """Whether it reads examples when it needs them."""
    return bool(getattr(classifier, "reads_lazily", False))


def _projection(classifier: Classifier, anchors: Examples) -> Project | None:
    """The map to the principal components of what a classifier sees in the anchors, where it can say."""
    look = getattr(classifier, "predict_with_features", None)
    return None if look is None else projection(look(anchors, np.asarray)[1])


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

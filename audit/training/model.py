"""One model: trained on some rows, asked to predict others."""

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
from audit.training import capabilities
from audit.training.embeddings import Project, projection
from audit.training.sample_weights import Balancing, combined, weight_argument
from audit.types import Classifier, Examples, Features, Floats, Labels, Probs, Rows, Training
from audit.wording import one_line


class Predictions(NamedTuple):
    """A model's predictions for some examples."""

    pred_probs: Probs  # (t, k)
    features: Features | None  # (t, d) projected; None where none were wanted or the model has none


@dataclass(frozen=True, eq=False)
class Model:
    """A trained classifier."""

    classifier: Classifier
    training: Training
    where: str  # which training it was, for messages: "fold 0"
    project: Project | None  # its features to their principal components; None where it returns none
    balancing: Balancing | None

    def predict(self, X: Examples, rows: Rows) -> Predictions:
        """Predict these rows (t,) of X.

        Raises
        ------
        DataError
            When the classifier fails.
        """
        k = self.training.k
        if not len(rows):
            no_features = None if self.project is None else np.empty((0, 0), np.float32)
            return Predictions(np.empty((0, k), np.float32), no_features)
        features: Features | None = None
        with _guarded(self.training, self.where):
            examples = lazy_rows(X, rows, lazily=capabilities.reads_lazily(self.classifier))
            if self.project is None:
                probs = self.classifier.predict_proba(examples)
            else:
                probs, features = capabilities.predict_with_features(self.classifier, examples, self.project)
        pred_probs = _all_classes(probs, self.classifier.classes_, k)
        if self.balancing is not None:
            pred_probs = self.balancing.undo(pred_probs)
        return Predictions(pred_probs, features)


def fit(
    classifier: Classifier,
    X: Examples,
    trained: tuple[Rows, Labels],
    *,
    training: Training,
    where: str,
    landmarks: Rows | None = None,
    sample_weights: Floats | None = None,
    balance: bool = False,
) -> Model:
    """Train a classifier on some rows of X.

    Parameters
    ----------
    classifier
        A new one, which is changed.
    X
        Examples (n, …).
    trained
        The rows (m,) of X to train on, and their labels (m,).
    training
        What the classifier was built for.
    where
        Which training this is, for messages.
    landmarks
        Rows (a,) of X by whose principal components the model's features are projected; without them, and
        where the classifier has no features, the model predicts probabilities alone.
    sample_weights
        How much each of the rows (m,) counts; all alike when None.
    balance
        Whether every class counts the same.

    Raises
    ------
    DataError
        When the classifier fails.
    ConfigError
        When it takes no weights and there are some.
    """
    rows, labels = trained
    balancing = Balancing(labels, training.k) if balance else None
    argument = weight_argument(classifier, combined(sample_weights, balancing))
    project = None
    with _guarded(training, where):
        classifier.fit(lazy_rows(X, rows, lazily=capabilities.reads_lazily(classifier)), labels, **argument)
        if landmarks is not None and capabilities.embeds(classifier):
            _, features = capabilities.predict_with_features(classifier, X[landmarks], np.asarray)
            project = projection(features)
    return Model(classifier, training, where, project, balancing)


@contextmanager
def _guarded(training: Training, where: str) -> Iterator[None]:
    """Run a block of a user's model on the threads of its training; any failure becomes a DataError."""
    with warnings.catch_warnings(), threadpool_limits(training.threads):
        warnings.simplefilter("ignore")  # other libraries' advice, repeated by every worker
        try:
            yield
        except Exception as error:  # a user's model may raise anything
            raise _training_error(f"{where}, examples of shape {training.shape}", error) from error


def _training_error(where: str, error: Exception) -> DataError:
    """The error to raise when a model failed on these examples."""
    return DataError(
        f"the model cannot be trained on {where}: {type(error).__name__}: {one_line(error)}; choose another "
        "with --model, or check X"
    )


def _all_classes(probs: npt.NDArray[Any], classes: npt.NDArray[Any], k: int) -> Probs:
    """Probabilities with a column for every class, in class order; zero for classes unknown to the model."""
    full = np.zeros((len(probs), k), dtype=np.float32)
    full[:, np.asarray(classes, dtype=np.int64)] = probs
    return full

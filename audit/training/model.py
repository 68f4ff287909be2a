"""One model: trained on some rows, asked to predict others."""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from audit.datasets.lazy_rows import lazy_rows
from audit.detectors import pred_probs as probabilities
from audit.detectors.blocks import threads_limited
from audit.detectors.survey import Numbers
from audit.errors import AuditError, DataError
from audit.events import enough_memory, optional
from audit.training import capabilities
from audit.training.embeddings import Project, projection
from audit.training.sample_weights import Balancing, combined, weight_argument
from audit.types import AsGiven, Classifier, Examples, Features, Floats, Labels, Probs, Rows, Training
from audit.wording import one_line

NUMBERS = "numbers"
AS_GIVEN = "as given"
COLUMN = "column"
SHOWN = 60  # characters of a value in a message
LEARNED_NOTHING = "the model did not learn: scale X, for example to 0..1, or choose another with --model"
END_IN_SOFTMAX = (
    "make predict_proba return probabilities, such as with a softmax as the last layer of a network, or "
    "choose another with --model"
)


class Predictions(NamedTuple):
    """A model's predictions for some examples."""

    pred_probs: Probs  # (t, k)
    features: Features | None  # (t, d) projected; None where none were wanted or the model has none


@dataclass(frozen=True, eq=False)
class Model:
    """A trained classifier."""

    classifier: Classifier
    training: Training
    k: int  # number of classes of the data
    classes: Labels  # (m,) the classes that it was trained on; it knows them as 0..m-1
    where: str  # which training it was, for messages: "fold 0"
    project: Project | None  # its features to their principal components; None where it returns none
    balancing: Balancing | None
    missing: tuple[str, ...]  # what it lacks because that failed, a line each
    reads: str  # what it was trained on: NUMBERS, or examples AS_GIVEN, or the only COLUMN of these

    def predict(self, X: Examples, rows: Rows, given: AsGiven | None = None) -> Predictions:
        """Predict these rows (t,) of X, or of the same examples as they came where it was trained on such.

        Raises
        ------
        DataError
            When the classifier fails, or returns no probabilities.
        """
        if not len(rows):
            no_features = None if self.project is None else np.empty((0, 0), np.float32)
            return Predictions(np.empty((0, self.k), np.float32), no_features)
        features: Features | None = None
        with _guarded(self.training, self.where):
            examples = self.read(X, rows, given)
            if self.project is None:
                probs = self.classifier.predict_proba(examples)
            else:
                probs, features = capabilities.predict_with_features(self.classifier, examples, self.project)
        pred_probs = self._of_all_classes(self._checked(probs, len(rows)))
        if self.balancing is not None:
            pred_probs = self.balancing.undo(pred_probs)
        return Predictions(pred_probs, features)

    def read(self, X: Examples, rows: Rows, given: AsGiven | None) -> Any:
        """The rows (t,) in the form that it was trained on."""
        if self.reads == NUMBERS:
            return lazy_rows(X, rows, lazily=capabilities.reads_lazily(self.classifier))
        if self.reads == COLUMN and given is not None:
            given = given.column()
        if given is None:
            raise TypeError("the model reads examples as they came, and there are only numbers")
        return given[rows].examples

    def _checked(self, probs: Any, n: int) -> Numbers:
        """The probabilities (n, columns) that the classifier returned; DataError when they are none."""
        name = f"predict_proba of the model {_name(self.classifier)} on {self.where}"
        values = probabilities.numbers(probs, name)
        values = values.astype(np.promote_types(values.dtype, np.float32), copy=False)
        columns = len(self._columns())
        if values.shape == (n, self.k) and columns == len(self.classes):  # a network of a fixed size
            values = values[:, :columns]
            if columns < self.k:
                values = values / np.maximum(values.sum(axis=1, keepdims=True), np.finfo(values.dtype).tiny)
        if values.shape != (n, columns):
            raise DataError(
                f"{name} has shape {values.shape}, expected {(n, columns)}, a row for each example and a "
                "column for each of its classes_; correct it, or choose another with --model"
            )
        fault = probabilities.fault_in(values, name)
        if fault is None:
            return values
        remedy = END_IN_SOFTMAX if np.isfinite(values).all() else LEARNED_NOTHING
        raise DataError(f"{fault.found}; {remedy}")

    def _columns(self) -> Labels:
        """The number of the class that each column is for, of the classes that it was trained on."""
        known = np.arange(len(self.classes))
        columns = np.asarray(getattr(self.classifier, "classes_", known))
        fits = columns.ndim == 1 and len(np.unique(columns)) == len(columns) and np.isin(columns, known).all()
        if not fits:
            raise DataError(
                f"classes_ of the model {_name(self.classifier)} on {self.where} are "
                f"{one_line(columns)[:SHOWN]}, expected some of the {len(known)} numbers 0 to "
                f"{len(known) - 1} that it was trained on; correct it, or choose another with --model"
            )
        return columns.astype(np.int64)

    def _of_all_classes(self, probs: Numbers) -> Probs:
        """Probabilities with a column for every class, in class order; zero for classes not trained on."""
        full = np.zeros((len(probs), self.k), dtype=np.float32)
        full[:, self.classes[self._columns()]] = probs
        return full


def fit(
    classifier: Classifier,
    X: Examples,
    trained: tuple[Rows, Labels],
    *,
    training: Training,
    where: str,
    k: int | None = None,
    given: AsGiven | None = None,
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
        What the classifier was built for. Where its k is the number of different labels, these are numbered
        anew, 0..k-1, as boosted trees want them.
    where
        Which training this is, for messages.
    k
        Number of classes of the data; that of the training when None.
    given
        The examples (n) as they came, which a model that was made for such wants. One that fails on them is
        trained on X.
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
    k = k or training.k
    classes = np.unique(labels)
    if len(classes) != training.k:
        classes = np.arange(training.k)
    balancing = Balancing(labels, k) if balance else None
    argument = weight_argument(classifier, combined(sample_weights, balancing))
    project = None
    missing: list[str] = []
    codes = np.searchsorted(classes, labels)
    reads = _fit(classifier, X, (rows, codes), given, argument, (training, where))
    model = Model(classifier, training, k, classes, where, None, balancing, (), reads)
    if landmarks is not None and capabilities.embeds(classifier):
        with optional("what the models see in examples", missing.append), _guarded(training, where):
            examples = model.read(X, landmarks, given)
            _, features = capabilities.predict_with_features(classifier, examples, np.asarray)
            project = projection(features)
    return replace(model, project=project, missing=tuple(missing))


def _fit(
    classifier: Classifier,
    X: Examples,
    trained: tuple[Rows, Labels],
    given: AsGiven | None,
    argument: Mapping[str, Floats],
    of: tuple[Training, str],
) -> str:
    """Train the classifier on examples as they came or, where it fails on such, on X; returns which."""
    rows, codes = trained
    forms = {AS_GIVEN: given, COLUMN: None if given is None else given.column()}
    errors: list[DataError] = []
    for name, form in forms.items():
        if form is None:
            continue
        try:
            with _guarded(*of):
                classifier.fit(form[rows].examples, codes, **argument)
        except DataError as error:
            errors.append(error)
        else:
            return name
    if errors and not X.shape[1]:
        raise errors[0]
    try:
        with _guarded(*of):
            examples = lazy_rows(X, rows, lazily=capabilities.reads_lazily(classifier))
            classifier.fit(examples, codes, **argument)
    except DataError as error:
        if not errors or str(errors[0]) == str(error):
            raise
        training, where = of
        why = errors[0].__cause__
        both = f"{_described(why)} (examples as they came), {_described(error.__cause__)} (their numbers)"
        raise _training_error(training, where, both) from why
    return NUMBERS


@contextmanager
def _guarded(training: Training, where: str) -> Iterator[None]:
    """Run a block of a user's model on the threads of its training; any failure becomes an AuditError."""
    with warnings.catch_warnings(), threads_limited(training.threads):
        warnings.simplefilter("ignore")  # other libraries' advice, repeated by every worker
        try:
            with enough_memory(f"the model on {where}, examples of shape {training.shape}"):
                yield
        except AuditError:
            raise
        except Exception as error:  # a user's model may raise anything
            raise _training_error(training, where, _described(error)) from error


def _training_error(training: Training, where: str, why: str) -> DataError:
    """The error to raise when a model failed on these examples."""
    return DataError(
        f"the model cannot be trained on {where}, examples of shape {training.shape}: {why}; choose another "
        "with --model, or check X"
    )


def _described(error: BaseException | None) -> str:
    return f"{type(error).__name__}: {one_line(error)}"


def _name(classifier: Classifier) -> str:
    """What the classifier is called in messages: its type, that of a pipeline's last step."""
    _, last = capabilities.last_step(classifier)
    return type(last).__name__

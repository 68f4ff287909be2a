"""Builders of classifiers: `(Training) -> Classifier`, resolved by name so that torch loads only in use."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from audit.datasets.validation import refuse_without_numbers
from audit.errors import ConfigError
from audit.training.named_code import import_named
from audit.types import AsGiven, Builder, Classifier, LabeledDataset, Training
from audit.wording import one_line

BUILDERS = {
    "cnn": "audit.training.models.cnn:build",
    "linear": "audit.training.models.tabular:build_linear",
    "boosting": "audit.training.models.tabular:build_boosting",
    "ridge": "audit.training.models.ridge:build",
    "text": "audit.training.models.text:build",
}
INSTEAD_OF_EMBED = "use ridge, linear or boosting, or leave --embed out"
NEEDED = ("fit", "predict_proba", "get_params")  # of a classifier that is given as an object
OF_EXAMPLES = ("cnn", "text")  # these read images and texts themselves, also where features are at hand
# Trees of each class look through all features; from here on one boosting takes a minute or more.
BOOSTING_VALUES = 2000


@dataclass(frozen=True)
class NamedBuilder:
    """A builder that is looked up where it is used, in a worker process too."""

    path: str  # module:function

    def __call__(self, training: Training) -> Classifier:
        """Build a new, untrained classifier; ConfigError where the builder fails."""
        build = _import(self.path)
        try:
            return build(training)
        except Exception as error:  # a user's builder may raise anything
            raise ConfigError(
                f"--model {self.path} could not build a classifier ({_described(error)}); fix the builder"
            ) from error


@dataclass(frozen=True)
class Cloned:
    """A builder of copies of a scikit-learn classifier, pipeline or skorch net of the user."""

    classifier: Any

    def __call__(self, _: Training) -> Classifier:
        """Make a new, untrained copy."""
        return _copy(self.classifier)


def candidates(dataset: LabeledDataset) -> tuple[str, ...]:
    """The models that `auto` stands for: all that read such examples, or features of them, in little time.

    The first is the one to take where they cannot be compared.
    """
    shown = dataset.shown
    of_examples = ("cnn",) if shown.are_images else ("text",) if shown.are_texts else ()
    if dataset.embedded is None and of_examples:
        return of_examples
    linear = "linear" if dataset.embedded is None else "ridge"
    boosting: tuple[str, ...] = ()
    if dataset.X.shape[1] * len(dataset.class_names) <= BOOSTING_VALUES:
        boosting = ("boosting",)
    return (linear, *boosting, *of_examples)


def first_choice(model: Any, dataset: LabeledDataset) -> Any:
    """The model as it is; of `auto`, the first candidate."""
    return candidates(dataset)[0] if isinstance(model, str) and model == "auto" else model


def as_read(model: Any, dataset: LabeledDataset) -> LabeledDataset:
    """The data set as a model is given it: the built-in one of texts reads these and no other columns."""
    if not isinstance(model, str) or first_choice(model, dataset) != "text":
        return dataset
    unlabelled = dataset.unlabelled
    if unlabelled is not None:
        unlabelled = replace(unlabelled, as_given=_only_texts(unlabelled.as_given))
    return replace(dataset, as_given=_only_texts(dataset.as_given), unlabelled=unlabelled)


def _only_texts(given: AsGiven | None) -> AsGiven | None:
    if given is None or given.texts is None:
        return None
    return AsGiven(given.texts)


def builder(model: Any, dataset: LabeledDataset) -> Builder:
    """Return what builds the classifier of each fold.

    Parameters
    ----------
    model
        A name in BUILDERS or auto, the module:function of a builder, or an object with fit and predict_proba.
    dataset
        What it will be trained on.

    Raises
    ------
    ConfigError
        When there is no such model, or it cannot read the examples.
    """
    if not isinstance(model, str):
        return _cloned(model)
    name = first_choice(model, dataset)
    if name == "cnn" and not dataset.are_images:
        remedy = "use linear or boosting" if dataset.embedded is None else INSTEAD_OF_EMBED
        raise ConfigError(f"--model cnn reads images, found features of shape {dataset.X.shape}; {remedy}")
    if name == "text" and not dataset.are_texts:
        remedy = "name the columns of texts with --text-column, or leave --model out"
        if dataset.embedded is not None:
            remedy = INSTEAD_OF_EMBED
        form = "images" if dataset.are_images else "features"
        raise ConfigError(f"--model text reads texts, found {form} of shape {dataset.X.shape}; {remedy}")
    if name != "text" and name in BUILDERS:
        refuse_without_numbers(dataset)
    if name in BUILDERS:
        return NamedBuilder(BUILDERS[name])
    _import(name)
    return NamedBuilder(name)


def importing(model: Any, shape: tuple[int, ...], *, texts: bool = False) -> Callable[[], object]:
    """Return what makes a worker process import what a model of texts, or of this shape, needs."""
    if not isinstance(model, str):
        return partial(type, model)
    name = model
    if name == "auto" and texts:
        name = "text"
    elif name == "auto":
        name = "cnn" if len(shape) > 2 else "linear"
    return partial(_import, BUILDERS.get(name, name))


def check(model: Any) -> None:
    """Raise ConfigError for a misspelt name before anything slow starts."""
    if isinstance(model, str) and model not in ("auto", *BUILDERS):
        _import(model)


def describe(model: Any) -> str:
    """Describe the model in one line, the same for equal models; ConfigError when it cannot be printed."""
    if isinstance(model, str):
        return model
    try:
        return " ".join(repr(model).split())
    except Exception as error:  # a user's classifier may raise anything
        raise ConfigError(
            f"model of type {type(model).__name__} cannot be printed ({_described(error)}), which tells runs "
            "apart; fix its __repr__"
        ) from error


def _cloned(model: Any) -> Cloned:
    """A builder of copies of a model; one copy is made at once, to see whether that works."""
    kind = type(model).__name__
    missing = [name for name in NEEDED if not hasattr(model, name)]
    if missing:
        raise ConfigError(
            f"model of type {kind} has no {', '.join(missing)}; expected a scikit-learn classifier, or a name"
        )
    try:
        _copy(model)
    except Exception as error:  # a user's classifier may raise anything
        raise ConfigError(
            f"model of type {kind} cannot be copied for each fold ({_described(error)}); fix its constructor"
        ) from error
    return Cloned(model)


def _copy(model: Any) -> Classifier:
    from sklearn.base import clone  # noqa: PLC0415  slow to import

    copied: Classifier = clone(model)
    return copied


def _described(error: Exception) -> str:
    return f"{type(error).__name__}: {one_line(error)}"


def _import(path: str) -> Builder:
    """Import the builder that the path names, of this package or of the user, in this folder at last."""
    module, _, name = path.partition(":")
    if not (module and name):
        raise ConfigError(
            f"--model {path!r} is not a model; expected auto, {', '.join(BUILDERS)} or package.module:build"
        )
    build: Builder = import_named(path, "--model", "package.module:build")
    return build

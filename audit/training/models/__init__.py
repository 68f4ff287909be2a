"""Builders of classifiers: `(Training) -> Classifier`, resolved by name so that torch loads only in use."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from audit.errors import ConfigError
from audit.types import Classifier, LabeledDataset, Training

Builder = Callable[[Training], Classifier]

BUILDERS = {
    "cnn": "audit.training.models.cnn:build",
    "linear": "audit.training.models.tabular:build_linear",
    "boosting": "audit.training.models.tabular:build_boosting",
}
NEEDED = ("fit", "predict_proba", "get_params")  # of a classifier that comes as an object
# In all and for each class: from these on boosting beats a linear model; fewer rows are learnt by heart.
BOOSTING_ROWS, BOOSTING_ROWS_OF_CLASS = 1000, 50


@dataclass(frozen=True)
class Named:
    """A builder that is looked up where it is used, in a worker process too."""

    path: str  # module:function

    def __call__(self, training: Training) -> Classifier:
        """A new, untrained classifier; ConfigError where the builder fails."""
        build = _function(self.path)
        try:
            return build(training)
        except Exception as error:  # anybody's builder may raise anything
            raise ConfigError(f"--model {self.path} makes no model ({_one_line(error)}); mend it") from error


@dataclass(frozen=True)
class Cloned:
    """A builder of copies of a scikit-learn classifier, pipeline or skorch net that somebody made."""

    classifier: Any

    def __call__(self, _: Training) -> Classifier:
        """A new, untrained copy."""
        return _copy(self.classifier)


def choose(model: str, dataset: LabeledDataset) -> str:
    """The model that `auto` stands for, by the form and number of the examples; any other as it is."""
    if model != "auto":
        return model
    if dataset.are_images:
        return "cnn"
    enough = max(BOOSTING_ROWS, BOOSTING_ROWS_OF_CLASS * len(dataset.class_names))
    return "boosting" if len(dataset.labels) >= enough else "linear"


def builder(model: Any, dataset: LabeledDataset) -> Builder:
    """What makes the classifier of each fold.

    Parameters
    ----------
    model
        A name in BUILDERS or auto, the module:function of a builder, or an object with fit and predict_proba.
    dataset
        What it will be trained on.

    Raises
    ------
    ConfigError
        When there is no such model, or it cannot read such examples.
    """
    if not isinstance(model, str):
        return _cloned(model)
    name = choose(model, dataset)
    if name == "cnn" and not dataset.are_images:
        raise ConfigError(
            f"--model cnn reads images, found features of shape {dataset.X.shape}; use linear or boosting"
        )
    if name in BUILDERS:
        return Named(BUILDERS[name])
    _function(name)
    return Named(name)


def importing(model: Any, shape: tuple[int, ...]) -> Callable[[], object]:
    """What makes a process that it is sent to import what a model of examples of this shape needs."""
    if not isinstance(model, str):
        return partial(type, model)
    name = model if model != "auto" else "cnn" if len(shape) > 2 else "linear"
    return partial(_function, BUILDERS.get(name, name))


def check(model: Any) -> None:
    """Refuse a misspelt name before anything slow starts."""
    if isinstance(model, str) and model not in ("auto", *BUILDERS):
        _function(model)


def describe(model: Any) -> str:
    """The model as a line of text, the same for models that are alike; ConfigError when it has none."""
    if isinstance(model, str):
        return model
    try:
        return " ".join(repr(model).split())
    except Exception as error:  # anybody's classifier may raise anything
        raise ConfigError(
            f"model is a {type(model).__name__} that cannot be printed ({_one_line(error)}), by which runs "
            "are told apart; mend its __repr__"
        ) from error


def _cloned(model: Any) -> Cloned:
    """A builder of copies of a model, of which one was made to see whether it can be."""
    kind, lacks = type(model).__name__, [name for name in NEEDED if not hasattr(model, name)]
    if lacks:
        raise ConfigError(
            f"model is a {kind} without {', '.join(lacks)}; expected a scikit-learn classifier, or a name"
        )
    try:
        _copy(model)
    except Exception as error:  # anybody's classifier may raise anything
        raise ConfigError(
            f"model is a {kind} that cannot be copied for each fold ({_one_line(error)}); mend its "
            "constructor"
        ) from error
    return Cloned(model)


def _copy(model: Any) -> Classifier:
    from sklearn.base import clone  # noqa: PLC0415  slow to import

    copied: Classifier = clone(model)
    return copied


def _one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _function(path: str) -> Builder:
    """The builder that the path names, of this package or of the user."""
    module, _, name = path.partition(":")
    if not (module and name):
        raise ConfigError(
            f"--model {path!r} is no model; expected auto, {', '.join(BUILDERS)} or package.module:build"
        )
    here = str(Path.cwd())
    if here not in sys.path:  # as python -m has it, and the installed command has not
        sys.path.append(here)
    try:
        found: Builder = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"--model {path} cannot be imported ({error}); expected package.module:build that this folder has"
        ) from error
    return found

"""Builders of classifiers: `(Training) -> Classifier`, resolved by name so that torch loads only in use."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from audit.errors import ConfigError
from audit.types import Classifier, LabeledDataset, Training

Builder = Callable[[Training], Classifier]

BUILDERS = {
    "cnn": "audit.models.cnn:build",
    "linear": "audit.models.tabular:build_linear",
    "boosting": "audit.models.tabular:build_boosting",
}
# In all and for each class: from these on boosting beats a linear model; fewer rows are learnt by heart.
BOOSTING_ROWS, BOOSTING_ROWS_OF_CLASS = 1000, 50


@dataclass(frozen=True)
class Named:
    """A builder that is looked up where it is used, in a worker process too."""

    path: str  # module:function

    def __call__(self, training: Training) -> Classifier:
        """A new, untrained classifier."""
        return _function(self.path)(training)


@dataclass(frozen=True)
class Cloned:
    """A builder of copies of a scikit-learn classifier, pipeline or skorch net that somebody made."""

    classifier: Any

    def __call__(self, _: Training) -> Classifier:
        """A new, untrained copy."""
        from sklearn.base import clone  # noqa: PLC0415  slow to import

        copied: Classifier = clone(self.classifier)
        return copied


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
        if not (hasattr(model, "fit") and hasattr(model, "predict_proba")):
            raise ConfigError(
                f"model is a {type(model).__name__} without fit or predict_proba; expected a scikit-learn "
                "classifier, or a name"
            )
        return Cloned(model)
    name = choose(model, dataset)
    if name == "cnn" and not dataset.are_images:
        raise ConfigError(
            f"--model cnn reads images, found features of shape {dataset.X.shape}; use linear or boosting"
        )
    if name in BUILDERS:
        return Named(BUILDERS[name])
    _function(name)
    return Named(name)


def check(model: Any) -> None:
    """Refuse a misspelt name before anything slow starts."""
    if isinstance(model, str) and model not in ("auto", *BUILDERS):
        _function(model)


def describe(model: Any) -> str:
    """The model as a line of text, the same for models that are alike."""
    return model if isinstance(model, str) else " ".join(repr(model).split())


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

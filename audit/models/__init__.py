"""Builders of classifiers: `(Training) -> Classifier`, resolved by name so that torch loads only in use."""

from collections.abc import Callable
from importlib import import_module

from audit.types import Classifier, Training

Builder = Callable[[Training], Classifier]

BUILDERS = {"cnn": "audit.models.cnn:build"}


def build(name: str, training: Training) -> Classifier:
    """A new, untrained classifier of the named kind."""
    module, function = BUILDERS[name].split(":")
    builder: Builder = getattr(import_module(module), function)
    return builder(training)

"""The settings of training: folds, rounds and models."""

from dataclasses import dataclass

from audit.settings.choices import Augment, Device, Preset
from audit.settings.fields import SettingsGroup, setting


@dataclass(frozen=True, kw_only=True)
class TrainingSettings(SettingsGroup):
    """How models are trained and cross-validated."""

    preset: Preset = setting(
        "default",
        "Amount of work: fast (one round), default (two rounds) or thorough (three rounds; the last one runs "
        "twice, with a wider network and more epochs).",
        decides=("folds", "model"),
    )
    folds: int = setting(5, "Number of cross-validation folds.", decides="folds", least=2, most=10_000)
    rounds: int | None = setting(
        None,
        "Number of consecutive cross-validations, each trained without the suspects of the one before. "
        "Default: set by --preset.",
        decides="folds",
        least=1,
        most=100,
    )
    repeats: int | None = setting(
        None,
        "Number of times the last round is repeated on different folds and averaged. Default: set by "
        "--preset.",
        decides="folds",
        least=1,
        most=1_000,
    )
    model: str = setting(
        "auto",
        "auto (a network for images; for features and with --embed a linear model, boosting or the network, "
        "whichever makes the labels of held-out rows likelier), cnn, linear, boosting, ridge, or "
        "package.module:build, a function of your own that returns a classifier.",
        decides=("folds", "model"),
    )
    epochs: int | None = setting(
        None,
        "Passes over the training rows in each fold of the last round. Default: set by --preset, and more "
        "for few rows.",
        decides=("folds", "model"),
        least=1,
        most=100_000,
    )
    augment: Augment | None = setting(
        None,
        "Random changes to training images; mirror also shifts. Default: set by --preset, but mirror where "
        "a first round finds that mirror images help, shift for images that are very hard to tell apart, and "
        "none where neighbouring pixels are unrelated.",
        decides=("folds", "model"),
    )
    balance: bool = setting(
        False,
        "Give every class the same total weight in training, however few examples it has.",
        decides=("folds", "model"),
    )
    device: Device = setting("auto", "Device to train on.", decides=("folds", "model"))
    jobs: int | None = setting(
        None,
        "Number of folds to train in parallel. Default: one per core, or one for small data. Does not affect "
        "the result.",
        decides=None,
        least=1,
        most=10_000,
    )
    cluster: str | None = setting(
        None,
        "Dask cluster to work on: the address of its scheduler, as in tcp://host:8786, or local:4 for four "
        "processes of this machine. Does not affect the result.",
        decides=None,
    )

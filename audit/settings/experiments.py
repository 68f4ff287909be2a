"""The settings of experiments, beside the groups that they share with `audit detect`."""

from dataclasses import dataclass
from pathlib import Path

from audit.errors import ConfigError
from audit.settings.choices import Measure
from audit.settings.fields import SettingsGroup, setting

SEEDS_HELP = "Number of repetitions, with --seed, --seed + 1 and so on."


@dataclass(frozen=True, kw_only=True)
class SweepSettings(SettingsGroup):
    """What a sweep varies, and what it measures."""

    noise: str = setting(
        "0:1:0.1",
        "Noise rates: shares separated by commas, or start:stop:step with both ends, as in 0:1:0.1.",
        decides="noise",
    )
    noise_kind: str = setting(
        "symmetric",
        "Kinds of noise, separated by commas. audit detect --help describes them; all but matrix, which has "
        "no rate.",
        decides="noise",
    )
    seeds: int = setting(3, SEEDS_HELP, decides=None, least=1, most=10_000)
    what: Measure = setting(
        "training",
        "training measures what the noise costs a model on held-out rows; detection measures how well each "
        "detector finds the flipped labels.",
        decides=None,
    )
    test_size: float = setting(
        0.2, "Rows to hold out: a share below 1, or a number. For --what training.", decides="model"
    )
    train_size: float | None = setting(
        None,
        "Rows to train on: a share, or a number. Default: all rows that are not held out. For --what "
        "training.",
        decides="model",
    )
    continue_model: bool = setting(
        False,
        "Keep training one network as the rate rises, instead of starting a new one at each rate.",
        decides="model",
        keyed_by_default=False,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.what == "detection" and self.continue_model:
            raise ConfigError("--continue-model belongs to --what training, found detection; leave it out")


@dataclass(frozen=True, kw_only=True)
class ImpactSettings(SettingsGroup):
    """How the worth of cleaning is measured."""

    seeds: int = setting(3, SEEDS_HELP, decides=None, least=1, most=10_000)
    test_size: float = setting(
        0.2, "Rows to hold out before any noise: a share below 1, or a number.", decides="data"
    )
    train_size: float | None = setting(
        None,
        "Rows to train on: a share, or a number. Default: all rows that are not held out.",
        decides="data",
    )
    decisions: Path | None = setting(
        None,
        "A reviewer's decisions, as the report exports them; models are also trained on labels that follow "
        "them.",
        decides="data",
    )

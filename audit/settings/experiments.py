"""The settings of experiments, beside those of `audit.settings.detect.Config` that they share."""

from dataclasses import dataclass
from pathlib import Path

from audit.errors import ConfigError

WHAT = ("training", "detection")


@dataclass(frozen=True, kw_only=True)
class SweepSettings:
    """What a sweep varies, and what it measures.

    Parameters
    ----------
    noise
        The noise rates: shares with commas, or start:stop:step with both ends, as in 0:1:0.1.
    noise_kind
        The kinds of noise, with commas; audit detect --help lists them. All but matrix, which has no rate.
    seeds
        How often each cell is repeated: with --seed, --seed + 1 and so on.
    what
        training (what the noise costs a model on held-out rows) or detection (how well each detector finds
        the changed labels again).
    test_size
        Rows that are held out: a share below 1, or a number. For --what training.
    train_size
        Rows that are trained on, a share or a number; all others when not given. For --what training.
    continue_model
        Train one network on and on through the rising rates, instead of a new one for each.
    cluster
        The address of a Dask scheduler on which to train, as in tcp://host:8786.
    """

    noise: str = "0:1:0.1"
    noise_kind: str = "symmetric"
    seeds: int = 3
    what: str = "training"
    test_size: float = 0.2
    train_size: float | None = None
    continue_model: bool = False
    cluster: str | None = None

    def __post_init__(self) -> None:
        _check_seeds(self.seeds)
        if self.what not in WHAT:
            raise ConfigError(f"--what must be training or detection, found {self.what!r}")
        if self.what == "detection" and self.continue_model:
            raise ConfigError("--continue-model belongs to --what training, found detection; leave one out")


@dataclass(frozen=True, kw_only=True)
class ImpactSettings:
    """How the worth of cleaning is measured.

    Parameters
    ----------
    seeds
        How often everything is repeated: with --seed, --seed + 1 and so on.
    test_size
        Rows that are held out before any noise: a share below 1, or a number.
    train_size
        Rows that are trained on, a share or a number; all others when not given.
    decisions
        A person's decisions, as the report exports them; they become one more condition.
    cluster
        The address of a Dask scheduler on which to train, as in tcp://host:8786.
    """

    seeds: int = 3
    test_size: float = 0.2
    train_size: float | None = None
    decisions: Path | None = None
    cluster: str | None = None

    def __post_init__(self) -> None:
        _check_seeds(self.seeds)


def _check_seeds(seeds: int) -> None:
    if seeds < 1:
        raise ConfigError(f"--seeds must be a whole number of 1 or more, found {seeds}")

"""The settings of a run: one frozen dataclass from which flags, environment and files take theirs."""

import shlex
from collections.abc import Mapping
from dataclasses import KW_ONLY, asdict, dataclass, fields
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from audit.errors import ConfigError


@dataclass(frozen=True)
class Config:
    """Everything that decides what a run computes.

    Parameters
    ----------
    data
        mnist, mnist:train, mnist:test, digits, or the path of an .npz file that holds X and y.
    X
        Images as an .npy file, (n, h, w), (n, h, w, c) or (n, c, h, w); instead of DATA, with --y.
    y
        Labels as an .npy file, (n,) integers or strings; with --X.
    limit
        Audit only this many rows: a stratified sample drawn with the seed.
    noise
        Share of the labels to change on purpose, 0 to 1; 0 audits the labels as they are.
    noise_kind
        How labels are changed: symmetric (to any other class) or pair (to the next class).
    seed
        Seed of everything random: sample, noise, folds, training, bootstrap.
    folds
        Folds of the cross-validation.
    epochs
        Passes over the training rows in each fold; chosen from the number of rows when not given.
    detector
        Who decides which rows are flagged: posterior, cleanlab, self-confidence or given-differs.
    jobs
        Folds trained at the same time; all cores when not given. Never changes the result.
    device
        auto, cpu, cuda or mps.
    out
        The run's folder; reports/<data>-<kind>-<rate>-s<seed> when not given.
    """

    data: str = "mnist"
    _: KW_ONLY
    X: Path | None = None
    y: Path | None = None
    limit: int | None = None
    noise: float = 0.1
    noise_kind: str = "symmetric"
    seed: int = 0
    folds: int = 5
    epochs: int | None = None
    detector: str = "posterior"
    jobs: int | None = None
    device: str = "auto"
    out: Path | None = None

    def __post_init__(self) -> None:
        if not (isinstance(self.noise, Real) and 0 <= self.noise <= 1):  # also refuses NaN
            found = f"{self.noise:g}" if isinstance(self.noise, Real) else repr(self.noise)
            raise ConfigError(f"--noise must be a share from 0 to 1, found {found}; 10 % is 0.1")
        for name, least in (("limit", 1), ("seed", 0), ("folds", 2), ("epochs", 1), ("jobs", 1)):
            value = getattr(self, name)
            if value is None and getattr(Config, name) is None:
                continue
            if not isinstance(value, Integral) or value < least:
                raise ConfigError(f"--{name} must be a whole number of {least} or more, found {value!r}")
        if self.device not in ("auto", "cpu", "cuda", "mps"):
            raise ConfigError(f"--device must be auto, cpu, cuda or mps, found {self.device!r}")
        if (self.X is None) != (self.y is None):
            given, missing = ("--X", "--y") if self.y is None else ("--y", "--X")
            raise ConfigError(f"{given} needs {missing}: the images and their labels, both as .npy files")
        if self.X is not None and self.data != Config.data:
            raise ConfigError(f"found both {self.data!r} and --X; give one data set or the other")

    def to_json(self) -> dict[str, Any]:
        """The settings as JSON can hold them; `from_json` takes them back."""
        return {name: str(v) if isinstance(v, Path) else v for name, v in asdict(self).items()}

    @classmethod
    def from_json(cls, settings: Mapping[str, Any]) -> "Config":
        """The settings under their names, paths also as strings; ConfigError for an unknown name."""
        unknown = sorted(set(settings) - {field.name for field in fields(cls)})
        if unknown:
            names = ", ".join(field.name for field in fields(cls))
            raise ConfigError(f"unknown setting {unknown[0]!r}; expected one of {names}")
        paths = {name: Path(settings[name]) for name in ("X", "y", "out") if settings.get(name) is not None}
        return cls(**{**settings, **paths})

    def command(self) -> str:
        """The command line that repeats a run made by one."""
        data = [] if self.X else [shlex.quote(self.data)]
        flags = [f"--{name.replace('_', '-')} {shlex.quote(str(value))}" for name, value in self._changed()]
        return " ".join(["audit detect", *data, f"--noise {self.noise:g}", *flags])

    def call(self) -> str:
        """The Python call that repeats a run on arrays."""
        settings = [f"{name}={value!r}" for name, value in self._changed()]
        return f"audit.detect({', '.join(['X', 'y', f'noise={self.noise:g}', *settings])})"

    def _changed(self) -> list[tuple[str, Any]]:
        """The settings that decide the result, beside data and noise, where they are not the default."""
        names = ("X", "y", "limit", "noise_kind", "seed", "folds", "epochs", "detector", "device")
        return [(n, getattr(self, n)) for n in names if getattr(self, n) != getattr(Config, n)]

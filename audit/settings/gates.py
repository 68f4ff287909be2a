"""The settings of gates: what a run must not exceed."""

from dataclasses import dataclass
from pathlib import Path

from audit.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits that make audit detect leave with exit status 1 when a run passes them.

    Parameters
    ----------
    fail_over
        The largest share of the labels that may be suspects, as they came.
    fail_under
        The least F1 that the detector must reach on the labels that were changed on purpose.
    baseline
        An earlier run on this data, whose suspects are known.
    max_new
        How many suspects there may be that the baseline does not have; none when only a baseline is given.
    accepted
        A CSV file of suspects that were accepted, which no gate counts: columns id, given, reason and
        expires (a date as in 2030-12-31, from which on it counts again).
    """

    fail_over: float | None = None
    fail_under: float | None = None
    baseline: Path | None = None
    max_new: int | None = None
    accepted: Path | None = None

    def __post_init__(self) -> None:
        for name in ("fail_over", "fail_under"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:  # also refuses NaN
                raise ConfigError(f"--{name.replace('_', '-')} must be a share from 0 to 1, found {value:g}")
        if self.max_new is not None and self.max_new < 0:
            raise ConfigError(f"--max-new must be a whole number of 0 or more, found {self.max_new}")
        if self.max_new is not None and self.baseline is None:
            raise ConfigError("--max-new counts what a baseline does not have; give --baseline RUN")
        if self.accepted is not None and self.fail_over is None and self.baseline is None:
            raise ConfigError(
                "--accepted changes what --fail-over and --baseline count, expected one of them; give it"
            )

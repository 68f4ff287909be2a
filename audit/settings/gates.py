"""The settings of gates: limits that a run must keep."""

from dataclasses import dataclass
from pathlib import Path

from audit.errors import ConfigError
from audit.settings.fields import SettingsGroup, flag_name, is_share, setting


@dataclass(frozen=True, kw_only=True)
class Limits(SettingsGroup):
    """Limits that make audit detect end with exit status 1 when a run exceeds them."""

    fail_over: float | None = setting(
        None, "Largest share of your original labels that may be suspects, 0 to 1.", decides=None
    )
    fail_under: float | None = setting(
        None, "Lowest F1, 0 to 1, that the detector must reach on flipped labels.", decides=None
    )
    baseline: Path | None = setting(
        None, "Folder of an earlier run on this data, whose suspects are known.", decides=None
    )
    max_new: int | None = setting(
        None,
        "Number of suspects that may be missing from the baseline. Default with --baseline: 0.",
        decides=None,
        least=0,
    )
    accepted: Path | None = setting(
        None,
        "CSV file of accepted suspects, which no gate counts. Columns: id, given, reason, and expires, a "
        "date such as 2030-12-31 from which on the suspect counts again.",
        decides=None,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, value in (("fail_over", self.fail_over), ("fail_under", self.fail_under)):
            if value is not None and not is_share(value):
                raise ConfigError(f"--{flag_name(name)} must be a share from 0 to 1, found {value:g}")
        if self.max_new is not None and self.baseline is None:
            raise ConfigError(
                "--max-new counts the suspects that a baseline does not have, found no baseline; give "
                "--baseline RUN"
            )
        if self.accepted is not None and self.fail_over is None and self.baseline is None:
            raise ConfigError(
                "--accepted takes rows out of what --fail-over and --baseline count, found neither; give one "
                "of them, or leave --accepted out"
            )

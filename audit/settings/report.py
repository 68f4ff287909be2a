"""The settings of a run's report and folder, and of what takes the place of training, or of the examples."""

from dataclasses import dataclass
from numbers import Real
from pathlib import Path

from audit.errors import ConfigError
from audit.settings.fields import SettingsGroup, setting

LEAST_REPORT_MB = 0.5  # plots, tables and script take most of it
MOST_REPORT_MB = 1000  # no browser opens a larger page


@dataclass(frozen=True, kw_only=True)
class RunSettings(SettingsGroup):
    """The seed and the folder of a run."""

    seed: int = setting(
        0,
        "Seed of everything random: sample, noise, folds, training and bootstrap.",
        decides=("noise", "folds", "model"),
        least=0,
    )
    out: Path | None = setting(
        None,
        "Folder to write. Default for audit detect: reports/DATA-KIND-RATE-sSEED, without RATE for "
        "--noise-kind matrix.",
        decides=None,
    )


@dataclass(frozen=True, kw_only=True)
class PredictionSettings(SettingsGroup):
    """What the models read in place of the examples, and probabilities that make training unnecessary."""

    embed: str | None = setting(
        None,
        "Features that models, kinds, near duplicates and the map use in place of the examples: timm:NAME (a "
        "pretrained network for images), sentence-transformers:NAME (for texts), package.module:function (of "
        "your own) or features.npy (n, d).",
        decides="data",
    )
    pred_probs: Path | None = setting(
        None,
        "Your own out-of-sample probabilities (n, k) as an .npy, .npz or .csv file, columns in the sorted "
        "order of the classes. Nothing is trained, and no noise is injected.",
        decides="data",
    )


@dataclass(frozen=True, kw_only=True)
class ReportSettings(SettingsGroup):
    """What the report of a run holds."""

    controls: int = setting(
        0,
        "Hide this many flipped labels, and as many clean ones, unmarked in the review queue; audit apply "
        "reports how the reviewer handled them. Needs noise.",
        decides="issues",
        least=0,
        most=1_000_000,
        keyed_by_default=False,
    )
    sample: int = setting(
        0,
        "Put a random sample of this many suspects first in the review queue, spread over the whole list. "
        "Decisions on it tell how many errors there are in all.",
        decides=None,
        least=0,
        most=1_000_000,
    )
    guidelines: Path | None = setting(
        None,
        "Text file with the guidelines by which labels are given, to be read beside the review.",
        decides=None,
    )
    map: bool = setting(
        False,
        "Draw a map of the data in the report, with the suspects marked. Takes a few seconds.",
        decides=None,
    )
    report_mb: float = setting(
        5,
        "Maximum size of report.html in MB. Suspects that do not fit appear only in issues.csv.",
        decides=None,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_report_mb(self.report_mb)


def check_report_mb(megabytes: float) -> None:
    """Refuse a size that holds no page, or that no browser opens; ConfigError."""
    if not (isinstance(megabytes, Real) and megabytes >= LEAST_REPORT_MB):  # also refuses NaN
        raise ConfigError(
            f"--report-mb must be megabytes, {LEAST_REPORT_MB} or more, found {megabytes!r}; 5 is the default"
        )
    if megabytes > MOST_REPORT_MB:
        raise ConfigError(
            f"--report-mb must be megabytes, {MOST_REPORT_MB:,} or less, found {megabytes!r}; 5 is the "
            "default"
        )

"""The settings of detection: which labels count as wrong, and which suspects are reported."""

from dataclasses import dataclass

from audit.settings.choices import (
    DEFAULT_DETECTOR,
    DEFAULT_TRUTH,
    KINDS,
    DetectorName,
    KindsOf,
    Truth,
    kinds_in,
)
from audit.settings.fields import SettingsGroup, setting


@dataclass(frozen=True, kw_only=True)
class DetectionSettings(SettingsGroup):
    """Which detector decides, and which suspects are reported."""

    detector: DetectorName = setting(
        DEFAULT_DETECTOR,
        "Detector whose flags count for flipped labels; with --annotations, votes takes the place of the "
        "default. docs/methods.md describes them all.",
        decides="issues",
    )
    truth: Truth = setting(
        DEFAULT_TRUTH,
        'What counts as "wrong" in your original labels: consensus (most careful people would choose another '
        "label) or process (something changed the label). Flipped labels are always scored as process.",
        decides="issues",
    )
    kinds: str | None = setting(
        None,
        f"Report only suspects of these kinds, separated by commas: {', '.join(KINDS)}. Default: all.",
        decides="issues",
        keyed_by_default=False,
    )
    kinds_of: KindsOf = setting(
        "suspects",
        "Rows whose kind is determined: the suspects, or all rows, which kinds.csv then lists.",
        decides="issues",
        keyed_by_default=False,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        kinds_in(self.kinds)

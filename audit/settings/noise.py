"""The settings of label noise: how many labels are flipped on purpose, and how."""

from dataclasses import dataclass
from numbers import Real
from pathlib import Path

from audit.errors import ConfigError
from audit.settings.choices import NoiseName, Sampling
from audit.settings.fields import SettingsGroup, is_share, setting

DEFAULT_NOISE = 0.1


def has_rate(kind: str) -> bool:
    """Whether labels of this kind are flipped at a rate that is asked for; a matrix sets its own."""
    return kind != "matrix"


def number(value: object) -> str:
    """A value as a message shows it: numbers in few digits."""
    if isinstance(value, Real):
        return f"{value:g}"
    return repr(value)


@dataclass(frozen=True, kw_only=True)
class NoiseSettings(SettingsGroup):
    """The kind of noise and its rate."""

    noise: float | None = setting(
        None,
        "Share of the labels to flip on purpose, 0 to 1. 0 audits the labels as they are. Default: 0.1; 0 "
        "for audit inject. Not allowed with --noise-kind matrix, where the matrix sets the rate.",
        decides="noise",
    )
    noise_kind: NoiseName = setting(
        "symmetric",
        "How labels are flipped: symmetric (to any other class), stratified (like symmetric, with an exact "
        "share of each class), scramble (like symmetric, to one of --possible-values), pair (to the next "
        "class), asymmetric (digits to similar digits), map (see --noise-map), matrix (see --noise-matrix), "
        "confusion (to the class that a weak model confuses them with) or instance (depending on each "
        "image).",
        decides="noise",
    )
    noise_matrix: Path | None = setting(
        None,
        "For --noise-kind matrix: a .npy or .csv file with one row and one column per class, in sorted "
        "order. Row i holds the probability of every label for class i.",
        decides="noise",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.noise is None:
            return
        if not has_rate(self.noise_kind):
            raise ConfigError(
                f"--noise must be left out with --noise-kind {self.noise_kind}, whose matrix gives the rate, "
                f"found {number(self.noise)}"
            )
        if not is_share(self.noise):
            raise ConfigError(f"--noise must be a share from 0 to 1, found {number(self.noise)}; 10 % is 0.1")

    @property
    def asked(self) -> bool:
        """Whether the settings say how many labels to flip."""
        return self.noise is not None or not has_rate(self.noise_kind)


@dataclass(frozen=True, kw_only=True)
class NoiseOptions(SettingsGroup):
    """What some kinds of noise need or allow."""

    noise_map: str | None = setting(
        None,
        "For --noise-kind map: which class becomes which, by name, as in 0:1,1:0.",
        decides="noise",
    )
    sampling: Sampling | None = setting(
        None,
        "exact flips an exact number of labels; bernoulli flips each label independently. Default: exact, "
        "except for --noise-kind instance, which always draws each label independently.",
        decides="noise",
    )
    inclusive: bool = setting(
        False,
        "Draw the new label from all classes, so that some labels stay the same. For --noise-kind symmetric "
        "and stratified.",
        decides="noise",
    )
    possible_values: str | None = setting(
        None,
        "For --noise-kind scramble: all classes that a label may become, by name and separated by commas, "
        "including classes that no label has.",
        decides="noise",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_text("--noise-map", self.noise_map, "0:1,1:0")
        _check_text("--possible-values", self.possible_values, "0,1,2")


def _check_text(flag: str, value: object, example: str) -> None:
    if value is not None and not isinstance(value, str):
        raise ConfigError(f"{flag} must be text such as {example!r}, found {value!r}")

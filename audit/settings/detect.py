"""The settings of a run: every group that `audit detect` takes, together."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

from audit.errors import ConfigError
from audit.settings.data import DEFAULT_DATA, DataSettings
from audit.settings.detection import DetectionSettings
from audit.settings.fields import (
    SettingsGroup,
    StageName,
    changed,
    deciding,
    flag_name,
    flat,
    jsonable,
    read,
    refuse_names,
    unknown_names,
)
from audit.settings.noise import DEFAULT_NOISE, NoiseOptions, NoiseSettings, has_rate
from audit.settings.report import PredictionSettings, ReportSettings, RunSettings
from audit.settings.training import TrainingSettings


@dataclass(frozen=True, kw_only=True)
class Config:
    """All settings of a run, in groups; `Config.of(noise=0.2, folds=10)` makes one from their names."""

    noise: NoiseSettings = NoiseSettings(noise=DEFAULT_NOISE)
    noise_options: NoiseOptions = NoiseOptions()
    data: DataSettings = DataSettings()
    predictions: PredictionSettings = PredictionSettings()
    training: TrainingSettings = TrainingSettings()
    detection: DetectionSettings = DetectionSettings()
    report: ReportSettings = ReportSettings()
    run: RunSettings = RunSettings()

    def __post_init__(self) -> None:
        if not self.noise.asked:
            raise ConfigError("--noise must be a share from 0 to 1, found None; 10 % is 0.1")
        if self.predictions.pred_probs is not None and self.noise.noise != 0:
            raise ConfigError(
                "--noise needs a model that is trained on the noisy labels, and --pred-probs has none; "
                "leave one of them out"
            )
        if self.data.labels_alone and self.predictions.pred_probs is None:
            raise ConfigError(
                "--y needs --X: the examples and their labels, both as .npy files; labels alone need "
                "--pred-probs"
            )
        if self.report.controls and self.noise.noise == 0:
            raise ConfigError(
                "--controls needs labels that were changed on purpose, found --noise 0; give a rate, such as "
                "--noise 0.05"
            )

    @classmethod
    def of(cls, data: str = DEFAULT_DATA, **settings: Any) -> "Config":
        """Make a Config from settings by name, paths also as text; what is not named has its default.

        The noise is DEFAULT_NOISE when it is not named, or None; nothing with probabilities of one's own.

        Raises
        ------
        ConfigError
            For unknown names, all at once, and for invalid values.
        """
        refuse_names(unknown_names(settings, _FIELDS))
        asked = {"data": data, **settings}
        if asked.get("noise") is None and has_rate(asked.get("noise_kind", "symmetric")):
            asked["noise"] = DEFAULT_NOISE
            if asked.get("pred_probs") is not None:
                asked["noise"] = 0.0
        groups: dict[str, Any] = {}
        for name, kind in _GROUPS.items():
            named = [each.name for each in fields(kind) if each.name in asked]
            groups[name] = kind(**{each: read(_FIELDS[each], asked[each]) for each in named})
        return cls(**groups)

    def with_settings(self, **settings: Any) -> "Config":
        """Make a copy with some settings changed, by name."""
        return Config.of(**{**flat(*self.groups()), **settings})

    def groups(self) -> list[SettingsGroup]:
        """All groups, in the order in which a command names their settings."""
        return [getattr(self, group.name) for group in fields(self)]

    def to_json(self) -> dict[str, Any]:
        """The settings by name, as JSON can hold them; `Config.of` takes them back."""
        return {name: jsonable(value) for name, value in flat(*self.groups()).items()}

    def deciding(self, stage: StageName) -> dict[str, Any]:
        """The settings that are part of a stage's key, as JSON can hold them."""
        return deciding(stage, *self.groups())

    def command(self, of: str = "detect", beside: Mapping[str, Any] = MappingProxyType({})) -> str:
        """The command line that repeats what was made by one, with these settings beside or instead."""
        settings = {**self._changed(), **beside}
        data = settings.pop("data", DEFAULT_DATA)
        words = [f"audit {of}"]
        if self.data.X is None and self.data.y is None:
            words.append(shlex.quote(data))
        words += [_flag(name, value) for name, value in settings.items()]
        return " ".join(words)

    def call(self) -> str:
        """The Python call that repeats a run on arrays."""
        settings = {name: value for name, value in self._changed().items() if name != "data"}
        named = [f"{name}={_plain(value)!r}" for name, value in settings.items()]
        return f"audit.detect({', '.join(['X', 'y', *named])})"

    def _changed(self) -> dict[str, Any]:
        """The settings that decide the result and are not the default; the noise always."""
        return {name: value for group in self.groups() for name, value in changed(group).items()}


_GROUPS: dict[str, type[SettingsGroup]] = {group.name: type(group.default) for group in fields(Config)}  # type: ignore[misc]
_FIELDS = {each.name: each for kind in _GROUPS.values() for each in fields(kind)}


def _flag(name: str, value: Any) -> str:
    """A setting as the command line takes it; with = where the value would look like a flag."""
    flag = f"--{flag_name(name)}"
    if value is True:
        return flag
    text = str(_plain(value))
    if text.startswith("-"):
        return f"{flag}={shlex.quote(text)}"
    return f"{flag} {shlex.quote(text)}"


def _plain(value: Any) -> Any:
    """A path as text, and a number in as few digits as give it back."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float):
        value = float(value)  # of NumPy's, whose text is another
        if value.is_integer():
            return int(value)
    return value


def default_name(data_name: str, config: Config) -> str:
    """The name of a run's folder: data, kind of noise, rate where one was asked for, and seed."""
    noise: str = config.noise.noise_kind
    if config.noise.noise is not None:
        noise = f"{noise}-{config.noise.noise:g}"
    return f"{safe_name(data_name)}-{noise}-s{config.run.seed}"


def safe_name(text: str) -> str:
    """The text as the name of a folder anywhere."""
    return re.sub(r"[^\w.-]", "-", text).strip(".") or "data"

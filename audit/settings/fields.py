"""A setting: one field of a frozen group that says its type, default, help text, and what it decides.

Flags, environment, settings files, the keys of a run's stages and the command that repeats a run are all
derived from these fields, so that a setting is named once.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import Field, dataclass, field, fields
from difflib import get_close_matches
from numbers import Integral, Real
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from audit.errors import ConfigError

LEAST_LIKENESS = 0.7  # of a name that is suggested for an unknown one

StageName = Literal["data", "noise", "folds", "model", "issues"]


def setting(
    default: Any,
    help_text: str,
    *,
    decides: StageName | tuple[StageName, ...] | None,
    least: int | None = None,
    most: int | None = None,
    keyed_by_default: bool = True,
    holds_names: bool = False,
) -> Any:
    """Declare a setting of a group.

    Parameters
    ----------
    default
        Its value when nobody gives it.
    help_text
        What it does, for `--help`.
    decides
        The stages whose result it decides, and whose keys it is therefore part of: noise, folds and issues
        of a run, or model, a single model of an experiment. "data" is for settings that decide which
        examples and labels are read; the key has a fingerprint of these instead. None is for settings that
        never change a result.
    least, most
        The smallest and the largest whole number that it may be.
    keyed_by_default
        False for a setting that is in the key only when it is not the default, so that runs that are older
        than the setting keep their keys.
    holds_names
        Whether it is text of names between commas, for which Python may also give a list of them, or one.
    """
    stages = decides
    if decides is None:
        stages = ()
    elif isinstance(decides, str):
        stages = (decides,)
    declared = {
        "help": help_text,
        "decides": stages,
        "least": least,
        "most": most,
        "keyed_by_default": keyed_by_default,
        "holds_names": holds_names,
    }
    return field(default=default, metadata=declared)


@dataclass(frozen=True)
class SettingsGroup:
    """Settings that belong together; each is checked against its type, and refused in one line."""

    def __post_init__(self) -> None:
        for each in fields(self):
            if "decides" not in each.metadata:
                raise TypeError(f"{type(self).__name__}.{each.name} does not declare what it decides")
            _check(each, getattr(self, each.name))


def flat(*groups: SettingsGroup) -> dict[str, Any]:
    """All settings of these groups by name."""
    return {each.name: getattr(group, each.name) for group in groups for each in fields(group)}


def deciding(stage: StageName, *groups: SettingsGroup) -> dict[str, Any]:
    """The settings in these groups that are part of a stage's key, as JSON can hold them."""
    return {
        each.name: jsonable(getattr(group, each.name))
        for group in groups
        for each in fields(group)
        if stage in each.metadata["decides"]
        and (each.metadata["keyed_by_default"] or getattr(group, each.name) != each.default)
    }


def changed(group: SettingsGroup) -> dict[str, Any]:
    """The settings of a group that decide a result and are not the default."""
    return {
        each.name: getattr(group, each.name)
        for each in fields(group)
        if each.metadata["decides"] and getattr(group, each.name) != each.default
    }


def jsonable(value: Any) -> Any:
    """A setting's value as JSON can hold it."""
    if isinstance(value, Path):
        return str(value)
    return value


def read(each: Field[Any], value: Any) -> Any:
    """A setting's value as its field holds it: paths may be given as text, and lists of names as lists."""
    if isinstance(value, str) and (Path in _types(each) or each.name == "data") and not value.strip():
        raise ConfigError(f"--{flag_name(each.name)} is empty, expected a path; give one, or leave it out")
    if isinstance(value, str) and Path in _types(each):
        return Path(value)
    if not each.metadata["holds_names"] or isinstance(value, str | None):
        return value
    if isinstance(value, Iterable):
        return ",".join(map(str, value))
    return str(value)


def flag_name(name: str) -> str:
    """The command line flag of a setting, without its dashes; X keeps its capital."""
    return name.strip("_").replace("_", "-")


def is_share(value: Any) -> bool:
    """Whether a value is a number from 0 to 1; NaN is not."""
    return isinstance(value, Real) and bool(0 <= float(value) <= 1)


def unknown_names(found: Iterable[str], known: Collection[str]) -> list[str]:
    """The names that are not known, in quotation marks, each with the known one that looks most like it."""
    return [_suggested(name, known) for name in sorted(found) if name not in known]


def refuse_names(unknown: Sequence[str], command: str = "audit detect") -> None:
    """Raise ConfigError when there are unknown names among the settings of a command."""
    if unknown:
        raise ConfigError(f"unknown settings: {', '.join(unknown)}; {command} --help lists them")


def _suggested(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, known, n=1, cutoff=LEAST_LIKENESS)
    if not near:
        return repr(name)
    return f"{name!r} (did you mean {near[0]}?)"


def _check(each: Field[Any], value: Any) -> None:
    types = _types(each)
    if value is None and NoneType in types:
        return
    if isinstance(value, str | Path):
        _refuse_no_text(each, str(value))
    choices = [choice for kind in types if get_origin(kind) is Literal for choice in get_args(kind)]
    if choices and value not in choices:
        listed = f"{', '.join(choices[:-1])} or {choices[-1]}"
        raise ConfigError(f"--{flag_name(each.name)} must be {listed}, found {value!r}")
    least = each.metadata["least"]
    if least is not None and not (isinstance(value, Integral) and value >= least):
        raise ConfigError(
            f"--{flag_name(each.name)} must be a whole number of {least} or more, found {value!r}"
        )
    most = each.metadata["most"]
    if most is not None and value > most:
        raise ConfigError(f"--{flag_name(each.name)} must be {most:,} or less, found {value:,}")


def _refuse_no_text(each: Field[Any], text: str) -> None:
    """Refuse a name that no run folder can hold, as the names of some files cannot be read as text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        found = text.encode("utf-8", "backslashreplace").decode()
        raise ConfigError(
            f"--{flag_name(each.name)} must be UTF-8 text, found '{found}'; rename it"
        ) from None


def _types(each: Field[Any]) -> tuple[Any, ...]:
    """The types of a field's value: those of a union, or the one it has."""
    if get_origin(each.type) is Literal:
        return (each.type,)
    return get_args(each.type) or (each.type,)

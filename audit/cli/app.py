"""The application that all commands belong to: flags, environment and settings files have one spelling."""

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from cyclopts import App, ArgumentCollection, CycloptsError, Group, Parameter, UnknownOptionError
from cyclopts.config import Env, Toml

from audit.errors import ConfigError
from audit.settings.fields import flag_name, refuse_names, unknown_names


def refuse_empty_paths(_: App, __: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Raise ConfigError where a path is empty text, which would be the current folder."""
    for argument in arguments:
        is_path = Path in (argument.hint, *get_args(argument.hint)) or "--data" in argument.names
        if is_path and any(not token.value.strip() for token in argument.tokens):
            raise ConfigError(f"{argument.name} is empty, expected a path; give one, or leave it out")


app = App(
    name="audit",
    config=[refuse_empty_paths],
    help="Find label issues, and measure on your own data how good the list of them is.",
    help_format="plaintext",
    suppress_keyboard_interrupt=False,  # an interrupt says how to go on
    default_parameter=Parameter(negative=(), name_transform=flag_name, show_env_var=False),
)

PREFIX = "AUDIT_"
NOT_SETTINGS = ("AUDIT_CACHE",)  # of the environment, read where data is downloaded
MOST_BYTES = 1_000_000  # of a settings file
MOST_DOTS = 100  # in a line of one, outside of texts: a key of n parts takes n² of memory
TEXT = re.compile(rb""""(?:[^"\\]|\\.)*"|'[^']*'""")


class SettingsFile(Toml):
    """A TOML file of which every failure to read it is one line that names it."""

    def _load_config(self, path: Path) -> dict[str, Any]:
        import tomllib  # noqa: PLC0415  only where there is such a file

        from audit.datasets.files import reading  # noqa: PLC0415  imports numpy

        try:
            with reading(path, "cannot be read as TOML", "; correct it, or move it away", ConfigError):
                if path.stat().st_size > MOST_BYTES:
                    raise ValueError(f"it is larger than {MOST_BYTES:,} bytes")
                content = path.read_bytes()
                for number, line in enumerate(content.splitlines(), start=1):
                    dots = TEXT.sub(b"", line).partition(b"#")[0].count(b".")
                    if dots > MOST_DOTS:
                        raise ValueError(f"line {number} has more than {MOST_DOTS} dots")
                return tomllib.loads(content.decode())
        except ConfigError as error:
            raise CycloptsError(msg=str(error)) from error  # of others, cyclopts names the type


FILES = [
    SettingsFile("audit.toml", search_parents=True, use_commands_as_keys=False),
    SettingsFile(
        "pyproject.toml", root_keys=["tool", "audit"], search_parents=True, use_commands_as_keys=False
    ),
]


def refuse_unknown_settings(_: App, __: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Raise ConfigError with all unknown names in the environment and in settings files at once."""
    flags = [name for argument in arguments for name in argument.names if name.startswith("--")]
    names = [flag.removeprefix("--").replace("-", "_") for flag in flags]
    variables = [name for name in os.environ if name.startswith(PREFIX) and name not in NOT_SETTINGS]
    unknown = unknown_names(variables, [PREFIX + name.upper() for name in names])
    for file in FILES:
        keys = [key.replace("-", "_") for key in _table(file) if key not in app]
        unknown += [f"{name} in {Path(file.path).name}" for name in unknown_names(keys, names)]
    refuse_names(unknown)


def refuse_code(_: App, __: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Raise ConfigError where a settings file names code: it may have come with somebody else's data."""
    files = {file.source: Path(file.path).name for file in FILES}
    for argument in arguments:
        flag = next((name for name in ("--model", "--embed") if name in argument.names), None)
        for token in argument.tokens:
            if token.source in files and flag is not None and ":" in token.value:
                what = "model" if flag == "--model" else "embedder"
                raise ConfigError(
                    f"{files[token.source]} asks for the {what} {token.value}, which is code that a settings "
                    f"file may not run; if you trust it, say so with {flag} {shlex.quote(token.value)} or "
                    f"{PREFIX}{flag[2:].upper()}"
                )


def refuse_unknown_flags(error: UnknownOptionError, arguments: Sequence[str]) -> None:
    """Raise ConfigError with all unknown flags at once, where cyclopts tells the first one."""
    flags = [each.partition("=")[0].removeprefix("--") for each in arguments if each.startswith("--")]
    known = [name.removeprefix("--") for argument in error.argument_collection for name in argument.names]
    refuse_names(unknown_names(flags, known), " ".join(("audit", *(error.command_chain or ()))))


def _table(file: Toml) -> Mapping[str, Any]:
    """The settings in a file; empty where there are none, or something else, which Toml then refuses."""
    table: Any = file.config
    for key in file.root_keys:
        if isinstance(table, dict):
            table = table.get(key)
    if not isinstance(table, dict):
        return {}
    return table


SETTINGS = [  # only for detect: other commands lack some settings, and use --data and --out differently
    refuse_unknown_settings,
    Env(PREFIX, command=False),
    *FILES,
    refuse_empty_paths,
    refuse_code,
]


def _panel(title: str) -> Parameter:
    """A group of settings as flags, in a panel of the help page."""
    return Parameter(name="*", group=Group.create_ordered(title))


COMMAND = Parameter(name="*")  # what one command alone takes, beside its other parameters
DATA = _panel("Data")
NOISE = _panel("Noise")
TRAINING = _panel("Training")
DETECTION = _panel("Detection")
REPORT = _panel("Report")
RUN = _panel("Run")
GATES = _panel("Gates")

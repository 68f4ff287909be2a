"""Import what a flag names as package.module:name, of this package or of the user."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from audit.errors import ConfigError


def import_named(path: str, flag: str, form: str) -> Any:
    """Import what the path names, in the current folder at last; ConfigError when that fails.

    Parameters
    ----------
    path
        package.module:name.
    flag
        That it was named with.
    form
        What a path looks like, for the message.
    """
    module, _, name = path.partition(":")
    folder = str(Path.cwd())
    if not path.startswith("audit.") and folder not in sys.path:
        sys.path.append(folder)  # python -m adds it, the installed command does not
    try:
        return getattr(import_module(module), name)
    except Exception as error:  # a module of the user may raise anything
        raise ConfigError(
            f"{flag} {path} cannot be imported ({error}); expected {form} that this folder has"
        ) from error

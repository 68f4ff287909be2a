"""Functions of the user's own as embedders, named as package.module:function or given in Python."""

import hashlib
import inspect
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from audit.errors import ConfigError
from audit.training.embedders.embedder import Embedder
from audit.training.named_code import import_named


def named(path: str) -> Embedder:
    """The function that a path names, of this folder at last; ConfigError where there is none."""
    function = import_named(path, "--embed", "package.module:function")
    if not callable(function):
        raise ConfigError(
            f"--embed {path} is of type {type(function).__name__}, expected a function from examples (m) to "
            "features (m, d); check the name"
        )
    return of_function(function, path)


def of_function(function: Callable[[Any], Any], name: str | None = None) -> Embedder:
    """A function as an embedder, called what it is called where it was defined."""
    if name is None:
        defined = function if hasattr(function, "__qualname__") else type(function)
        name = f"{defined.__module__}:{defined.__qualname__}"
    return Embedder(name, function, {"code": _code(function)}, is_own=True)


def _code(function: Callable[[Any], Any]) -> str:
    """The sha256 of the text of the module that a function is in; empty where there is no such text."""
    with suppress(TypeError, OSError):
        module = inspect.getmodule(inspect.unwrap(function))
        if module is not None:
            return hashlib.sha256(inspect.getsource(module).encode()).hexdigest()
    return ""

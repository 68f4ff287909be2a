"""Values of any library: their types are recognised without an import, and messages show them in one line."""

import reprlib
from typing import Any

import numpy as np


def is_from(thing: Any, library: str, name: str = "") -> bool:
    """Whether an object is of a type of this library, and of this name, or of a type derived from it.

    Decided by module names, because importing the library may be slow, or it is not installed.
    """
    return any(
        base.__module__.partition(".")[0] == library and name in ("", base.__name__)
        for base in type(thing).__mro__
    )


def shown(value: Any) -> str:
    """A value as a message may show it: short and in one line."""
    brief = reprlib.Repr()
    brief.maxstring = 60
    brief.maxother = 60
    if isinstance(value, np.generic):
        value = value.item()
    try:
        text = brief.repr(value)
    except ValueError:  # an integer of thousands of digits
        return f"a huge {type(value).__name__}"
    return " ".join(text.splitlines())

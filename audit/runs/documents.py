"""JSON documents that a stranger may have written: read whole, and held against the types they must have."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

MOST_BYTES = 64_000_000  # of a document; one of a thousand classes has 20 MB
LARGEST = 2**53  # of whole numbers; up to here they are exact as decimals, too


def document_in(path: Path) -> Any:
    """Read a JSON document.

    Raises
    ------
    ValueError
        Why it cannot be read, in a few words.
    """
    if not path.is_file():
        raise ValueError("not a file")
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError(f"more than {MOST_BYTES // 10**6} MB")
        return parsed(path.read_bytes())
    except OSError as error:
        raise ValueError(error.strerror or "cannot be opened") from error


def parsed(content: bytes) -> Any:
    """Parse a JSON document; ValueError says in a few words why not."""
    try:
        document = json.loads(content.decode(), parse_constant=_refuse_constant)
        json.dumps(document, ensure_ascii=False).encode()  # half of a surrogate pair could not be written
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except ValueError as error:  # UnicodeDecodeError is one
        raise ValueError(" ".join(str(error).split())) from error
    return document


def conforms(value: Any, form: Any) -> bool:
    """Whether a value that was read from JSON has this type: of numbers, text, containers or dataclasses.

    Numbers are finite. Text stands for a path, and a list for a tuple.
    """
    origin, arguments = get_origin(form), get_args(form)
    if origin in {Union, UnionType}:
        return any(conforms(value, each) for each in arguments)
    if origin is Literal:
        return value in arguments
    if origin is tuple:
        return isinstance(value, list | tuple) and _items_conform(value, arguments)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        names, items = arguments
        return isinstance(value, Mapping) and all(
            conforms(name, names) and conforms(each, items) for name, each in value.items()
        )
    if is_dataclass(form):
        hints = get_type_hints(form)
        return isinstance(value, form) and all(  # type: ignore[arg-type]
            conforms(getattr(value, each.name), hints[each.name]) for each in fields(form)
        )
    return form is Any or _PLAIN[form](value)


def _items_conform(values: Sequence[Any], forms: tuple[Any, ...]) -> bool:
    """Whether the items of a list have the types of a tuple: all the first, where an ellipsis follows it."""
    if forms[-1] is Ellipsis:
        return all(conforms(each, forms[0]) for each in values)
    return len(values) == len(forms) and all(map(conforms, values, forms))


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST


def _is_number(value: Any) -> bool:
    return _is_whole(value) or (isinstance(value, float) and math.isfinite(value))


_PLAIN: Mapping[Any, Callable[[Any], bool]] = {
    NoneType: lambda value: value is None,
    str: lambda value: isinstance(value, str),
    Path: lambda value: isinstance(value, str),
    bool: lambda value: isinstance(value, bool),
    int: _is_whole,
    float: _is_number,
}


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")

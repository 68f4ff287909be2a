"""Image files wherever they are: on the disk, in an archive, or in a cell of a table."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from audit import wording
from audit.datasets.files import refuse_special


@dataclass(frozen=True, eq=False)
class Encoded:
    """An image file that is no file of its own, read when it is asked for."""

    name: str  # in messages
    read: Callable[[], bytes]
    id: str = ""  # what its row is called; empty where it has no name of its own

    def __str__(self) -> str:
        return self.name


ImageSource: TypeAlias = Path | Encoded


class _Named(io.BytesIO):
    """Bytes that errors of PIL call by a name."""

    def __init__(self, content: bytes, name: str) -> None:
        super().__init__(content)
        self.called = name

    def __repr__(self) -> str:
        return repr(self.called)


def opened(image: ImageSource) -> tuple[Path | io.BytesIO, int]:
    """What PIL can open an image from, and how many bytes it has.

    Raises
    ------
    ValueError
        When its name is no text that a file can hold.
    OSError
        When it cannot be read, or is no file.
    """
    if wording.unwritable([str(image)]):
        raise ValueError("its name is not UTF-8 text")
    if isinstance(image, Path):
        refuse_special(image)
        return image, image.stat().st_size
    content = image.read()
    return _Named(content, image.name), len(content)

"""The guidelines by which labels were given: a text that the report shows beside the task."""

from pathlib import Path

from audit.datasets.files import reading
from audit.errors import ReviewError

MOST_BYTES = 100_000  # about fifty pages; the page of the review holds all of it


def read_guidelines(path: Path | None) -> str:
    """Read a file of guidelines; empty where there is none.

    Raises
    ------
    ReviewError
        When the file cannot be read as UTF-8 text, is empty, or holds more than MOST_BYTES.
    """
    if path is None:
        return ""
    with reading(path, "cannot be read as text", "; save it as UTF-8 text", ReviewError):
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise ReviewError(
                f"{path} has {size:,} bytes, expected guidelines of {MOST_BYTES:,} or fewer; shorten them"
            )
        text = path.read_bytes().decode("utf-8-sig").strip()
        if "\0" in text:
            raise ValueError("it holds null characters")
    if not text:
        raise ReviewError(f"{path} is empty, expected guidelines; write some, or leave --guidelines out")
    return text

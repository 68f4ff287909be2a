"""Files that somebody else wrote: no device or pipe, no larger than they are, and a failure is one line."""

import errno
import os
import stat
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from audit import wording
from audit.errors import AuditError, DataError

TIMES = 4  # the size of a file, and
SPARE_BYTES = 200_000_000  # besides, that reading it may take
TIMES_UNPACKED = 32  # more than real data is compressed by, which is mostly empty images
BLOCK_BYTES = 1 << 20
LONGEST = 300  # letters of a reason
SPECIAL = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@contextmanager
def reading(
    path: Path, form: str, remedy: str, kind: type[AuditError] = DataError, *, missing: str = ""
) -> Iterator[None]:
    """Turn whatever a reader raises in the block into one line; anything but a regular file is refused first.

    Parameters
    ----------
    path
        The file.
    form
        The complaint, as in `cannot be read as JSON`.
    remedy
        The end of the line, with what stands before it: `; save it again`.
    kind
        The error to raise.
    missing
        The whole line for a file that does not exist, where it differs from the usual one.

    Raises
    ------
    AuditError
        Of this kind, with one line, for any exception but an AuditError, which passes.
    """
    try:
        refuse_special(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of readers; a damaged file is told of in one line
            yield
    except AuditError:
        raise
    except FileNotFoundError as error:
        raise kind(missing or wording.no_such_file(path)) from error
    except Exception as error:  # readers raise anything on damaged files
        raise kind(f"{path} {form} ({reason(error)}){remedy}") from error


def reason(error: Exception) -> str:
    """Why something cannot be read, in a few words."""
    if isinstance(error, MemoryError):
        return "there is not enough memory for it"
    if isinstance(error, RecursionError):
        return "nested too deeply"
    why = wording.one_line(getattr(error, "strerror", None) or error) or type(error).__name__
    if len(why) > LONGEST:
        return f"{why[:LONGEST]}…"
    return why


def refuse_special(path: Path) -> None:
    """Raise OSError unless the path is a file, through links: pipes and devices may have no end."""
    found = stat.S_IFMT(path.stat().st_mode)
    if found == stat.S_IFDIR:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if found != stat.S_IFREG:
        raise OSError(errno.EINVAL, f"it is {SPECIAL.get(found, 'no file')}, expected a file")


def refuse_unreachable(path: Path) -> None:
    """Raise DataError for a path that is there, but neither a file nor a folder, or cannot be looked up."""
    try:
        if not path.is_dir():
            refuse_special(path)
    except (FileNotFoundError, NotADirectoryError):
        return  # the loader of its form says so
    except (OSError, ValueError) as error:  # ValueError for a null character
        raise DataError(f"{path} cannot be read ({reason(error)}); check the path") from error


def most_unpacked(size: int, copies: int = 1) -> int:
    """The most bytes that what a file of this size holds may take, where its reader takes so many copies."""
    return max((TIMES * size + SPARE_BYTES) // copies, TIMES_UNPACKED * size)


def refuse_bomb(path: Path, unpacked: int, remedy: str, copies: int = 1) -> None:
    """Raise DataError for a file whose content takes far more bytes than the file itself."""
    size = path.stat().st_size
    most = most_unpacked(size, copies)
    if unpacked > most:
        raise DataError(
            f"{path} has {size:,} bytes and unpacks to {unpacked:,} or more, expected {most:,} or "
            f"fewer; {remedy}"
        )


def refuse_dense(content: bytes, costs: Mapping[bytes, int]) -> None:
    """Raise ValueError for a text of so many parts that these take far more memory than the text.

    Parameters
    ----------
    content
        The text.
    costs
        The bytes that each part takes, by the mark that begins or ends one.
    """
    needed = sum(cost * content.count(mark) for mark, cost in costs.items())
    if needed > TIMES * len(content) + SPARE_BYTES:
        raise ValueError(f"its {len(content):,} bytes would take {needed:,} in memory")

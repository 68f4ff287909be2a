"""Write files whole or not at all, and hold a folder against other writers."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from audit.errors import RunError

LOCK = ".lock"
NOTHING_CHANGED = "nothing was changed"


def write_whole(
    path: Path, content: bytes | Callable[[IO[bytes]], object], remains: str = NOTHING_CHANGED
) -> None:
    """Write a file under a temporary name, then move it into place.

    Whoever reads the path sees the former file or the new one, never a part. The folder is made if need be.

    Parameters
    ----------
    path
        The file to write.
    content
        The bytes, or a function that writes them to an open file.
    remains
        What the error line says is left after a failure.

    Raises
    ------
    RunError
        When the file cannot be written; the former one is kept.
    """
    with writing(path, remains):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                if isinstance(content, bytes):
                    file.write(content)
                else:
                    content(file)
            Path(temporary).chmod(0o644)  # mkstemp's 0600 would hide the file from colleagues
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


@contextmanager
def locked(folder: Path, busy: str, remains: str = NOTHING_CHANGED) -> Iterator[None]:
    """Hold a folder until the block ends, and make it if need be.

    Raises
    ------
    RunError
        With the line `busy` when another process holds it, and when the folder cannot be written.
    """
    import filelock  # noqa: PLC0415  only a writer needs it

    lock = filelock.FileLock(folder / LOCK, blocking=False)
    with writing(folder, remains):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire()
        except filelock.Timeout:
            raise RunError(busy) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def writing(path: Path, remains: str = NOTHING_CHANGED) -> Iterator[None]:
    """Turn the operating system's errors in the block into a RunError of one line that names the path."""
    try:
        yield
    except OSError as error:
        raise RunError(
            f"cannot write {path} ({error.strerror or error}); {remains}; free space or fix its permissions, "
            "or choose another place with --out"
        ) from error

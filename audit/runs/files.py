"""Write files whole or not at all, flushed to disk, and hold a folder against other writers."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from audit.errors import RunError

LOCK = ".lock"
PART = ".part"  # how the name of a file that is being written ends
NOTHING_CHANGED = "nothing was changed"


def write_whole(
    path: Path, content: bytes | Callable[[IO[bytes]], object], remains: str = NOTHING_CHANGED
) -> str:
    """Write a file under a temporary name, flush it to disk, and move it into place; returns its sha256.

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
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=PART)
        try:
            with os.fdopen(descriptor, "w+b") as file:
                if isinstance(content, bytes):
                    file.write(content)
                else:
                    content(file)
                file.flush()
                os.fsync(file.fileno())
                file.seek(0)
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            Path(temporary).chmod(0o644)  # mkstemp's 0600 would hide the file from colleagues
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    with writing(path, f"{path.name} is in place, and may not outlast a power cut"):
        flush_folder(path.parent)
    return digest


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Give a folder to fill, which becomes the one at the path, new or empty, when the block ends well.

    Raises
    ------
    RunError
        When it cannot be made; nothing is left of it.
    """
    with writing(path):
        new = not path.exists()
        parent = path.parent if new else path
        parent.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(dir=parent, prefix=f".{path.name}.", suffix=PART))
        moved: list[Path] = []
        try:
            yield stage
            if new:
                stage.chmod(0o755)
                stage.replace(path)
            else:
                for each in sorted(stage.iterdir()):
                    each.replace(path / each.name)
                    moved.append(path / each.name)
        except BaseException:
            for each in moved:
                each.unlink()
            raise
        finally:
            shutil.rmtree(stage, ignore_errors=True)
        flush_folder(parent)


def flush_folder(folder: Path) -> None:
    """Flush to disk which files a folder has, where the system can; Windows cannot, and need not."""
    with suppress(PermissionError, NotImplementedError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def flush_files(folder: Path) -> None:
    """Flush to disk every file of a folder and of its folders."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb+") as file:
                os.fsync(file.fileno())
        elif path.is_dir():
            flush_folder(path)
    flush_folder(folder)


def remove_parts(folder: Path) -> None:
    """Remove what a killed writer left of files that it was writing."""
    for path in folder.rglob(f".*{PART}"):
        path.unlink(missing_ok=True)


def read(path: Path) -> bytes:
    """Read a file; ValueError says in a few words why it cannot be read."""
    if not path.is_file():
        raise ValueError("missing" if not path.exists() else "no file")
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(error.strerror or "cannot be read") from error


def digest(content: bytes) -> str:
    """The sha256 of bytes, as hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def sha256(path: Path) -> str | None:
    """The sha256 of a file, as hexadecimal digits; None where there is no file, or it cannot be read."""
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


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

"""Files that a command writes where it is told to: never over anything but what it wrote there before.

What a command wrote is known by its content: the run keeps the sha256 of each file that was made of it. A
table or a line of JSON has no place for a mark of its own, and a file that somebody has edited since is no
output any more.
"""

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from audit.errors import RunError
from audit.runs import files
from audit.runs.documents import conforms, document_in

RECORD = ".outputs"  # in the run folder: the sha256 of the files that were made of the run
MOST_KEPT = 1000


@dataclass(frozen=True)
class Output:
    """A file to be written, and the flag that names it."""

    path: Path
    flag: str
    content: bytes

    def refuse(self, inputs: Iterable[Path], earlier: Sequence[str], *, force: bool) -> None:
        """RunError where the path holds anything but an earlier output, or is an input or no plain file."""
        path, another = self.path, f"choose another {self.flag}"
        kinds = {"a link": path.is_symlink(), "a folder": path.is_dir()}
        kinds["no plain file"] = path.exists() and not path.is_file()
        for kind, found in kinds.items():
            if found:
                raise RunError(f"{path} is {kind}, expected a new file; {another}")
        known = {*earlier, files.digest(self.content)}
        if path.exists() and not force and files.sha256(path) not in known:
            raise RunError(f"{path} exists; remove it, or {another}, or give --force to replace it")
        for each in inputs:
            if path.resolve().is_relative_to(each.resolve()) or (path.exists() and path.samefile(each)):
                raise RunError(f"{path} is read by this command, expected a new file; {another}")


def write_outputs(
    outputs: Sequence[Output], inputs: Sequence[Path], run: Path | None = None, *, force: bool = False
) -> None:
    """Write files, each whole or not at all, after all of them were checked.

    Parameters
    ----------
    outputs
        The files.
    inputs
        Files and folders that the command reads.
    run
        The run folder that keeps what was written; without it, only a file of the same content is replaced.
    force
        Replace other files too, but no links, devices, folders or inputs.

    Raises
    ------
    RunError
        When one must not be written, or cannot be.
    """
    earlier = _earlier(run)
    places = [each.path.resolve() for each in outputs]
    for number, output in enumerate(outputs):
        with files.writing(output.path):
            output.refuse(inputs, earlier, force=force)
        if places[number] in places[:number]:
            first = outputs[places.index(places[number])]
            raise RunError(
                f"{first.flag} and {output.flag} both name {output.path}, expected two files; rename one"
            )
    remains = files.NOTHING_CHANGED
    for output in outputs:
        files.write_whole(output.path, output.content, remains)
        remains = f"{output.path} was written"
    if run is not None:
        digests = dict.fromkeys([*earlier, *(files.digest(each.content) for each in outputs)])
        with suppress(RunError):  # of a run that cannot be written to, the next output needs --force
            files.write_whole(run / RECORD, (json.dumps(list(digests)[-MOST_KEPT:]) + "\n").encode())


def _earlier(run: Path | None) -> list[str]:
    """The sha256 of the files that were made of a run; none where that is not known."""
    if run is None:
        return []
    with suppress(ValueError):
        kept = document_in(run / RECORD)
        if conforms(kept, tuple[str, ...]):
            return list(kept)
    return []

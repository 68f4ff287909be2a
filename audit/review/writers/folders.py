"""Corrected trees of images: a plan of moves, which a person carries out; nothing is moved here."""

import csv
import os
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import numpy as np

from audit.datasets.source import LabelPlace
from audit.review.writers.change import BEFORE, MOVES, Change


def write_moves(place: LabelPlace, change: Change, folder: Path) -> None:
    """moves.csv, with paths from the tree, and the moves back; dropped images go to a folder beside the tree.

    No move goes to a path that any file of the tree has or that another move goes to, also where upper and
    lower case are one, so that the moves can be done in any order, and undone.
    """
    (tree,) = place.paths
    ids = change.ids.tolist()
    taken = {path.casefold() for path in ids}
    moves = []
    for row in np.flatnonzero(change.dropped | (change.take != np.arange(len(ids)))).tolist():
        path = PurePosixPath(ids[row])
        if change.dropped[row]:
            target = PurePosixPath("..", f"{tree.resolve().name}-dropped", path)
        else:
            target = PurePosixPath(PurePosixPath(ids[change.take[row]]).parts[0], *path.parts[1:])
        free = _free(target, path.parts[0], taken, tree)
        taken.add(str(free).casefold())
        moves.append((str(path), str(free)))
    _write(folder / MOVES, moves)
    _write(folder / BEFORE / MOVES, ((target, path) for path, target in moves))


def _free(target: PurePosixPath, origin: str, taken: set[str], tree: Path) -> PurePosixPath:
    """The path, or one like it that says where the file came from."""
    tried, number = target, 1
    while str(tried).casefold() in taken or os.path.lexists(tree / tried):
        mark = f"-from-{origin}" if number == 1 else f"-from-{origin}-{number}"
        tried, number = target.with_name(f"{target.stem}{mark}{target.suffix}"), number + 1
    return tried


def _write(path: Path, moves: Iterable[tuple[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("from", "to"))
        writer.writerows(moves)

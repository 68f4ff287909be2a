"""Write a plan of moves that corrects a tree of images; a person carries it out, nothing is moved here."""

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from audit.datasets.source import LabelPlace
from audit.review.writers.change import BEFORE, MOVES, Change
from audit.runs.tables import csv_text, is_formula


def write_moves(place: LabelPlace, change: Change, folder: Path) -> None:
    """Write moves.csv with paths relative to the tree, and the moves back.

    Dropped images go to a folder beside the tree. No move goes to a path that a file of the tree has or that
    another move goes to, also where upper and lower case are the same, so that the moves can be done in any
    order, and undone.
    """
    (tree,) = place.paths
    ids = change.ids.tolist()
    taken = {path.casefold() for path in ids}
    moves = []
    for row in np.flatnonzero(change.dropped | change.relabelled).tolist():
        path = PurePosixPath(ids[row])
        if change.dropped[row]:
            target = PurePosixPath("..", f"{tree.resolve().name}-dropped", path)
        else:
            new_class = PurePosixPath(ids[change.donors[row]]).parts[place.depth]
            target = PurePosixPath(*path.parts[: place.depth], new_class, *path.parts[place.depth + 1 :])
        free = _free_path(target, path.parts[place.depth], taken, tree)
        taken.add(str(free).casefold())
        moves.append((str(path), str(free)))
    _write(folder / MOVES, moves)
    _write(folder / BEFORE / MOVES, [(target, path) for path, target in moves])


def _free_path(target: PurePosixPath, origin: str, taken: set[str], tree: Path) -> PurePosixPath:
    """The path, or the first free one like it that names the class the file came from."""
    candidate = target
    number = 0
    while str(candidate).casefold() in taken or os.path.lexists(tree / candidate):
        number += 1
        mark = f"-from-{origin}"
        if number > 1:
            mark += f"-{number}"
        candidate = target.with_name(f"{target.stem}{mark}{target.suffix}")
    return candidate


def _write(path: Path, moves: Sequence[tuple[str, str]]) -> None:
    import pandas as pd  # noqa: PLC0415  slow to import

    plain = [[f"./{each}" if is_formula(each) else each for each in move] for move in moves]
    path.write_text(csv_text(pd.DataFrame(plain, columns=["from", "to"])), encoding="utf-8", newline="")

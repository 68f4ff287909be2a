"""Trees of image files: a folder for each class, or one for each part with a folder for each class."""

import os
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from audit import wording
from audit.errors import DataError

ENDINGS = frozenset((".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"))
PARTS = re.compile(  # what folders are called that hold parts of the data, not a class
    "(?:train|training|val|valid|validation|dev|devel|test|testing|eval|evaluation|hold[_-]?out)"
    "[ _.-]?(?:set|data|split|images|imgs)?[ _.-]?[0-9]*",
    re.IGNORECASE,
)
MOST_DEEP = 100  # folders below a tree
MOST_VISITS = 100  # of one folder, through links
NO_PARTS = "none"  # what the setting says where all folders are classes


@dataclass(frozen=True, eq=False)
class Tree:
    """The images of a tree, and what their folders say."""

    paths: list[PurePosixPath]  # (n,) below the folder
    classes: list[str | None]  # (n,) None where an image is in no folder of a class
    part: list[str] | None  # (n,) None where there are no parts
    notes: tuple[str, ...]


def read_tree(folder: Path, parts: str | None, *, labelled: bool = True) -> Tree:
    """List the images in the subfolders, with the class and the part of each.

    Parameters
    ----------
    folder
        The tree.
    parts
        The subfolders that are parts, separated by commas, or none. When not given, these are the ones that
        are called as parts usually are, if all are, and have folders of the same names.
    labelled
        Whether there must be classes; if not, all images are taken where there are none.

    Raises
    ------
    DataError
        When there are fewer than two classes with images, or a part is not there.
    """
    try:
        found = sorted(files_below(folder))
        subfolders = {
            path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")
        }
    except OSError as error:
        why = error.strerror or error
        raise DataError(f"{error.filename} cannot be listed ({why}); make it readable") from error
    images = [path for path in found if path.suffix.lower() in ENDINGS]
    paths = [path.relative_to(folder).parts for path in images]
    tree = tree_of(folder, paths, parts, labelled=labelled)
    notes = list(tree.notes)
    empty = sorted(map(wording.writable, subfolders.difference(path[0] for path in paths if len(path) > 1)))
    if empty:
        notes.append(f"{len(empty):,} subfolders without images left out: {wording.some(empty)}")
    others = len(found) - len(images)
    if others:
        notes.append(f"{others:,} files that are not images left out")
    return replace(tree, notes=tuple(notes))


def tree_of(
    folder: Path, paths: Sequence[tuple[str, ...]], parts: str | None, *, labelled: bool = True
) -> Tree:
    """Find the class and the part of each image from its path below the folder, or the archive.

    Parameters
    ----------
    folder
        What the images are in.
    paths
        (n,) the folders of each image and its name.
    parts, labelled
        As in `read_tree`, and so are the errors.
    """
    classes_in = _classes_in_parts(paths)
    parts_found, part_notes = _part_folders(classes_in, parts, folder)
    depth = int(bool(parts_found))
    kept = [i for i, path in enumerate(paths) if _is_kept(path, parts_found, classes_in)]
    classes = [paths[i][depth] if len(paths[i]) > depth + 1 else None for i in kept]
    if len(set(classes) - {None}) < 2 and paths and not labelled:
        return Tree([PurePosixPath(*path) for path in paths], [None] * len(paths), None, ())
    if len(set(classes) - {None}) < 2:
        raise _too_few_classes(folder, paths)
    notes = list(part_notes)
    if len(kept) < len(paths):
        notes.append(f"{len(paths) - len(kept):,} images outside the folders of classes left out")
    part = None
    if len(parts_found) > 1:
        part = [paths[i][0] for i in kept]
    return Tree([PurePosixPath(*paths[i]) for i in kept], classes, part, tuple(notes))


def files_below(folder: Path, depth: int | None = None) -> Iterator[Path]:
    """List every file below that is not hidden, through links, but never back up into a folder above.

    Parameters
    ----------
    folder
        Where to begin.
    depth
        How many folders to go further down; MOST_DEEP when not given.

    Raises
    ------
    DataError
        When there are folders further down than MOST_DEEP, or links lead to the same folders again and again.
    """
    visited: Counter[Path] = Counter()
    waiting: list[tuple[Path, tuple[Path, ...]]] = [(folder, ())]  # with the folders above
    while waiting:
        here, above = waiting.pop()
        real = here.resolve()
        if any(ancestor.is_relative_to(real) for ancestor in above):
            continue
        visited[real] += 1
        if visited[real] > MOST_VISITS:
            raise DataError(
                f"{folder} has links that lead to {real} more than {MOST_VISITS:,} times; take them out"
            )
        with os.scandir(here) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir():
                    if len(above) < (MOST_DEEP if depth is None else depth):
                        waiting.append((Path(entry.path), (*above, real)))
                    elif depth is None:
                        raise DataError(
                            f"{folder} has folders that are more than {MOST_DEEP} folders deep, expected a "
                            "folder for each class; move the images up"
                        )
                elif entry.is_file() or entry.is_symlink():  # a dead link is a file that cannot be read
                    yield Path(entry.path)


def _classes_in_parts(paths: Sequence[tuple[str, ...]]) -> dict[str, set[str]]:
    """The folders with images in each subfolder with images; none where they lie in it directly."""
    classes_in: dict[str, set[str]] = {}
    for path in paths:
        if len(path) > 1:
            classes_in.setdefault(path[0], set()).update(path[1:-1][:1])
    return classes_in


def _part_folders(
    classes_in: Mapping[str, set[str]], asked: str | None, folder: Path
) -> tuple[list[str], tuple[str, ...]]:
    """The subfolders that are parts, as asked for or as they are called, and a note; none in other trees."""
    if asked == NO_PARTS:
        return [], ()
    if asked is not None:
        return _asked_parts(classes_in, asked, folder)
    called = [name for name in classes_in if PARTS.fullmatch(name)]
    listed = wording.some([repr(name) for name in called])
    if called and len(called) == len(classes_in) and _have_the_same(list(classes_in.values())):
        line = f"folders {listed} are read as parts of the data, and the folders in them as classes"
        return called, (f"{line}; --parts {NO_PARTS} reads them as classes",)
    if len(called) > 1:
        line = f"folders {listed} are read as classes, though parts of the data are called so"
        return [], (f"{line}; --parts {','.join(called)} reads the folders in them as classes",)
    return [], ()


def _asked_parts(
    classes_in: Mapping[str, set[str]], asked: str, folder: Path
) -> tuple[list[str], tuple[str, ...]]:
    """The subfolders that are parts as asked for, and a note on the others."""
    parts = [name.strip() for name in asked.split(",") if name.strip()]
    for name in parts:
        if name not in classes_in:
            found = wording.some([repr(each) for each in classes_in]) or "none"
            raise DataError(f"{folder} has no subfolder {name!r} with images, found {found}; check --parts")
    others = [name for name in classes_in if name not in parts]
    if others:
        return parts, (f"subfolders that are no parts, left out: {wording.writable(wording.some(others))}",)
    return parts, ()


def _have_the_same(classes: Sequence[set[str]]) -> bool:
    """Whether subfolders have two folders or more, and mostly those that the largest one has."""
    largest = max(classes, key=len)
    return len(largest) > 1 and all(2 * len(each & largest) >= len(each) for each in classes)


def _is_kept(path: tuple[str, ...], parts: Collection[str], classes_in: Mapping[str, set[str]]) -> bool:
    """Whether an image is in a folder of a class, or in a part that has none."""
    if not parts:
        return len(path) > 1
    return path[0] in parts and (len(path) > 2 or (len(path) == 2 and not classes_in[path[0]]))


def _too_few_classes(folder: Path, paths: Sequence[tuple[str, ...]]) -> DataError:
    """The error for a tree of fewer than two classes, with the folder further down that has some."""
    subfolders = sorted({path[0] for path in paths if len(path) > 1})
    further = {path[1] for path in paths if len(path) > 2}
    remedy = "move the images into folders named by their class; texts go into a table of texts and labels"
    if len(subfolders) == 1 and len(further) > 1:
        remedy = f"audit {folder / subfolders[0]}, which has {len(further):,}"
    loose = sum(len(path) == 1 for path in paths)
    return DataError(
        f"{folder} has {len(paths) - loose:,} images in {wording.count(len(subfolders), 'subfolder')} and "
        f"{loose:,} beside them, expected a subfolder of images for each of two or more classes, or IDX "
        f"files; {remedy}"
    )

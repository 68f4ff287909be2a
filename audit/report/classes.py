"""The section on classes: suspects by original and suggested class, and the figures of each class."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audit.detectors.scores import ClassFigures
from audit.detectors.scoring import Estimate
from audit.runs.folder import RunRecord

MOST_MATRIX_CLASSES = 24
CONFUSED_CLASSES = 15  # in the matrix where there are more, those with the most suspects; the rest are one
MOST_PAIRS = 10
MOST_MOVES = 10
SHORT_NAME = 4  # letters
HEATS = 6  # shades of the matrix


@dataclass(frozen=True)
class MatrixCell:
    """A count of the matrix with its shade, 0 to HEATS - 1."""

    count: int
    heat: int


@dataclass(frozen=True)
class Classes:
    """The suspects by original and suggested class, and the figures of each class."""

    names: tuple[str, ...]
    shown: tuple[int, ...]  # the classes of the matrix, which has one line and one column more for all others
    matrix: tuple[tuple[MatrixCell, ...], ...]
    pairs: tuple[tuple[int, int, int], ...]  # the commonest given → suggested, by number, and their count
    moves: tuple[tuple[str, str, Estimate], ...]  # the likeliest true → given
    table: tuple[tuple[str, ClassFigures], ...]  # names and figures

    @property
    def worded(self) -> bool:
        """Whether names are too long to stand side by side on a card."""
        return max(map(len, self.names)) > SHORT_NAME


def classes(record: RunRecord) -> Classes:
    """Count the suspects by original and suggested class."""
    k = len(record.class_names)
    counts = np.zeros((k, k), dtype=int)
    rows = record.suspects.ranking
    np.add.at(counts, (record.labels.original[rows], record.suspects.suggested[rows]), 1)
    order = np.argsort(-counts, axis=None, kind="stable")[:MOST_PAIRS]
    names = record.class_names
    shown = most_confused(counts)
    return Classes(
        names=names,
        shown=tuple(shown.tolist()),
        matrix=_matrix(_with_others(counts, shown), len(shown)),
        moves=_moves(record),
        pairs=tuple(
            (i, j, int(counts[i, j])) for i, j in (divmod(int(cell), k) for cell in order) if counts[i, j]
        ),
        table=tuple((names[figures.label], figures) for figures in record.scores.classes),
    )


def most_confused(counts: npt.NDArray[np.int_]) -> npt.NDArray[np.int_]:
    """Choose the classes that a matrix (k, k) shows: all, or of too many those with the most suspects."""
    if len(counts) <= MOST_MATRIX_CLASSES:
        return np.arange(len(counts))
    of_class = counts.sum(axis=0) + counts.sum(axis=1)
    return np.sort(np.argsort(-of_class, kind="stable")[:CONFUSED_CLASSES])


def _with_others(counts: npt.NDArray[np.int_], shown: npt.NDArray[np.int_]) -> npt.NDArray[np.int_]:
    """The counts (k, k) of the shown classes, and where there are more of all others as a last class."""
    k = len(counts)
    place = np.full(k, len(shown))
    place[shown] = np.arange(len(shown))
    summed = np.zeros((len(shown) + 1, len(shown) + 1), dtype=int)
    np.add.at(summed, (place[:, None], place[None, :]), counts)
    return summed[: min(k, len(summed)), : min(k, len(summed))]


def _matrix(counts: npt.NDArray[np.int_], shown: int) -> tuple[tuple[MatrixCell, ...], ...]:
    """The counts with their shades, whose scale is that of the shown classes."""
    most = max(1, counts[:shown, :shown].max(initial=0))
    heats = np.ceil((HEATS - 1) * np.sqrt(np.minimum(1, counts / most))).astype(int)
    return tuple(
        tuple(MatrixCell(int(c), int(h)) for c, h in zip(line, shades, strict=True))
        for line, shades in zip(counts, heats, strict=True)
    )


def _moves(record: RunRecord) -> tuple[tuple[str, str, Estimate], ...]:
    """The largest entries off the diagonal of the estimated transition matrix."""
    T = record.scores.noise.transition
    if T is None:
        return ()
    off_diagonal = np.array(T.value)
    np.fill_diagonal(off_diagonal, 0)
    order = np.argsort(-off_diagonal, axis=None, kind="stable")[:MOST_MOVES]
    names = record.class_names
    return tuple(
        (names[i], names[j], Estimate(T.value[i][j], T.low[i][j], T.high[i][j]))
        for i, j in zip(*np.unravel_index(order, off_diagonal.shape), strict=True)
        if i != j
    )

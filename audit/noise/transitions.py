"""Transition matrices: T[i, j] = p(noisy = j | original = i), (k, k), rows sum to one."""

import io
from collections.abc import Callable, Mapping
from numbers import Integral
from pathlib import Path

import numpy as np
import numpy.typing as npt

from audit.datasets.files import reading
from audit.datasets.sources import npy
from audit.errors import ConfigError
from audit.types import Floats

MNIST_MAP = {7: 1, 2: 7, 5: 6, 6: 5, 3: 8}
ROW_SUM_TOLERANCE = 1e-6
MOST_BYTES = 64_000_000  # of a file; a matrix of 2,000 classes has half as many

MatrixOfRate = Callable[[int, float], Floats]  # (k, rate) -> T


def symmetric(k: int, rate: float) -> Floats:
    """Every class becomes every other class with probability rate / (k - 1)."""
    T = np.full((k, k), rate / (k - 1))
    np.fill_diagonal(T, 1 - rate)
    return T


def symmetric_inclusive(k: int, rate: float) -> Floats:
    """A share `rate` of the labels is redrawn from all k classes, so that 1 in k of them stays."""
    return (1 - rate) * np.eye(k) + rate / k


def pair(k: int, rate: float) -> Floats:
    """Class i becomes class i + 1, and the last becomes the first, with probability `rate`."""
    return (1 - rate) * np.eye(k) + rate * np.roll(np.eye(k), 1, axis=1)


def asymmetric(k: int, rate: float) -> Floats:
    """Digits become similar digits: 7→1, 2→7, 5↔6 and 3→8, each with probability `rate`.

    The map is the one for MNIST in Patrini, Rozza, Menon, Nock and Qu, "Making deep neural networks
    robust to label noise: a loss correction approach", CVPR 2017.

    Raises
    ------
    ConfigError
        Unless there are exactly ten classes.
    """
    if k != 10:
        raise ConfigError(
            "noise kind asymmetric is about ten digits (7→1, 2→7, 5↔6, 3→8) and needs exactly 10 classes, "
            f"found {k}; use the noise kind map and name your own pairs"
        )
    return mapped(k, rate, MNIST_MAP)


def mapped(k: int, rate: float, class_map: Mapping[int, int]) -> Floats:
    """Each class in the map becomes its target with probability `rate`; the others stay.

    Raises
    ------
    ConfigError
        When the map is empty, names a class outside 0..k-1, or sends a class to itself.
    """
    if not class_map:
        raise ConfigError("the map of classes is empty, expected pairs such as {0: 1, 1: 0}")
    T = np.eye(k)
    for source, target in class_map.items():
        for label in (source, target):
            if not isinstance(label, Integral) or not 0 <= label < k:
                raise ConfigError(f"the map of classes must name classes 0 to {k - 1}, found {label!r}")
        if source == target:
            raise ConfigError(
                f"the map of classes sends class {source} to itself, expected another class; leave it out"
            )
        T[source, source] = 1 - rate
        T[source, target] = rate
    return T


def checked(matrix: npt.ArrayLike | None, k: int) -> Floats:
    """Check a user's matrix (k, k), and divide its rows by their sums.

    Raises
    ------
    ConfigError
        If it does not hold numbers, is not (k, k), or has an entry that is not a probability or a row whose
        sum is more than 1e-6 from 1.
    """
    try:
        T: Floats = np.array(matrix, dtype=np.float64)
    except (TypeError, ValueError):
        raise ConfigError(f"the noise matrix must hold numbers, {k} rows of {k}") from None
    if T.shape != (k, k):
        raise ConfigError(
            f"the noise matrix has shape {T.shape}, expected ({k}, {k}): a row and a column for each class"
        )
    wrong = np.argwhere(~((T >= 0) & (T <= 1 + ROW_SUM_TOLERANCE)))  # also refuses NaN
    if len(wrong):
        i, j = wrong[0]
        raise ConfigError(
            f"the noise matrix has T[{i}, {j}] = {T[i, j]:g}, expected a probability from 0 to 1"
        )
    sums = T.sum(axis=1)
    off = np.abs(sums - 1)
    if off.max() > ROW_SUM_TOLERANCE:
        row = int(off.argmax())
        raise ConfigError(
            f"row {row} of the noise matrix sums to {sums[row]:.8g}, expected 1; "
            "T[i, j] is the probability that class i is given the label j"
        )
    T /= sums[:, None]
    return T


def read_matrix(path: Path) -> tuple[Floats, bytes]:
    """Read a matrix from a .npy or .csv file, unchecked, and return it with the file's bytes.

    A .csv file has one line per row, commas between the numbers, and no header.

    Raises
    ------
    ConfigError
        When the file is missing, has another ending, or holds something else.
    """
    if path.suffix not in (".npy", ".csv"):
        raise ConfigError(f"--noise-matrix must be a .npy or .csv file, found {path}")
    missing = f"--noise-matrix {path} cannot be read (No such file or directory); check the path"
    remedy = "; expected one row for each class"
    with reading(path, "holds no matrix of numbers", remedy, ConfigError, missing=missing):
        if path.stat().st_size > MOST_BYTES:
            raise ValueError(f"it is larger than {MOST_BYTES:,} bytes")
        content = path.read_bytes()
        return _numbers(path.suffix, content), content


def _numbers(suffix: str, content: bytes) -> Floats:
    if suffix == ".npy":
        npy.refuse_lies(io.BytesIO(content), len(content))
        array: Floats = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False).astype(np.float64)
        return array
    text = content.decode("utf-8-sig")
    if not text.strip():
        raise ValueError("the file is empty")
    table: Floats = np.loadtxt(io.StringIO(text), delimiter=",", ndmin=2, dtype=np.float64)
    return table


# The noise kinds whose matrix follows from the number of classes and the rate alone.
BY_RATE: dict[str, MatrixOfRate] = {
    "symmetric": symmetric,
    "stratified": symmetric,
    "scramble": symmetric,
    "pair": pair,
    "asymmetric": asymmetric,
}

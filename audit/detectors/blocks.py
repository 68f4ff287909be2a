"""Rows in blocks: what is computed row by row runs on all cores, and never needs a table of all rows."""

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import Any, TypeAlias, TypeVar, cast

import numpy as np
import numpy.typing as npt
from threadpoolctl import ThreadpoolController

from audit.types import Labels, Rows

# Rows that everything is learned from, drawn at random, and probabilities, for memory. A rate of 10 % has a
# standard error of .1 points in that many rows.
SAMPLE_ROWS = 100_000
SAMPLE_ENTRIES = 20_000_000
BLOCK_ENTRIES = 250_000  # probabilities of a block: they stay in the cache, and threads hardly wait
FEW_CLASSES = 100  # up to which loops over classes are quick
LEAST_PROB = 1e-9  # a predicted probability is taken to be at least this in logarithms

Columns = npt.NDArray[np.float32]  # (k, b)
OfRows = npt.NDArray[Any]  # (b, …)
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class Block:
    """Some rows: their given labels, and their probabilities with a sum of one."""

    labels: Labels  # (b,)
    probs: Columns  # (k, b)

    @cached_property
    def log_probs(self) -> Columns:
        """Logarithms (k, b) of the probabilities, all of them finite."""
        return np.log(np.maximum(self.probs, np.float32(LEAST_PROB)))

    def at_given_label(self, values: npt.NDArray[Any]) -> OfRows:
        """Return the entry (b,) of each row of values (k, b) at its given label."""
        return values[self.labels, np.arange(len(self.labels))]

    def likeliest_other(self, values: npt.NDArray[Any]) -> Labels:
        """Return the class (b,) of the greatest of the values (k, b), the given one apart."""
        given = self.labels, np.arange(len(self.labels))
        kept = values[given]
        values[given] = -1
        others = greatest(values)
        values[given] = kept
        return others


# Gives some arrays (b, …) of the rows of a block. It runs in several threads, or on other machines, to which
# all that it refers to is sent.
Compute: TypeAlias = Callable[[Block], Sequence[OfRows]]
# From labels (n,), probabilities (n, k), what to compute, and the blocks: each block with its arrays.
Elsewhere: TypeAlias = Callable[
    [Labels, npt.NDArray[Any], Compute, Sequence[slice]], Iterator[tuple[slice, list[OfRows]]]
]


def greatest(values: npt.NDArray[Any]) -> Labels:
    """Return the row (b,) of the greatest of the values (k, b) in each column, the first of equal ones."""
    if len(values) > FEW_CLASSES:
        return np.asarray(values.argmax(axis=0), dtype=np.int64)
    greatest_yet = values[0].copy()  # numpy's argmax over the first axis takes several times as long
    which = np.zeros(values.shape[1], dtype=np.uint8)
    for row in range(1, len(values)):
        greater = (values[row] > greatest_yet).view(np.uint8)
        np.maximum(which, greater * np.uint8(row), out=which)
        np.maximum(greatest_yet, values[row], out=greatest_yet)
    return which.astype(np.int64)


def columns_of(values: npt.NDArray[Any], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return a copy (k, b) of values (b, k) in the memory order in which sums over classes are quick."""
    if values.dtype == np.float16 and dtype == np.float32:
        values = _of_halves().take(values.view(np.uint16))
    if values.shape[1] > FEW_CLASSES:
        return values.astype(dtype, order="C").T
    return np.array(values.T, dtype=dtype, order="C")


@cache
def _of_halves() -> npt.NDArray[np.float32]:
    """All numbers of half precision in single precision, by their bits: to look one up takes a seventh."""
    return np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float32)


def normalized(pred_probs: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Return probabilities (b, k) of any float type in single precision, with rows that sum to one."""
    dtype = np.promote_types(pred_probs.dtype, np.float32)
    probs = np.maximum(pred_probs.astype(dtype, copy=False), 0)
    probs /= probs.sum(axis=1, keepdims=True)
    return np.asarray(probs, dtype=np.float32)


def by_blocks(
    labels: Labels, pred_probs: npt.NDArray[Any], compute: Compute, elsewhere: Elsewhere | None = None
) -> list[OfRows]:
    """Compute arrays (n, …) of all rows, block by block: on all cores, or elsewhere.

    Blocks are the same on every machine, and so are the results.

    Parameters
    ----------
    labels, pred_probs
        The given labels (n,), and the probabilities (n, k) of any float type, perhaps in a mapped file.
    compute
        What is computed of a block.
    elsewhere
        Computes blocks on other machines, all but the first one, which tells the form of the arrays.
    """
    first, *others = slices(*pred_probs.shape)
    with threads_limited(1):  # the blocks share the cores, so that the products of one need not
        parts = of_block(labels[first], pred_probs[first], compute)
        arrays = [np.empty((len(labels), *part.shape[1:]), part.dtype) for part in parts]

        def fill(rows: slice, parts: Sequence[OfRows]) -> None:
            for array, part in zip(arrays, parts, strict=True):
                array[rows] = part

        fill(first, parts)
        if elsewhere is None or not others:
            here = in_threads(
                lambda rows: fill(rows, of_block(labels[rows], pred_probs[rows], compute)), others
            )
            for _ in here:
                pass
        else:
            for rows, parts in elsewhere(labels, pred_probs, compute, others):
                fill(rows, parts)
    return arrays


def of_block(labels: Labels, pred_probs: npt.NDArray[Any], compute: Compute) -> list[OfRows]:
    """Compute the arrays (b, …) of a block from its labels (b,) and probabilities (b, k)."""
    probs = columns_of(pred_probs, np.float32)
    np.maximum(probs, 0, out=probs)
    probs /= probs.sum(axis=0)
    return [np.asarray(part) for part in compute(Block(labels, probs))]


def threads_limited(limit: int) -> AbstractContextManager[Any]:
    """A block in which linear algebra uses this many threads."""
    return cast("AbstractContextManager[Any]", _libraries(len(sys.modules)).limit(limits=limit))


@lru_cache(maxsize=1)
def _libraries(_modules: int) -> ThreadpoolController:
    """The libraries of linear algebra; looked for anew, in milliseconds, when modules were imported."""
    from scipy import linalg  # noqa: F401, PLC0415  only libraries that are loaded are found

    return ThreadpoolController()


def slices(n: int, k: int) -> list[slice]:
    """Return the rows of each block of a table (n, k)."""
    size = max(1, BLOCK_ENTRIES // k)
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]


def in_threads(compute: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """Compute something of each item, such as a block, on all cores; gives the results in their order."""
    from joblib import cpu_count  # noqa: PLC0415  slow to import

    if len(items) <= 1:
        yield from map(compute, items)
        return
    with ThreadPoolExecutor(cpu_count()) as threads:
        yield from threads.map(compute, items)


def sample_of(n: int, k: int) -> Rows:
    """Return the rows of a table (n, k) that everything is learned from, in their order."""
    rows = min(SAMPLE_ROWS, SAMPLE_ENTRIES // k)
    if n <= rows:
        return np.arange(n)
    return np.sort(np.random.default_rng(0).choice(n, rows, replace=False, shuffle=False))

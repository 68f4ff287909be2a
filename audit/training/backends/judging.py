"""Judging on a cluster: blocks of a mapped file of probabilities, each computed where a worker reads it."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy.typing as npt

from audit.detectors.blocks import Compute, Elsewhere, OfRows, of_block, threads_limited
from audit.training.backends import dask
from audit.training.backends.shared import MappedArray, SharedArray, array_of, shared
from audit.types import Labels

BLOCKS_SENT = 32  # to a worker at a time, at most


def elsewhere(pred_probs: npt.NDArray[Any]) -> Elsewhere | None:
    """Where to judge by these probabilities instead of here: on the cluster in use, if they are in a file."""
    if dask.workers() and isinstance(shared(pred_probs), MappedArray):
        return _on_cluster
    return None


def _on_cluster(
    labels: Labels, pred_probs: npt.NDArray[Any], compute: Compute, blocks: Sequence[slice]
) -> Iterator[tuple[slice, list[OfRows]]]:
    size = min(BLOCKS_SENT, -(-len(blocks) // dask.workers()))
    groups = [blocks[start : start + size] for start in range(0, len(blocks), size)]
    own = ((labels[group[0].start : group[-1].stop], group) for group in groups)
    for parts in dask.run_in_use(_of_group, (shared(pred_probs), compute), own):
        yield from parts


def _of_group(
    sent: SharedArray, compute: Compute, labels: Labels, blocks: Sequence[slice]
) -> list[tuple[slice, list[OfRows]]]:
    """The arrays of blocks that follow each other, whose labels these are; runs on a worker."""
    pred_probs = array_of(sent)
    start = blocks[0].start
    with threads_limited(1):
        return [
            (rows, of_block(labels[rows.start - start : rows.stop - start], pred_probs[rows], compute))
            for rows in blocks
        ]

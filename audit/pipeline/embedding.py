"""Turn the examples of a data set into features, once and before anything is trained."""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import joblib
import numpy as np
import numpy.typing as npt

from audit.datasets import hashes_of
from audit.datasets.examples import row_hashes
from audit.datasets.given_rows import given_hashes
from audit.detectors.blocks import threads_limited
from audit.events import Listener
from audit.runs.folder import EMBED
from audit.runs.stages import Stage
from audit.training.backends import dask
from audit.training.embedders import embedder_of
from audit.training.embedders.embedder import BATCH, Embedder
from audit.training.embedders.inputs import Inputs
from audit.types import Features, LabeledDataset, Unlabelled, evenly_spaced

STORED_BATCHES = 16  # in a file: what a stop loses at most


class FeatureStore(Protocol):
    """Where features are kept, so that a stopped run resumes."""

    def load(self, name: str, rows: int, width: int) -> npt.NDArray[np.float32] | None:
        """The features of some rows; None when they are not there."""

    def save(self, name: str, features: npt.NDArray[np.float32]) -> None:
        """Keep the features of some rows."""


@dataclass(frozen=True, eq=False)
class Embedding:
    """How the examples of a data set become features, found out before any but a few are computed."""

    embedder: Embedder | None  # which was tried on some rows; None where the features came with the data
    width: int  # d, the numbers of each example
    stage: Stage
    note: str
    seconds: float = 0.0  # of a row

    @classmethod
    def of(cls, embed: Any, dataset: LabeledDataset, device: str) -> Self:
        """Load the embedder that is asked for, and try it on BATCH rows; AuditError when that fails."""
        if dataset.features is not None:
            return cls._ready(dataset, dataset.features)
        embedder = embedder_of(embed, device)
        inputs = Inputs.of(dataset, dataset)
        rows = evenly_spaced(len(inputs), BATCH)
        with threads_limited(joblib.cpu_count()):
            start = time.perf_counter()
            tried = embedder.features(inputs, rows)
            seconds = (time.perf_counter() - start) / len(rows)
        decides = {"embed": embedder.name, **embedder.decides, "examples": _examples_digest(dataset)}
        if embedder.is_own:
            decides["returned"] = _digest(tried)
        width = tried.shape[1]
        note = f"{embedder.name}: models read {width:,} features of each example{embedder.note}"
        return cls(embedder, width, Stage(EMBED, decides, dataset.fingerprint), note, seconds)

    @classmethod
    def _ready(cls, dataset: LabeledDataset, features: Features) -> Self:
        """The features that came with a data set."""
        parts = [features]
        if dataset.unlabelled is not None and dataset.unlabelled.features is not None:
            parts.append(dataset.unlabelled.features)
        decides = {"features": " ".join(_digest(row_hashes(part)) for part in parts)}
        width = features.shape[1]
        note = f"models read {width:,} features of each example, which came with it"
        return cls(None, width, Stage(EMBED, decides, dataset.fingerprint), note)

    def stand_in(self, dataset: LabeledDataset) -> LabeledDataset:
        """The data set of random numbers in place of features, on which models take about as long."""
        random = np.random.default_rng(0).standard_normal((len(dataset.labels), self.width), np.float32)
        return dataset.embedded_as(random, None)

    def applied(
        self, dataset: LabeledDataset, store: FeatureStore | None, listener: Listener
    ) -> LabeledDataset:
        """The data set of features in place of its examples; those that are stored are not computed again."""
        if dataset.features is not None:
            unlabelled = dataset.unlabelled
            return dataset.embedded_as(dataset.features, None if unlabelled is None else unlabelled.features)
        assert self.embedder is not None
        parts: dict[str, LabeledDataset | Unlabelled] = {"rows": dataset}
        if dataset.unlabelled is not None:
            parts["unlabelled"] = dataset.unlabelled
        inputs = {name: Inputs.of(dataset, part) for name, part in parts.items()}
        total = sum(map(len, inputs.values()))
        done = 0

        def progress(count: int) -> None:
            nonlocal done
            done += count
            listener.counted("embedding", done, total)

        features = {
            name: _features(self.embedder, self.width, each, name, store, progress)
            for name, each in inputs.items()
        }
        return dataset.embedded_as(features["rows"], features.get("unlabelled"))


def _features(
    embedder: Embedder,
    width: int,
    inputs: Inputs,
    name: str,
    store: FeatureStore | None,
    progress: Callable[[int], None],
) -> npt.NDArray[np.float32]:
    """The features (n, d) of all examples; those that are stored are not computed again."""
    features = np.empty((len(inputs), width), np.float32)
    size = BATCH * STORED_BATCHES
    missing = []
    for number, start in enumerate(range(0, len(inputs), size)):
        rows = slice(start, min(start + size, len(inputs)))
        kept = None if store is None else store.load(f"{name}-{number}", rows.stop - start, width)
        if kept is None:
            missing.append(rows)
            continue
        features[rows] = kept
        progress(len(kept))
    compute = _computed_on_cluster if dask.workers() else _computed_here
    for rows, computed in compute(embedder, width, inputs, missing, progress):
        features[rows] = computed
        if store is not None:
            store.save(f"{name}-{rows.start // size}", computed)
    return features


def _computed_here(
    embedder: Embedder, width: int, inputs: Inputs, missing: Sequence[slice], progress: Callable[[int], None]
) -> Iterator[tuple[slice, npt.NDArray[np.float32]]]:
    """Compute the features of these rows, part by part."""
    for rows in missing:
        part = inputs.part(rows.start, rows.stop)
        yield _features_of_part(embedder, width, joblib.cpu_count(), part, progress)


def _computed_on_cluster(
    embedder: Embedder, width: int, inputs: Inputs, missing: Sequence[slice], progress: Callable[[int], None]
) -> Iterator[tuple[slice, npt.NDArray[np.float32]]]:
    """Compute the features of these rows on the cluster that is in use, a part on each worker at a time."""
    common = (embedder, width, joblib.cpu_count())
    own = ((inputs.part(rows.start, rows.stop),) for rows in missing)
    for rows, computed in dask.run_in_use(_features_of_part, common, own):
        progress(len(computed))
        yield rows, computed


def _features_of_part(
    embedder: Embedder,
    width: int,
    threads: int,
    part: Inputs,
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[slice, npt.NDArray[np.float32]]:
    """The rows of a part of the examples, and their features; as many threads give the same bytes."""
    computed = np.empty((len(part), width), np.float32)
    for first in range(0, len(part), BATCH):
        batch = np.arange(first, min(first + BATCH, len(part)))
        with threads_limited(threads):  # each time: an embedder may import libraries when it is first used
            computed[first : first + BATCH] = embedder.features(part, batch, width)
        progress(len(batch))
    return slice(part.first, part.first + len(part)), computed


def _examples_digest(dataset: LabeledDataset) -> str:
    """The sha256 of what an embedder may read and the fingerprint of the data does not cover."""
    parts = []
    for part in (dataset, dataset.unlabelled):
        if part is None:
            continue
        if part.pictures is not None:
            parts.append(part.pictures.digest())
        if part.as_given is not None:
            parts.append(_digest(given_hashes(part.as_given)))
    if dataset.unlabelled is not None:
        parts.append(_digest(hashes_of(dataset.unlabelled.X, dataset.unlabelled.as_given)))
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()


def _digest(array: npt.NDArray[Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()

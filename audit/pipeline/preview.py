"""What an audit would do and cost, found out without doing it."""

import sys
import time
from typing import Any

import joblib
import numpy as np
from threadpoolctl import threadpool_limits

from audit.datasets.duplicates import find_duplicates
from audit.settings.detect import Config
from audit.settings.training import TrainingSettings
from audit.training import folds, models, schedule
from audit.training.cross_validation import threads_of, workers_for
from audit.training.model import untrainable
from audit.types import LabeledDataset, Recipe, Training

PROBE_ROWS = 5120  # as many batches of the network as tell the time of one
WARM_ROWS = 256
START_SECONDS = 4.0  # of importing the libraries, naming kinds and drawing the report
WORKERS_SECONDS = 4.0  # of starting workers, if there are any, which import the model's library too


def preview(dataset: LabeledDataset, config: Config) -> dict[str, Any]:
    """The facts of a run that has not been made, as JSON can hold them.

    seconds and bytes are extrapolated from one model that is trained for a moment on a few rows; how much
    longer hard data would be trained on is not known before the first round.

    Raises
    ------
    AuditError
        When the run itself would be refused for its model, its folds or its settings.
    """
    training = config.training
    plan = schedule.plan(training, dataset.X)
    counts = np.bincount(dataset.labels, minlength=len(dataset.class_names))
    duplicates = find_duplicates(dataset.X)
    folds.refuse_too_many(dataset.labels, duplicates.groups, training.folds)
    seconds, memory, device = _cost(dataset, training, plan)
    return {
        "data": dataset.name,
        "examples": "images" if dataset.are_images else "features",
        "shape": list(dataset.X.shape),
        "dtype": str(dataset.X.dtype),
        "classes": {name: int(c) for name, c in zip(dataset.class_names, counts, strict=True)},
        "unlabelled": 0 if dataset.unlabelled is None else len(dataset.unlabelled.ids),
        "duplicates": int(len(dataset.labels) - len(np.unique(duplicates.groups))),
        "conflicting_duplicates": len(duplicates.conflicts(dataset.labels).rows),
        "notes": list(dataset.notes),
        "noise": {"kind": config.noise.noise_kind, "rate": config.noise.noise},
        "model": models.choose(training.model, dataset),
        "device": device,
        "folds": training.folds,
        "rounds": [{"name": each.name, "epochs": each.recipe.epochs} for each in plan.passes()],
        "augment": plan.recipe.augment if dataset.are_images else "none",
        "seconds": round(seconds),
        "bytes": memory,
    }


def _cost(
    dataset: LabeledDataset, training: TrainingSettings, plan: schedule.Plan
) -> tuple[float, int | None, str]:
    """Expected seconds, peak memory of all processes where it can be read, and the device."""
    jobs = workers_for(dataset.X.shape, training.folds, training.jobs)
    train, predict, device = _probe(dataset, training, plan)
    n = len(dataset.labels)
    seconds = START_SECONDS + (WORKERS_SECONDS if jobs > 1 else 0.0)
    for each in plan.passes():
        epochs = each.cost if dataset.are_images and models.choose(training.model, dataset) == "cnn" else 1
        work = train * epochs * n * (training.folds - 1) + predict * each.recipe.views * n
        seconds += work / jobs
    return seconds, _memory(dataset, jobs), device


def _memory(dataset: LabeledDataset, jobs: int) -> int | None:
    """Peak bytes of all processes, of which one alone trains by itself; None where they cannot be read."""
    here, X = _resident_bytes(), dataset.X
    if here is None:
        return None
    copies = 2 * X[:1].nbytes * len(X)  # of the rows that a model trains on, and as it wants them
    kept_here = 0 if isinstance(X, np.memmap) else X.nbytes
    return here + (copies if jobs == 1 else jobs * (max(here - kept_here, 0) + copies))


def _probe(
    dataset: LabeledDataset, training: TrainingSettings, plan: schedule.Plan
) -> tuple[float, float, str]:
    """Seconds of training and of predicting one row once, and where the model runs."""
    build = models.builder(training.model, dataset)
    recipe = Recipe(epochs=1, exactly=True, wide=plan.recipe.wide, augment=plan.recipe.augment)
    threads = threads_of(0, training.folds, joblib.cpu_count())
    rng = np.random.default_rng(0)
    seconds = []
    for size in (WARM_ROWS, PROBE_ROWS):
        rows = _some_rows(dataset, size, rng)
        X, labels = dataset.X[rows], dataset.labels[rows]
        classifier = build(
            Training(X.shape, len(dataset.class_names), 0, recipe, threads, training.device, lambda _: None)
        )
        start = time.perf_counter()
        try:
            with threadpool_limits(threads):
                classifier.fit(X, labels)
                trained = time.perf_counter()
                classifier.predict_proba(X)
        except Exception as error:  # anybody's model may raise anything
            raise untrainable(str(X.shape), error) from error
        seconds = [(trained - start) / len(rows), (time.perf_counter() - trained) / len(rows)]
    per_row = 2.0 if recipe.wide else 1.0  # the plan's costs are in epochs of the plain network
    return seconds[0] / per_row, seconds[1], str(getattr(classifier, "device", "cpu"))


def _some_rows(dataset: LabeledDataset, size: int, rng: np.random.Generator) -> Any:
    """So many rows in order, among them one of each class."""
    _, first = np.unique(dataset.labels, return_index=True)
    n = len(dataset.labels)
    return np.union1d(first, rng.choice(n, min(size, n), replace=False))


def _resident_bytes() -> int | None:
    """The most memory that this process has held; None where the system does not say."""
    try:
        import resource  # noqa: PLC0415  not on Windows
    except ImportError:
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(most) if sys.platform == "darwin" else int(most) * 1024

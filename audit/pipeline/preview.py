"""What an audit would do and cost, found out without doing it."""

import sys
import time
from dataclasses import replace
from typing import Any, NamedTuple

import joblib
import numpy as np

from audit.datasets.duplicates import duplicates_of
from audit.pipeline.held_together import held_together
from audit.settings.detect import Config
from audit.settings.training import TrainingSettings
from audit.training import capabilities, models, schedule
from audit.training.cross_validation import read_shape, threads_of, workers_for
from audit.training.model import fit
from audit.training.schedule import Schedule
from audit.types import AsGiven, LabeledDataset, Labels, Recipe, Rows, Training

PROBE_ROWS = 5120  # enough batches of the network to time one
WARM_ROWS = 256
START_SECONDS = 4.0  # of importing the libraries, naming kinds and drawing the report
WORKERS_SECONDS = 4.0  # of starting workers, if there are any, which import the model's library too


class Probe(NamedTuple):
    """What one model, trained for a moment on a few rows, tells of the cost of all."""

    train_seconds: float  # of one epoch of the plain network, or of the whole training, a row
    predict_seconds: float  # of one view, a row
    device: str


def preview(
    dataset: LabeledDataset,
    config: Config,
    labels: Labels | None = None,
    *,
    given: AsGiven | None = None,
    trains: bool = True,
    embedding_seconds: float = 0.0,
) -> dict[str, Any]:
    """Describe a run that has not been made, as JSON can hold it.

    seconds and bytes are extrapolated from one model that is trained for a moment on a few rows; how much
    longer hard data and mirror images would be trained on is not known before the first round.

    Parameters
    ----------
    dataset
        What is audited.
    config
        The settings.
    labels
        (n,) to train on; those of the dataset when None.
    given
        The examples as they came, where the models get them so.
    trains
        Whether models are trained, not with probabilities of the user's own.
    embedding_seconds
        That it takes to embed a row.

    Raises
    ------
    AuditError
        When the run itself would be refused for its model, its folds or its settings.
    """
    settings = config.training
    settings = replace(settings, model=models.first_choice(settings.model, dataset))
    planned = schedule.make_schedule(settings, dataset.X)
    counts = np.bincount(dataset.labels, minlength=len(dataset.class_names))
    duplicates = duplicates_of(dataset)
    notes = [*dataset.notes, *dataset.cautions]
    jobs = 1
    probe = Probe(0.0, 0.0, "none")
    if trains:
        trained_on = dataset.labels if labels is None else labels
        held = held_together(dataset, trained_on, duplicates, settings.folds)
        notes += [*held.notes, *held.cautions]
        jobs = workers_for(read_shape(dataset.X, dataset.as_given), settings.folds, settings.jobs)
        read = models.as_read(settings.model, replace(dataset, as_given=given))
        probe = _probe(read, settings, planned)
    seconds = _seconds(dataset, settings, planned, probe) if trains else START_SECONDS
    seconds += embedding_seconds * len(dataset.labels)
    shown = dataset.shown
    return {
        "data": dataset.name,
        "examples": _form(shown),
        "shape": list(shown.X.shape),
        "dtype": str(shown.X.dtype),
        "classes": {name: int(c) for name, c in zip(dataset.class_names, counts, strict=True)},
        "unlabelled": 0 if dataset.unlabelled is None else len(dataset.unlabelled.ids),
        "duplicates": int(len(dataset.labels) - len(np.unique(duplicates.groups))),
        "conflicting_duplicates": len(duplicates.conflicts(dataset.labels).rows),
        "notes": notes,
        "noise": {"kind": config.noise.noise_kind, "rate": config.noise.noise},
        "model": settings.model if trains else "your own probabilities",
        "device": probe.device,
        "folds": settings.folds,
        "rounds": [{"name": each.name, "epochs": each.recipe.epochs} for each in planned.rounds() if trains],
        "augment": planned.recipe.augment if dataset.are_images and trains else "none",
        "seconds": round(seconds),
        "bytes": _memory(dataset, jobs),
    }


def _form(dataset: LabeledDataset) -> str:
    """What the examples are."""
    if dataset.are_texts:
        return "texts"
    return "images" if dataset.are_images else "features"


def _seconds(dataset: LabeledDataset, settings: TrainingSettings, planned: Schedule, probe: Probe) -> float:
    """Estimate the seconds of the whole run."""
    jobs = workers_for(read_shape(dataset.X, dataset.as_given), settings.folds, settings.jobs)
    n = len(dataset.labels)
    in_epochs = dataset.are_images and settings.model == "cnn"
    seconds = START_SECONDS
    if jobs > 1:
        seconds += WORKERS_SECONDS
    for each in planned.rounds():
        epochs = each.cost if in_epochs else 1
        training = probe.train_seconds * epochs * n * (settings.folds - 1)
        predicting = probe.predict_seconds * each.recipe.views * n
        seconds += (training + predicting) / jobs
    return seconds


def _memory(dataset: LabeledDataset, jobs: int) -> int | None:
    """Estimate the peak bytes of all processes; None where those of this one cannot be read."""
    resident = _resident_bytes()
    if resident is None:
        return None
    X = dataset.X
    copies = 2 * X[:1].nbytes * len(X)  # of the rows that a model trains on, and as it converts them
    if jobs == 1:
        return resident + copies
    held = X.nbytes
    if isinstance(X, np.memmap):
        held = 0
    return resident + jobs * (max(resident - held, 0) + copies)


def _probe(dataset: LabeledDataset, settings: TrainingSettings, planned: Schedule) -> Probe:
    """Time one model on a few rows, after a smaller one that pays for what is done once a process."""
    recipe = Recipe(epochs=1, epochs_fixed=True, wide=planned.recipe.wide, augment=planned.recipe.augment)
    rng = np.random.default_rng(0)
    _train_and_predict(dataset, settings, recipe, _sample(dataset, WARM_ROWS, rng))
    probe = _train_and_predict(dataset, settings, recipe, _sample(dataset, PROBE_ROWS, rng))
    if recipe.wide:  # the schedule's costs are in epochs of the plain network
        return probe._replace(train_seconds=probe.train_seconds / schedule.WIDE_COST)
    return probe


def _train_and_predict(
    dataset: LabeledDataset, settings: TrainingSettings, recipe: Recipe, rows: Rows
) -> Probe:
    """Train one model on these rows and predict them with it."""
    training = Training(
        shape=(len(rows), *dataset.X.shape[1:]),
        k=len(dataset.class_names),
        seed=0,
        recipe=recipe,
        threads=threads_of(0, settings.folds, joblib.cpu_count()),
        device=settings.device,
        watch=lambda _: None,
    )
    classifier = models.builder(settings.model, dataset)(training)
    start = time.perf_counter()
    trained = (rows, dataset.labels[rows])
    model = fit(
        classifier,
        dataset.X,
        trained,
        training=training,
        where="a sample",
        given=dataset.as_given,
        balance=settings.balance,
    )
    middle = time.perf_counter()
    model.predict(dataset.X, rows, dataset.as_given)
    end = time.perf_counter()
    return Probe((middle - start) / len(rows), (end - middle) / len(rows), capabilities.device(classifier))


def _sample(dataset: LabeledDataset, size: int, rng: np.random.Generator) -> Rows:
    """Draw `size` rows, and add one of each class; in order."""
    _, first = np.unique(dataset.labels, return_index=True)
    n = len(dataset.labels)
    return np.union1d(first, rng.choice(n, min(size, n), replace=False))


def _resident_bytes() -> int | None:
    """The most memory that this process has held; None where the system does not say."""
    try:
        import resource  # noqa: PLC0415  not on Windows
    except ImportError:
        return None
    most = int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    if sys.platform == "darwin":
        return most
    return most * 1024

"""The steps up to out-of-sample predictions: embed, flip labels, choose a model, train it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audit.datasets.unchanged import FileStates
from audit.detectors import pred_probs as probabilities
from audit.errors import DataError
from audit.events import Listener, StepTimer
from audit.pipeline import model_choice, rounds
from audit.pipeline.request import AuditRequest, reads_given
from audit.runs.embedding import StoredFeatures
from audit.runs.folder import RunFolder
from audit.runs.folds import FoldCheckpoints
from audit.training import memory, models, schedule
from audit.training.cross_validation import Fitting, read_shape, workers_for
from audit.training.sample_weights import weights_of_rows
from audit.types import FoldResult, LabeledDataset, NoisyLabels, Seeds


@dataclass(frozen=True, eq=False)
class Predicted:
    """The data with its flipped labels, and out-of-sample predictions of all rows."""

    chosen: model_choice.ModelChoice
    labels: NoisyLabels
    trained: rounds.Trained


def predict(
    request: AuditRequest,
    folder: RunFolder | None,
    key: str,
    machines: int | None,
    timer: StepTimer,
) -> Predicted:
    """Embed the examples where that is asked for, flip labels, and predict all rows out of sample.

    Folds are kept under the key. As many models are trained at a time as machines, where these are a
    cluster's.
    """
    config = request.config
    seeds = Seeds.of(config.run.seed)
    dataset = request.dataset
    if request.embedding is not None:
        with timer("embed"):
            store = None if folder is None else StoredFeatures(folder, request.embedding.stage.key)
            dataset = request.embedding.applied(dataset, store, timer.listener)
    with timer("noise"):
        dataset, labels = request.noise.inject_into(dataset, np.random.default_rng(seeds.noise))
    chosen = model_choice.ModelChoice(models.first_choice(request.model, dataset), dataset)
    if request.pred_probs is None and model_choice.compares(request.model, dataset):
        with timer("model"):
            chosen = model_choice.choose(
                request.model, dataset, labels.noisy, config.training, seeds.model_choice, timer.listener
            )
    with timer("folds"):
        if request.pred_probs is not None:
            checked = checked_probabilities(request.pred_probs, chosen.dataset)
            trained = rounds.Trained.from_pred_probs(checked, chosen.dataset, timer.listener)
        else:
            checkpoints = None if folder is None else _checkpoints(request, folder, key, chosen.dataset)
            trained = _train(request, chosen, labels, checkpoints, machines, timer.listener)
    return Predicted(chosen, labels, trained)


def checked_probabilities(pred_probs: npt.ArrayLike, dataset: LabeledDataset) -> probabilities.Ready:
    """The caller's probabilities of the rows that are audited, checked against their labels."""
    probs = np.asarray(probabilities.in_class_order(pred_probs, dataset.class_names))
    if probs.ndim > 0 and len(probs) > dataset.rows.max():
        all_in_order = np.array_equal(dataset.rows, np.arange(len(probs)))
        probs = probs if all_in_order else probs[dataset.rows]  # a mapped file stays one
    return probabilities.checked(dataset.labels, probs, dataset.class_names)


@dataclass(frozen=True)
class _CheckedFolds:
    """Fold checkpoints that keep nothing that was trained on a mapped file which changed."""

    kept: FoldCheckpoints
    source: FileStates  # of mapped files

    def load_folds(self, name: str, folds: int) -> list[FoldResult]:
        """The finished folds."""
        return self.kept.load_folds(name, folds)

    def save_fold(self, name: str, result: FoldResult) -> None:
        """Keep a fold; DataError when the file changed since it was read."""
        self.source.refuse_changed()
        self.kept.save_fold(name, result)


def _checkpoints(
    request: AuditRequest, folder: RunFolder, key: str, dataset: LabeledDataset
) -> _CheckedFolds:
    """Where finished folds are kept."""
    kept = FoldCheckpoints(folder, key, rows=len(dataset.labels), classes=len(dataset.class_names))
    return _CheckedFolds(kept, request.mapped_source)


def _train(
    request: AuditRequest,
    chosen: model_choice.ModelChoice,
    labels: NoisyLabels,
    checkpoints: rounds.FoldStore | None,
    machines: int | None,
    listener: Listener,
) -> rounds.Trained:
    """Train on the noisy labels and predict every row out of sample; what is short of memory is told."""
    work = _rounds_task(request, chosen, labels, machines)
    dataset = chosen.dataset
    training = request.config.training
    shape = read_shape(dataset.X, dataset.as_given)
    jobs = workers_for(shape, training.folds, training.jobs)
    name = chosen.model if isinstance(chosen.model, str) else ""
    short = memory.shortage(name, shape, dataset.X.dtype, len(dataset.class_names), jobs)
    if short is not None and training.cluster is None:
        listener.note(short)
    try:
        return rounds.train_rounds(work, checkpoints, listener)
    except DataError as error:
        if dataset.whole is dataset:
            raise
        columns = dataset.whole.X.shape[1]
        raise DataError(
            f"{error}; {columns - dataset.X.shape[1]:,} of {columns:,} columns were left out before, which "
            "moves later ones: --keep-columns NAME keeps a column that the model needs"
        ) from error


def _rounds_task(
    request: AuditRequest, chosen: model_choice.ModelChoice, labels: NoisyLabels, machines: int | None
) -> rounds.RoundsTask:
    """What the rounds share: the data as the model reads it, the schedule, and the seeds of their own."""
    dataset = chosen.dataset
    training = request.config.training
    seeds = Seeds.of(request.config.run.seed)
    sample_weights = None
    if request.sample_weight is not None:
        sample_weights = weights_of_rows(request.sample_weight, dataset.rows)
    return rounds.RoundsTask(
        dataset=models.as_read(chosen.model, dataset),
        labels=labels.noisy,
        schedule=schedule.make_schedule(training, dataset.X),
        fitting=Fitting(
            models.builder(chosen.model, dataset), device=training.device, balance=training.balance
        ),
        folds=training.folds,
        fold_seeds=seeds.folds,
        model_seeds=seeds.models,
        sample_weights=sample_weights,
        jobs=training.jobs or machines,
        synthetic_seed=seeds.planting,
        as_given=reads_given(chosen.model, dataset),
    )

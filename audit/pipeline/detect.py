"""The order of an audit's steps: the only module that knows it."""

import platform
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audit import datasets
from audit.detectors import figures
from audit.detectors import pred_probs as probabilities
from audit.errors import DataError
from audit.events import Listener, Silent, StepTimer
from audit.noise.options import ConfiguredNoise
from audit.pipeline import judge, preview, rounds
from audit.pipeline.run import Run, write_report
from audit.report import selection
from audit.review import controls
from audit.runs import stages
from audit.runs.folder import RunFolder, RunRecord
from audit.runs.folds import FoldCheckpoints
from audit.runs.stages import Stage
from audit.settings.detect import Config, default_name
from audit.settings.fields import flat
from audit.training import models, schedule
from audit.training.cross_validation import Fitting, workers_starting
from audit.training.sample_weights import weights_of_rows
from audit.types import Controls, LabeledDataset, Leaks, NoisyLabels, Seeds, Thumbnails

PACKAGES = ("label-audit", "cleanlab", "skorch", "torch", "scikit-learn", "numpy")


def detect(
    X: Any = None,
    y: Any = None,
    *,
    model: Any = "auto",
    pred_probs: npt.ArrayLike | None = None,
    sample_weight: npt.ArrayLike | None = None,
    split: npt.ArrayLike | None = None,
    listener: Listener | None = None,
    name: str = "arrays",
    **settings: Any,
) -> Run:
    """Audit arrays: inject label noise, find it again, score the finding, rank the natural suspects.

    Parameters
    ----------
    X
        Images (n, h, w), (n, h, w, c) or (n, c, h, w) from 8 x 8 pixels up, or features (n, d): arrays,
        tensors, pandas or polars frames. Or a Hugging Face or PyTorch data set, which has its labels. Or
        parts of the data, {"train": X, "test": X}, with y alike: duplicates between them are listed.
    y
        Labels (n,) of any kind, one-hot rows (n, k), or the name of a column of the frame X.
    model
        A name as `audit detect --model` takes it, or any scikit-learn classifier, pipeline or skorch net,
        which is cloned for every fold.
    pred_probs
        Out-of-sample probabilities (n, k) of your own, columns in the sorted order of the classes; nothing
        is trained then, and X may be None.
    sample_weight
        How much each row (n,) counts in training.
    split
        The part that each row (n,) is in, where X is not given in parts.
    listener
        Receives progress; silent when not given.
    name
        What the report calls the data set.
    **settings
        Any field of `audit.Config`: noise, seed, folds, epochs, detector, …; with `out`, the run is
        written there as it goes and can be resumed.

    Raises
    ------
    AuditError
        When the arrays or the settings cannot be audited; the message says what to do.
    """
    if pred_probs is not None:
        settings = {"noise": 0.0, **settings}
    elif X is None:
        raise DataError("X is missing, expected examples to train on; give them, or pred_probs of your own")
    config = Config.of(**{**settings, "model": models.describe(model)})
    listener = listener or Silent()
    timer = StepTimer(listener)
    noise = ConfiguredNoise.of(config)
    models.check(model)
    with timer("load"):
        dataset = datasets.from_arrays(X, y, split=split, name=name, config=config)
    task = Task(dataset, config, noise, model, pred_probs, sample_weight, config.call())
    begins = pred_probs is None and (config.run.out is None or not config.run.out.exists())
    with _workers_starting(config, model, dataset.X.shape) if begins else nullcontext():
        if config.run.out is None:
            return Run(_audit(task, None, listener, timer))
        return Run(audit_into(config.run.out, task, listener, timer))


def detect_spec(config: Config, listener: Listener) -> tuple[Run, Path]:
    """Audit the data set that the settings name into its folder; returns the run and the report's path."""
    noise = ConfiguredNoise.of(config)
    models.check(config.training.model)
    timer = StepTimer(listener)
    with timer("load"):
        source = datasets.open_source(config.data, listener)
        chosen = datasets.choose_rows(source, datasets.selection(config))
    path = config.run.out or Path("reports") / default_name(chosen.name(source), config)
    shape = () if source.X is None else source.X.shape
    own_probs = config.predictions.pred_probs
    begins = len(shape) > 1 and own_probs is None and not path.exists()
    with _workers_starting(config, config.training.model, shape) if begins else nullcontext():
        with timer("load"):  # while workers import what the models need
            dataset = datasets.read_chosen(source, chosen)
            probs = None if own_probs is None else datasets.read_probabilities(own_probs)
        leads_from = datasets.folder_of(config.data)
        task = Task(dataset, config, noise, config.training.model, probs, None, config.command(), leads_from)
        return Run(audit_into(path, task, listener, timer)), path / "report.html"


def _workers_starting(config: Config, model: Any, shape: tuple[int, ...]) -> AbstractContextManager[None]:
    """A block while which workers import what a model of examples of this shape needs."""
    few = (min(shape[0], config.data.limit or shape[0]), *shape[1:])
    folds, jobs = config.training.folds, config.training.jobs
    return workers_starting(models.importing(model, few), few, folds=folds, jobs=jobs)


def dry_run(config: Config) -> dict[str, Any]:
    """What an audit with these settings would be made of and cost; nothing is audited."""
    ConfiguredNoise.of(config)
    models.check(config.training.model)
    return preview.preview(datasets.load(config), config)


@dataclass(frozen=True, eq=False)
class Task:
    """What is audited, and how."""

    dataset: LabeledDataset
    config: Config
    noise: ConfiguredNoise
    model: Any  # a name, or a classifier to clone
    pred_probs: npt.ArrayLike | None  # of every row of the source
    sample_weight: npt.ArrayLike | None  # the same
    repeat: str  # the command or call that does it again
    folder: str | None = None  # from which the source's relative path leads; None when it was in memory


def audit_into(path: Path, task: Task, listener: Listener, timer: StepTimer) -> RunRecord:
    """Audit into a folder, reusing what is stored there under the same keys."""
    with RunFolder.locked(path) as folder:
        differs = {stage.name: folder.why_not_reused(stage) for stage in _stages(task)}
        if differs["issues"] is None:
            listener.note(f"reusing the finished run in {path}: same data, same settings")
            record = folder.load_record()
            record = replace(record, config={**record.config, **flat(task.config.report)})
        else:
            for name, why in differs.items():
                if why:
                    listener.note(f"{name}: {why}")
            record = _audit(task, folder, listener, timer)
            folder.save_record(record)
        listener.step("report")
        write_report(record, folder)
    return record


def _stages(task: Task) -> tuple[Stage, Stage, Stage]:
    given = {"pred_probs": task.pred_probs, "sample_weight": task.sample_weight}
    return stages.of_run(task.config, task.noise, task.dataset.fingerprint, given, task.dataset.part)


def _audit(task: Task, folder: RunFolder | None, listener: Listener, timer: StepTimer) -> RunRecord:
    models.check(task.model)
    seeds, keyed, config = Seeds.of(task.config.run.seed), _stages(task), task.config
    for line in task.dataset.notes:
        listener.note(line)
    with timer("noise"):
        dataset, labels = task.noise.inject_into(task.dataset, np.random.default_rng(seeds.noise))
    with timer("folds"):
        checkpoints = FoldCheckpoints(folder, keyed[1].key) if folder else None
        trained = _trained(task, dataset, labels, seeds, checkpoints, listener)
    judged = judge.judge(dataset, labels, trained, config, seeds, timer)
    with timer("issues"):
        rng = np.random.default_rng(seeds.controls)
        said, torn = (judged.issues, judged.suspects), judged.conflicts.rows
        hidden = controls.choose(config.report.controls, labels, said, torn, rng)
        leaks = None if dataset.part is None else trained.duplicates.across(dataset.part)
        thumbnails = _thumbnails(dataset, labels, trained, judged, hidden, leaks)
        hashes = datasets.row_hashes(dataset.X)
    return RunRecord(
        config=config.to_json(),
        data={
            "name": dataset.name,
            "fingerprint": dataset.fingerprint,
            "shape": list(dataset.X.shape),
            "dtype": str(dataset.X.dtype),
            "folder": task.folder,
            "notes": [*dataset.notes, *trained.notes],
        },
        class_names=dataset.class_names,
        ids=dataset.ids,
        rows=dataset.rows,
        hashes=hashes,
        labels=labels,
        probs=trained.out_of_sample,
        issues=judged.issues,
        suspects=judged.suspects,
        conflicts=judged.conflicts,
        unlabelled=None if dataset.unlabelled is None else dataset.unlabelled.ids,
        thumbnails=thumbnails,
        controls=hidden,
        leaks=leaks,
        kinds=judged.kinds,
        scores=replace(
            judged.scores,
            conflicting_duplicates=len(torn),
            parts=None if leaks is None else figures.part_figures(leaks),
            kept=trained.kept,
            timings=dict(timer.seconds),
        ),
        folds=tuple(figures.fold_figures(name, result, labels) for name, result in trained.folds),
        stages={stage.name: {"key": stage.key, "settings": dict(stage.settings)} for stage in keyed},
        versions={"python": platform.python_version(), **{package: version(package) for package in PACKAGES}},
        repeat=task.repeat,
    )


def _thumbnails(
    dataset: LabeledDataset,
    labels: NoisyLabels,
    trained: rounds.Trained,
    judged: judge.Verdicts,
    hidden: Controls,
    leaks: Leaks | None,
) -> Thumbnails:
    """Small images of all rows that the report may show."""
    said, torn = (judged.issues, judged.suspects), judged.conflicts.rows[: selection.MOST_SUSPECTS]
    listed = selection.rows_to_show(*said, labels.flipped, hidden.rows)
    rows = np.unique(np.concatenate([listed, torn, selection.shared(leaks)]))
    agreeing = selection.agreeing(*said, labels, trained.out_of_sample)
    return selection.thumbnails(dataset, rows, *controls.as_shown(labels, *said, hidden), agreeing)


def _trained(
    task: Task,
    dataset: LabeledDataset,
    labels: NoisyLabels,
    seeds: Seeds,
    checkpoints: FoldCheckpoints | None,
    listener: Listener,
) -> rounds.Trained:
    """The probabilities of models trained on the labels with noise, or those that came along."""
    training = task.config.training
    if task.pred_probs is not None:
        ready = _ready(task.pred_probs, dataset)
        for line in ready.notes:
            listener.note(line)
        return rounds.Trained.from_pred_probs(ready.pred_probs, dataset.X, ready.notes)
    sample_weights = None
    if task.sample_weight is not None:
        sample_weights = weights_of_rows(task.sample_weight, dataset.rows)
    work = rounds.RoundsTask(
        dataset=dataset,
        labels=labels.noisy,
        schedule=schedule.make_schedule(training, dataset.X),
        fitting=Fitting(
            models.builder(task.model, dataset), device=training.device, balance=training.balance
        ),
        folds=training.folds,
        fold_seeds=seeds.folds,
        model_seeds=seeds.models,
        sample_weights=sample_weights,
        jobs=training.jobs,
        synthetic_seed=seeds.planting,
    )
    return rounds.train_rounds(work, checkpoints, listener)


def _ready(pred_probs: npt.ArrayLike, dataset: LabeledDataset) -> probabilities.Ready:
    """The probabilities that came along, of the rows that are audited."""
    given = np.asarray(pred_probs)
    fits = given.ndim > 0 and len(given) > dataset.rows.max()
    return probabilities.checked(dataset.labels, given[dataset.rows] if fits else given, dataset.class_names)

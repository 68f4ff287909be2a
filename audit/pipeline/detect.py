"""Run an audit: its steps in order, those up to the predictions in `predict`."""

import platform
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audit import datasets
from audit.datasets.unchanged import FileStates, in_memory, mapped_file
from audit.detectors import figures
from audit.errors import DataError
from audit.events import Listener, Silent, StepTimer, enough_memory, optional
from audit.noise.options import ConfiguredNoise
from audit.pipeline import judge, model_choice, preview, rounds
from audit.pipeline.predict import checked_probabilities, predict
from audit.pipeline.request import (
    AuditRequest,
    open_source,
    ready_features,
    refuse_changed,
    request_of,
    stages_of,
)
from audit.pipeline.run import Run, write_report
from audit.report import pictures, selection
from audit.review import controls
from audit.review.guidelines import read_guidelines
from audit.runs import reuse
from audit.runs.folder import RunFolder, RunRecord
from audit.settings.detect import Config, default_name
from audit.settings.fields import flat
from audit.training import embedders, models
from audit.training.backends.dask import check_address, cluster
from audit.training.cross_validation import (
    one_thread,
    read_shape,
    workers_starting,
)
from audit.types import (
    Controls,
    LabeledDataset,
    Leaks,
    NoisyLabels,
    Seeds,
    Thumbnails,
)

PACKAGES = ("label-audit", "cleanlab", "skorch", "torch", "scikit-learn", "numpy")


def detect(
    X: Any = None,
    y: Any = None,
    *,
    model: Any = "auto",
    embed: Any = None,
    pred_probs: npt.ArrayLike | None = None,
    sample_weight: npt.ArrayLike | None = None,
    split: npt.ArrayLike | None = None,
    groups: npt.ArrayLike | str | None = None,
    order: npt.ArrayLike | str | None = None,
    annotations: Any = None,
    listener: Listener | None = None,
    name: str = "arrays",
    **settings: Any,
) -> Run:
    """Audit arrays: flip labels on purpose, detect the flips, score the detection, and rank the suspects.

    Parameters
    ----------
    X
        Images (n, h, w), (n, h, w, c) or (n, c, h, w) from 8 x 8 pixels up, or features (n, d): arrays,
        sparse matrices, tensors, pandas or polars frames. Texts or records (n,), which pred_probs or a model
        of your own can judge. Or a Hugging Face or PyTorch data set, which has its labels. Or
        parts of the data, {"train": X, "test": X}, with y alike: duplicates between them are listed.
    y
        Labels (n,) of any kind, one-hot rows (n, k), or the name of a column of the frame X.
    model
        A name as `audit detect --model` takes it, or any scikit-learn classifier, pipeline or skorch net,
        which is cloned for every fold and gets the rows of X as they came.
    embed
        What models read in place of the examples: features (n, d), a function from some examples (m, …) to
        features (m, d), or a name as `audit detect --embed` takes it. The examples are shown in the report.
    pred_probs
        Out-of-sample probabilities (n, k) of your own, columns in the sorted order of the classes; nothing
        is trained then, and X may be None.
    sample_weight
        How much each row (n,) counts in training.
    split
        The part that each row (n,) is in, where X is not given in parts.
    groups
        The group of each row (n,), such as its patient, document or video, or the name of a column of the
        frame X: no fold splits a group.
    order
        What puts the rows (n,) in order, such as times, or the name of a column: folds are blocks of it, one
        after the other.
    annotations
        Labels that several people gave: a frame with a line for each label and the columns row, annotator
        and label; a frame or an array (n, annotators) with NaN, None or -1 where somebody gave none; or the
        path of such a file. Rows are known by number. Without y, their majority is the label.
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
    described = {"model": models.describe(model), "embed": embedders.describe(embed)}
    config = Config.of(**{**settings, **described})
    listener = listener or Silent()
    timer = StepTimer(listener)
    noise = ConfiguredNoise.of(config)
    guidelines = read_guidelines(config.report.guidelines)
    models.check(model)
    embedders.check(embed)
    check_address(config.training.cluster)
    source = FileStates.of(filter(None, map(mapped_file, (X, pred_probs))))
    with timer("load"):
        features = ready_features(embed)
        dataset = in_memory(
            datasets.from_arrays(
                X,
                y,
                split=split,
                groups=groups,
                order=order,
                annotations=annotations,
                features=features,
                name=name,
                config=config,
            )
        )
    call = config.call()
    if annotations is not None:
        call = call.replace("X, y", "X, annotations=votes" if y is None else "X, y, annotations=votes", 1)
    request = AuditRequest(
        dataset, config, noise, model, call, pred_probs, sample_weight, source=source, guidelines=guidelines
    ).embedding_by(embed)
    out = config.run.out
    trains = pred_probs is None and (out is None or not out.exists())
    texts = dataset.are_texts and request.embedding is None
    with _workers_starting(config, model, request.shape, texts=texts) if trains else nullcontext():
        if out is None:
            record = _audit(request, None, listener, timer)
            refuse_changed(request)
            return Run(record)
        return Run(audit_into(out, request, listener, timer), out)


def detect_spec(config: Config, listener: Listener) -> tuple[Run, Path]:
    """Audit the data set that the settings name into its folder; returns the run and the report's path."""
    ConfiguredNoise.of(config)
    model = config.training.model
    embed = config.predictions.embed
    models.check(model)
    embedders.check(embed)
    check_address(config.training.cluster)
    timer = StepTimer(listener)
    with timer("load"):
        beside = [config.predictions.pred_probs, Path(embed) if embed and embedders.is_ready(embed) else None]
        files = FileStates.of([*datasets.files_of(config.data), *filter(None, beside)])
        source = open_source(config, listener)
        chosen = datasets.choose_rows(source, datasets.selection(config))
    path = config.run.out or Path("reports") / default_name(chosen.name(source), config)
    texts = source.as_given is not None and source.as_given.texts is not None
    shape = () if source.X is None else source.X.shape
    if texts:
        shape = read_shape(np.empty((len(chosen.parsed.codes), 0)), source.as_given)
    trains = len(shape) > 1 and config.predictions.pred_probs is None and not path.exists() and embed is None
    with _workers_starting(config, model, shape, texts=texts) if trains else nullcontext():
        with timer("load"):  # while workers import what the models need
            request = replace(request_of(config, source, chosen), source=files).embedding_by(embed)
            del source  # HDF5 would read a file again from its cache while it is open
        return Run(audit_into(path, request, listener, timer), path), path / "report.html"


def dry_run(config: Config) -> dict[str, Any]:
    """Describe the audit that these settings ask for, and estimate its cost, without running it.

    AuditError when the audit itself would be refused.
    """
    models.check(config.training.model)
    embedders.check(config.predictions.embed)
    source = open_source(config)
    chosen = datasets.choose_rows(source, datasets.selection(config))
    RunFolder.refuse_unusable(config.run.out or Path("reports") / default_name(chosen.name(source), config))
    request = request_of(config, source, chosen).embedding_by(config.predictions.embed)
    judge.detector_for_noise(config, request.dataset.votes)
    rng = np.random.default_rng(Seeds.of(config.run.seed).noise)
    of_models = request.dataset if request.embedding is None else request.embedding.stand_in(request.dataset)
    dataset, labels = request.noise.inject_into(of_models, rng)
    if request.pred_probs is not None:
        checked_probabilities(request.pred_probs, dataset)
        return preview.preview(dataset, config, labels.noisy, trains=False)
    model = models.first_choice(config.training.model, dataset)
    if request.embedding is None:
        seed = Seeds.of(config.run.seed).model_choice
        training = config.training
        model = model_choice.choose(training.model, dataset, labels.noisy, training, seed, Silent()).model
    return preview.preview(
        dataset,
        config.with_settings(model=model),
        labels.noisy,
        given=dataset.as_given if request.reads_given else None,
        embedding_seconds=0.0 if request.embedding is None else request.embedding.seconds,
    )


def audit_into(path: Path, request: AuditRequest, listener: Listener, timer: StepTimer) -> RunRecord:
    """Audit into a folder; what is stored there under the same keys is used again."""
    with RunFolder.locked(path) as folder:
        stored, notes = reuse.stored_run(folder, stages_of(request))
        for note in notes:
            listener.note(note)
        if stored is None:
            record = folder.with_former_seconds(_audit(request, folder, listener, timer))
            refuse_changed(request)
            folder.save_record(record)
        else:
            data = {**stored.data, "folder": request.folder, "guidelines": request.guidelines}
            record = replace(stored, data=data, config={**stored.config, **flat(request.config.report)})
        listener.step("report")
        with enough_memory("the step report"):
            write_report(record, folder, listener)
    return record


def _workers_starting(
    config: Config, model: Any, shape: tuple[int, ...], *, texts: bool
) -> AbstractContextManager[None]:
    """A block while which workers import what a model of texts, or of examples of this shape, needs."""
    rows = min(shape[0], config.data.limit or shape[0])
    sampled_shape = (rows, *shape[1:])
    training = config.training
    if training.cluster is not None:
        return nullcontext()
    importing = models.importing(model, sampled_shape, texts=texts)
    return workers_starting(importing, sampled_shape, folds=training.folds, jobs=training.jobs)


@one_thread()
def _audit(
    request: AuditRequest, folder: RunFolder | None, listener: Listener, timer: StepTimer
) -> RunRecord:
    """Flip labels, predict all rows out of sample, judge the labels, and choose what the report shows."""
    config = request.config
    models.check(request.model)
    judge.detector_for_noise(config, request.dataset.votes)
    seeds = Seeds.of(config.run.seed)
    run_stages = stages_of(request)
    for note in (*request.dataset.notes, *request.dataset.cautions):
        listener.note(note)
    with request.mapped_source.blamed_if_changed(), cluster(config.training.cluster) as machines:
        predicted = predict(request, folder, run_stages[-2].key, machines, timer)
        chosen, labels, trained = predicted.chosen, predicted.labels, predicted.trained
        dataset = chosen.dataset
        judged = judge.judge(dataset, labels, trained, config, seeds, timer)
    notes = [*judge.vote_notes(dataset, labels), *trained.notes, *judged.notes]
    with timer("issues"):
        rng = np.random.default_rng(seeds.controls)
        issues = (judged.issues, judged.suspects)
        hidden = controls.choose(config.report.controls, labels, issues, judged.conflicts.rows, rng)
        leaks = None if dataset.part is None else trained.duplicates.across(dataset.part)
        thumbnails = _thumbnails(dataset, labels, trained, judged, hidden, leaks, notes)
        large = None
        with optional("the larger pictures", notes.append):
            queue, _ = controls.mixed(judged.suspects.ranking[: selection.MOST_SUSPECTS], hidden)
            large = pictures.kept(request.dataset, queue)
        hashes = datasets.hashes_of(dataset.whole.X, dataset.whole.as_given)
    for note in notes:
        listener.note(note)
    notes += filter(None, [chosen.note])  # the listener had that one with its seconds
    return RunRecord(
        config=config.to_json(),
        data=_data_facts(request, chosen, notes, trained, judged),
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
        large=large,
        controls=hidden,
        leaks=leaks,
        kinds=judged.kinds,
        votes=dataset.votes,
        noisy_votes=None if labels.votes is None else labels.votes.labels,
        vote_quality=judged.votes,
        scores=replace(
            judged.scores,
            conflicting_duplicates=len(judged.conflicts.rows),
            parts=None if leaks is None else figures.part_figures(leaks),
            kept=trained.kept,
            timings=dict(timer.seconds),
        ),
        folds=tuple(figures.fold_figures(name, result, labels) for name, result in trained.folds),
        stages={stage.name: {"key": stage.key, "settings": dict(stage.settings)} for stage in run_stages},
        versions={"python": platform.python_version(), **{package: version(package) for package in PACKAGES}},
        repeat=request.repeat,
    )


def _data_facts(
    request: AuditRequest,
    chosen: model_choice.ModelChoice,
    notes: Sequence[str],
    trained: rounds.Trained,
    judged: judge.Verdicts,
) -> dict[str, Any]:
    """Describe the data set, and the model that was chosen for it, as the manifest keeps them."""
    dataset = chosen.dataset
    shown = dataset.shown
    without_numbers = {}
    if shown.as_given is not None and not shown.has_numbers:
        without_numbers = {"texts" if shown.are_texts else "records": True}
    weak: tuple[str, ...] = ()
    if not trained.failures:
        embeds = request.embedding is not None
        weak = judge.too_weak(judged.scores, _stronger(dataset, trained=bool(trained.folds), embeds=embeds))
    return {
        "name": dataset.name,
        "fingerprint": dataset.fingerprint,
        "shape": list(dataset.whole.X.shape),
        "dtype": str(dataset.shown.X.dtype),
        "folder": request.folder,
        **without_numbers,
        **({"guidelines": request.guidelines} if request.guidelines else {}),
        "notes": [*dataset.notes, *notes],
        **({"model": chosen.model} if chosen.note else {}),
        "cautions": [*trained.failures, *dataset.cautions, *trained.cautions, *weak],
        **({"failures": list(trained.failures)} if trained.failures else {}),
        **({"weak": list(weak)} if weak else {}),
    }


def _stronger(dataset: LabeledDataset, *, trained: bool, embeds: bool) -> str:
    """What to try where the models are too weak; whether they were trained here, and --embed was given."""
    if not trained:
        return "try those of a better model"
    if not embeds and (dataset.are_images or dataset.are_texts):
        return "try --embed or another --model"
    return "try another --model"


def _thumbnails(
    dataset: LabeledDataset,
    labels: NoisyLabels,
    trained: rounds.Trained,
    judged: judge.Verdicts,
    hidden: Controls,
    leaks: Leaks | None,
    notes: list[str],
) -> Thumbnails:
    """Small images of all rows that the report may show; none, with a note, where they cannot be made."""
    issues = (judged.issues, judged.suspects)
    listed = selection.rows_to_show(*issues, labels.flipped, hidden.rows)
    conflicting = judged.conflicts.rows[: selection.MOST_SUSPECTS]
    more = selection.one_more_to_show(judged.votes)
    rows = np.unique(np.concatenate([listed, conflicting, selection.leaks_to_show(leaks), more]))
    given, suggested = controls.as_shown(labels, *issues, hidden)
    trusted = selection.trusted(*issues, labels, trained.out_of_sample)
    with optional("the examples on the cards", notes.append):
        features = None
        if dataset.embedded is not None:
            features = dataset.X
        elif dataset.are_texts:
            features = trained.out_of_sample.features
        return selection.thumbnails(dataset.shown, rows, given, suggested, trusted, features)
    return selection.no_thumbnails(rows)

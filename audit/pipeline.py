"""The order of an audit's steps: the only module that knows it."""

import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from audit import crossval, datasets, detectors, models, scoring
from audit.config import Config
from audit.errors import RunError
from audit.events import Listener, Silent
from audit.noise import options as noise_options
from audit.report import page, selection
from audit.report.table import issue_table
from audit.store import RunFolder, RunRecord, Stage
from audit.types import FoldResult, LabeledDataset, NoisyLabels, OutOfSample

if TYPE_CHECKING:
    import pandas as pd

PACKAGES = ("label-audit", "cleanlab", "skorch", "torch", "scikit-learn", "numpy")


@dataclass(frozen=True, eq=False)
class Run:
    """A finished audit."""

    record: RunRecord

    @property
    def score(self) -> dict[str, Any] | None:
        """Precision, recall, F1 and the rest, each with its interval; None when nothing was injected."""
        score: dict[str, Any] | None = self.record.scores["detection"]
        return score

    @property
    def issues(self) -> "pd.DataFrame":
        """Every flagged row, worst first; the columns of issues.csv."""
        return issue_table(self.record)

    @property
    def suspects(self) -> "pd.DataFrame":
        """The flagged rows that nobody changed on purpose, worst first."""
        table = self.issues
        return table[~table["injected"]].reset_index(drop=True)

    def save(self, path: str | Path) -> Path:
        """Write the run folder with its report and return its path; RunError when it cannot be written."""
        with RunFolder.locked(Path(path)) as folder:
            folder.save_record(self.record)
            return write_report(self.record, folder)


def detect(
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    listener: Listener | None = None,
    name: str = "arrays",
    **settings: Any,
) -> Run:
    """Audit arrays: inject label noise, find it again, score the finding, rank the natural suspects.

    Parameters
    ----------
    X
        Images (n, h, w), (n, h, w, c) or (n, c, h, w), uint8 or float, from 8 x 8 pixels up.
    y
        Labels (n,), integers or strings.
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
    config, clock, listener = Config.from_json(settings), Clock(), listener or Silent()
    with clock("load"):
        dataset = datasets.sampled(datasets.from_arrays(X, y, name=name), config)
    if config.out is None:
        return Run(_audit(dataset, config, None, listener, clock, config.call()))
    return Run(_audit_into(config.out, dataset, config, listener, clock, config.call()))


def detect_spec(config: Config, listener: Listener) -> tuple[Run, Path]:
    """Audit the data set that the settings name into its folder; returns the run and the report's path."""
    _check_names(config)
    clock = Clock()
    with clock("load"):
        dataset = datasets.load(config)
    path = config.out or Path("reports") / default_name(dataset.name, config)
    record = _audit_into(path, dataset, config, listener, clock, config.command())
    return Run(record), path / "report.html"


def draw_report(path: Path) -> Path:
    """Draw the report of a finished run again; returns its path."""
    if not path.is_dir():
        raise RunError(f"{path} is no folder, expected a run made by audit detect; check the path")
    with RunFolder.locked(path) as folder:
        return write_report(folder.load_record(), folder)


def default_name(data_name: str, config: Config) -> str:
    """The name of a run's folder: data, kind of noise, rate where one was asked for, and seed."""
    safe = "".join(c if c.isalnum() or c in "-_." else "-" for c in data_name).strip(".") or "data"
    noise = config.noise_kind if config.noise is None else f"{config.noise_kind}-{config.noise:g}"
    return f"{safe}-{noise}-s{config.seed}"


def _audit_into(
    path: Path,
    dataset: LabeledDataset,
    config: Config,
    listener: Listener,
    clock: "Clock",
    repeat: str,
) -> RunRecord:
    """Audit into a folder, reusing what is stored there under the same keys."""
    with RunFolder.locked(path) as folder:
        stages = _stages(dataset, config)
        differs = {stage.name: folder.why_not_reused(stage) for stage in stages}
        if differs["issues"] is None:
            listener.note(f"reusing the finished run in {path}: same data, same settings")
            record = folder.load_record()
        else:
            for name, why in differs.items():
                if why:
                    listener.note(f"{name}: {why}")
            record = _audit(dataset, config, folder, listener, clock, repeat)
            folder.save_record(record)
        write_report(record, folder)
    return record


def write_report(record: RunRecord, folder: RunFolder) -> Path:
    """Write report.html, its plots and issues.csv; returns the report's path."""
    folder.write_text("issues.csv", issue_table(record).to_csv(index=False, lineterminator="\n"))
    for name, content in page.plots(record).items():
        folder.write_bytes(f"plots/{name}.png", content)
    folder.write_text("report.html", page.render(record))
    return folder.path / "report.html"


def _check_names(config: Config) -> None:
    """Refuse a misspelt name before anything slow starts."""
    noise_options.check(config)
    detectors.detector(config.detector)


def _stages(dataset: LabeledDataset, config: Config) -> tuple[Stage, Stage, Stage]:
    """The keyed steps: noise, folds, issues."""
    trained = {"folds": config.folds, "epochs": config.epochs, "device": config.device, "seed": config.seed}
    first = Stage("noise", noise_options.stage_settings(config), dataset.fingerprint)
    second = Stage("folds", trained, first.key)
    return first, second, Stage("issues", {"detector": config.detector}, second.key)


def _audit(
    dataset: LabeledDataset,
    config: Config,
    folder: RunFolder | None,
    listener: Listener,
    clock: "Clock",
    repeat: str,
) -> RunRecord:
    _check_names(config)
    seeds = Seeds.of(config.seed)
    stages = _stages(dataset, config)
    with clock("noise"):
        dataset, labels = noise_options.inject_into(dataset, config, np.random.default_rng(seeds.noise))
    with clock("folds"):
        probs, folds = _out_of_sample(dataset, labels, config, stages[1].key, seeds, folder, listener)
    with clock("issues"):
        found = {name: find(labels.given, probs.pred_probs) for name, find in detectors.DETECTORS.items()}
        issues = found[config.detector]
        rng = np.random.default_rng(seeds.bootstrap)
        scores = scoring.summarise(
            found, config.detector, labels, probs, k=len(dataset.class_names), rng=rng, requested=config.noise
        )
        likely = scoring.likely_natural(issues, labels.flipped)
        thumbnails = selection.thumbnails(dataset, selection.rows_to_show(issues, labels, likely))
    return RunRecord(
        config=config.to_json(),
        data={
            "name": dataset.name,
            "fingerprint": dataset.fingerprint,
            "shape": list(dataset.images.shape),
            "dtype": str(dataset.images.dtype),
        },
        class_names=dataset.class_names,
        ids=dataset.ids,
        labels=labels,
        probs=probs,
        issues=issues,
        thumbnails=thumbnails,
        scores={**scores, "timings": clock.seconds},
        folds=folds,
        stages={stage.name: {"key": stage.key, "settings": dict(stage.settings)} for stage in stages},
        versions={"python": platform.python_version(), **{package: version(package) for package in PACKAGES}},
        repeat=repeat,
    )


def _out_of_sample(
    dataset: LabeledDataset,
    labels: NoisyLabels,
    config: Config,
    key: str,
    seeds: "Seeds",
    folder: RunFolder | None,
    listener: Listener,
) -> tuple[OutOfSample, tuple[dict[str, Any], ...]]:
    """The predicted probabilities of all folds, those kept under this key and those trained now."""
    fold = crossval.assign_folds(
        labels.given,
        crossval.duplicate_groups(dataset.images),
        config.folds,
        int(seeds.folds.generate_state(1)[0]),
        dataset.class_names,
    )
    results = folder.load_folds(key, config.folds) if folder else []
    if results:
        listener.note(f"reusing {len(results)} of {config.folds} folds, trained before")
    for result in crossval.cross_validate(
        dataset.images,
        labels.given,
        fold,
        k=len(dataset.class_names),
        builder=partial(models.build, "cnn"),
        seed=seeds.models,
        epochs=config.epochs,
        device=config.device,
        jobs=config.jobs,
        skip=[result.fold for result in results],
        progress=listener.training,
    ):
        if folder:
            folder.save_fold(result, key)
        results.append(result)
    results.sort(key=lambda result: result.fold)
    probs = crossval.gather(results, len(labels.given), len(dataset.class_names))
    return probs, tuple(_fold_figures(result, labels) for result in results)


def _fold_figures(result: FoldResult, labels: NoisyLabels) -> dict[str, Any]:
    predicted = result.pred_probs.argmax(axis=1)
    return {
        "fold": result.fold,
        "rows": len(result.rows),
        "accuracy_given": float((predicted == labels.given[result.rows]).mean()),
        "accuracy_true": float((predicted == labels.true[result.rows]).mean()),
        "losses": [round(loss, 4) for loss in result.losses],
        "seconds": round(result.seconds, 2),
        "device": result.device,
    }


class Seeds(NamedTuple):
    """Independent sources of randomness, one a purpose."""

    noise: np.random.SeedSequence
    folds: np.random.SeedSequence
    models: np.random.SeedSequence
    bootstrap: np.random.SeedSequence

    @classmethod
    def of(cls, seed: int) -> "Seeds":
        """The sources that one seed stands for."""
        return cls(*np.random.SeedSequence(seed).spawn(len(cls._fields)))


class Clock:
    """The wall time of each step: `with clock("noise"): …`."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        """Time the block as this step."""
        start = time.perf_counter()
        yield
        self.seconds[step] = round(time.perf_counter() - start, 3)

"""The order of an audit's steps: the only module that knows it."""

import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from audit import calibration, datasets, detectors, models, rounds, summary
from audit.config import Config
from audit.errors import RunError
from audit.events import Listener, Silent
from audit.noise import options as noise_options
from audit.report import page, selection
from audit.report.table import issue_table
from audit.shelf import FoldShelf
from audit.store import RunFolder, RunRecord, Stage
from audit.types import Issues, LabeledDataset, NoisyLabels

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
        """The suspects, then what was changed on purpose and found; the columns of issues.csv."""
        return issue_table(self.record)

    @property
    def suspects(self) -> "pd.DataFrame":
        """The labels that look wrong as they came, worst first."""
        table = self.issues
        return table[table["kind"] == "suspect"].reset_index(drop=True)

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
    names = ("folds", "preset", "rounds", "repeats", "epochs", "augment", "device", "seed")
    trained = {name: getattr(config, name) for name in names}
    first = Stage("noise", noise_options.stage_settings(config), dataset.fingerprint)
    second = Stage("folds", trained, first.key)
    return first, second, Stage("issues", {"detector": config.detector, "truth": config.truth}, second.key)


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
        trained = rounds.cross_validate(
            dataset,
            labels.given,
            rounds.plan(config, dataset.images),
            builder=partial(models.build, "cnn"),
            folds=config.folds,
            splits=seeds.folds,
            seeds=seeds.models,
            device=config.device,
            jobs=config.jobs,
            shelf=FoldShelf(folder, stages[1].key) if folder else None,
            listener=listener,
        )
    with clock("issues"):
        judged = _judge(labels, trained, config, np.random.default_rng(seeds.bootstrap))
        rows = selection.rows_to_show(judged.issues, judged.suspects, labels.flipped)
        thumbnails = selection.thumbnails(dataset, rows)
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
        probs=trained.probs,
        issues=judged.issues,
        suspects=judged.suspects,
        thumbnails=thumbnails,
        scores={**judged.scores, "kept": trained.kept, "timings": clock.seconds},
        folds=tuple(summary.fold_figures(name, result, labels) for name, result in trained.folds),
        stages={stage.name: {"key": stage.key, "settings": dict(stage.settings)} for stage in stages},
        versions={"python": platform.python_version(), **{package: version(package) for package in PACKAGES}},
        repeat=repeat,
    )


class Judged(NamedTuple):
    """What the detectors say."""

    issues: Issues  # of the labels that the models were trained on
    suspects: Issues  # of the labels as they came
    scores: dict[str, Any]


def _judge(labels: NoisyLabels, trained: rounds.Trained, config: Config, rng: np.random.Generator) -> Judged:
    """Run every detector on the labels with noise, and the one that the truth calls for on those that came.

    The suspects are judged by models that were trained without the suspects among the noisy labels.
    """
    probs = trained.probs
    noisy = detectors.Evidence(labels.given, probs.pred_probs, probs.margins)
    came = detectors.Evidence(labels.true, probs.pred_probs, probs.margins)
    found = {name: detectors.DETECTORS[name](noisy) for name in detectors.available(noisy)}
    suspects = detectors.DETECTORS[detectors.of_truth(config.truth)](came)
    scores = summary.summarise(
        found,
        config.detector,
        suspects,
        labels,
        probs,
        (noisy.belief, came.belief),
        requested=config.noise,
        truth=config.truth,
        rng=rng,
    )
    issues = found[config.detector]
    p_error = calibration.cross_fitted(issues.p_error, labels.flipped, rng)
    return Judged(replace(issues, p_error=p_error), suspects, scores)


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

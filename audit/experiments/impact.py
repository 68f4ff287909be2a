"""What cleaning wins back: models trained on noisy, cleaned and true labels, tested on the same rows."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from audit import datasets
from audit.datasets.duplicates import find_duplicates
from audit.errors import ConfigError, DataError
from audit.events import Listener, StepTimer, parts
from audit.experiments import impact_findings, trials
from audit.experiments.decisions import Decision, read_decisions
from audit.experiments.holdout import Parts, hold_out
from audit.experiments.impact_numbers import Prediction
from audit.experiments.results import Result, changed, write
from audit.experiments.trials import Trial, TrialModels
from audit.noise.options import ConfiguredNoise
from audit.pipeline.detect import AuditRequest, audit_into
from audit.runs.folder import RunFolder, RunRecord
from audit.runs.stages import Stage
from audit.settings.detect import Config, default_name
from audit.settings.experiments import ImpactSettings
from audit.settings.noise import NoiseOptions, NoiseSettings
from audit.training import models, schedule
from audit.training.backends.dask import cluster
from audit.training.cross_validation import Fitting
from audit.types import LabeledDataset, Labels, Mask, Rows, Seeds

MOST_CONDITIONS = 6


class Condition(NamedTuple):
    """What one model is trained on: some of the training rows, with labels."""

    name: str
    rows: Rows  # (m,) numbers within the training part
    labels: Labels  # (m,)
    true: Labels  # (m,) as they came


class Audited(NamedTuple):
    """The labels that models are tested against once they were audited."""

    labels: Labels  # (n,) as they came, or as a person decided
    apart: Mask  # (n,) suspects that nobody decided on, and rows that a person dropped


def impact(config: Config, settings: ImpactSettings, listener: Listener) -> tuple[Result, Path]:
    """Measure what cleaning wins back on the data set that the settings name; also returns the page's path.

    For each seed: rows are held out, noise is put into the training part alone, that part is audited blind,
    and models are trained on its labels as given, cleaned in several ways, and true. The held-out labels stay
    as they came; an audit of all rows without noise says which of them are suspects.

    Raises
    ------
    AuditError
        When the settings or the data cannot be; the message says what to do.
    """
    if config.predictions.pred_probs is not None:
        raise ConfigError("audit impact trains models of its own, found --pred-probs; leave it out")
    models.check(config.training.model)
    noise = ConfiguredNoise.of(config)
    dataset = noise.widened(datasets.load(config, listener))
    decisions = None if settings.decisions is None else read_decisions(settings.decisions, dataset)
    path = config.run.out or Path("reports") / f"{default_name(dataset.name, config)}-impact"
    command = config.command("impact", changed(settings))
    with RunFolder.locked(path, "impact") as folder, cluster(settings.cluster) as machines:
        for note in dataset.notes:
            listener.note(note)
        if config.training.jobs is None:
            config = config.with_settings(jobs=machines)
        experiment = Experiment(replace(dataset, notes=()), config, settings, decisions, folder, command)
        tested = experiment.run(listener)
        result = impact_findings.result(tested, dataset, config, settings, command)
        return result, write(folder, result)


class Experiment(NamedTuple):
    """Everything that decides what is trained."""

    dataset: LabeledDataset
    config: Config
    settings: ImpactSettings
    decisions: list[Decision] | None
    folder: RunFolder
    command: str

    def run(self, listener: Listener) -> list[Prediction]:
        """Audit, then train and test every condition on every seed."""
        seeds = range(self.config.run.seed, self.config.run.seed + self.settings.seeds)
        groups = find_duplicates(self.dataset.X).groups
        drawn = [self._held_out(groups, seed) for seed in seeds]
        planned_rounds = schedule.make_schedule(self.config.training, self.dataset.X)
        *hear_audits, hear_models = parts(listener, self._weights(planned_rounds, len(drawn[0].train)))
        plain = replace(self.config, noise=NoiseSettings(noise=0.0), noise_options=NoiseOptions())
        audited = self._audited(self._audit(self.dataset, plain, "as-came", hear_audits[0]))
        planned: list[tuple[int, Condition, Parts, Trial]] = []
        for seed, held_out, heard in zip(seeds, drawn, hear_audits[1:], strict=True):
            config = self.config.with_settings(seed=seed)
            record = self._audit(_part(self.dataset, held_out.train), config, f"s{seed}", heard)
            if audited.apart[held_out.test].all():
                raise DataError(
                    f"all {len(held_out.test):,} held-out rows of seed {seed} are suspects, expected "
                    "some to test on; raise --test-size"
                )
            rng = np.random.default_rng(Seeds.of(seed).bootstrap)
            planned += [
                (seed, each, held_out, self._trial(config, held_out, each))
                for each in self._conditions(record, held_out.train, rng)
            ]
        training = self.config.training
        build = models.builder(training.model, self.dataset)
        fitting = Fitting(build, training.device, balance=training.balance)
        outcomes = trials.run_trials(
            [trial for *_, trial in planned],
            self.dataset.X,
            TrialModels(fitting, planned_rounds.recipe, len(self.dataset.class_names)),
            folder=self.folder,
            jobs=training.jobs,
            listener=hear_models,
        )
        return [
            Prediction(
                seed=seed,
                condition=each.name,
                rows=len(each.rows),
                wrong=int((each.labels != each.true).sum()) if self.config.noise.noise != 0 else None,
                predicted=outcome.predicted,
                labels=self.dataset.labels[held_out.test],
                audited=audited.labels[held_out.test],
                apart=audited.apart[held_out.test],
                losses=outcome.losses,
                seconds=outcome.seconds,
            )
            for (seed, each, held_out, _), outcome in zip(planned, outcomes, strict=True)
        ]

    def _held_out(self, groups: Rows, seed: int) -> Parts:
        settings, rng = self.settings, np.random.default_rng(Seeds.of(seed).folds)
        return hold_out(self.dataset.labels, groups, settings.test_size, settings.train_size, rng)

    def _weights(self, planned: schedule.Schedule, trained: int) -> dict[str, float]:
        """How much work each audit is, and all models at the end are: rows times epochs."""
        audit = (self.config.training.folds - 1) * sum(each.cost for each in planned.rounds())
        models = self.settings.seeds * MOST_CONDITIONS * planned.rounds()[-1].cost
        return {
            "audit of all rows": audit * len(self.dataset.labels),
            **{
                f"audit {number + 1} of {self.settings.seeds}": audit * trained
                for number in range(self.settings.seeds)
            },
            "conditions": models * trained,
        }

    def _audit(self, dataset: LabeledDataset, config: Config, name: str, listener: Listener) -> RunRecord:
        """An ordinary run in a folder of its own."""
        noise = ConfiguredNoise.of(config)
        request = AuditRequest(dataset, config, noise, config.training.model, self.command)
        return audit_into(self.folder.path / "audits" / name, request, listener, StepTimer(listener))

    def _audited(self, came: RunRecord) -> Audited:
        labels, apart = self.dataset.labels.copy(), came.suspects.is_issue.copy()
        for each in self.decisions or ():
            apart[each.row] = each.action in ("ambiguous", "drop")
            labels[each.row] = labels[each.row] if each.label is None else each.label
        return Audited(labels, apart)

    def _conditions(self, record: RunRecord, train: Rows, rng: np.random.Generator) -> list[Condition]:
        """The training part as given, cleaned in every way, and true where labels were changed."""
        noisy = self.config.noise.noise != 0
        given, true = record.labels.noisy, record.labels.original
        found = record.issues if noisy else record.suspects
        all_rows, kept = np.arange(len(given)), np.flatnonzero(~found.is_issue)
        if not len(kept):
            raise DataError(
                f"all {len(given):,} training rows are suspects, expected some to be left when they are "
                "dropped; use less noise, more rows or another --detector"
            )
        at_random = np.sort(rng.choice(all_rows, len(kept), replace=False))
        conditions = [
            ("given", all_rows, given),
            ("suspects dropped", kept, given[kept]),
            ("suspects relabelled", all_rows, np.where(found.is_issue, found.suggested, given)),
            ("random rows dropped", at_random, given[at_random]),
        ]
        if self.decisions is not None:
            rows, labels = _decided(self.decisions, train, given)
            conditions.append(("a person's decisions", rows, labels))
        if noisy:
            conditions.append(("true", all_rows, true))
        return [Condition(name, rows, labels, true[rows]) for name, rows, labels in conditions]

    def _trial(self, config: Config, parts: Parts, condition: Condition) -> Trial:
        decides = {
            **config.deciding("model"),
            "train": _digest(parts.train[condition.rows]),
            "labels": _digest(condition.labels),
            "test": _digest(parts.test),
        }
        return Trial(
            key=Stage("model", decides, self.dataset.fingerprint, version=2).key,
            train=parts.train[condition.rows],
            labels=condition.labels,
            test=parts.test,
            seed=int(Seeds.of(config.run.seed).models.generate_state(1)[0]),
        )


def _part(dataset: LabeledDataset, rows: Rows) -> LabeledDataset:
    """Some rows of a data set as one of their own."""
    return replace(
        dataset,
        X=dataset.X[rows],
        labels=dataset.labels[rows],
        ids=dataset.ids[rows],
        rows=dataset.rows[rows],
        fingerprint=hashlib.sha256(f"{dataset.fingerprint} {_digest(rows)}".encode()).hexdigest(),
        unlabelled=None,
        part=None if dataset.part is None else dataset.part[rows],
    )


def _decided(decisions: Sequence[Decision], train: Rows, given: Labels) -> tuple[Rows, Labels]:
    """The training rows that a person's decisions leave, with their labels."""
    place = {int(row): number for number, row in enumerate(train)}
    labels, keep = given.copy(), np.ones(len(given), dtype=bool)
    for each in decisions:
        number = place.get(each.row)
        if number is None:
            continue
        keep[number] = each.action not in ("ambiguous", "drop")
        labels[number] = labels[number] if each.label is None else each.label
    rows = np.flatnonzero(keep)
    return rows, labels[rows]


def _digest(values: npt.NDArray[np.int64]) -> str:
    return hashlib.sha256(np.ascontiguousarray(values, dtype=np.int64).tobytes()).hexdigest()

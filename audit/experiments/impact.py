"""Measure what cleaning wins back: train on noisy, cleaned and true labels, and test on the same rows."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from audit import datasets
from audit.datasets.duplicates import find_duplicates
from audit.datasets.subsets import subset
from audit.datasets.unchanged import in_memory
from audit.errors import ConfigError, DataError
from audit.events import Listener, StepTimer, parts
from audit.experiments import impact_result, trials
from audit.experiments.holdout import Holdout, hold_out
from audit.experiments.impact_conditions import (
    MOST_CONDITIONS,
    AuditedLabels,
    Condition,
    audited_labels,
    conditions_of,
    digest,
    follow_decisions,
)
from audit.experiments.impact_scores import Prediction
from audit.experiments.results import Result, non_default, write
from audit.experiments.reviewed_rows import ReviewedRows, read_reviewed_rows
from audit.experiments.trials import Outcome, Trial, TrialModels
from audit.noise.options import ConfiguredNoise
from audit.pipeline import model_choice
from audit.pipeline.detect import audit_into
from audit.pipeline.request import AuditRequest
from audit.runs.folder import RunFolder, RunRecord
from audit.runs.stages import Stage
from audit.settings.detect import Config, default_name
from audit.settings.experiments import ImpactSettings
from audit.settings.noise import NoiseOptions, NoiseSettings
from audit.training import models, schedule
from audit.training.backends.dask import cluster
from audit.training.cross_validation import Fitting
from audit.types import Groups, LabeledDataset, Seeds


def impact(config: Config, settings: ImpactSettings, listener: Listener) -> tuple[Result, Path]:
    """Measure what cleaning wins back on the data set that the settings name; also returns the page's path.

    For each seed: rows are held out, noise is put into the training part alone, that part is audited blind,
    and models are trained on its labels as given, cleaned in several ways, and true. The held-out rows keep
    their original labels; an audit of all rows without noise says which of them are suspects.

    Raises
    ------
    AuditError
        When the settings or the data cannot be; the message says what to do.
    """
    if config.predictions.pred_probs is not None:
        raise ConfigError("audit impact trains models of its own, found --pred-probs; leave it out")
    models.check(config.training.model)
    noise = ConfiguredNoise.of(config)
    dataset = noise.widened(in_memory(datasets.load(config, listener)))
    reviewed = None
    if settings.decisions is not None:
        reviewed = read_reviewed_rows(settings.decisions, dataset)
    path = config.run.out or Path("reports") / f"{default_name(dataset.name, config)}-impact"
    command = config.command("impact", non_default(settings))
    with RunFolder.locked(path, "impact") as folder, cluster(config.training.cluster) as machines:
        for note in (*dataset.notes, *dataset.cautions):
            listener.note(note)
        config = model_choice.resolved(config, dataset, listener)
        config = config.with_settings(jobs=config.training.jobs or machines, cluster=None)
        experiment = Experiment(
            replace(dataset, notes=(), cautions=()), config, settings, reviewed, folder, command
        )
        tested = experiment.run(listener)
        result = impact_result.result(tested, dataset, config, settings, command)
        return result, write(folder, result)


class PlannedTrial(NamedTuple):
    """A model to be trained, and what it is for."""

    seed: int
    held_out: Holdout
    condition: Condition
    trial: Trial


class Experiment(NamedTuple):
    """Everything that decides what is trained."""

    dataset: LabeledDataset
    config: Config
    settings: ImpactSettings
    reviewed: ReviewedRows | None
    folder: RunFolder
    command: str

    def run(self, listener: Listener) -> list[Prediction]:
        """Audit, then train and test every condition on every seed."""
        training = self.config.training
        first_seed = self.config.run.seed
        seeds = range(first_seed, first_seed + self.settings.seeds)
        groups = find_duplicates(self.dataset.content).joined(self.dataset.groups)
        held_out = {seed: self._hold_out(groups, seed) for seed in seeds}
        planned_rounds = schedule.make_schedule(training, self.dataset.content)
        costs = self._costs(planned_rounds, len(held_out[first_seed].train))
        *audit_listeners, model_listener = parts(listener, costs)
        audited = self._audit_all_rows(audit_listeners[0])
        planned: list[PlannedTrial] = []
        for seed, audit_listener in zip(seeds, audit_listeners[1:], strict=True):
            planned += self._plan_seed(seed, held_out[seed], audited, audit_listener)
        build = models.builder(training.model, self.dataset)
        fitting = Fitting(build, training.device, balance=training.balance)
        outcomes = trials.run_trials(
            [each.trial for each in planned],
            self.dataset.content,
            TrialModels(fitting, planned_rounds.recipe, len(self.dataset.class_names)),
            folder=self.folder,
            jobs=training.jobs,
            listener=model_listener,
        )
        return [
            self._prediction(each, outcome, audited) for each, outcome in zip(planned, outcomes, strict=True)
        ]

    @property
    def _with_noise(self) -> bool:
        """Whether labels are changed, so that the original ones are the truth."""
        return self.config.noise.noise != 0

    def _hold_out(self, groups: Groups, seed: int) -> Holdout:
        rng = np.random.default_rng(Seeds.of(seed).folds)
        return hold_out(
            self.dataset.labels,
            groups,
            self.settings.test_size,
            self.settings.train_size,
            rng,
            whole_groups=self.dataset.groups is not None,
        )

    def _costs(self, planned_rounds: schedule.Schedule, train_rows: int) -> dict[str, float]:
        """The work of each audit, and of all conditions together: rows times epochs."""
        rounds = planned_rounds.rounds()
        audit_epochs = (self.config.training.folds - 1) * sum(each.cost for each in rounds)
        model_epochs = self.settings.seeds * MOST_CONDITIONS * rounds[-1].cost
        costs = {"audit of all rows": audit_epochs * len(self.dataset.labels)}
        for number in range(1, self.settings.seeds + 1):
            costs[f"audit {number} of {self.settings.seeds}"] = audit_epochs * train_rows
        costs["conditions"] = model_epochs * train_rows
        return costs

    def _audit_all_rows(self, listener: Listener) -> AuditedLabels:
        """Audit all rows without noise."""
        plain = replace(self.config, noise=NoiseSettings(noise=0.0), noise_options=NoiseOptions())
        record = self._audit(self.dataset, plain, "as-came", listener)
        return audited_labels(record, self.dataset.labels, self.reviewed)

    def _audit(self, dataset: LabeledDataset, config: Config, name: str, listener: Listener) -> RunRecord:
        """Make an ordinary run in a folder of its own."""
        noise = ConfiguredNoise.of(config)
        request = AuditRequest(dataset, config, noise, config.training.model, self.command)
        return audit_into(self.folder.path / "audits" / name, request, listener, StepTimer(listener))

    def _plan_seed(
        self, seed: int, held_out: Holdout, audited: AuditedLabels, listener: Listener
    ) -> list[PlannedTrial]:
        """Audit the training part of a seed and plan a model for each condition."""
        config = self.config.with_settings(seed=seed)
        train = held_out.train
        record = self._audit(subset(self.dataset, train), config, f"s{seed}", listener)
        if audited.apart[held_out.test].all():
            raise DataError(
                f"all {len(held_out.test):,} held-out rows of seed {seed} are suspects, expected "
                "some to test on; raise --test-size"
            )
        reviewed_training = None
        if self.reviewed is not None:
            reviewed_training = follow_decisions(self.reviewed, record, train, self.dataset)
        conditions = conditions_of(
            record,
            with_noise=self._with_noise,
            reviewed_training=reviewed_training,
            rng=np.random.default_rng(Seeds.of(seed).bootstrap),
        )
        return [
            PlannedTrial(seed, held_out, condition, self._trial(config, held_out, condition))
            for condition in conditions
        ]

    def _trial(self, config: Config, held_out: Holdout, condition: Condition) -> Trial:
        train = held_out.train[condition.rows]
        decides = {
            **config.deciding("model"),
            "train": digest(train),
            "labels": digest(condition.labels),
            "test": digest(held_out.test),
        }
        return Trial(
            key=Stage("model", decides, self.dataset.fingerprint, version=3).key,
            train=train,
            labels=condition.labels,
            test=held_out.test,
            seed=int(Seeds.of(config.run.seed).models.generate_state(1)[0]),
        )

    def _prediction(self, planned: PlannedTrial, outcome: Outcome, audited: AuditedLabels) -> Prediction:
        condition = planned.condition
        test = planned.held_out.test
        return Prediction(
            seed=planned.seed,
            condition=condition.name,
            rows=len(condition.rows),
            wrong=condition.wrong if self._with_noise else None,
            predicted=outcome.predicted,
            labels=self.dataset.labels[test],
            audited=audited.labels[test],
            apart=audited.apart[test],
            losses=outcome.losses,
            seconds=outcome.seconds,
        )

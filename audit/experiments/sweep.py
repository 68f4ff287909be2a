"""What label noise costs a model: trained on noisy labels, tested against the true and the noisy ones.

After «Training Neural Networks with Noisy Labels» (DragonDuck, LearningWithNoisyLabels), which trains one
model on and on while the noise rises; here every cell has a model of its own, unless asked otherwise.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from audit import datasets
from audit.datasets.duplicates import find_duplicates
from audit.errors import ConfigError
from audit.events import Listener
from audit.experiments import detection, sweep_findings, trials
from audit.experiments.holdout import hold_out
from audit.experiments.results import Result, changed, kind_of, write
from audit.experiments.trials import Outcome, Trial, TrialModels
from audit.noise.options import ConfiguredNoise, names_in
from audit.noise.rates import rates_in
from audit.runs.folder import RunFolder
from audit.runs.stages import Stage
from audit.settings.detect import Config, safe_name
from audit.settings.experiments import SweepSettings
from audit.settings.fields import deciding
from audit.settings.noise import has_rate
from audit.training import models, schedule
from audit.training.backends.dask import cluster
from audit.training.cross_validation import Fitting
from audit.types import LabeledDataset, Labels, Rows, Seeds

PROBE_ROWS = 5120
START_SECONDS = 8.0  # of starting workers and importing the model's library in each


class Cell(NamedTuple):
    """One kind of noise at one rate on one seed: noisy labels and the part that is held out."""

    kind: str
    rate: float
    seed: int
    given: Labels  # (n,)
    trial: Trial  # that trains on it


class Sweep(NamedTuple):
    """Everything that is to be trained."""

    dataset: LabeledDataset
    models: TrialModels
    cells: list[Cell]


def sweep(config: Config, settings: SweepSettings, listener: Listener) -> tuple[Result, Path]:
    """Sweep the noise over the data set that the settings name; returns what was found and the page's path.

    Raises
    ------
    AuditError
        When the settings or the data cannot be; the message says what to do.
    """
    grid = grid_of(config, settings, listener)
    dataset = datasets.load(config, listener)
    path = config.run.out or Path("reports") / _name(dataset.name, settings)
    with RunFolder.locked(path, kind_of(settings.what)) as folder, cluster(settings.cluster) as machines:
        for note in dataset.notes:
            listener.note(note)
        jobs = machines if config.training.jobs is None else config.training.jobs
        command = config.command(
            "sweep", {"noise": settings.noise, "noise_kind": settings.noise_kind, **changed(settings)}
        )
        if settings.what == "detection":
            result = detection.sweep(
                dataset, [each.with_settings(jobs=jobs) for each in grid], folder, command, listener
            )
        else:
            planned = _planned(dataset, grid, settings, listener)
            outcomes = trials.run_trials(
                [cell.trial for cell in planned.cells],
                planned.dataset.X,
                planned.models,
                folder=folder,
                jobs=jobs,
                listener=listener,
            )
            result = _result(planned, outcomes, config, settings, command)
        return result, write(folder, result)


def dry_run(config: Config, settings: SweepSettings, listener: Listener) -> dict[str, Any]:
    """What a sweep would be made of and cost, from training one of its models for a moment."""
    grid = grid_of(config, settings, listener)
    dataset = datasets.load(config, listener)
    facts = {
        "data": dataset.name,
        "rates": sorted({float(each.noise.noise or 0) for each in grid}),
        "kinds": list(dict.fromkeys(each.noise.noise_kind for each in grid)),
        "seeds": settings.seeds,
        "cells": len(grid),
    }
    if settings.what == "detection":
        return {**facts, "seconds": detection.seconds(dataset, grid)}
    planned = _planned(dataset, grid, settings, listener)
    first = planned.cells[0].trial
    each = trials.seconds_of(first, dataset.X, planned.models, most_rows=PROBE_ROWS)
    chains = {(cell.kind, cell.seed) for cell in planned.cells}
    at_once = len(chains if settings.continue_model else planned.cells)
    rows = {"train": len(first.train), "test": len(first.test)}
    total = START_SECONDS + each * len(planned.cells) / min(config.training.jobs or trials.cores(), at_once)
    return {**facts, **rows, "seconds_each": round(each, 1), "seconds": round(total)}


def grid_of(config: Config, settings: SweepSettings, listener: Listener) -> list[Config]:
    """The settings of every cell, rates rising within a seed, seeds within a kind.

    Raises
    ------
    ConfigError
        When there are no such rates or kinds; the message says what to do.
    """
    rates, notes = rates_in(settings.noise)
    for note in notes:
        listener.note(note)
    models.check(config.training.model)
    grid = []
    for kind in dict.fromkeys(names_in(settings.noise_kind)):
        if not has_rate(kind):
            raise ConfigError(
                "--noise-kind matrix has no rate to sweep, expected kinds with one; leave it out"
            )
        for seed in range(config.run.seed, config.run.seed + settings.seeds):
            grid += [config.with_settings(noise=rate, noise_kind=kind, seed=seed) for rate in rates]
        ConfiguredNoise.of(grid[-1])
    if not grid:
        raise ConfigError(
            "--noise-kind names no kind, expected one or more with commas, such as symmetric,pair"
        )
    return grid


def _planned(
    dataset: LabeledDataset, grid: Sequence[Config], settings: SweepSettings, listener: Listener
) -> Sweep:
    """The cells with their noisy labels and the models to be trained on them."""
    config = grid[0]
    dataset = ConfiguredNoise.of(config).widened(dataset)
    groups = find_duplicates(dataset.X).groups
    training = config.training
    build = models.builder(training.model, dataset)
    trial_models = TrialModels(
        Fitting(build, training.device, balance=training.balance),
        schedule.make_schedule(training, dataset.X).recipe,
        len(dataset.class_names),
    )
    if settings.continue_model and models.choose(config.training.model, dataset) != "cnn":
        raise ConfigError(
            "--continue-model trains the network on and on, expected --model cnn and images, found "
            f"{models.choose(config.training.model, dataset)}; leave it out"
        )
    cells: list[Cell] = []
    for number, each in enumerate(grid):
        listener.training("noise", [float(i < number) for i in range(len(grid))], 0.0)
        goes_on = cells and (cells[-1].kind, cells[-1].seed) == (each.noise.noise_kind, each.run.seed)
        before = cells[-1].trial if settings.continue_model and goes_on else None
        cells.append(_cell(dataset, groups, each, settings, before))
    return Sweep(dataset, trial_models, cells)


def _cell(
    dataset: LabeledDataset, groups: Rows, config: Config, settings: SweepSettings, before: Trial | None
) -> Cell:
    """The noisy labels of these settings and the trial on them, which may go on from another."""
    seeds = Seeds.of(config.run.seed)
    parts = hold_out(
        dataset.labels, groups, settings.test_size, settings.train_size, np.random.default_rng(seeds.folds)
    )
    noise = ConfiguredNoise.of(config)
    _, labels = noise.inject_into(dataset, np.random.default_rng(seeds.noise))
    decides = {**noise.key_settings(config), **config.deciding("model"), **deciding("model", settings)}
    trial = Trial(
        key=Stage("model", decides, before.key if before else dataset.fingerprint, version=2).key,
        train=parts.train,
        labels=labels.noisy[parts.train],
        test=parts.test,
        seed=int(seeds.models.generate_state(1)[0]),
        before=before.key if before else None,
        keeps_weights=settings.continue_model,
    )
    return Cell(config.noise.noise_kind, float(config.noise.noise or 0), config.run.seed, labels.noisy, trial)


def _result(
    planned: Sweep, outcomes: Sequence[Outcome], config: Config, settings: SweepSettings, command: str
) -> Result:
    table = pd.DataFrame([_row(planned, *each) for each in zip(planned.cells, outcomes, strict=True)])
    first = planned.cells[0].trial
    facts = (
        ("Command", command),
        ("Data", f"{planned.dataset.name}, fingerprint {planned.dataset.fingerprint[:12]}"),
        (
            "Rows",
            f"{len(first.train):,} to train on and {len(first.test):,} held out, drawn anew for each seed",
        ),
        ("Model", _model(planned, config, outcomes)),
        (
            "Trained",
            f"{len(outcomes)} models for {sum(o.seconds for o in outcomes):,.0f} s in all, one thread each",
        ),
    )
    return sweep_findings.result(table, planned.dataset.name, settings, facts)


def _row(planned: Sweep, cell: Cell, outcome: Outcome) -> dict[str, Any]:
    """A line of sweep.csv."""
    from sklearn.metrics import accuracy_score, f1_score  # noqa: PLC0415  slow to import

    test, predicted = cell.trial.test, outcome.predicted
    row: dict[str, Any] = {
        "kind": cell.kind,
        "rate": cell.rate,
        "realised": float((cell.given != planned.dataset.labels).mean()),
        "seed": cell.seed,
    }
    sides = {"True": planned.dataset.labels[test], "Scrambled": cell.given[test]}
    for average, name in (("weighted", "F1"), ("macro", "MacroF1")):
        for side, labels in sides.items():
            row[f"{side}{name}"] = float(f1_score(labels, predicted, average=average, zero_division=0.0))
    for side, labels in sides.items():
        row[f"{side}Accuracy"] = float(accuracy_score(labels, predicted))
    return row | {"losses": json.dumps([round(loss, 6) for loss in outcome.losses])}


def _model(planned: Sweep, config: Config, outcomes: Sequence[Outcome]) -> str:
    name = models.choose(config.training.model, planned.dataset)
    epochs = sorted({len(outcome.losses) for outcome in outcomes} - {0})
    trained = f", {' or '.join(map(str, epochs))} epochs" if epochs else ""
    preset = config.training.preset
    return f"{name}{trained}, preset {preset}, on {', '.join(sorted({o.device for o in outcomes}))}"


def _name(data: str, settings: SweepSettings) -> str:
    parts = [data, "sweep", *(["detection"] if settings.what == "detection" else [])]
    parts += names_in(settings.noise_kind)
    return safe_name("-".join([*parts, *(["continued"] if settings.continue_model else [])]))

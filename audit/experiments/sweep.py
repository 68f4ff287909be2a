"""Measure what label noise costs a model: train on noisy labels, test against the true and the noisy ones.

After "Training Neural Networks with Noisy Labels" (DragonDuck, LearningWithNoisyLabels), which keeps training
one model while the noise rises; here every cell has a model of its own, unless asked otherwise.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from audit import datasets
from audit.datasets.duplicates import find_duplicates
from audit.datasets.unchanged import in_memory
from audit.errors import ConfigError
from audit.events import Listener
from audit.experiments import sweep_detection, sweep_result, trials
from audit.experiments.holdout import hold_out
from audit.experiments.results import Result, kind_of, non_default, write
from audit.experiments.trials import Outcome, Trial, TrialModels
from audit.noise.options import ConfiguredNoise, names_in
from audit.noise.rates import rates_in
from audit.pipeline import model_choice
from audit.runs.folder import RunFolder
from audit.runs.stages import Stage
from audit.settings.detect import Config, safe_name
from audit.settings.experiments import SweepSettings
from audit.settings.fields import deciding
from audit.settings.noise import has_rate
from audit.training import models, schedule
from audit.training.backends.dask import cluster
from audit.training.cross_validation import Fitting
from audit.types import Groups, LabeledDataset, Labels, Seeds

PROBE_ROWS = 5120
START_SECONDS = 8.0  # of starting workers and importing the model's library in each


class NoiseCell(NamedTuple):
    """One kind of noise at one rate on one seed, and the model that is trained on it."""

    kind: str
    rate: float
    seed: int
    noisy: Labels  # (n,)
    trial: Trial


class PlannedSweep(NamedTuple):
    """Everything that is to be trained."""

    dataset: LabeledDataset
    models: TrialModels
    cells: list[NoiseCell]


def sweep(config: Config, settings: SweepSettings, listener: Listener) -> tuple[Result, Path]:
    """Sweep the noise over the data set that the settings name; also returns the page's path.

    Raises
    ------
    AuditError
        When the settings or the data cannot be; the message says what to do.
    """
    grid = grid_of(config, settings, listener)
    dataset = in_memory(datasets.load(config, listener))
    path = config.run.out or Path("reports") / _folder_name(dataset.name, settings)
    command = config.command(
        "sweep", {"noise": settings.noise, "noise_kind": settings.noise_kind, **non_default(settings)}
    )
    kind = kind_of(settings.what)
    with RunFolder.locked(path, kind) as folder, cluster(config.training.cluster) as machines:
        for note in (*dataset.notes, *dataset.cautions):
            listener.note(note)
        jobs = config.training.jobs or machines
        if settings.what == "detection":
            grid = [cell.with_settings(jobs=jobs, cluster=None) for cell in grid]
            result = sweep_detection.sweep(dataset, grid, folder, command, listener)
        else:
            config = model_choice.resolved(config, dataset, listener)
            grid = [cell.with_settings(model=config.training.model) for cell in grid]
            planned = _plan(dataset, grid, settings, listener)
            outcomes = trials.run_trials(
                [cell.trial for cell in planned.cells],
                planned.dataset.content,
                planned.models,
                folder=folder,
                jobs=jobs,
                listener=listener,
            )
            result = _result(planned, outcomes, config, settings, command)
        return result, write(folder, result)


def dry_run(config: Config, settings: SweepSettings, listener: Listener) -> dict[str, Any]:
    """Count the cells of a sweep and estimate its seconds, from training one of its models for a moment."""
    grid = grid_of(config, settings, listener)
    dataset = in_memory(datasets.load(config, listener))
    facts = {
        "data": dataset.name,
        "rates": sorted({_rate(cell) for cell in grid}),
        "kinds": list(dict.fromkeys(cell.noise.noise_kind for cell in grid)),
        "seeds": settings.seeds,
        "cells": len(grid),
    }
    if settings.what == "detection":
        return {**facts, "seconds": sweep_detection.seconds(dataset, grid)}
    config = model_choice.resolved(config, dataset, listener)
    grid = [cell.with_settings(model=config.training.model) for cell in grid]
    planned = _plan(dataset, grid, settings, listener)
    first = planned.cells[0].trial
    seconds_each = trials.seconds_of(first, dataset.content, planned.models, most_rows=PROBE_ROWS)
    independent = len(planned.cells)
    if settings.continue_model:
        independent = len({(cell.kind, cell.seed) for cell in planned.cells})
    workers = min(config.training.jobs or trials.cores(), independent)
    return {
        **facts,
        "train": len(first.train),
        "test": len(first.test),
        "seconds_each": round(seconds_each, 1),
        "seconds": round(START_SECONDS + seconds_each * len(planned.cells) / workers),
    }


def grid_of(config: Config, settings: SweepSettings, listener: Listener) -> list[Config]:
    """List the settings of every cell: rates rising within a seed, seeds within a kind.

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
                "--noise-kind matrix has no rate to sweep, expected kinds that have one; leave it out"
            )
        for seed in range(config.run.seed, config.run.seed + settings.seeds):
            grid += [config.with_settings(noise=rate, noise_kind=kind, seed=seed) for rate in rates]
        ConfiguredNoise.of(grid[-1])
    if not grid:
        raise ConfigError(
            "--noise-kind names no kind, expected one or more separated by commas, such as symmetric,pair"
        )
    return grid


def _rate(config: Config) -> float:
    """The noise rate of a cell; the kinds of a sweep all have one."""
    assert config.noise.noise is not None
    return float(config.noise.noise)


def _plan(
    dataset: LabeledDataset, grid: Sequence[Config], settings: SweepSettings, listener: Listener
) -> PlannedSweep:
    """Draw the noisy labels of every cell and plan the models to be trained on them."""
    training = grid[0].training
    dataset = ConfiguredNoise.of(grid[0]).widened(dataset)
    model = training.model
    if settings.continue_model and model != "cnn":
        raise ConfigError(
            "--continue-model keeps training one network, expected --model cnn and images, found "
            f"{model}; leave it out"
        )
    groups = find_duplicates(dataset.content).joined(dataset.groups)
    build = models.builder(training.model, dataset)
    trial_models = TrialModels(
        Fitting(build, training.device, balance=training.balance),
        schedule.make_schedule(training, dataset.content).recipe,
        len(dataset.class_names),
    )
    cells: list[NoiseCell] = []
    for number, config in enumerate(grid):
        listener.training("noise", [float(i < number) for i in range(len(grid))], 0.0)
        before = None
        if settings.continue_model and cells:
            last = cells[-1]
            if (last.kind, last.seed) == (config.noise.noise_kind, config.run.seed):
                before = last.trial.key
        cells.append(_cell(dataset, groups, config, settings, before))
    return PlannedSweep(dataset, trial_models, cells)


def _cell(
    dataset: LabeledDataset, groups: Groups, config: Config, settings: SweepSettings, before: str | None
) -> NoiseCell:
    """Draw the noisy labels of these settings and plan the trial on them, which may continue one before."""
    seeds = Seeds.of(config.run.seed)
    held_out = hold_out(
        dataset.labels,
        groups,
        settings.test_size,
        settings.train_size,
        np.random.default_rng(seeds.folds),
        whole_groups=dataset.groups is not None,
    )
    noise = ConfiguredNoise.of(config)
    _, labels = noise.inject_into(dataset, np.random.default_rng(seeds.noise))
    decides = {**noise.key_settings(config), **config.deciding("model"), **deciding("model", settings)}
    trial = Trial(
        key=Stage("model", decides, before or dataset.fingerprint, version=3).key,
        train=held_out.train,
        labels=labels.noisy[held_out.train],
        test=held_out.test,
        seed=int(seeds.models.generate_state(1)[0]),
        before=before,
        keeps_weights=settings.continue_model,
    )
    return NoiseCell(config.noise.noise_kind, _rate(config), config.run.seed, labels.noisy, trial)


def _result(
    planned: PlannedSweep,
    outcomes: Sequence[Outcome],
    config: Config,
    settings: SweepSettings,
    command: str,
) -> Result:
    dataset = planned.dataset
    table = pd.DataFrame(
        [_row(dataset, cell, outcome) for cell, outcome in zip(planned.cells, outcomes, strict=True)]
    )
    first = planned.cells[0].trial
    seconds = sum(outcome.seconds for outcome in outcomes)
    facts = (
        ("Command", command),
        ("Data", f"{dataset.name}, fingerprint {dataset.fingerprint[:12]}"),
        (
            "Rows",
            f"{len(first.train):,} to train on and {len(first.test):,} held out, drawn anew for each seed",
        ),
        ("Model", _model(config, outcomes)),
        ("Trained", f"{len(outcomes)} models for {seconds:,.0f} s in all, one thread each"),
    )
    shares = np.bincount(dataset.labels) / len(dataset.labels)
    return sweep_result.result(table, dataset.name, settings, facts, float((shares**2).sum()))


def _row(dataset: LabeledDataset, cell: NoiseCell, outcome: Outcome) -> dict[str, Any]:
    """A line of sweep.csv."""
    from sklearn.metrics import accuracy_score, f1_score  # noqa: PLC0415  slow to import

    test = cell.trial.test
    predicted = outcome.predicted
    row: dict[str, Any] = {
        "kind": cell.kind,
        "rate": cell.rate,
        "realised": float((cell.noisy != dataset.labels).mean()),
        "seed": cell.seed,
    }
    sides = {"True": dataset.labels[test], "Scrambled": cell.noisy[test]}
    for average, name in (("weighted", "F1"), ("macro", "MacroF1")):
        for side, labels in sides.items():
            row[f"{side}{name}"] = float(f1_score(labels, predicted, average=average, zero_division=0.0))
    for side, labels in sides.items():
        row[f"{side}Accuracy"] = float(accuracy_score(labels, predicted))
    row["losses"] = json.dumps([round(loss, 6) for loss in outcome.losses])
    return row


def _model(config: Config, outcomes: Sequence[Outcome]) -> str:
    """The model, its epochs where it counts them, the preset and the devices."""
    text = config.training.model
    epochs = sorted({len(outcome.losses) for outcome in outcomes} - {0})
    if epochs:
        text += f", {' or '.join(map(str, epochs))} epochs"
    devices = sorted({outcome.device for outcome in outcomes})
    return f"{text}, preset {config.training.preset}, on {', '.join(devices)}"


def _folder_name(data: str, settings: SweepSettings) -> str:
    parts = [data, "sweep"]
    if settings.what == "detection":
        parts.append("detection")
    parts += names_in(settings.noise_kind)
    if settings.continue_model:
        parts.append("continued")
    return safe_name("-".join(parts))

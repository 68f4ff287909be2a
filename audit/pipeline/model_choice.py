"""Which built-in model reads the data best: measured on one fold of a sample."""

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from audit.datasets.duplicates import duplicates_of
from audit.datasets.subsets import subset
from audit.errors import AuditError
from audit.events import Listener
from audit.settings.detect import Config
from audit.settings.training import TrainingSettings
from audit.training import models
from audit.training.folds import copies_of_class, spread_copies
from audit.training.model import fit
from audit.training.schedule import make_schedule
from audit.types import (
    Floats,
    Groups,
    LabeledDataset,
    Labels,
    Probs,
    Rows,
    Seeds,
    Training,
    children,
    evenly_spaced,
)

MOST_ROWS = 5000  # of the sample: enough that their mean log-likelihood has a standard error of some .02
LEAST_PROB = 1e-6
SHARPNESS = (-3.0, 3.0)  # logarithms of the least and the greatest power that probabilities are raised to
SURELY = 2.0  # standard errors by which a model has to beat the first one, which is the simplest


@dataclass(frozen=True, eq=False)
class ModelChoice:
    """A model, and the data set in the form that it reads."""

    model: Any  # a name in models.BUILDERS, or what the user gave
    dataset: LabeledDataset
    note: str = ""  # what was measured; empty where there was nothing to compare


@dataclass(frozen=True, eq=False)
class _Candidate:
    """How likely a model makes the given labels of the held-out rows."""

    name: str
    log_likelihoods: Floats  # (m,)


def compares(model: Any, dataset: LabeledDataset) -> bool:
    """Whether there is more than one model to choose from."""
    return isinstance(model, str) and model == "auto" and len(models.candidates(dataset)) > 1


def choose(
    model: Any,
    dataset: LabeledDataset,
    labels: Labels,
    settings: TrainingSettings,
    seed: np.random.SeedSequence,
    listener: Listener,
) -> ModelChoice:
    """Choose the model that `auto` stands for; any other stays as it is.

    A sample is divided into one held-out fold and the rows to train on, so that no group and no duplicate is
    in both; of data in order the latest rows are held out. The first of the models that can be trained on
    it is taken unless another one makes the held-out given labels surely likelier. Probabilities are scaled
    by a temperature first (Guo et al. 2017): what uses them later learns how far to trust them anyway.

    Parameters
    ----------
    model
        What the settings or the caller name.
    dataset
        What is audited, with features in place of examples where these are embedded.
    labels
        (n,) to train on; those of the dataset are not read.
    settings
        The folds, the preset and the device.
    seed
        Randomness of the fold and of the models.
    listener
        Receives the choice, with the seconds that it took.
    """
    if not compares(model, dataset):
        return ModelChoice(models.first_choice(model, dataset), dataset)
    names = models.candidates(dataset)
    start = time.perf_counter()
    fold_seed, model_seed = children(seed, 2)
    rows = evenly_spaced(len(labels), MOST_ROWS)
    sample = replace(subset(dataset, rows), labels=labels[rows])
    trained, held_out = _divide(sample, settings.folds, np.random.default_rng(fold_seed))
    tried: list[_Candidate] = []
    for name in names:
        tried += _tried(name, sample, (trained, held_out), settings, model_seed)
    if not tried:
        return ModelChoice(names[0], dataset)
    best = _best(tried)
    note = _note(best, tried, (len(trained), len(held_out)))
    listener.note(f"{note}; comparing took {time.perf_counter() - start:.1f} s")
    return ModelChoice(best.name, _read_by(best.name, dataset), note)


def resolved(config: Config, dataset: LabeledDataset, listener: Listener) -> Config:
    """The settings with the model that `auto` stands for, by the labels of the data set itself."""
    seed = Seeds.of(config.run.seed).model_choice
    chosen = choose(config.training.model, dataset, dataset.labels, config.training, seed, listener)
    return config.with_settings(model=chosen.model)


def _read_by(name: str, dataset: LabeledDataset) -> LabeledDataset:
    """The data set in the form that the model reads: features of examples, or these themselves."""
    return dataset.shown if name in models.OF_EXAMPLES else dataset


def _best(tried: list[_Candidate]) -> _Candidate:
    """The first, or the likeliest of those that beat it by more than chance."""
    first = tried[0]
    better = [each for each in tried[1:] if _gain(each, first)[0] > SURELY * _gain(each, first)[1]]
    return max([first, *better], key=lambda each: float(each.log_likelihoods.mean()))


def _gain(one: _Candidate, other: _Candidate) -> tuple[float, float]:
    """How much likelier one makes a held-out label than the other, on average, and the standard error."""
    gain = one.log_likelihoods - other.log_likelihoods
    return float(gain.mean()), float(gain.std() / np.sqrt(len(gain)))


def _note(best: _Candidate, tried: list[_Candidate], rows: tuple[int, int]) -> str:
    """One line: which model is taken, how likely each makes the held-out labels, and why this one."""
    told = [f"{best.name} {best.log_likelihoods.mean():.3f}"]
    for each in tried:
        if each is not best:
            gain, error = _gain(each, best)
            told.append(f"{each.name} {each.log_likelihoods.mean():.3f} ({gain:+.3f} ± {error:.3f})")
    why = "the likeliest" if best is not tried[0] else "no other is surely likelier"
    return (
        f"--model auto takes {best.name}: mean log-likelihood of {rows[1]:,} held-out labels after training "
        f"on {rows[0]:,} rows: {', '.join(told)}; {why}"
    )


def _divide(sample: LabeledDataset, folds: int, rng: np.random.Generator) -> tuple[Rows, Rows]:
    """Rows to train on, and rows of one fold."""
    groups: Groups = duplicates_of(sample).joined(sample.groups)
    if sample.groups is None:
        for copies in copies_of_class(sample.labels, groups, folds).values():
            groups = spread_copies(groups, np.any(copies, axis=0))
    if sample.order is not None:
        place = sample.order.astype(np.float64)
    else:
        place = rng.permutation(groups.max() + 1)[groups]
    held_out = place >= np.quantile(place, 1 - 1 / folds)
    held_out |= np.isin(groups, groups[held_out])
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def _tried(
    name: str,
    sample: LabeledDataset,
    divided: tuple[Rows, Rows],
    settings: TrainingSettings,
    seed: np.random.SeedSequence,
) -> list[_Candidate]:
    """Train one model and ask it for the held-out rows; empty where it fails."""
    trained, held_out = divided
    dataset = _read_by(name, sample)
    training = Training(
        shape=(len(trained), *dataset.X.shape[1:]),
        k=len(np.unique(sample.labels[trained])),
        seed=int(seed.generate_state(1)[0]),
        recipe=make_schedule(settings, dataset.X).rounds()[0].recipe,
        threads=1,
        device=settings.device,
        watch=lambda _: None,
    )
    given = models.as_read(name, dataset).as_given if name == "text" else None
    try:
        classifier = models.builder(name, dataset)(training)
        labelled = (trained, sample.labels[trained])
        k = len(sample.class_names)
        model = fit(
            classifier,
            dataset.X,
            labelled,
            training=training,
            where="a sample",
            k=k,
            given=given,
            balance=settings.balance,
        )
        probs = model.predict(dataset.X, held_out, given).pred_probs
    except AuditError:
        return []
    return [_Candidate(name, _log_likelihoods(probs, sample.labels[held_out]))]


def _log_likelihoods(pred_probs: Probs, labels: Labels) -> Floats:
    """The logarithm of the probability of each label (m,), at the temperature that suits them best."""
    logs = np.log(np.maximum(pred_probs.astype(np.float64), LEAST_PROB))
    rows = np.arange(len(labels))

    def of_labels(log_sharpness: float) -> Floats:
        scaled: Floats = log_softmax(logs * np.exp(log_sharpness), axis=1)[rows, labels]
        return scaled

    best = minimize_scalar(lambda sharpness: -of_labels(sharpness).mean(), bounds=SHARPNESS, method="bounded")
    return of_labels(float(best.x))

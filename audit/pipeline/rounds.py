"""Several cross-validations in a row: each round trains without the suspects of the round before.

Nothing here knows which labels were changed on purpose; it sees the noisy labels only.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from audit import detectors
from audit.datasets.duplicates import Duplicates, duplicates_of
from audit.datasets.lazy_rows import LAZY_BYTES
from audit.detectors.blocks import threads_limited
from audit.detectors.pred_probs import Ready
from audit.events import Listener, optional
from audit.kinds import step
from audit.pipeline.ahead import import_ahead
from audit.pipeline.held_together import HeldTogether, held_together
from audit.training import mirroring
from audit.training.backends import dask
from audit.training.cross_validation import Fitting, FoldTask, cross_validate, read_shape, workers_for
from audit.training.out_of_sample import average_repeats, combine_folds, failures
from audit.training.schedule import Round, Schedule, may_be_mirrored, progress_span
from audit.types import (
    AsGiven,
    Floats,
    FoldResult,
    Issues,
    LabeledDataset,
    Labels,
    Mask,
    OutOfSample,
    Synthetic,
    children,
)

DUPLICATES = "looking for duplicates"
LEAST_KEPT = 0.05  # share of a class's rows that is trained on however many of them are suspects
# Data of which more than HARD is ambiguous after the first round is trained on longer, in proportion, up to
# MOST_EFFORT times; MNIST has .01 to .07 under the noise kinds of the benchmark, Fashion-MNIST .10.
HARD = 0.03
MOST_EFFORT = 4.0
ENOUGH_ROWS = 10_000  # with fewer, ambiguity reflects too little training data rather than hard rows


class FoldStore(Protocol):
    """Where finished folds are kept, so that a stopped run resumes."""

    def load_folds(self, name: str, folds: int) -> list[FoldResult]:
        """Load the finished folds of the round of that name."""

    def save_fold(self, name: str, result: FoldResult) -> None:
        """Keep one fold of the round of that name."""


@dataclass(frozen=True, eq=False)
class Trained:
    """What all rounds came to."""

    out_of_sample: OutOfSample
    folds: tuple[tuple[str, FoldResult], ...]  # by the name of their round
    kept: int  # rows that the last round was trained on
    duplicates: Duplicates
    notes: tuple[str, ...] = ()
    synthetic: tuple[Synthetic, OutOfSample] | None = None  # rows with known defects, and their predictions
    cautions: tuple[str, ...] = ()  # what may make the score misleading, a line each
    failures: tuple[str, ...] = ()  # why the models tell nothing, a line each
    given_probs: npt.NDArray[np.floating[Any]] | None = None  # (n, k) the user's, in a large mapped file

    @classmethod
    def from_pred_probs(cls, given: Ready, dataset: LabeledDataset, listener: Listener) -> Self:
        """Take the user's own probabilities (n, k) in place of training."""
        n = len(dataset.labels)
        predictions = OutOfSample(given.pred_probs, np.zeros(n, dtype=np.int64))
        duplicates = duplicates_of(dataset, partial(listener.counted, DUPLICATES))
        large = given.values if given.values.nbytes > LAZY_BYTES else None
        return cls(predictions, (), n, duplicates, given.notes, given_probs=large)

    @property
    def judged_probs(self) -> npt.NDArray[np.floating[Any]]:
        """The probabilities (n, k) that detectors read, in a mapped file where they came in one."""
        return self.out_of_sample.pred_probs if self.given_probs is None else self.given_probs


@dataclass(frozen=True, eq=False)
class RoundsTask:
    """What all rounds share: the data, and how to train on it."""

    dataset: LabeledDataset
    labels: Labels  # (n,) to train on; those of the dataset are not read
    schedule: Schedule
    fitting: Fitting
    folds: int
    fold_seeds: np.random.SeedSequence  # randomness of the folds
    model_seeds: np.random.SeedSequence  # randomness of the models
    sample_weights: Floats | None = None  # (n,) how much each row counts
    jobs: int | None = None  # folds trained in parallel; as `cross_validation.workers_for` has it when None
    synthetic_seed: np.random.SeedSequence | None = None  # randomness of the synthetic rows; none when None
    as_given: bool = False  # whether models get the examples as they came


def train_rounds(task: RoundsTask, checkpoints: FoldStore | None, listener: Listener) -> Trained:
    """Cross-validate round by round; the models of each were not trained on suspects of the one before.

    Free of leaks: a row is always predicted by models that were not trained on it, and whether a row is
    trained on is decided by flags from such predictions, so its own label never decides whether the
    model that scores it was trained on it. Rounds share their folds; repeats draw new ones. Where the
    round before finds the examples hard to tell apart, the last one trains longer; of ENOUGH_ROWS images
    suspects that may only be hard stay in then. Where it finds them easy, later epochs may leave out learned
    rows.

    Parameters
    ----------
    task
        What is trained on, and how.
    checkpoints
        Where finished folds are kept; nowhere when None.
    listener
        Receives the progress.
    """
    k = len(task.dataset.class_names)
    rounds = task.schedule.rounds()
    first_last = len(rounds) - task.schedule.n_repeats  # the first of the repeats of the last round
    finished = {each.name: checkpoints.load_folds(each.name, task.folds) for each in rounds if checkpoints}
    with threads_limited(1):  # more threads would wait for those that starting workers keep from running
        duplicates = duplicates_of(task.dataset, partial(listener.counted, DUPLICATES))
    held = held_together(task.dataset, task.labels, duplicates, task.folds)
    for note in (*held.notes, *held.cautions):
        listener.note(note)
    fold_seeds = _fold_seeds(rounds, task.fold_seeds)
    seeds = zip(fold_seeds, children(task.model_seeds, len(rounds)), strict=True)
    tries_mirroring = task.dataset.are_images and may_be_mirrored(rounds)
    synthesizer = step.synthesizer(task.dataset.class_names, task.synthetic_seed, task.folds)
    fold_task = _first_fold_task(task, held, rounds[0], fold_seeds[0])
    effort = 1.0
    easy = False  # so far as a round before has found
    results: list[list[FoldResult]] = []  # of each round
    outcomes: list[OutOfSample] = []
    decisions: list[str] = []
    ahead = import_ahead() if _trains_elsewhere(task) else None
    for index, (fold_seed, model_seed) in enumerate(seeds):
        current = rounds[index].sized(len(task.labels), task.folds, effort)
        if easy and task.schedule.prunes_easy:
            current = current.pruned()
        fold_task = replace(
            fold_task,
            fold_seed=fold_seed,
            recipe=current.recipe,
            train_folds=current.train_folds,
            unlabelled_given=_unlabelled_given(task) if current.last else None,
            synthesizer=synthesizer if index == first_last else None,
            keep_features=current.last and task.synthetic_seed is not None,
            tries_mirroring=tries_mirroring and index == 0,
        )
        span = progress_span(rounds, index, effort)
        recorder = _Recorder(current, span, finished.get(current.name, []), checkpoints, listener)
        results.append(_train_round(task, fold_task, model_seed, recorder))
        if ahead is not None:
            ahead.join()
        outcomes.append(combine_folds(results[-1], len(task.labels), k))
        if not current.last:
            keep, effort = _after_round(task, outcomes[-1])
            easy = effort == 1
            fold_task = replace(fold_task, keep=keep)
        mirror, decision = mirroring.decided(results[-1])
        if mirror:
            rounds = [*rounds[: index + 1], *(each.mirrored() for each in rounds[index + 1 :])]
        if decision:
            listener.note(decision)
            decisions.append(decision)
    probs = average_repeats(outcomes, task.schedule.n_repeats)
    probs, synthetic, missing = _with_features(task, probs, results[first_last])
    missing = [*(line for of_round in results for each in of_round for line in each.missing), *missing]
    named = zip(rounds, results, strict=True)
    return Trained(
        out_of_sample=probs,
        folds=tuple((each.name, result) for each, of_round in named for result in of_round),
        kept=int(fold_task.keep.sum()),
        duplicates=duplicates,
        notes=tuple(dict.fromkeys([*held.notes, *decisions, *missing])),
        synthetic=synthetic,
        cautions=held.cautions,
        failures=tuple(dict.fromkeys(line for each in results[first_last:] for line in failures(each))),
    )


def _first_fold_task(task: RoundsTask, held: HeldTogether, first: Round, fold_seed: int) -> FoldTask:
    """What the folds of the first round share; each round replaces what is its own."""
    return FoldTask(
        labels=task.labels,
        groups=held.groups,
        k=len(task.dataset.class_names),
        folds=task.folds,
        fold_seed=fold_seed,
        fitting=task.fitting,
        recipe=first.recipe,
        keep=np.ones(len(task.labels), dtype=bool),
        sample_weights=task.sample_weights,
        given=task.dataset.as_given if task.as_given else None,
        order=held.order,
        balanced=held.named,
    )


def _trains_elsewhere(task: RoundsTask) -> bool:
    """Whether other processes train, so that this one is free meanwhile."""
    shape = read_shape(task.dataset.X, task.dataset.as_given)
    return dask.workers() > 0 or workers_for(shape, task.folds, task.jobs) > 1


def _with_features(
    task: RoundsTask, probs: OutOfSample, results: Sequence[FoldResult]
) -> tuple[OutOfSample, tuple[Synthetic, OutOfSample] | None, list[str]]:
    """The predictions with the features of models, and those of synthetic rows; what is missing, and why."""
    if task.synthetic_seed is None:
        return probs, None, []
    missing = []
    if not _can_be_made(task.dataset):
        missing.append("missing: the kinds of suspects (no rows with known defects can be made of records)")
    synthetic = None
    with optional("the features of examples, and with them the kinds of suspects", missing.append):
        probs, synthetic = step.gather_predictions(task.dataset.content, probs, results)
    return probs, synthetic, missing


def _can_be_made(dataset: LabeledDataset) -> bool:
    """Whether examples with defects can be made in the form that models read."""
    if dataset.has_numbers or dataset.as_given is None:
        return dataset.has_numbers
    return dataset.are_texts and dataset.as_given.of_made(dataset.content[:1]) is not None


@dataclass(frozen=True, eq=False)
class _Recorder:
    """One round while it is trained: its finished folds, the checkpoints of the others, and the listener."""

    round: Round
    span: tuple[float, float]  # of the whole work, 0 to 1
    finished: list[FoldResult]
    checkpoints: FoldStore | None
    listener: Listener

    def progress(self, shares: Sequence[float]) -> None:
        """Tell the listener how much of each fold and of the whole work is done."""
        begin, end = self.span
        done = sum(shares) / len(shares)
        self.listener.training(self.round.name, shares, begin + (end - begin) * done)

    def save(self, result: FoldResult) -> None:
        """Keep a fold that was just trained."""
        if self.checkpoints:
            self.checkpoints.save_fold(self.round.name, result)


def _train_round(
    task: RoundsTask, fold_task: FoldTask, seed: np.random.SeedSequence, recorder: _Recorder
) -> list[FoldResult]:
    """Train the folds of one round that are not finished yet; returns all of them in their order."""
    results = list(recorder.finished)
    if results:
        name = recorder.round.name
        recorder.listener.note(f"{name}: reusing {len(results)} of {task.folds} folds, trained before")
    unlabelled = None
    if recorder.round.last and task.dataset.unlabelled is not None:
        unlabelled = task.dataset.unlabelled.X
    for result in cross_validate(
        task.dataset.X,
        fold_task,
        seed=seed,
        unlabelled=unlabelled,
        jobs=task.jobs,
        skip=[result.fold for result in results],
        progress=recorder.progress,
    ):
        recorder.save(result)
        results.append(result)
    return sorted(results, key=lambda result: result.fold)


def _after_round(task: RoundsTask, outcome: OutOfSample) -> tuple[Mask, float]:
    """Decide from a round's predictions which rows (n,) to train on next, and with how much effort."""
    evidence = detectors.Evidence(task.labels, outcome.pred_probs)
    effort = float(np.clip(evidence.label_model.ambiguity / HARD, 1, MOST_EFFORT))
    hard = effort > 1 and task.dataset.are_images and len(task.labels) >= ENOUGH_ROWS
    detect = detectors.surely_wrong if hard else detectors.posterior
    return kept_for_training(detect(evidence), task.labels, len(task.dataset.class_names)), effort


def kept_for_training(issues: Issues, labels: Labels, k: int) -> Mask:
    """Choose the rows (n,) that are not issues, and of every class its LEAST_KEPT least suspect rows."""
    keep = ~issues.is_issue
    for label in range(k):
        rows = np.flatnonzero(labels == label)
        least = int(np.ceil(LEAST_KEPT * len(rows)))
        if keep[rows].sum() < least:
            keep[rows[np.argsort(-issues.label_quality[rows], kind="stable")[:least]]] = True
    return keep


def _unlabelled_given(task: RoundsTask) -> AsGiven | None:
    """The examples without a label as they came, if models get such."""
    if not task.as_given or task.dataset.unlabelled is None:
        return None
    return task.dataset.unlabelled.as_given


def _fold_seeds(rounds: Sequence[Round], seeds: np.random.SeedSequence) -> list[int]:
    """The seed of each round's folds: the same for all rounds, another for each further repeat."""
    last = sum(each.last for each in rounds)
    states = [int(state) for state in seeds.generate_state(last)]
    return [states[0]] * (len(rounds) - last) + states

"""Several cross-validations in a row: each round trains without the suspects of the round before.

Nothing here knows which labels were changed on purpose; it sees the given labels only.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol, Self

import numpy as np
from threadpoolctl import threadpool_limits

from audit import detectors
from audit.datasets.duplicates import Duplicates, find_duplicates
from audit.events import Listener
from audit.kinds import step
from audit.training import cross_validation
from audit.training.backends.processes import Progress
from audit.training.cross_validation import Fitting
from audit.training.out_of_sample import averaged, gather
from audit.training.schedule import Pass, Plan, span
from audit.types import (
    Examples,
    Floats,
    FoldResult,
    Issues,
    LabeledDataset,
    Labels,
    Mask,
    OutOfSample,
    Probs,
    Rows,
    Synthetic,
    children,
)

LEAST_KEPT = 0.05  # share of a class's rows that is trained on however many of them are suspects
# Data of which more than HARD is ambiguous after the first round is trained on longer, in proportion, up to
# MOST_EFFORT times; MNIST has .01 to .07 under the noise kinds of the benchmark, Fashion-MNIST .10.
HARD, MOST_EFFORT = 0.03, 4.0
ENOUGH_ROWS = 10_000  # of fewer, a round's doubt says more of what it has not seen than of how hard rows are


class Shelf(Protocol):
    """Where finished folds are kept."""

    def load_folds(self, name: str, folds: int) -> list[FoldResult]:
        """The kept folds of the pass of that name."""

    def save_fold(self, name: str, result: FoldResult) -> None:
        """Keep one fold of the pass of that name."""


@dataclass(frozen=True, eq=False)
class Trained:
    """What all passes came to."""

    probs: OutOfSample
    folds: tuple[tuple[str, FoldResult], ...]  # by the name of their pass
    kept: int  # rows that the last round was trained on
    duplicates: Duplicates
    notes: tuple[str, ...] = ()
    synthetic: tuple[Synthetic, OutOfSample] | None = None  # rows with known defects, and their predictions

    @classmethod
    def elsewhere(cls, pred_probs: Probs, X: Examples, notes: tuple[str, ...]) -> Self:
        """What models came to that were trained elsewhere."""
        fold = np.zeros(len(X), dtype=np.int64)
        return cls(OutOfSample(pred_probs, fold), (), len(X), find_duplicates(X), notes)


@dataclass(frozen=True, eq=False)
class Job:
    """What is trained on, and how."""

    dataset: LabeledDataset
    labels: Labels  # (n,) to train on; those of the dataset are not read
    plan: Plan
    fitting: Fitting  # its recipe is the plan's
    folds: int
    fold_seeds: np.random.SeedSequence  # randomness of the folds
    seeds: np.random.SeedSequence  # randomness of the models
    weights: Floats | None = None  # (n,) how much each row counts
    jobs: int | None = None  # folds trained at once; as crossval has it when None
    synthetic_seed: np.random.SeedSequence | None = None  # randomness of the synthetic rows; none when None


def cross_validate(job: Job, shelf: Shelf | None, listener: Listener) -> Trained:
    """Out-of-sample probabilities of the last round, whose models never saw a suspect of the one before.

    Free of leaks: a row is always predicted by models that were not trained on it, and whether a row is
    trained on is decided by flags from such predictions, so its own label never decides whether the
    model that scores it was trained on it. Rounds share their folds; repeats draw new ones. Where the
    round before finds the examples hard to tell apart, the last one trains longer; of ENOUGH_ROWS images
    suspects that may only be hard stay in then.

    Parameters
    ----------
    job
        What is trained on, and how.
    shelf
        Keeps finished folds, so that a stopped run resumes.
    listener
        Receives the progress.
    """
    given, k = job.labels, len(job.dataset.class_names)
    passes = job.plan.passes()
    kept = {each.name: shelf.load_folds(each.name, job.folds) if shelf else [] for each in passes}
    with threadpool_limits(1):  # more threads would wait for those that starting workers keep from running
        duplicates = find_duplicates(job.dataset.X)
    fold_seeds = _fold_seeds(passes, job.fold_seeds)
    synthesizer = step.synthesizer(job.dataset.class_names, job.synthetic_seed, job.folds)
    keep = np.ones(len(given), dtype=bool)
    effort = 1.0
    asked: list[FoldResult] = []  # about synthetic rows
    outcomes: list[OutOfSample] = []
    trained: list[tuple[str, FoldResult]] = []
    for number, seed in enumerate(children(job.seeds, len(passes))):
        each = passes[number].sized(len(given), job.folds, effort)
        progress = partial(_pass_on, listener, each.name, span(passes, number, effort))
        results = _results(
            job,
            each,
            duplicates.groups,
            fold_seeds[number],
            keep,
            seed,
            kept[each.name],
            shelf,
            listener,
            progress,
            synthesizer if each.last and not asked else None,
        )
        asked = results if each.last and not asked else asked
        trained += [(each.name, result) for result in results]
        outcomes.append(gather(results, len(given), k))
        if not each.last:
            evidence = detectors.Evidence(given, outcomes[-1].pred_probs)
            effort = float(np.clip(evidence.belief.ambiguity / HARD, 1, MOST_EFFORT))
            hard = effort > 1 and job.dataset.are_images and len(given) >= ENOUGH_ROWS
            wrong = detectors.surely_wrong if hard else detectors.posterior
            keep = kept_for_training(wrong(evidence), given, k)
    probs, looked = averaged(outcomes, job.plan.repeats), None
    if job.synthetic_seed:
        probs, looked = step.looked_at(job.dataset.X, probs, asked)
    return Trained(probs, tuple(trained), int(keep.sum()), duplicates, synthetic=looked)


def _results(
    job: Job,
    each: "Pass",
    groups: Rows,
    fold_seed: int,
    keep: Mask,
    seed: np.random.SeedSequence,
    results: list[FoldResult],
    shelf: Shelf | None,
    listener: Listener,
    progress: Progress,
    synthesizer: cross_validation.Synthesizer | None,
) -> list[FoldResult]:
    """The folds of one pass in their order: those that there are, and the others, which the shelf keeps."""
    if results:
        listener.note(f"{each.name}: reusing {len(results)} of {job.folds} folds, trained before")
    unlabelled = job.dataset.unlabelled
    for result in cross_validation.cross_validate(
        job.dataset.X,
        job.labels,
        groups,
        folds=job.folds,
        fold_seed=fold_seed,
        k=len(job.dataset.class_names),
        fitting=replace(job.fitting, recipe=each.recipe),
        seed=seed,
        keep=keep,
        weights=job.weights,
        others=each.others,
        unlabelled=unlabelled.X if unlabelled and each.last else None,
        synthesizer=synthesizer,
        features=each.last and job.synthetic_seed is not None,
        jobs=job.jobs,
        skip=[result.fold for result in results],
        progress=progress,
    ):
        if shelf:
            shelf.save_fold(each.name, result)
        results.append(result)
    return sorted(results, key=lambda result: result.fold)


def kept_for_training(issues: Issues, given: Labels, k: int) -> Mask:
    """The rows (n,) that are no issues, and of every class at least its LEAST_KEPT least suspect rows."""
    keep = ~issues.is_issue
    for label in range(k):
        rows = np.flatnonzero(given == label)
        least = int(np.ceil(LEAST_KEPT * len(rows)))
        if keep[rows].sum() < least:
            keep[rows[np.argsort(-issues.label_quality[rows], kind="stable")[:least]]] = True
    return keep


def _fold_seeds(passes: list[Pass], fold_seeds: np.random.SeedSequence) -> list[int]:
    """The seed of each pass's folds: the same for all rounds, another for each further repeat."""
    last = sum(each.last for each in passes)
    states = [int(state) for state in fold_seeds.generate_state(last)]
    return [states[0]] * (len(passes) - last) + states


def _pass_on(listener: Listener, name: str, span: tuple[float, float], shares: Sequence[float]) -> None:
    begin, end = span
    listener.training(name, shares, begin + (end - begin) * sum(shares) / len(shares))

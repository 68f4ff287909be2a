"""Out-of-sample predicted probabilities: one model a fold."""

import collections
import time
import warnings
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import NamedTuple, TypeAlias

import joblib
import numpy as np
import numpy.typing as npt

from audit.training.backends.processes import Progress, progress_board, side_by_side
from audit.training.embeddings import anchor_rows
from audit.training.folds import assign_folds, refuse_too_many
from audit.training.model import fit, losses
from audit.types import (
    Classifier,
    Examples,
    Floats,
    FoldResult,
    Labels,
    Mask,
    Recipe,
    Rows,
    Synthetic,
    Training,
    children,
)

PLAIN = Recipe(epochs=3)
TAKEN_SECONDS = 0.05  # joblib's pool fails, and prints so, when it is ended before it has taken work up
LITTLE = 50_000  # values of features: models have learned them before workers have imported what they need

Builder = Callable[[Training], Classifier]
# Makes rows with a known defect of these rows of X, all of the fold of that number; picklable as Builder is.
Synthesizer: TypeAlias = Callable[[Examples, Labels, Rows, int], Synthetic | None]


@dataclass(frozen=True)
class Fitting:
    """How the model of a fold is made and trained."""

    builder: Builder  # importable, or picklable by cloudpickle
    recipe: Recipe = PLAIN
    device: str = "auto"
    balance: bool = False  # every class weighs the same in training


def cross_validate(
    X: Examples,
    labels: Labels,
    groups: Rows,
    *,
    folds: int,
    fold_seed: int,
    k: int,
    fitting: Fitting,
    seed: np.random.SeedSequence,
    keep: Mask | None = None,
    weights: Floats | None = None,
    others: int | None = None,
    unlabelled: Examples | None = None,
    synthesizer: Synthesizer | None = None,
    features: bool = False,
    jobs: int | None = None,
    skip: Collection[int] = (),
    progress: Progress = lambda _: None,
) -> Iterator[FoldResult]:
    """Train one model a fold and predict the fold's rows with it, yielding each fold as it ends.

    A fold's result depends on its seed and its thread count, both functions of its number, so neither
    the order, nor the number of jobs, nor a stopped and resumed run changes it.

    Parameters
    ----------
    X, labels
        Examples (n, …) and their labels (n,).
    groups
        Rows (n,) of one group are in one fold.
    folds
        How many.
    fold_seed
        The seed by which each worker draws them: it has imported what that takes.
    k
        Number of classes.
    fitting
        How each model is made and trained.
    seed
        Its children, one a fold, seed the models.
    keep
        The rows (n,) that may be trained on; all when None. All rows are predicted.
    weights
        How much each row (n,) counts in training; all alike when None.
    others
        How many of the other folds each model is trained on, those that come after its own; all when None.
    unlabelled
        Examples (u, …) that every model predicts too.
    synthesizer
        Makes rows with a known defect of those of a fold that may be trained on; its model predicts them too.
    features
        Whether to keep what the models see in the rows they predict.
    jobs
        Folds trained at once; as `workers_for` has it when None.
    skip
        Folds that are not wanted again.
    progress
        Called a few times a second with the share of its training that each fold has done.

    Raises
    ------
    DataError
        When no class has as many groups as there are folds.
    """
    refuse_too_many(labels, groups, folds)
    cores = joblib.cpu_count()
    keep = np.ones(len(labels), dtype=bool) if keep is None else keep
    common = partial(Training, k=k, recipe=fitting.recipe, device=fitting.device)
    trainings = {
        number: partial(
            common,
            seed=int(child.generate_state(1)[0]),
            threads=1 if _is_little(X.shape) else threads_of(number, folds, cores),
        )
        for number, child in enumerate(children(seed, folds))
        if number not in skip
    }
    workers = workers_for(X.shape, len(trainings), jobs)
    with progress_board(folds, skip, progress) as board:
        if workers:
            work = _Work(
                X=X,
                labels=labels,
                groups=groups,
                folds=folds,
                fold_seed=fold_seed,
                keep=keep,
                weights=weights,
                others=others or folds - 1,
                unlabelled=unlabelled,
                synthesizer=synthesizer,
                features=features,
                fitting=fitting,
                board=board,
            )
            calls = (
                joblib.delayed(_fit_fold)(*work, number, training) for number, training in trainings.items()
            )
            yield from side_by_side(calls, workers)


@contextmanager
def workers_starting(
    importing: Callable[[], object], shape: tuple[int, ...], *, folds: int, jobs: int | None = None
) -> Iterator[None]:
    """While the block runs, let workers of a cross-validation of so many folds import what its models need.

    As many as there are cores beside the one that the block is run on; the others import it in their fold.
    """
    workers = workers_for(shape, folds, jobs)
    if workers == 1:
        yield
        return
    beside = min(workers, max(1, joblib.cpu_count() - 1))
    started = side_by_side((joblib.delayed(_tried)(importing) for _ in range(beside)), workers)
    try:
        yield
        collections.deque(started, maxlen=0)
    except BaseException:
        time.sleep(TAKEN_SECONDS)
        raise
    finally:
        with warnings.catch_warnings(action="ignore", category=UserWarning):  # joblib's, of work given up
            started.close()


def _tried(importing: Callable[[], object]) -> None:
    """Import something in a worker process, if it can be."""
    with suppress(Exception):  # a fold will say it, and where
        importing()


class _Work(NamedTuple):
    """What all folds share; given to workers one by one, so that arrays are mapped and not copied."""

    X: Examples
    labels: Labels
    groups: Rows
    folds: int
    fold_seed: int
    keep: Mask
    weights: Floats | None
    others: int
    unlabelled: Examples | None
    synthesizer: Synthesizer | None
    features: bool
    fitting: Fitting
    board: npt.NDArray[np.float32]


def workers_for(shape: tuple[int, ...], folds: int, jobs: int | None) -> int:
    """How many folds are trained at once: so many jobs, else one a core, of LITTLE one, in this process."""
    return min(jobs or (1 if _is_little(shape) else joblib.cpu_count()), folds)


def _is_little(shape: tuple[int, ...]) -> bool:
    """Whether no second process or thread pays; in this process threads would spin while they wait."""
    return len(shape) == 2 and prod(shape) <= LITTLE


def threads_of(fold: int, folds: int, cores: int) -> int:
    """The threads that a fold may use, so that all cores are busy and no job count changes a result.

    As many folds as there are cores train side by side, one thread each; the folds that are left over
    share the cores.
    """
    left_over = folds % cores
    return 1 if fold < folds - left_over else cores // left_over


def _fit_fold(
    X: Examples,
    labels: Labels,
    groups: Rows,
    folds: int,
    fold_seed: int,
    keep: Mask,
    weights: Floats | None,
    others: int,
    unlabelled: Examples | None,
    synthesizer: Synthesizer | None,
    features: bool,  # noqa: FBT001  all positional: joblib maps large arrays only then
    fitting: Fitting,
    board: npt.NDArray[np.float32],
    number: int,
    training: Callable[..., Training],
) -> FoldResult:
    """Train on all other folds and predict this one; runs in a worker process."""
    start = time.perf_counter()

    def watch(share: float) -> None:
        board[number] = share

    after = (assign_folds(labels, groups, folds, fold_seed) - number) % folds  # how many folds after this one
    held_out, rest = np.flatnonzero(after == 0), np.flatnonzero((after > 0) & (after <= others) & keep)
    task = training(shape=(len(rest), *X.shape[1:]), watch=watch)
    classifier = fitting.builder(task)
    anchors = anchor_rows(len(X)) if features else None
    model = fit(
        classifier,
        X,
        (rest, labels[rest]),
        anchors=anchors,
        task=task,
        weights=None if weights is None else weights[rest],
        balance=fitting.balance,
        where=f"fold {number}",
    )
    own = model.ask(X, held_out)
    missing = None if unlabelled is None else model.ask(unlabelled, np.arange(len(unlabelled)))
    synthetic = None if synthesizer is None else synthesizer(X, labels, held_out[keep[held_out]], number)
    of_synthetic = None if synthetic is None else model.ask(synthetic.X, np.arange(len(synthetic.labels)))
    board[number] = 1
    return FoldResult(
        fold=number,
        rows=held_out,
        pred_probs=own.pred_probs,
        trained=rest,
        margins=np.asarray(getattr(classifier, "margins_", ()), dtype=np.float32),
        losses=losses(classifier),
        seconds=time.perf_counter() - start,
        device=str(getattr(classifier, "device", "cpu")),
        unlabelled=None if missing is None else missing.pred_probs,
        features=own.features,
        anchors=None if anchors is None else model.ask(X, anchors).features,
        synthetic=synthetic,
        synthetic_probs=None if of_synthetic is None else of_synthetic.pred_probs,
        synthetic_features=None if of_synthetic is None else of_synthetic.features,
    )

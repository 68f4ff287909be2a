"""Out-of-sample predicted probabilities: one model a fold."""

import collections
import time
import warnings
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from math import prod
from typing import TypeAlias

import joblib
import numpy as np
import numpy.typing as npt

from audit.detectors.blocks import threads_limited
from audit.events import optional
from audit.training import capabilities, mirroring
from audit.training.backends.parallel import run_parallel
from audit.training.backends.processes import (
    Progress,
    TakenUp,
    a_killed_worker_told,
    progress_board,
    start_parallel,
)
from audit.training.backends.shared import SharedArray, array_of, shared
from audit.training.embeddings import landmark_rows
from audit.training.folds import (
    assign_balanced_folds,
    assign_blocks,
    assign_folds,
    check_fold_count,
    rows_before,
)
from audit.training.model import Model, fit
from audit.types import (
    AsGiven,
    Builder,
    Examples,
    Features,
    Floats,
    FoldResult,
    Groups,
    Labels,
    Mask,
    Probs,
    Recipe,
    Rows,
    Synthetic,
    Training,
    children,
    content_of,
)

# Values of features, or characters of texts: models have learned them before a worker has what it needs.
SMALL_DATA = 50_000

# Makes rows with a known defect of these rows of X, all of the fold of that number; picklable as Builder is.
Synthesizer: TypeAlias = Callable[[Examples, Labels, Rows, int], Synthetic | None]


@dataclass(frozen=True)
class Fitting:
    """How models are made, and where they are trained."""

    builder: Builder  # importable, or picklable by cloudpickle
    device: str = "auto"
    balance: bool = False  # every class counts the same in training


@dataclass(frozen=True, eq=False)
class FoldTask:
    """What all folds of one cross-validation share, beside the examples.

    Examples are arguments of their own, because a mapped file is sent as its path, and large arrays are
    mapped, not copied, into processes of this machine.
    """

    labels: Labels  # (n,) to train on
    groups: Groups  # (n,) rows of one group are in one fold
    k: int  # number of classes
    folds: int
    fold_seed: int  # by which the folds are drawn
    fitting: Fitting
    recipe: Recipe
    keep: Mask  # (n,) the rows that may be trained on; all rows are predicted
    sample_weights: Floats | None = None  # (n,) how much each row counts; all alike when None
    train_folds: int | None = None  # each model is trained on this many folds after its own; all when None
    given: AsGiven | None = None  # (n) the examples as they came, for models that want them so
    unlabelled_given: AsGiven | None = None  # (u) those without a label
    synthesizer: Synthesizer | None = None  # makes synthetic rows, which the models predict too
    keep_features: bool = False  # whether to keep the models' features of the rows that they predict
    order: Rows | None = (
        None  # (n,) the place of each row in time: folds are then blocks, trained on the past
    )
    balanced: bool = False  # whether groups may be large, so that folds are balanced by rows
    tries_mirroring: bool = False  # whether to measure if mirror images would help

    def draw_folds(self) -> npt.NDArray[np.int64]:
        """Draw the fold of every row (n,); the only place where a cross-validation makes its folds.

        Every worker draws all of them anew, equal by their seed. Drawing needs scikit-learn, which a worker
        has imported for its model, and which would hold up the start of the main process.
        """
        if self.order is not None:
            return assign_blocks(self.groups, self.order, self.folds)
        assign = assign_balanced_folds if self.balanced else assign_folds
        return assign(self.labels, self.groups, self.folds, self.fold_seed)

    def rows_of(self, number: int) -> tuple[Rows, Rows]:
        """The rows that the model of a fold predicts, and the rows that it is trained on."""
        fold = self.draw_folds()
        train_folds = self.train_folds or self.folds - 1
        if self.order is None:
            distance = (fold - number) % self.folds  # 1 is the fold after this one
            others = distance > 0
        else:
            distance = np.abs(number - fold)  # 1 is the block before this one
            others = rows_before(fold, self.order, number)
        trained = others & (distance <= train_folds) & self.keep
        trained |= self._of_lacking_classes(trained, others)
        return np.flatnonzero(fold == number), np.flatnonzero(trained)

    def _of_lacking_classes(self, trained: Mask, others: Mask) -> Mask:
        """The rows (n,) of other folds in classes that no trained row has: those to keep, or else all."""
        lacking = np.setdiff1d(self.labels[others], self.labels[trained])
        rows = others & np.isin(self.labels, lacking)
        without_kept = np.setdiff1d(lacking, self.labels[rows & self.keep])
        return rows & (self.keep | np.isin(self.labels, without_kept))

    def synthetic_rows_of(self, X: Examples, held_out: Rows, number: int) -> Synthetic | None:
        """Make rows with a known defect of the rows of a fold that may be trained on, if they are wanted."""
        if self.synthesizer is None:
            return None
        examples = content_of(X, self.given)
        if examples.ndim == 1 and (self.given is None or self.given.of_made(examples[:1]) is None):
            return None
        return self.synthesizer(examples, self.labels, held_out[self.keep[held_out]], number)


def cross_validate(
    X: Examples,
    task: FoldTask,
    *,
    seed: np.random.SeedSequence,
    unlabelled: Examples | None = None,
    jobs: int | None = None,
    skip: Collection[int] = (),
    progress: Progress = lambda _: None,
) -> Iterator[FoldResult]:
    """Train one model a fold and predict the fold's rows with it, yielding each fold as it ends.

    A fold's result depends on its seed and its thread count, both functions of its number, so neither
    the order, nor the number of jobs, nor a stopped and resumed run changes it. The folds themselves are
    drawn by `FoldTask.draw_folds`.

    Parameters
    ----------
    X
        Examples (n, …).
    task
        What all folds share.
    seed
        Its children, one a fold, seed the models.
    unlabelled
        Examples (u, …) that every model predicts too.
    jobs
        Folds trained in parallel; as `workers_for` has it when None.
    skip
        Folds that are not wanted again.
    progress
        Called a few times a second with the share of its training that each fold has done.

    Raises
    ------
    DataError
        When no class has as many groups as there are folds, or a model cannot be trained.
    """
    if task.order is None and not task.balanced:
        check_fold_count(task.labels, task.groups, task.folds)
    seeds = [int(child.generate_state(1)[0]) for child in children(seed, task.folds)]
    shape = read_shape(X, task.given)
    threads = threads_of_folds(shape, task.folds)
    missing = [number for number in range(task.folds) if number not in skip]
    workers = workers_for(shape, len(missing), jobs)
    with progress_board(task.folds, skip, progress) as board:
        if workers:
            common = (shared(X), unlabelled, board, task)
            own = ((number, seeds[number], threads[number]) for number in missing)
            for result in run_parallel(_train_fold, common, own, workers):
                board[result.fold] = 1  # a worker on another machine has a copy of the board
                yield result


@contextmanager
def workers_starting(
    importing: Callable[[], object], shape: tuple[int, ...], *, folds: int, jobs: int | None = None
) -> Iterator[None]:
    """While the block runs, let workers import what the models of a cross-validation need.

    One worker for each core beside the one that the block runs on; the others import it in their fold. When
    the block fails, it stops them.
    """
    workers = workers_for(shape, folds, jobs)
    if workers == 1:
        yield
        return
    beside = min(workers, max(1, joblib.cpu_count() - 1))
    taken_up = [TakenUp() for _ in range(beside)]
    started = start_parallel((joblib.delayed(_try)(importing, each) for each in taken_up), workers)
    try:
        yield
        with a_killed_worker_told(workers):
            collections.deque(started, maxlen=0)
    except BaseException:
        for each in taken_up:
            each.wait()
        raise
    finally:
        with warnings.catch_warnings(action="ignore", category=UserWarning):  # joblib's, about stopped work
            started.close()


def _try(importing: Callable[[], object], _: object) -> None:
    """Import something in a worker process, if it can be."""
    with suppress(Exception):  # a fold will raise it, and say where
        importing()


def read_shape(X: Examples, given: AsGiven | None) -> tuple[int, ...]:
    """The shape (n, …) of what models read: of the numbers, or of texts with their mean length."""
    content = content_of(X, given)
    if content.ndim > 1:
        return X.shape
    return (len(X), -(-sum(map(len, content)) // max(1, len(X))))


def workers_for(shape: tuple[int, ...], folds: int, jobs: int | None) -> int:
    """Number of parallel folds: `jobs` if given, one for small data (in this process), else one per core."""
    if jobs is None:
        jobs = 1 if is_small(shape) else joblib.cpu_count()
    return min(jobs, folds)


def is_small(shape: tuple[int, ...]) -> bool:
    """Whether a second process or thread costs more than it saves on examples of this shape."""
    return len(shape) == 2 and prod(shape) <= SMALL_DATA


def threads_of_folds(shape: tuple[int, ...], folds: int) -> list[int]:
    """The threads of each fold of examples of this shape, which decide the last digits of probabilities."""
    cores = joblib.cpu_count()
    return [1 if is_small(shape) else threads_of(fold, folds, cores) for fold in range(folds)]


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread what the models of folds do not: another number of cores gives the same bytes."""
    with threads_limited(1):
        yield


def threads_of(fold: int, folds: int, cores: int) -> int:
    """The threads that a fold may use, so that all cores are busy and no job count changes a result.

    As many folds as there are cores are trained in parallel, one thread each; the folds that are left over
    share the cores.
    """
    left_over = folds % cores
    if fold < folds - left_over:
        return 1
    return cores // left_over


@one_thread()
def _train_fold(
    sent: SharedArray,
    unlabelled: Examples | None,
    board: npt.NDArray[np.float32],
    task: FoldTask,
    number: int,
    seed: int,
    threads: int,
) -> FoldResult:
    """Train on the other folds and predict this one; runs in a worker process."""
    start = time.perf_counter()
    X = array_of(sent)

    def watch(share: float) -> None:
        board[number] = min(0.999, share)  # 1 is set where the result arrives

    held_out, trained = task.rows_of(number)
    landmarks = landmark_rows(len(X)) if task.keep_features else None
    asked = (held_out, unlabelled, landmarks, landmarks)  # of the last ones the projection is learned, too
    training = Training(
        shape=(len(trained), *X.shape[1:]),
        k=len(np.unique(task.labels[trained])),
        seed=seed,
        recipe=task.recipe,
        threads=threads,
        device=task.fitting.device,
        watch=watch,
        predicted=sum(len(rows) for rows in asked if rows is not None),
    )
    classifier = task.fitting.builder(training)
    sample_weights = task.sample_weights
    if sample_weights is not None:
        sample_weights = sample_weights[trained]
    model = fit(
        classifier,
        X,
        (trained, task.labels[trained]),
        training=training,
        where=f"fold {number}",
        k=task.k,
        given=task.given,
        landmarks=landmarks,
        sample_weights=sample_weights,
        balance=task.fitting.balance,
    )
    own = model.predict(X, held_out, task.given)
    mirror_gains = None
    if task.tries_mirroring and capabilities.may_mirror(classifier):
        mirror_gains = mirroring.gains(model, X, task.labels, held_out, own.pred_probs)
    suggested, _ = _predict_all(model, unlabelled, task.unlabelled_given)
    missing = list(model.missing)
    synthetic = None
    of_synthetic: tuple[Probs | None, Features | None] = (None, None)
    with optional("rows with known defects, which the kinds of suspects are learnt from", missing.append):
        made = task.synthetic_rows_of(X, held_out, number)
        if made is not None:
            made_given = None if task.given is None else task.given.of_made(made.X)
            of_synthetic = _predict_all(model, made.X, made_given)
        synthetic = made
    landmark_features = None
    if landmarks is not None:
        landmark_features = model.predict(X, landmarks, task.given).features
    return FoldResult(
        fold=number,
        rows=held_out,
        pred_probs=own.pred_probs,
        trained=trained,
        margins=capabilities.margins(classifier),
        losses=capabilities.losses(classifier),
        seconds=time.perf_counter() - start,
        device=capabilities.device(classifier),
        unlabelled=suggested,
        features=own.features,
        landmarks=landmark_features,
        synthetic=synthetic,
        synthetic_probs=of_synthetic[0],
        synthetic_features=of_synthetic[1],
        missing=tuple(missing),
        mirror_gains=mirror_gains,
    )


def _predict_all(
    model: Model, X: Examples | None, given: AsGiven | None
) -> tuple[Probs | None, Features | None]:
    """Predict all of these examples, if there are any: probabilities and features."""
    if X is None:
        return None, None
    return model.predict(X, np.arange(len(X)), given)

"""Out-of-sample predicted probabilities: one model a fold."""

import os
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from audit.errors import DataError
from audit.lazy import some_rows
from audit.types import (
    Classifier,
    Examples,
    Floats,
    FoldResult,
    Labels,
    Mask,
    OutOfSample,
    Probs,
    Recipe,
    Training,
)
from audit.weights import Balancing, together, weight_argument

POLL_SECONDS = 0.25
GUARD = "end-with-main"
PLAIN = Recipe(epochs=3)

Builder = Callable[[Training], Classifier]
Progress = Callable[[Sequence[float]], None]


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
    fold: npt.NDArray[np.int64],
    *,
    k: int,
    fitting: Fitting,
    seed: np.random.SeedSequence,
    keep: Mask | None = None,
    weights: Floats | None = None,
    unlabelled: Examples | None = None,
    jobs: int | None = None,
    skip: Collection[int] = (),
    progress: Progress = lambda _: None,
) -> Iterator[FoldResult]:
    """Train one model a fold and predict the fold's rows with it, yielding each fold as it ends.

    A fold's result depends on its seed and its thread count, both functions of its number, so neither
    the order, nor the number of jobs, nor a stopped and resumed run changes it.

    Parameters
    ----------
    X, labels, fold
        Examples (n, …), (n,) and (n,); fold numbers 0..folds-1.
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
    unlabelled
        Examples (u, …) that every model predicts too.
    jobs
        Folds trained at once; all cores when None.
    skip
        Folds that are not wanted again.
    progress
        Called a few times a second with the share of its training that each fold has done.
    """
    folds, cores = int(fold.max()) + 1, joblib.cpu_count()
    keep = np.ones(len(labels), dtype=bool) if keep is None else keep
    common = partial(Training, k=k, recipe=fitting.recipe, device=fitting.device)
    trainings = {
        number: partial(
            common, seed=int(child.generate_state(1)[0]), threads=threads_of(number, folds, cores)
        )
        for number, child in enumerate(seed.spawn(folds))
        if number not in skip
    }
    workers = min(jobs or cores, len(trainings))
    with _progress_board(folds, skip, progress) as board:
        if workers:
            work = _Work(X, labels, fold, keep, weights, unlabelled, fitting, board, os.getpid())
            parallel = joblib.Parallel(workers, return_as="generator_unordered", pre_dispatch=workers)
            yield from parallel(
                joblib.delayed(_fit_fold)(*work, number, training) for number, training in trainings.items()
            )


class _Work(NamedTuple):
    """What all folds share; given to workers one by one, so that arrays are mapped and not copied."""

    X: Examples
    labels: Labels
    fold: npt.NDArray[np.int64]
    keep: Mask
    weights: Floats | None
    unlabelled: Examples | None
    fitting: Fitting
    board: npt.NDArray[np.float32]
    main: int


def untrainable(where: str, error: Exception) -> DataError:
    """What to say of a model that raised this while it was trained on these examples."""
    said = " ".join(str(error).split())
    return DataError(
        f"the model cannot be trained on {where} examples: {type(error).__name__}: {said}; choose another "
        "with --model, or check X"
    )


def threads_of(fold: int, folds: int, cores: int) -> int:
    """The threads that a fold may use, so that all cores are busy and no job count changes a result.

    As many folds as there are cores train side by side, one thread each; the folds that are left over
    share the cores.
    """
    left_over = folds % cores
    return 1 if fold < folds - left_over else cores // left_over


def gather(results: Collection[FoldResult], n: int, k: int) -> OutOfSample:
    """The folds' predictions in the order of the rows; every row must have been predicted once.

    Raises
    ------
    DataError
        When a prediction is not finite.
    """
    pred_probs: Probs = np.full((n, k), np.nan, dtype=np.float32)
    fold = np.full(n, -1, dtype=np.int64)
    sums, counts = np.zeros(n, dtype=np.float32), np.zeros(n, dtype=np.float32)
    for result in results:
        if (fold[result.rows] >= 0).any():
            raise ValueError(f"fold {result.fold} predicts rows that another fold predicted")
        pred_probs[result.rows], fold[result.rows] = result.pred_probs, result.fold
        if len(result.margins):
            sums[result.trained] += result.margins
            counts[result.trained] += 1
    if (fold < 0).any():
        raise ValueError(f"{(fold < 0).sum()} rows were predicted by no fold")
    if not np.isfinite(pred_probs).all():
        raise DataError(
            "the model's probabilities are not finite, expected numbers from 0 to 1: "
            "the values of X are too large for it; scale X, for example to 0..1"
        )
    margins = sums / counts if counts.all() else None
    suggested = [result.unlabelled for result in results if result.unlabelled is not None]
    unlabelled: Probs | None = np.asarray(np.mean(suggested, axis=0)) if suggested else None
    return OutOfSample(pred_probs=pred_probs, fold=fold, margins=margins, unlabelled=unlabelled)


def _fit_fold(
    X: Examples,
    labels: Labels,
    fold: npt.NDArray[np.int64],
    keep: Mask,
    weights: Floats | None,
    unlabelled: Examples | None,
    fitting: Fitting,
    board: npt.NDArray[np.float32],
    main: int,
    number: int,
    training: Callable[..., Training],
) -> FoldResult:
    """Train on all other folds and predict this one; runs in a worker process."""
    start = time.perf_counter()
    _end_with(main)

    def watch(share: float) -> None:
        board[number] = share

    held_out, rest = np.flatnonzero(fold == number), np.flatnonzero((fold != number) & keep)
    task = training(shape=(len(rest), *X.shape[1:]), watch=watch)
    classifier = fitting.builder(task)
    balancing = Balancing(labels[rest], task.k) if fitting.balance else None
    weight = together(None if weights is None else weights[rest], balancing)
    with warnings.catch_warnings(), threadpool_limits(task.threads):
        warnings.simplefilter("ignore")  # other libraries' advice, once a worker, is noise to a user
        lazily = getattr(classifier, "reads_lazily", False)
        examples = some_rows(X, rest, lazily=lazily)
        argument = weight_argument(classifier, weight)

        def predict(examples: Examples) -> Probs:
            probs = _all_classes(classifier.predict_proba(examples), classifier.classes_, task.k)
            return balancing.undone(probs) if balancing else probs

        try:
            classifier.fit(examples, labels[rest], **argument)
            probs = predict(some_rows(X, held_out, lazily=lazily))
            suggested = None if unlabelled is None else predict(unlabelled)
        except Exception as error:  # anybody's model may raise anything
            raise untrainable(f"fold {number} of {task.shape}", error) from error
    board[number] = 1
    return FoldResult(
        fold=number,
        rows=held_out,
        pred_probs=probs,
        trained=rest,
        margins=np.asarray(getattr(classifier, "margins_", ()), dtype=np.float32),
        losses=_losses(classifier),
        seconds=time.perf_counter() - start,
        device=str(getattr(classifier, "device", "cpu")),
        unlabelled=suggested,
    )


def _end_with(main: int) -> None:
    """Let this worker end when the main process was killed: it would wait for more work for minutes."""
    if os.getppid() != main or any(thread.name == GUARD for thread in threading.enumerate()):
        return

    def guard() -> None:
        while os.getppid() == main:
            time.sleep(POLL_SECONDS)
        os._exit(1)

    threading.Thread(target=guard, name=GUARD, daemon=True).start()


def _losses(classifier: Classifier) -> tuple[float, ...]:
    """The training loss of each epoch, where the classifier keeps skorch's history."""
    history = getattr(classifier, "history", None)
    return () if history is None else tuple(float(loss) for loss in history[:, "train_loss"])


def _all_classes(probs: npt.NDArray[Any], classes: npt.NDArray[Any], k: int) -> Probs:
    """Probabilities with a column for every class, in class order, zero where the model knows no class."""
    full = np.zeros((len(probs), k), dtype=np.float32)
    full[:, np.asarray(classes, dtype=np.int64)] = probs
    return full


@contextmanager
def _progress_board(
    folds: int, done: Collection[int], progress: Progress
) -> Iterator[npt.NDArray[np.float32]]:
    """Shared memory in which workers note their progress, and a thread that passes it on."""
    with tempfile.TemporaryDirectory(prefix="audit-", ignore_cleanup_errors=True) as folder:
        board = np.memmap(Path(folder) / "progress", dtype=np.float32, mode="w+", shape=(folds,))
        board[list(done)] = 1
        stop = threading.Event()

        def pass_on() -> None:
            while not stop.wait(POLL_SECONDS):
                progress(board.tolist())

        thread = threading.Thread(target=pass_on, daemon=True)
        thread.start()
        try:
            yield board
            progress(board.tolist())
        finally:
            stop.set()
            thread.join()

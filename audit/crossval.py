"""Out-of-sample predicted probabilities: folds, and one model a fold."""

import hashlib
import os
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import numpy.typing as npt

from audit.errors import DataError
from audit.types import (
    Classifier,
    FoldResult,
    Images,
    Labels,
    Mask,
    OutOfSample,
    Probs,
    Recipe,
    Rows,
    Training,
)

POLL_SECONDS = 0.25
GUARD = "end-with-main"
CHUNK_ROWS = 4096
PLAIN = Recipe(epochs=3)

Builder = Callable[[Training], Classifier]
Progress = Callable[[Sequence[float]], None]


def duplicate_groups(images: Images) -> Rows:
    """A number for each image (n,), the same for exact duplicates and only for them."""
    numbers: dict[bytes, int] = {}
    groups = np.empty(len(images), dtype=np.int64)
    for start in range(0, len(images), CHUNK_ROWS):
        for row, image in enumerate(np.ascontiguousarray(images[start : start + CHUNK_ROWS]), start):
            digest = hashlib.blake2b(image, digest_size=16).digest()
            groups[row] = numbers.setdefault(digest, len(numbers))
    return groups


def assign_folds(
    labels: Labels, groups: Rows, folds: int, seed: int, class_names: Sequence[str] | None = None
) -> npt.NDArray[np.int64]:
    """The fold of every row (n,), stratified on the labels, with each group in one fold.

    A group is stratified by the label of its first row.

    Raises
    ------
    DataError
        When a class has fewer groups than there are folds.
    """
    from sklearn.model_selection import StratifiedKFold  # noqa: PLC0415  slow to import

    _, first, group = np.unique(groups, return_index=True, return_inverse=True)
    k = len(class_names) if class_names else int(labels.max()) + 1
    _refuse_small_classes(np.bincount(labels[first], minlength=k), folds, class_names or range(k))
    fold = np.empty(len(first), dtype=np.int64)
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    for number, (_, held_out) in enumerate(splitter.split(first, labels[first])):
        fold[held_out] = number
    return fold[group]


def _refuse_small_classes(counts: Rows, folds: int, class_names: Sequence[object]) -> None:
    least = int(counts.min())
    if least >= folds:
        return
    images = "image" if least == 1 else "images"
    remedy = f"use --folds {least}" if least >= 2 else "leave the class out"
    raise DataError(
        f"class {str(class_names[int(counts.argmin())])!r} has {least} distinct {images}, fewer than the "
        f"{folds} folds: each fold needs one of every class; {remedy} or add examples"
    )


def cross_validate(
    images: Images,
    labels: Labels,
    fold: npt.NDArray[np.int64],
    *,
    k: int,
    builder: Builder,
    seed: np.random.SeedSequence,
    keep: Mask | None = None,
    recipe: Recipe = PLAIN,
    device: str = "auto",
    jobs: int | None = None,
    skip: Collection[int] = (),
    progress: Progress = lambda _: None,
) -> Iterator[FoldResult]:
    """Train one model a fold and predict the fold's rows with it, yielding each fold as it ends.

    A fold's result depends on its seed and its thread count, both functions of its number, so neither
    the order, nor the number of jobs, nor a stopped and resumed run changes it.

    Parameters
    ----------
    images, labels, fold
        (n, h, w, c), (n,) and (n,); fold numbers 0..folds-1.
    k
        Number of classes.
    builder
        Makes a new classifier; must be importable or picklable by cloudpickle.
    seed
        Its children, one a fold, seed the models.
    keep
        The rows (n,) that may be trained on; all when None. All rows are predicted.
    recipe, device
        Passed on to the builder.
    jobs
        Folds trained at once; all cores when None.
    skip
        Folds that are not wanted again.
    progress
        Called a few times a second with the share of its training that each fold has done.
    """
    folds, cores = int(fold.max()) + 1, joblib.cpu_count()
    keep = np.ones(len(labels), dtype=bool) if keep is None else keep
    common = partial(Training, k=k, recipe=recipe, device=device)
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
            parallel = joblib.Parallel(workers, return_as="generator_unordered", pre_dispatch=workers)
            fit_fold = joblib.delayed(_fit_fold)
            yield from parallel(
                fit_fold(images, labels, fold, keep, number, builder, training, board, os.getpid())
                for number, training in trainings.items()
            )


def threads_of(fold: int, folds: int, cores: int) -> int:
    """The threads that a fold may use, so that all cores are busy and no job count changes a result.

    As many folds as there are cores train side by side, one thread each; the folds that are left over
    share the cores.
    """
    left_over = folds % cores
    return 1 if fold < folds - left_over else cores // left_over


def gather(results: Iterable[FoldResult], n: int, k: int) -> OutOfSample:
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
            "the network's probabilities are not finite, expected numbers from 0 to 1: "
            "the pixels are too large for it; scale X, for example to 0..1"
        )
    margins = sums / counts if counts.all() else None
    return OutOfSample(pred_probs=pred_probs, fold=fold, margins=margins)


def _fit_fold(
    images: Images,
    labels: Labels,
    fold: npt.NDArray[np.int64],
    keep: Mask,
    number: int,
    builder: Builder,
    training: Callable[..., Training],
    board: npt.NDArray[np.float32],
    main: int,
) -> FoldResult:
    """Train on all other folds and predict this one; runs in a worker process."""
    start = time.perf_counter()
    _end_with(main)

    def watch(share: float) -> None:
        board[number] = share

    held_out, rest = np.flatnonzero(fold == number), np.flatnonzero((fold != number) & keep)
    task = training(shape=(len(rest), *images.shape[1:]), watch=watch)
    classifier = builder(task)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # other libraries' advice, once a worker, is noise to a user
        classifier.fit(images[rest], labels[rest])
        probs = classifier.predict_proba(images[held_out])
    board[number] = 1
    return FoldResult(
        fold=number,
        rows=held_out,
        pred_probs=_all_classes(probs, classifier.classes_, task.k),
        trained=rest,
        margins=np.asarray(getattr(classifier, "margins_", ()), dtype=np.float32),
        losses=_losses(classifier),
        seconds=time.perf_counter() - start,
        device=str(getattr(classifier, "device", "cpu")),
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

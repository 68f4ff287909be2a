"""What the models of all folds say, in the order of the rows."""

from collections.abc import Collection, Sequence
from dataclasses import fields, replace

import numpy as np
import numpy.typing as npt

from audit.errors import DataError
from audit.training.embeddings import onto
from audit.types import FoldResult, OutOfSample, Probs, Synthetic


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
    return OutOfSample(pred_probs, fold, margins, unlabelled, _features(results, n))


def gather_synthetic(results: Sequence[FoldResult]) -> tuple[Synthetic, OutOfSample] | None:
    """The synthetic rows of all folds, one fold after the other, and what their models say of them."""
    synthetic = [result.synthetic for result in results if result.synthetic is not None]
    if not synthetic:
        return None
    columns = ([getattr(part, each.name) for part in synthetic] for each in fields(Synthetic))
    together = Synthetic(*map(np.concatenate, columns))
    ends = np.cumsum([0 if result.synthetic is None else len(result.synthetic.labels) for result in results])
    k = results[0].pred_probs.shape[1]
    parts = [
        replace(
            result,
            rows=rows,
            pred_probs=result.pred_probs[:0] if result.synthetic_probs is None else result.synthetic_probs,
            features=result.synthetic_features,
            margins=np.empty(0, np.float32),
            unlabelled=None,
        )
        for result, rows in zip(results, np.split(np.arange(ends[-1]), ends[:-1]), strict=True)
    ]
    return together, gather(parts, int(ends[-1]), k)


def averaged(outcomes: list[OutOfSample], repeats: int) -> OutOfSample:
    """The mean probabilities of the repeats, the folds of the first, the margins of the first pass of all.

    Every row is trained on in the first pass, so that all margins mean the same.
    """
    last = outcomes[-repeats:]

    def mean(parts: list[Probs]) -> Probs:
        return np.asarray(np.mean(parts, axis=0, dtype=np.float32))

    suggested = [outcome.unlabelled for outcome in last if outcome.unlabelled is not None]
    return OutOfSample(
        pred_probs=mean([outcome.pred_probs for outcome in last]),
        fold=last[0].fold,
        margins=outcomes[0].margins,
        unlabelled=mean(suggested) if suggested else None,
        features=last[0].features,
    )


def _features(results: Collection[FoldResult], n: int) -> npt.NDArray[np.float16] | None:
    """The folds' features in the order of the rows, in the first one's space; None where it has none."""
    first, *_ = sorted(results, key=lambda result: result.fold)
    if first.anchors is None:
        return None
    gathered = np.zeros((n, first.anchors.shape[1]), dtype=np.float16)
    for result in results:
        if len(result.rows):
            if result.features is None or result.anchors is None:
                return None
            gathered[result.rows] = onto(result.anchors, first.anchors)(result.features)
    return gathered

"""The predictions of all folds' models, in the order of the rows."""

from collections.abc import Collection, Sequence
from dataclasses import fields, replace

import numpy as np
import numpy.typing as npt

from audit.errors import DataError
from audit.training.embeddings import alignment, halved
from audit.types import FoldResult, OutOfSample, Probs, Synthetic

SAME = 1e-6  # difference of probabilities below which they are the same
REMEDY = "scale X, for example to 0..1, or choose another model with --model"


def combine_folds(results: Collection[FoldResult], n: int, k: int) -> OutOfSample:
    """Put the folds' predictions into the order of the rows.

    Raises
    ------
    DataError
        When a prediction is not finite.
    ValueError
        When a row was predicted twice, or never.
    """
    pred_probs: Probs = np.full((n, k), np.nan, dtype=np.float32)
    fold = np.full(n, -1, dtype=np.int64)
    for result in results:
        if (fold[result.rows] >= 0).any():
            raise ValueError(f"fold {result.fold} predicts rows that another fold predicted")
        pred_probs[result.rows] = result.pred_probs
        fold[result.rows] = result.fold
    if (fold < 0).any():
        raise ValueError(f"{(fold < 0).sum()} rows were predicted by no fold")
    if not np.isfinite(pred_probs).all():
        raise DataError(
            "the model's probabilities are not finite, expected numbers from 0 to 1: "
            "the values of X are too large for it; scale X, for example to 0..1"
        )
    unlabelled = _mean_of_known([result.unlabelled for result in results])
    return OutOfSample(pred_probs, fold, _margins(results, n), unlabelled, _features(results, n))


def failures(results: Collection[FoldResult]) -> tuple[str, ...]:
    """What the models of one cross-validation failed at, a line each; none where they learned anything."""
    lines = []
    several = [result.pred_probs for result in results if len(result.rows) > 1]
    if several and all(map(_is_constant, several)):
        lines.append(
            f"the models of all {len(results)} folds give every row the same probabilities: they learned "
            f"nothing, so suspects and scores mean nothing; {REMEDY}"
        )
    diverged = sum(not np.isfinite(result.losses).all() for result in results)
    if diverged:
        lines.append(
            f"the training of {diverged} of {len(results)} folds diverged, its loss is not finite; {REMEDY}"
        )
    return tuple(lines)


def _is_constant(pred_probs: Probs) -> bool:
    """Whether all rows (n, k) are the same, but for the last digits."""
    return bool(np.ptp(pred_probs, axis=0).max() < SAME)


def combine_synthetic(results: Sequence[FoldResult]) -> tuple[Synthetic, OutOfSample] | None:
    """The synthetic rows of all folds, one fold after the other, and the predictions of their models."""
    synthetic = [result.synthetic for result in results if result.synthetic is not None]
    if not synthetic:
        return None
    columns = ([getattr(part, each.name) for part in synthetic] for each in fields(Synthetic))
    combined = Synthetic(*map(np.concatenate, columns))
    ends = np.cumsum([len(result.synthetic.labels) if result.synthetic else 0 for result in results])
    total = int(ends[-1])
    rows_of_folds = np.split(np.arange(total), ends[:-1])
    of_synthetic = [
        _only_synthetic(result, rows) for result, rows in zip(results, rows_of_folds, strict=True)
    ]
    return combined, combine_folds(of_synthetic, total, results[0].pred_probs.shape[1])


def average_repeats(outcomes: Sequence[OutOfSample], repeats: int) -> OutOfSample:
    """Average the probabilities of the last rounds, which are repeats of one another on other folds.

    The folds and features are those of the first repeat. The margins are those of the first round of all:
    every row is trained on in it, so that all margins mean the same.
    """
    last = outcomes[-repeats:]
    return OutOfSample(
        pred_probs=np.mean([outcome.pred_probs for outcome in last], axis=0, dtype=np.float32),
        fold=last[0].fold,
        margins=outcomes[0].margins,
        unlabelled=_mean_of_known([outcome.unlabelled for outcome in last]),
        features=last[0].features,
    )


def _mean_of_known(parts: Sequence[Probs | None]) -> Probs | None:
    """The mean of those that are known; None where none is."""
    known = [part for part in parts if part is not None]
    if not known:
        return None
    return np.asarray(np.mean(known, axis=0, dtype=np.float32))


def _only_synthetic(result: FoldResult, rows: npt.NDArray[np.int64]) -> FoldResult:
    """The fold's predictions for its synthetic rows, which get these numbers."""
    return replace(
        result,
        rows=rows,
        pred_probs=result.pred_probs[:0] if result.synthetic_probs is None else result.synthetic_probs,
        features=result.synthetic_features,
        margins=np.empty(0, np.float32),
        unlabelled=None,
    )


def _margins(results: Collection[FoldResult], n: int) -> npt.NDArray[np.float32] | None:
    """The mean margin of every row (n,) over the models trained on it; None where a row has none."""
    sums = np.zeros(n, dtype=np.float32)
    counts = np.zeros(n, dtype=np.float32)
    for result in results:
        if len(result.margins):
            sums[result.trained] += result.margins
            counts[result.trained] += 1
    if not counts.all():
        return None
    return sums / counts


def _features(results: Collection[FoldResult], n: int) -> npt.NDArray[np.float16] | None:
    """The folds' features in the order of the rows, in the first one's space; None where there are none."""
    first = min(results, key=lambda result: result.fold)
    if first.landmarks is None:
        return None
    combined = np.zeros((n, first.landmarks.shape[1]), dtype=np.float16)
    for result in results:
        if len(result.rows):
            if result.features is None or result.landmarks is None:
                return None
            aligned = alignment(result.landmarks, first.landmarks)(result.features)
            combined[result.rows] = halved(aligned)
    return combined

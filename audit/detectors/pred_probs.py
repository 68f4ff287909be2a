"""Check probabilities that a user or a user's model brings, and say what is wrong with them in one line."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from audit.datasets.labels import looks_unlabelled
from audit.datasets.labels.no_label import missing_flag
from audit.datasets.labels.raw import as_whole_number
from audit.detectors.blocks import normalized, sample_of
from audit.detectors.survey import TOLERANCE, Numbers, Survey, sums_of_exponentials_are_one, survey
from audit.errors import DataError
from audit.types import Labels, Mask, Probs
from audit.wording import one_line, some

ROUNDED = 0.02  # is how far the sum of rounded numbers may be off
FEW_ROWS = 10  # may well be the same in a sound file
LEAST_OF_CLASS = 5  # rows, to say which column belongs to which class
# Another order of the columns is not an accident when agreement with the labels is this much higher: as a
# share of the rows, as a factor, and in standard deviations.
LEAST_GAIN = 0.2
LEAST_FACTOR = 1.5
LEAST_DEVIATIONS = 5.0
LEAST_KAPPA = 0.1  # Cohen's kappa of labels and likeliest classes, below which agreement is near chance
LONGEST_NAME = 40  # characters of a class name in a message
LONGEST_ORDER = 20  # columns in a message
# Probabilities look in-sample from this many rows and this agreement with the given labels on.
IN_SAMPLE_ROWS = 200
IN_SAMPLE_AGREEMENT = 0.998
AGAIN = "predict such rows again, or leave them out with their labels"


class Fault(NamedTuple):
    """Why numbers are no probabilities."""

    found: str
    remedy: str


@dataclass(frozen=True, eq=False)
class Ready:
    """Probabilities that fit the labels."""

    values: Numbers  # (n, k) as they came, perhaps in a mapped file
    notes: tuple[str, ...] = ()  # what the user should know about them, a line each

    @cached_property
    def pred_probs(self) -> Probs:
        """The probabilities (n, k) in memory; rows sum to one."""
        return normalized(self.values)


def checked(
    labels: npt.ArrayLike,
    pred_probs: Any,
    class_names: Sequence[str] | None = None,
    *,
    name: str = "pred_probs",
) -> Ready:
    """Check that these are probabilities of these labels; returns them as the detectors read them.

    Parameters
    ----------
    labels
        (n,) given labels, integers 0..k-1.
    pred_probs
        (n, k) probabilities of each class by models that were not trained on the row: an array, a frame, a
        tensor or nested lists. Rows within 0.001 of a sum of one are made to sum to one.
    class_names
        What the k labels are called; when not given, the labels are 0 to the number of columns - 1.
    name
        What the probabilities are called in messages.

    Raises
    ------
    DataError
        When they cannot be what they should be, or their columns are in another order than the classes.
    """
    given = np.asarray(labels)
    values = numbers(pred_probs, name)
    _refuse_shape(given, values, class_names, name)
    k = values.shape[1]
    names = list(map(str, range(k) if class_names is None else class_names))
    codes = _codes(given, k)
    seen = survey(values)
    fault = _fault(values, seen, name)
    if fault is not None:
        raise DataError("; ".join(fault))
    _refuse_same_rows(values, seen, name)
    agreeing = int((codes == seen.likeliest).sum())
    told = sample_of(len(codes), 1)
    codes, likeliest = codes[told], seen.likeliest[told]
    moved = _moved_classes(codes, likeliest, k)
    if moved is not None:
        _refuse_order(codes, likeliest, moved, names, name)
    notes = (
        _exchanged_note(codes, likeliest, moved, names, name),
        _chance_note(codes, likeliest, k, name),
        _in_sample_note(agreeing, seen, name),
    )
    return Ready(values, tuple(note for note in notes if note))


def in_class_order(pred_probs: Any, class_names: Sequence[str]) -> Any:
    """The columns of a frame in the order of the classes where they have their names; else all as it is."""
    if not hasattr(pred_probs, "columns"):
        return pred_probs
    names = [as_whole_number(str(column).strip()) for column in pred_probs.columns]
    if names == list(class_names) or sorted(names) != sorted(class_names):
        return pred_probs
    return np.asarray(pred_probs)[:, [names.index(name) for name in class_names]]


def fault_in(values: Numbers, name: str) -> Fault | None:
    """Say why these numbers (n, k), called by this name, are no probabilities; None when they are."""
    return _fault(values, survey(values), name)


def _fault(values: Numbers, seen: Survey, name: str) -> Fault | None:
    if _are_logarithms(values, seen):
        return Fault(f"{name} holds logarithms of probabilities, expected 0 to 1", f"use numpy.exp({name})")
    n = len(values)
    return _gaps(seen, n, name) or _wrong_scale(seen, n, name) or _wrong_sums(seen, n, name)


def numbers(pred_probs: Any, name: str) -> Numbers:
    """Return anything array-like as floats of 16, 32 or 64 bits; DataError when it holds no numbers."""
    expected = "expected an array of numbers, a row for each label and a column for each class"
    try:
        if hasattr(pred_probs, "detach"):  # a tensor, of which numpy reads only some
            pred_probs = pred_probs.detach().cpu().float()
        if np.ma.isMaskedArray(pred_probs):
            pred_probs = np.ma.filled(pred_probs.astype(np.float64), np.nan)
        array = np.asarray(pred_probs)
        if array.dtype.kind == "O":
            array = array.astype(np.float64)
    except (ValueError, TypeError, RuntimeError, OverflowError) as error:
        kind = type(pred_probs).__name__
        raise DataError(
            f"{name} of type {kind} cannot be read as numbers ({one_line(error)}), {expected}"
        ) from error
    if array.dtype.kind not in "biuf":
        raise DataError(f"{name} has dtype {one_line(array.dtype)}, {expected}")
    if array.dtype.newbyteorder("=") in (np.float16, np.float32):
        return array
    with np.errstate(over="ignore"):  # a long double may become infinite, and is refused as such
        return array.astype(np.float64, copy=False)


def _refuse_shape(
    given: npt.NDArray[Any], values: Numbers, class_names: Sequence[str] | None, name: str
) -> None:
    """Refuse values that are not a row for each label and a column for each class."""
    if given.ndim != 1 or not len(given):
        raise DataError(f"labels have shape {given.shape}, expected (n,): one label for each row of {name}")
    n = len(given)
    shape = values.shape
    if _of_two_classes(given, class_names) and shape in ((n,), (n, 1)):
        column = name
        if values.ndim == 2:
            column = f"{name}[:, 0]"
        raise DataError(
            f"{name} has shape {shape}, expected {(n, 2)}: a column for each of two classes; "
            f"stack them: numpy.column_stack([1 - {column}, {column}])"
        )
    if values.ndim != 2 or (class_names is None and shape[1] < 2):
        columns = "k" if class_names is None else len(class_names)
        raise DataError(
            f"{name} has shape {shape}, expected ({n}, {columns}): a row for each label, a column for each "
            "class"
        )
    k = shape[1] if class_names is None else len(class_names)
    if shape[0] != n:
        remedy = "predict each labelled row once"
        if shape == (k, n):
            remedy = f"turn it: {name}.T"
        raise DataError(
            f"{name} has {shape[0]:,} rows for {n:,} labels, expected as many, in the same order; {remedy}"
        )
    if class_names is not None and shape[1] != k:
        remedy = "add a column of zeros for each class that the model does not know"
        if shape[1] > k:
            remedy = "leave out the columns of classes that no label has, and divide each row by its sum"
        unlabelled = looks_unlabelled(class_names)
        if unlabelled and shape[1] == k - len(unlabelled):
            remedy = (
                f'if {_quoted(unlabelled)} means "no label", leave it out with {missing_flag(unlabelled)}'
            )
        raise DataError(
            f"{name} has {shape[1]} columns, expected {k}, one for each class of the labels "
            f"({_quoted(class_names)}), in the sorted order of their names; {remedy}"
        )


def _of_two_classes(given: npt.NDArray[Any], class_names: Sequence[str] | None) -> bool:
    """Return whether the labels (n,) have two classes, as far as can be told."""
    if class_names is not None:
        return len(class_names) == 2
    return given.dtype.kind in "iu" and bool(given.max() < 2)


def _codes(given: npt.NDArray[Any], k: int) -> Labels:
    """Return the labels (n,) as integers; refuse any that are not 0 to k - 1."""
    if given.dtype.kind not in "iu" or given.min() < 0 or given.max() >= k:
        found = one_line(given.dtype)
        if given.dtype.kind in "iuf":
            found = f"{given.min()} to {given.max()}"
        raise DataError(f"labels must be integers 0 to {k - 1}, one for each column, found {found}")
    return given.astype(np.int64)


def _are_logarithms(values: Numbers, seen: Survey) -> bool:
    return bool((seen.high <= TOLERANCE).all()) and sums_of_exponentials_are_one(values)


def _gaps(seen: Survey, n: int, name: str) -> Fault | None:
    if not seen.gaps.count:
        return None
    return Fault(
        f"{name} has NaN or infinite values in {seen.gaps.count:,} of {n:,} rows, first in row "
        f"{seen.gaps.first}, expected numbers from 0 to 1",
        AGAIN,
    )


def _wrong_scale(seen: Survey, n: int, name: str) -> Fault | None:
    """Numbers that are not from 0 to 1, or whose rows all sum to another number, such as 100."""
    low = float(seen.low.min())
    high = float(seen.high.max())
    if low >= 0 and _all_alike(seen, n):
        first = float(seen.sums[0])
        if abs(first - 1) > TOLERANCE:
            total = f"{first:.5g}"
            found = f"every row of {name} sums to {total}, expected 1"
            return Fault(found, f"divide by it: {name} / {total}")
        return None
    if low >= -TOLERANCE and high <= 1 + TOLERANCE:
        return None
    found = f"{name} has values from {low:.4g} to {high:.4g}, expected 0 to 1"
    if not seen.off.count:
        return Fault(f"{found}; its rows sum to 1, but probabilities cannot be negative", "use predict_proba")
    counts = "" if low < 0 else ", or divide each row by its sum if they are counts"
    softmax = f"apply softmax: scipy.special.softmax({name}, axis=1){counts}"
    return Fault(f"{found}: they look like logits", softmax)


def _all_alike(seen: Survey, n: int) -> bool:
    """Return whether all rows have one sum; a single row's sum says so only where it is 100."""
    first, least, greatest = seen.sums
    if not np.isfinite(first) or first <= 0:
        return False
    if n == 1 and not np.isclose(first, 100, atol=0.1):
        return False
    return bool(np.allclose([least, greatest], first, rtol=TOLERANCE, atol=0))


def _wrong_sums(seen: Survey, n: int, name: str) -> Fault | None:
    off = seen.off
    if not off.count:
        return None
    _first, least, greatest = seen.sums
    divide = f"divide each row by its sum: {name} / {name}.sum(axis=1, keepdims=True)"
    remedy = AGAIN
    if max(1 - least, greatest - 1) < ROUNDED:
        remedy = f"they look rounded; {divide}"
    elif 2 * off.count > n:
        remedy = f"they look like sigmoids, each class by itself; train with softmax, or {divide}"
    return Fault(
        f"row {off.first} of {name} sums to {seen.sum_of_off:.4g}, expected 1, as in all "
        f"({off.count:,} of {n:,} rows do not)",
        remedy,
    )


def _refuse_same_rows(values: Numbers, seen: Survey, name: str) -> None:
    """Refuse probabilities that are the same in every row."""
    if len(values) >= FEW_ROWS and (seen.high - seen.low).max() <= 1e-6:
        first = some([f"{p:.3g}" for p in values[0]])
        raise DataError(
            f"all {len(values):,} rows of {name} are the same ({first}), expected a model that tells them "
            "apart; check that it was trained, and predicts from the right inputs"
        )


@dataclass(frozen=True, eq=False)
class MovedClasses:
    """Another order of the columns, which fits the labels of some classes far better."""

    order: npt.NDArray[np.int64]  # (k,) the column of each class
    agree: Mask  # (n,) whether the likeliest class is the label, by an order that other rows chose


def _moved_classes(codes: Labels, likeliest: Labels, k: int) -> MovedClasses | None:
    """Find the order of columns that fits the labels best, where classes agree far better in it.

    Classes of fewer rows than LEAST_OF_CLASS tell nothing; they keep their columns as far as these are free.
    """
    n = len(codes)
    told = np.bincount(codes, minlength=k) >= LEAST_OF_CLASS
    if _most_gained(codes, likeliest, told) <= LEAST_DEVIATIONS**2:
        return None
    half = np.random.default_rng(0).permutation(n) < n // 2
    agree = np.zeros(n, dtype=bool)
    for chosen in (half, ~half):
        order = _best_order(codes[chosen], likeliest[chosen], told, k)
        agree[~chosen] = order[codes[~chosen]] == likeliest[~chosen]
    order = _best_order(codes, likeliest, told, k)
    in_place = order == np.arange(k)
    rows = ~in_place[codes] & told[codes]
    if not _far_better((codes == likeliest)[rows], agree[rows]):
        return None
    return MovedClasses(order, agree)


def _most_gained(codes: Labels, likeliest: Labels, told: Mask) -> int:
    """How many rows more would agree if each class that tells had the column that suits it best."""
    k = len(told)
    pairs, rows = np.unique(codes * k + likeliest, return_counts=True)
    most = np.zeros(k, dtype=np.int64)
    np.maximum.at(most, pairs // k, rows)
    own = np.bincount(codes[codes == likeliest], minlength=k)
    return int((most - own)[told].sum())


def _refuse_order(codes: Labels, likeliest: Labels, moved: MovedClasses, names: list[str], name: str) -> None:
    """Refuse columns of which another order fits the labels of all rows far better."""
    before = codes == likeliest
    if not _far_better(before, moved.agree):
        return
    order = moved.order
    after = order[codes] == likeliest
    told = _told(order, names)
    remedy = f"{name}[:, {order.tolist()}]"
    if len(names) > LONGEST_ORDER:
        remedy = f"{name}[:, order] with the model's classes"
    raise DataError(
        f"the columns of {name} are in another order than the classes ({_quoted(names)}), expected the same: "
        f"the likeliest class is the given label in {100 * before.mean():.1f} % of rows, but in "
        f"{100 * after.mean():.1f} % if {told} stand for these classes; reorder them: {remedy}"
    )


def _told(order: npt.NDArray[np.int64], names: list[str]) -> str:
    """Return which columns stand for which of the classes that are out of place."""
    out_of_place = np.flatnonzero(order != np.arange(len(order)))
    return some([f"column {order[i]} {_quoted([names[i]])}" for i in out_of_place])


def _exchanged_note(
    codes: Labels, likeliest: Labels, moved: MovedClasses | None, names: list[str], name: str
) -> str:
    """Return a line where a few classes would agree far better with other columns; else empty."""
    if moved is None:
        return ""
    order = moved.order
    rows = order[codes] != codes
    before = 100 * (codes == likeliest)[rows].mean()
    after = 100 * (order[codes] == likeliest)[rows].mean()
    return (
        f"the columns of {name} may be in another order than the classes: of the rows with labels that are "
        f"out of place, the likeliest class is the given label in {before:.1f} %, but in {after:.1f} % if "
        f"{_told(order, names)} stand for these classes; check the order of the model's classes"
    )


def _chance_note(codes: Labels, likeliest: Labels, k: int, name: str) -> str:
    """Return a line where the likeliest class agrees with labels hardly more often than by chance."""
    n = len(codes)
    if n < FEW_ROWS * 2:
        return ""
    agreement = float((codes == likeliest).mean())
    shares = np.bincount(codes, minlength=k) / n
    chance = float(shares @ np.bincount(likeliest, minlength=k) / n)
    if agreement - chance >= LEAST_KAPPA * (1 - chance):
        return ""
    return (
        f"{name} agree with the given labels in {100 * agreement:.1f} % of rows, and would in "
        f"{100 * chance:.1f} % by chance: the model tells the classes hardly apart, or rows are in another "
        "order than the labels; suspects mean nothing then"
    )


def _far_better(before: Mask, after: Mask) -> bool:
    """Return whether far more rows (n,) agree after than before, so that it is not an accident."""
    gain = int(after.sum()) - int(before.sum())
    deviation = np.sqrt(np.not_equal(before, after).sum())
    return bool(
        gain > LEAST_DEVIATIONS * deviation
        and gain > LEAST_GAIN * len(before)
        and after.sum() >= LEAST_FACTOR * before.sum()
    )


def _best_order(codes: Labels, likeliest: Labels, told: Mask, k: int) -> npt.NDArray[np.int64]:
    """Return the column (k,) for each class that agrees with most labels; its own where that is as good.

    Classes that are not told (k,) get their own column where it is left, else the first that is.
    """
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415  slow to import

    counts = np.bincount(codes * k + likeliest, minlength=k * k).reshape(k, k)
    weights = counts + 0.5 / k * np.eye(k)
    order = np.full(k, -1)
    order[told] = linear_sum_assignment(weights[told], maximize=True)[1]
    left = np.setdiff1d(np.arange(k), order).tolist()
    for label in np.flatnonzero(~told).tolist():
        if label in left:
            order[label] = label
            left.remove(label)
    order[order < 0] = left
    return order


def _in_sample_note(agreeing: int, seen: Survey, name: str) -> str:
    """Return a line when they look as if the model had seen the labels; else empty.

    Agreement alone tells. Forests, boosted trees and nearest neighbours agree with nearly all noisy labels of
    their own training rows, at any confidence. Models that were not trained on the rows hardly ever do.
    """
    n = len(seen.likeliest)
    if n < IN_SAMPLE_ROWS or agreeing < IN_SAMPLE_AGREEMENT * n:
        return ""
    confidence = 100 * seen.confidence
    percent = 100 * agreeing / n
    return (
        f"{name} agree with the given labels in {agreeing:,} of {n:,} rows ({percent:.1f} %, at a mean "
        f"confidence of {confidence:.1f} %): they look in-sample, made by a model that was trained on these "
        "rows, and label errors hide there; unless classes are easy and labels clean, use cross-validated "
        "ones"
    )


def _quoted(names: Iterable[str]) -> str:
    """Return the first names of a list in quotes, each shortened, as one line."""
    return some([f"'{one_line(name)[:LONGEST_NAME]}'" for name in names])

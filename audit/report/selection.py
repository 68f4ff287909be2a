"""Choose the rows that a report shows, group by group, and make small images of them."""

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from audit.report.neighbours import nearest_images, nearest_in_features
from audit.report.sprites import as_picture
from audit.report.telling_words import telling_words
from audit.review.controls import mixed
from audit.runs.folder import RunRecord
from audit.types import (
    AsGiven,
    Examples,
    Features,
    FeatureValue,
    Issues,
    LabeledDataset,
    Labels,
    Leaks,
    Mask,
    NoisyLabels,
    OutOfSample,
    Rows,
    Thumbnails,
    VoteQuality,
)

MOST_SUSPECTS = 2000
MOST_OTHERS = 35
MOST_ONE_MORE = 12  # rows on which one more person should look
LARGEST_SIDE = 64  # pixels of a thumbnail
MOST_FEATURES = 4  # of a row without an image
# Line breaks and tabs stay; codes that move or colour a terminal mean nothing on a page.
WITHOUT_CONTROLS = dict.fromkeys({*range(32), 127} - {9, 10})
LONGEST_TEXT = 2000  # characters of a text on a card


def injected_and_found(issues: Issues, flipped: Mask) -> Rows:
    """Changed and flagged rows, the least certain first."""
    return issues.ranking[flipped[issues.ranking]][::-1]


def injected_and_missed(issues: Issues, flipped: Mask) -> Rows:
    """Changed rows that were not flagged; those that look most like their new label come first."""
    rows = np.flatnonzero(flipped & ~issues.is_issue)
    return rows[np.argsort(-issues.label_quality[rows], kind="stable")]


def false_alarms(issues: Issues, flipped: Mask) -> Rows:
    """Flagged rows that were not changed, the most certain first."""
    return issues.ranking[~flipped[issues.ranking]]


def queue(record: RunRecord, most: int) -> list[tuple[int, bool]]:
    """The rows to review in their order: at most `most` suspects, with the hidden controls among them.

    Each row comes with whether it is shown with its original label; a changed control is shown with the
    changed one.
    """
    rows, which = mixed(record.suspects.ranking[:most], record.controls)
    changed = np.append(record.controls.injected, False)[which]  # the last is for -1, no control
    return list(zip(rows.tolist(), (~changed).tolist(), strict=True))


def rows_to_show(issues: Issues, suspects: Issues, flipped: Mask, hidden: Rows) -> Rows:
    """All rows whose image a report may show, in row order; `hidden` are the rows of controls."""
    groups = (injected_and_found, injected_and_missed, false_alarms)
    others = [without_controls(group(issues, flipped), hidden)[:MOST_OTHERS] for group in groups]
    return np.unique(np.concatenate([suspects.ranking[:MOST_SUSPECTS], *others, hidden]))


def leaks_to_show(leaks: Leaks | None) -> Rows:
    """The first rows of smaller parts that have a duplicate in a larger part, and those duplicates."""
    if leaks is None:
        return np.empty(0, np.int64)
    listed = of_smaller_parts(leaks)[:MOST_OTHERS]
    return np.concatenate([leaks.rows[listed], leaks.twins[listed]])


def one_more_to_show(quality: VoteQuality | None) -> Rows:
    """The first rows on which one more person should look."""
    if quality is None:
        return np.empty(0, np.int64)
    return np.argsort(quality.one_more, kind="stable")[:MOST_ONE_MORE]


def of_smaller_parts(leaks: Leaks) -> Rows:
    """The indices of shared rows in a smaller part than their twin, or in a later part of the same size."""
    names, part_of_row, sizes = np.unique(leaks.part, return_inverse=True, return_counts=True)
    largest_first = np.lexsort((np.arange(len(names)), -sizes))
    rank = np.argsort(largest_first)[part_of_row]
    return np.flatnonzero(rank[leaks.rows] > rank[leaks.twins])


def without_controls(rows: Rows, hidden: Rows) -> Rows:
    """The rows that are not hidden controls, whose answer no list may give away."""
    return rows[~np.isin(rows, hidden)]


def trusted(issues: Issues, suspects: Issues, labels: NoisyLabels, probs: OutOfSample) -> Mask:
    """Which rows (n,) are unchanged, flagged by no detector, and predicted with their own label."""
    predicted: Mask = probs.pred_probs.argmax(axis=1) == labels.original
    return predicted & ~labels.flipped & ~issues.is_issue & ~suspects.is_issue


def thumbnails(
    dataset: LabeledDataset,
    rows: Rows,
    given: Labels,
    suggested: Labels,
    trusted: Mask,
    features: Features | None = None,
) -> Thumbnails:
    """Make small grey or RGB images of these rows in uint8, or list their texts or most unusual features.

    Images and texts come with the nearest of the trusted rows (n,), one of the given class and one of the
    suggested class: by features (n, d) where there are such, else images by their pixels.
    """
    classes = np.stack([given, suggested], axis=1)
    if dataset.are_images:
        if features is None:
            near = nearest_images(dataset.X, given, trusted, rows, classes[rows])
        else:
            near = nearest_in_features(features, given, trusted, rows, classes[rows])
        shown, nearest = _with_nearest(rows, near)
        images = _shrunk(_to_bytes(dataset.X[shown]))
        return Thumbnails(shown, images, ((),) * len(shown), nearest)
    if dataset.are_texts:
        near = np.full((len(rows), 2), -1)
        if features is not None:
            near = nearest_in_features(features, given, trusted, rows, classes[rows])
        shown, nearest = _with_nearest(rows, near)
        told = telling_words(dataset.content, given, trusted, shown, classes[shown])
        passages = [
            (_passage(text, *words),) for text, words in zip(dataset.content[shown], told, strict=True)
        ]
        return replace(no_thumbnails(shown), unusual=tuple(passages), nearest=nearest)
    if dataset.as_given is not None and not dataset.has_numbers:
        return replace(no_thumbnails(rows), unusual=records(dataset.as_given[rows]))
    return replace(no_thumbnails(rows), unusual=unusual_features(dataset, rows, given, suggested))


def _with_nearest(rows: Rows, near: npt.NDArray[np.int64]) -> tuple[Rows, npt.NDArray[np.int64]]:
    """The rows (m,) with those nearest to them (m, 2) in one order, and the nearest rows of each."""
    shown = np.union1d(rows, near[near >= 0])
    nearest = np.full((len(shown), 2), -1)
    nearest[np.searchsorted(shown, rows)] = near
    return shown, nearest


def no_thumbnails(rows: Rows) -> Thumbnails:
    """Rows that are shown by their ids and labels alone."""
    no_images = np.empty((len(rows), 0, 0, 1), dtype=np.uint8)
    no_neighbours = np.full((len(rows), 2), -1)
    return Thumbnails(rows, no_images, ((),) * len(rows), no_neighbours)


def records(given: AsGiven) -> tuple[tuple[FeatureValue, ...], ...]:
    """What examples without numbers (m) hold, in words: what is in each column."""
    values = given.examples
    if hasattr(values, "columns"):
        names = list(values.columns)
        cells = zip(*(values[name] for name in names), strict=True)
        return tuple(tuple(map(_field, names, row)) for row in cells)
    return tuple((_field("record", each),) for each in values)


def _field(name: object, value: object) -> FeatureValue:
    return FeatureValue(str(name), _short_text(value), "", "")


def _passage(text: str, for_given: str, for_suggested: str) -> FeatureValue:
    return FeatureValue("text", _short_text(text), for_given, for_suggested)


def _short_text(value: object) -> str:
    text = str(value).translate(WITHOUT_CONTROLS)
    if len(text) > LONGEST_TEXT:
        return f"{text[: LONGEST_TEXT - 1]}…"
    return text


def unusual_features(
    dataset: LabeledDataset, rows: Rows, given: Labels, suggested: Labels
) -> tuple[tuple[FeatureValue, ...], ...]:
    """The features in which each row (m,) is most like the suggested class and unlike the given one.

    How unlike is counted in quartile ranges of the feature: the distance to the given class's median less
    that to the suggested one's.
    """
    if not dataset.X.shape[1]:
        return ((),) * len(rows)
    X = dataset.X.astype(np.float64)
    names = dataset.feature_names or tuple(f"feature {i}" for i in range(X.shape[1]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of classes that have no value of a feature
        low, high = np.nanpercentile(X, [25, 75], axis=0)
        medians = {label: np.nanmedian(X[given == label], axis=0) for label in np.unique(given)}
    spread = np.where(high > low, high - low, 1)
    unusual = []
    for row in rows:
        values = X[row]
        given_medians = medians[given[row]]
        suggested_medians = medians.get(suggested[row], given_medians)
        closer = np.abs(values - given_medians) - np.abs(values - suggested_medians)
        unlike = np.nan_to_num(closer / spread, nan=-np.inf)
        most = np.argsort(-unlike, kind="stable")[:MOST_FEATURES]
        unusual.append(
            tuple(
                FeatureValue(
                    names[i], _short(values[i]), _short(given_medians[i]), _short(suggested_medians[i])
                )
                for i in most
            )
        )
    return tuple(unusual)


def _short(value: float) -> str:
    """Three digits that say something, or all of those before the point."""
    if 1000 <= abs(value) < 1e7:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _to_bytes(images: Examples) -> npt.NDArray[np.uint8]:
    """Scale images to uint8: uint8 stays, floats from 0 to 1 are shares of white, others are stretched.

    Black is 0, or the least number where all are nearer to the largest one.
    """
    images = images[..., :3]  # a fourth channel is opacity
    if images.dtype == np.uint8 or not images.size:
        return images.astype(np.uint8)
    values = images.astype(np.float64)
    low = float(values.min())
    high = float(values.max())
    if low > 0 and not high / 2 < low < high:
        low = 0.0
    if images.dtype.kind == "f" and low == 0 and 0.5 < high <= 1:
        high = 1.0
    return np.asarray((values - low) * (255 / (high - low or 1.0)), dtype=np.uint8)


def _shrunk(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    from PIL import Image  # noqa: PLC0415  only large images need it

    height, width = images.shape[1:3]
    if max(height, width) <= LARGEST_SIDE or not len(images):
        return images
    scale = LARGEST_SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))

    def small(image: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        return np.asarray(as_picture(image).resize(size, Image.Resampling.BOX)).reshape(size[1], size[0], -1)

    return np.stack([small(image) for image in images])

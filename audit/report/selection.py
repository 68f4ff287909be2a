"""Which rows a report shows, group by group, and the small images kept of them."""

from typing import Any

import numpy as np
import numpy.typing as npt

from audit.types import Images, Issues, LabeledDataset, Mask, Rows, Thumbnails

MOST_SUSPECTS = 1000
MOST_OTHERS = 35
LARGEST_SIDE = 64  # pixels of a thumbnail


def injected_and_found(issues: Issues, flipped: Mask) -> Rows:
    """Changed and flagged rows, the least certain first: the last ones that were still found."""
    return issues.ranking[flipped[issues.ranking]][::-1]


def injected_and_missed(issues: Issues, flipped: Mask) -> Rows:
    """Changed rows that were not flagged, those that look most like their new label first."""
    rows = np.flatnonzero(flipped & ~issues.is_issue)
    return rows[np.argsort(-issues.label_quality[rows], kind="stable")]


def false_alarms(issues: Issues, flipped: Mask) -> Rows:
    """Flagged rows that nobody changed, the surest first."""
    return issues.ranking[~flipped[issues.ranking]]


def rows_to_show(issues: Issues, suspects: Issues, flipped: Mask) -> Rows:
    """All rows of which a report may show the image, in row order."""
    return np.unique(
        np.concatenate(
            [
                suspects.ranking[:MOST_SUSPECTS],
                injected_and_found(issues, flipped)[:MOST_OTHERS],
                injected_and_missed(issues, flipped)[:MOST_OTHERS],
                false_alarms(issues, flipped)[:MOST_OTHERS],
            ]
        )
    )


def thumbnails(dataset: LabeledDataset, rows: Rows) -> Thumbnails:
    """Small grey or RGB images of these rows, in uint8."""
    return Thumbnails(rows=rows, images=_shrunk(_to_bytes(dataset.images[rows])))


def _to_bytes(images: Images) -> npt.NDArray[np.uint8]:
    """uint8 as it is; floats from 0 to 1 as shares of white; any other range stretched over its extremes."""
    images = images[..., :3]  # a fourth channel is opacity
    if images.dtype == np.uint8 or not images.size:
        return images.astype(np.uint8)
    values = images.astype(np.float64)
    low, high = min(0.0, float(values.min())), float(values.max())
    if images.dtype.kind == "f" and low == 0 and 0.5 < high <= 1:
        high = 1.0
    return np.asarray((values - low) * (255 / max(high - low, np.finfo(float).tiny)), dtype=np.uint8)


def _shrunk(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    from PIL import Image  # noqa: PLC0415  only large images need it

    height, width = images.shape[1:3]
    if max(height, width) <= LARGEST_SIDE or not len(images):
        return images
    scale = LARGEST_SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))

    def small(image: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        picture = Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image)
        return np.asarray(picture.resize(size, Image.Resampling.BOX)).reshape(size[1], size[0], -1)

    return np.stack([small(image) for image in images])

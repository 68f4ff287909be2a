"""Pixels that give the label of an image away, as a border or a watermark does."""

import numpy as np

from audit.datasets.giveaways.against_rest import told
from audit.datasets.giveaways.columns import Telling, tellings
from audit.datasets.giveaways.sampled_table import REPEATED
from audit.types import Examples, Floats, Labels, evenly_spaced

MOST_IMAGES = 600
MOST_LINES = 32  # of pixels a side that are looked at, the first and the last among them
STRONG = 0.98  # of `Telling`: no pixel of a photograph or a drawing tells a class so well
ORDINARY = 0.5  # up to which a pixel is compared with those that stand out
LEAST_OF_CLASS = 20  # images
MOST_CLASSES = 20  # that are looked at one by one


def warning_of_pixels(X: Examples, labels: Labels, class_names: tuple[str, ...]) -> str:
    """Warn of single pixels of images (n, h, w, c) from which the label can be told; empty where none is.

    A pixel counts that tells all classes, or one from the others, nearly without an error, where ordinary
    pixels together tell clearly less. Where ordinary pixels tell next to nothing, as in drawings of bars, the
    pixel is what the image shows.
    """
    rows = np.random.default_rng(0).permutation(len(X))[:MOST_IMAGES]
    down = evenly_spaced(X.shape[1], MOST_LINES)
    across = evenly_spaced(X.shape[2], MOST_LINES)
    pixels = X[rows][:, down][:, :, across]
    values = pixels.reshape(len(rows), -1)
    y = labels[rows]
    questions = _questions(y, class_names)
    tells_of = [_best(each) for each in tellings(values, [question for question, _ in questions])]
    ordinary = np.flatnonzero(np.max(tells_of, axis=0) <= ORDINARY)
    if np.max(tells_of) < STRONG or not told(values[:, ordinary], y).enough:
        return ""
    for (question, what), tells in zip(questions, tells_of, strict=True):
        place = int(tells.argmax())
        if tells[place] < STRONG:
            continue
        alone = told(values[:, [place]], question)
        others = told(values[:, ordinary], question)
        if alone.stands_out_from(others):
            row, column, _ = np.unravel_index(place, pixels.shape[1:])
            return (
                f"the pixel in row {down[row]}, column {across[column]} alone tells {what} in {alone} of the "
                f"images, ordinary pixels together in {others}: a border, a watermark or a stamp that goes "
                "with the label hides errors in it; cut it off"
            )
    return ""


def _questions(labels: Labels, class_names: tuple[str, ...]) -> list[tuple[Labels, str]]:
    """What a pixel may tell of the labels (m,): the class, or one class from the others."""
    counts = np.bincount(labels, minlength=len(class_names))
    questions = [(labels, "the label")]
    if np.count_nonzero(counts) > 2:
        large = np.flatnonzero(counts >= LEAST_OF_CLASS)[:MOST_CLASSES].tolist()
        questions += [
            ((labels == each).astype(np.int64), f"the class {class_names[each]!r} from the others")
            for each in large
        ]
    return questions


def _best(tells: Telling) -> Floats:
    """How well each pixel (p,) tells the labels: by its order, or by equal values where most repeat."""
    return np.where(tells.repeated >= REPEATED, np.maximum(tells.along, tells.within), tells.along)

"""Find the trusted example of a class that looks most like a given one."""

from collections.abc import Callable
from functools import partial
from itertools import product

import numpy as np
import numpy.typing as npt

from audit.types import Examples, Features, Floats, Labels, Mask, Rows, evenly_spaced

SIDE = 16  # pixels at least that an image is shrunk to
DENSEST = 4
MOST_A_CLASS = 400  # candidates
MOST_BYTES = 1 << 26  # of all candidates together: what may have to be read from disk
LEAST_A_CLASS = 4  # candidates, however large the images are


def nearest_trusted(
    vectors: Callable[[Rows], Floats],
    labels: Labels,
    trusted: Mask,
    rows: Rows,
    classes: npt.NDArray[np.int64],
    most: int = MOST_A_CLASS,
) -> npt.NDArray[np.int64]:
    """Find for each of the rows (m,) the nearest trusted row of each class that is asked for, (m, c).

    Distance is Euclidean. The candidates of a class are spread evenly over its trusted rows, so that few are
    read however many there are.

    Parameters
    ----------
    vectors
        Returns the vectors (t, d) of rows (t,), such as shrunk images.
    labels
        The class of every row (n,).
    trusted
        Which rows (n,) may be shown as an example of their class.
    rows
        The rows to find neighbours for; none of them is a neighbour.
    classes
        The classes (m, c) of which to find one.
    most
        Candidates of a class.

    Returns
    -------
    array (m, c) of row numbers, -1 where a class has no candidate.
    """
    from sklearn.neighbors import NearestNeighbors  # noqa: PLC0415  slow to import

    nearest = np.full(classes.shape, -1)
    free = trusted.copy()
    free[rows] = False
    asking_vectors = vectors(rows)
    for label in np.unique(classes):
        known = np.flatnonzero(free & (labels == label))
        known = known[evenly_spaced(len(known), most)]
        asking, column = np.nonzero(classes == label)
        if len(known):
            search = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(vectors(known))
            found = search.kneighbors(asking_vectors[asking], return_distance=False)[:, 0]
            nearest[asking, column] = known[found]
    return nearest


def nearest_images(
    X: Examples, labels: Labels, trusted: Mask, rows: Rows, classes: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Find for each of the rows (m,) of images (n, h, w, c) the nearest trusted row of each class, (m, c).

    Distance is that of shrunk images of mean 0 and length 1; see `nearest_trusted`.
    """
    most = MOST_BYTES // max(1, len(np.unique(classes)) * X[:1].nbytes)
    most = min(MOST_A_CLASS, max(LEAST_A_CLASS, most))
    return nearest_trusted(partial(_shrunk, X), labels, trusted, rows, classes, most)


def nearest_in_features(
    X: Features, labels: Labels, trusted: Mask, rows: Rows, classes: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Find for each of the rows (m,) of features (n, d) the nearest trusted row of each class, (m, c).

    Distance is that of features of mean 0 and length 1; see `nearest_trusted`.
    """

    def vectors(some: Rows) -> Floats:
        return _of_length_one(np.nan_to_num(X[some].astype(np.float64)))

    return nearest_trusted(vectors, labels, trusted, rows, classes)


def _shrunk(X: Examples, rows: Rows) -> Floats:
    """The images of these rows as vectors of mean 0 and length 1, of SIDE to 2 SIDE pixels a side.

    A pixel is the sum of a block of the image, of which at most (2 DENSEST)² pixels are looked at.
    """
    height, width = (max(1, side // SIDE) for side in X.shape[1:3])
    h = X.shape[1] // height
    w = X.shape[2] // width
    down, across = (range(0, side, max(1, side // DENSEST)) for side in (height, width))
    small = np.zeros((len(rows), h, w, X.shape[3]))
    for number, row in enumerate(rows):  # one by one: all of them at full size may be gigabytes
        image = X[row]
        for i, j in product(down, across):
            small[number] += image[i : h * height : height, j : w * width : width]
    return _of_length_one(small.reshape(len(rows), h * w * X.shape[3]))


def _of_length_one(vectors: Floats) -> Floats:
    """Vectors (m, v) of mean 0 and length 1."""
    vectors -= vectors.mean(axis=1, keepdims=True)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(float).tiny)
    return vectors

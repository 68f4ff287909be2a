"""What a model sees in examples, brought into a space that all folds share."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from audit.types import Examples, Features, Rows, evenly, evenly_spaced

COMPONENTS = 32  # principal ones that are kept
ANCHORS = 1000  # rows that every fold looks at
FIT_ROWS = 5000  # of a table that its components are taken of
Project = Callable[[Features], npt.NDArray[np.float32]]


def anchor_rows(n: int) -> Rows:
    """Rows spread evenly over the data."""
    return evenly_spaced(n, ANCHORS)


def projection(features: Features) -> Project:
    """The map to the first principal components of these features (a, d)."""
    from sklearn.decomposition import PCA  # noqa: PLC0415  slow to import

    fitted = PCA(min(COMPONENTS, *features.shape), random_state=0).fit(np.asarray(features, np.float32))
    return lambda each: np.asarray(fitted.transform(np.asarray(each, np.float32)), dtype=np.float32)


def onto(anchors: Features, reference: Features) -> Project:
    """The shift, rotation and scale that bring anchors (a, d) nearest to the reference's.

    Distances within a fold keep their proportions (orthogonal Procrustes, Schönemann 1966).
    """
    from scipy.linalg import orthogonal_procrustes  # noqa: PLC0415  slow to import

    centre, target = anchors.mean(axis=0), reference.mean(axis=0)
    turn, scale = orthogonal_procrustes(anchors - centre, reference - target)
    scale /= max(float(np.square(anchors - centre).sum()), np.finfo(np.float32).tiny)
    return lambda each: np.asarray((each - centre) @ turn * scale + target, dtype=np.float32)


def of_tables(X: Examples) -> Project:
    """The map of rows of a table (m, c) to its standardised columns, or their principal components.

    A missing value counts as the median of its column.
    """
    from sklearn.impute import SimpleImputer  # noqa: PLC0415  slow to import
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415  slow to import
    from sklearn.preprocessing import RobustScaler  # noqa: PLC0415  slow to import

    some = np.asarray(evenly(X, FIT_ROWS), dtype=np.float64)
    scaled = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), RobustScaler())
    fitted = scaled.fit(some)

    def standardised(each: Examples) -> npt.NDArray[np.float32]:
        values = fitted.transform(np.asarray(each, dtype=np.float64))
        return np.asarray(np.clip(values, -FARTHEST, FARTHEST), dtype=np.float32)

    if X.shape[1] <= COMPONENTS:
        return standardised
    project = projection(standardised(some))
    return lambda each: project(standardised(each))


FARTHEST = 1000.0  # quartile ranges; what is farther would overflow half precision

"""Features of examples, brought into one space that all folds share."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from audit.types import Examples, Features, Rows, evenly, evenly_spaced

COMPONENTS = 32  # principal ones that are kept
LANDMARKS = 1000  # rows that the model of every fold embeds
FIT_ROWS = 5000  # of a table, by which its components are fitted
FARTHEST = 1000.0  # quartile ranges; larger values would overflow half precision
MOST_HALF = float(np.finfo(np.float16).max)
Project = Callable[[Features], npt.NDArray[np.float32]]


def halved(features: Features) -> npt.NDArray[np.float16]:
    """Features in half precision, the largest at the end of its range instead of infinite."""
    return np.clip(features, -MOST_HALF, MOST_HALF).astype(np.float16)


def landmark_rows(n: int) -> Rows:
    """Choose rows spread evenly over n."""
    return evenly_spaced(n, LANDMARKS)


def projection(features: Features) -> Project:
    """Fit the map to the first principal components of these features (a, d)."""
    from sklearn.decomposition import PCA  # noqa: PLC0415  slow to import

    pca = PCA(min(COMPONENTS, *features.shape), random_state=0).fit(np.asarray(features, np.float32))

    def project(values: Features) -> npt.NDArray[np.float32]:
        return np.asarray(pca.transform(np.asarray(values, np.float32)), dtype=np.float32)

    return project


def alignment(landmarks: Features, reference: Features) -> Project:
    """Fit the shift, rotation and scale that bring landmarks (a, d) nearest to those of the reference.

    Distances within a fold keep their proportions (orthogonal Procrustes, Schönemann 1966).
    """
    from scipy.linalg import orthogonal_procrustes  # noqa: PLC0415  slow to import

    centre = landmarks.mean(axis=0)
    target = reference.mean(axis=0)
    rotation, scale = orthogonal_procrustes(landmarks - centre, reference - target)
    scale /= max(float(np.square(landmarks - centre).sum()), np.finfo(np.float32).tiny)

    def project(values: Features) -> npt.NDArray[np.float32]:
        return np.asarray((values - centre) @ rotation * scale + target, dtype=np.float32)

    return project


def table_projection(X: Examples) -> Project:
    """Fit the map of rows of a table (m, c) to its standardised columns, or to their principal components.

    A missing value counts as the median of its column.
    """
    from sklearn.impute import SimpleImputer  # noqa: PLC0415  slow to import
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415  slow to import
    from sklearn.preprocessing import RobustScaler  # noqa: PLC0415  slow to import

    sample = np.asarray(evenly(X, FIT_ROWS), dtype=np.float64)
    scaler = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), RobustScaler())
    scaler.fit(sample)

    def standardised(rows: Examples) -> npt.NDArray[np.float32]:
        values = scaler.transform(np.asarray(rows, dtype=np.float64))
        return np.asarray(np.clip(values, -FARTHEST, FARTHEST), dtype=np.float32)

    if X.shape[1] <= COMPONENTS:
        return standardised
    components = projection(standardised(sample))

    def project(rows: Examples) -> npt.NDArray[np.float32]:
        return components(standardised(rows))

    return project

"""Features of examples, brought into one space that all folds share."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from audit.datasets.words import WORD
from audit.types import Examples, Features, Rows, Texts, evenly, evenly_spaced

COMPONENTS = 32  # principal ones that are kept
LANDMARKS = 1000  # rows that the model of every fold embeds
FIT_ROWS = 5000  # of a table, by which its components are fitted
FIT_TEXTS = 20_000  # by which topics are fitted
TOPICS = 64
LEAST_TEXTS = 2  # that have a word which counts
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


def text_projection(texts: Texts) -> Project | None:
    """Fit the map of texts (m,) to the main topics of their words: latent semantic analysis.

    None where no two texts have a word in common. Source: Deerwester et al. 1990.
    """
    from sklearn.decomposition import TruncatedSVD  # noqa: PLC0415  slow to import
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415  slow to import
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415  slow to import
    from sklearn.preprocessing import Normalizer  # noqa: PLC0415  slow to import

    sample = evenly(texts, FIT_TEXTS).tolist()
    vectorizer = TfidfVectorizer(token_pattern=WORD, min_df=LEAST_TEXTS, sublinear_tf=True, dtype=np.float32)
    try:
        found = vectorizer.fit_transform(sample)
    except ValueError:  # as scikit-learn says that there are no such words
        return None
    count = min(TOPICS, len(sample) - 1, found.shape[1] - 1)
    if count < 1:
        return None
    topics = make_pipeline(vectorizer, TruncatedSVD(count, random_state=0), Normalizer())
    topics.fit(sample)

    def project(values: Examples) -> npt.NDArray[np.float32]:
        return np.asarray(topics.transform(values.tolist()), dtype=np.float32)

    return project


def projection_of(X: Examples) -> Project | None:
    """The map of features (n, d) or texts (n,) to a space that needs no model; None for anything else."""
    if X.ndim == 1:
        return text_projection(X)
    if X.ndim == 2 and X.shape[1]:
        return table_projection(X)
    return None

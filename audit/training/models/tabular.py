"""Classifiers for features, from scikit-learn; images are flattened."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_selection import VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from audit.types import Classifier, Training

REGULARISATION = 0.1  # inverse strength; noisy labels call for more than scikit-learn's default of 1
MOST_ITERATIONS = 500
BOOSTING_ROUNDS = 100


def build_linear(training: Training) -> Classifier:
    """Multinomial logistic regression on standardised features, missing ones at their mean."""
    model: Classifier = make_pipeline(
        FunctionTransformer(flat),
        SimpleImputer(keep_empty_features=True),
        StandardScaler(),
        LogisticRegression(C=REGULARISATION, max_iter=MOST_ITERATIONS, random_state=training.seed),
    )
    return model


def build_boosting(training: Training) -> Classifier:
    """Histogram gradient boosting, which reads missing values as they are."""
    model: Classifier = make_pipeline(
        FunctionTransformer(flat),
        VarianceThreshold(),  # the trees refuse a feature that is missing everywhere
        # Stopping early would hold back rows, of every class, that rare classes do not have.
        HistGradientBoostingClassifier(
            max_iter=BOOSTING_ROUNDS, early_stopping=False, random_state=training.seed
        ),
    )
    return model


def flat(X: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Examples (m, …) as features (m, d)."""
    return np.asarray(X, dtype=np.float64).reshape(len(X), -1)

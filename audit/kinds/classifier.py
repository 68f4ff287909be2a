"""The classifier of kinds: a forest that was fitted to synthetic rows of every kind."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from audit.kinds.explanations import Explanations
from audit.kinds.kind_features import QueryRows, ReferenceData, kind_features
from audit.settings.choices import SYNTHETIC_KINDS
from audit.types import KINDS, Conflicts, Floats, Kinds, Labels, OutOfSample, Rows, Synthetic

if TYPE_CHECKING:
    from sklearn.ensemble import ExtraTreesClassifier

TREES = 200
LEAST_LEAF = 1  # synthetic rows in a leaf
LEAST_ROWS = 5  # synthetic rows of each kind, without which no classifier is fitted
FEATURES_A_SPLIT = 0.3  # share of the features that a split chooses among
SURE = 0.5  # probability from which a conflicting duplicate is called low quality or off-topic instead


@dataclass(frozen=True, eq=False)
class KindClassifier:
    """A fitted forest, with what it predicts for the synthetic rows that it was fitted to."""

    forest: "ExtraTreesClassifier"  # its classes are defects
    kind_of: npt.NDArray[np.int64]  # (f,) kind of each defect
    defects: tuple[str, ...]  # (f,)
    true: npt.NDArray[np.int64]  # (p,) kinds of the synthetic rows
    predicted: npt.NDArray[np.int64]  # (p,) kinds by the trees that were not fitted to the row

    @property
    def confusion(self) -> tuple[tuple[int, ...], ...]:
        """Synthetic rows by their true kind (rows) and their predicted kind (columns), as SYNTHETIC_KINDS."""
        from sklearn.metrics import confusion_matrix  # noqa: PLC0415  slow to import

        numbers = [KINDS.index(kind) for kind in SYNTHETIC_KINDS]
        return tuple(map(tuple, confusion_matrix(self.true, self.predicted, labels=numbers).tolist()))


def fit_classifier(
    reference: ReferenceData, synthetic: Synthetic, predictions: OutOfSample, rng: np.random.Generator
) -> KindClassifier | None:
    """Fit a forest that tells synthetic defects apart by their features; None where too few rows are left.

    Rows that were made from a suspect are left out. The error is estimated on the trees that were not fitted
    to a row (out of bag, Breiman 2001), which costs no second fit.
    """
    from joblib import cpu_count  # noqa: PLC0415  slow to import
    from sklearn.ensemble import ExtraTreesClassifier  # noqa: PLC0415  the same

    first, second = synthetic.sources.T
    usable = reference.unsuspicious[first] & ((second < 0) | reference.unsuspicious[second])
    rows = np.flatnonzero(usable)
    true = synthetic.kind[rows]
    if min((true == KINDS.index(kind)).sum() for kind in SYNTHETIC_KINDS) < LEAST_ROWS:
        return None
    labels = with_likely_mistakes(synthetic, predictions, rng)
    query = QueryRows(synthetic.X, rows, labels[rows], predictions, synthetic.sources[rows])
    features = kind_features(query, reference)
    pairs = list(zip(true.tolist(), synthetic.defect[rows].tolist(), strict=True))
    classes = sorted(set(pairs))  # a kind with a defect each
    number = {pair: index for index, pair in enumerate(classes)}
    forest = ExtraTreesClassifier(
        TREES,
        min_samples_leaf=LEAST_LEAF,
        max_features=FEATURES_A_SPLIT,
        bootstrap=True,
        oob_score=True,
        random_state=int(rng.integers(2**31)),
        n_jobs=cpu_count(),  # every tree has a seed of its own
    )
    forest.fit(features.matrix, np.array([number[pair] for pair in pairs]))
    forest.set_params(n_jobs=1)  # threads would add the trees' probabilities up in any order
    kind_of = np.array([kind for kind, _ in classes])
    out_of_bag = kind_probabilities(np.nan_to_num(forest.oob_decision_function_), kind_of)
    defects = tuple(defect for _, defect in classes)
    return KindClassifier(forest, kind_of, defects, true, out_of_bag.argmax(axis=1))


def with_likely_mistakes(
    synthetic: Synthetic, predictions: OutOfSample, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Replace about half of the wrong labels (p,) with the class that the model ranks second."""
    ranked = predictions.pred_probs.copy()
    ranked[np.arange(len(ranked)), ranked.argmax(axis=1)] = -1
    wrong = synthetic.kind == KINDS.index("mislabelled")
    replaced = wrong & (rng.random(len(ranked)) < 0.5)
    return np.where(replaced, ranked.argmax(axis=1), synthetic.labels)


def classify(
    classifier: KindClassifier,
    reference: ReferenceData,
    rows: Rows,
    original: Labels,
    conflicts: Conflicts,
) -> Kinds:
    """Predict the kinds of these rows (m,) of the data by their original labels (n,).

    Conflicting duplicates are of that kind by rule, unless they are surely of low quality or off-topic: for
    two blank images the question is not which label is right.
    """
    labels = original[rows]
    own_rows = np.stack([rows, np.full(len(rows), -1)], axis=1)
    features = kind_features(QueryRows(reference.X, rows, labels, reference.predictions, own_rows), reference)
    of_defects = np.empty((0, len(classifier.defects)))
    if len(rows):
        of_defects = np.asarray(classifier.forest.predict_proba(features.matrix))
    probability = kind_probabilities(of_defects, classifier.kind_of)
    spoilt = probability[:, [KINDS.index("low quality"), KINDS.index("off-topic")]].max(axis=1) > SURE
    by_rule = np.isin(rows, conflicts.rows) & ~spoilt
    probability[by_rule] = np.eye(len(KINDS))[KINDS.index("duplicate")]
    kind = probability.argmax(axis=1)
    defect = np.where(classifier.kind_of == kind[:, None], of_defects, -1).argmax(axis=1)
    explanations = Explanations(reference, rows, labels, features, conflicts, original)
    reasons = [
        explanations.reason(i, KINDS[kind[i]], classifier.defects[defect[i]]) for i in range(len(rows))
    ]
    return Kinds(rows, kind, probability.astype(np.float32), np.array(reasons, dtype=np.str_))


def kind_probabilities(of_defects: Floats, kind_of: npt.NDArray[np.int64]) -> Floats:
    """Sum the probabilities of defects (m, f) over the defects of each kind, (m, 7)."""
    return np.asarray(of_defects @ np.eye(len(KINDS))[kind_of])

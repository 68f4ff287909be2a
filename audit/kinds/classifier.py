"""Which kind a suspect is: a forest that has seen planted rows of every kind."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from audit.kinds.evidence import Data, Rowset, gather
from audit.kinds.explanations import Reasons, Twins
from audit.settings.choices import SYNTHETIC_KINDS
from audit.types import KINDS, Floats, Kinds, Labels, OutOfSample, Rows, Synthetic

TREES = 200
LEAST_LEAF = 1  # planted rows in a leaf
LEAST = 5  # planted rows of a kind, without which nothing is learnt
COLUMNS = 0.3  # share of the evidence that a split chooses among
DUPLICATE = KINDS.index("duplicate")
SURE = 0.5  # probability from which a duplicate is called spoilt or off-topic


@dataclass(frozen=True, eq=False)
class Learned:
    """What planted rows taught, and how well."""

    forest: Any  # of scikit-learn
    kind_of: npt.NDArray[np.int64]  # (f,) the kind of each of the forest's classes, which are defects
    defects: tuple[str, ...]  # (f,)
    true: npt.NDArray[np.int64]  # (p,) kinds of the planted rows
    named: npt.NDArray[np.int64]  # (p,) what trees that never saw the row call it

    @property
    def figures(self) -> dict[str, Any]:
        """The confusion matrix of planted (rows) and named kinds, and its F1, as JSON can hold them."""
        from sklearn.metrics import confusion_matrix, f1_score  # noqa: PLC0415  slow to import

        of_kinds = [KINDS.index(kind) for kind in SYNTHETIC_KINDS]
        f1 = f1_score(self.true, self.named, labels=of_kinds, average=None, zero_division=0)
        return {
            "names": list(SYNTHETIC_KINDS),
            "confusion": confusion_matrix(self.true, self.named, labels=of_kinds).tolist(),
            "f1": {kind: float(value) for kind, value in zip(SYNTHETIC_KINDS, f1, strict=True)},
            "macro_f1": float(np.mean(f1)),
            "planted": {kind: int((self.true == KINDS.index(kind)).sum()) for kind in SYNTHETIC_KINDS},
        }


def learn(data: Data, synthetic: Synthetic, said: OutOfSample, rng: np.random.Generator) -> Learned | None:
    """A forest that tells the planted defects apart by their evidence; None where too few are left.

    Synthetic rows that were made of a row that is suspect itself are left out. Its error is measured on the
    trees that never saw a row (out of bag, Breiman 2001), which is a cross-validation that costs nothing.
    """
    from sklearn.ensemble import ExtraTreesClassifier  # noqa: PLC0415  slow to import

    usable = data.clean[synthetic.sources[:, 0]]
    usable &= (synthetic.sources[:, 1] < 0) | data.clean[synthetic.sources[:, 1]]
    rows = np.flatnonzero(usable)
    if min((synthetic.kind[rows] == KINDS.index(kind)).sum() for kind in SYNTHETIC_KINDS) < LEAST:
        return None
    labels = confused(synthetic, said, rng)
    evidence = gather(Rowset(synthetic.X, rows, labels[rows], said, synthetic.sources[rows]), data)
    names = np.char.add(np.char.add(synthetic.kind[rows].astype(str), " "), synthetic.defect[rows])
    fine, which = np.unique(names, return_inverse=True)
    forest = ExtraTreesClassifier(
        TREES,
        min_samples_leaf=LEAST_LEAF,
        max_features=COLUMNS,
        bootstrap=True,
        oob_score=True,
        random_state=int(rng.integers(2**31)),
    )
    forest.fit(evidence.columns, which)
    kind_of = np.array([int(name.split(" ", 1)[0]) for name in fine])
    votes = of_kinds(np.nan_to_num(forest.oob_decision_function_), kind_of)
    defects = tuple(str(name).split(" ", 1)[1] for name in fine)
    return Learned(forest, kind_of, defects, synthetic.kind[rows], votes.argmax(axis=1))


def confused(synthetic: Synthetic, said: OutOfSample, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """The labels (p,) of planted rows: every second wrong one is what the model would confuse it with."""
    probs = said.pred_probs.copy()
    first = probs.argmax(axis=1)
    probs[np.arange(len(probs)), first] = -1
    likely = (synthetic.kind == KINDS.index("mislabelled")) & (rng.random(len(probs)) < 0.5)
    return np.where(likely, probs.argmax(axis=1), synthetic.labels)


def name(data: Data, rows: Rows, labels: Labels, learned: Learned, twins: Twins) -> Kinds:
    """The kinds of these rows (m,) of the data, with these labels (m,).

    Rows that have duplicates with another label are of that kind by rule, unless they are surely spoilt or
    off-topic: two blank images are no question of which label is right.
    """
    sources = np.stack([rows, np.full(len(rows), -1)], axis=1)
    evidence = gather(Rowset(data.X, rows, labels, data.said, sources), data)
    votes = np.empty((0, len(learned.defects)))
    if len(rows):
        votes = np.asarray(learned.forest.predict_proba(evidence.columns))
    probability = of_kinds(votes, learned.kind_of)
    no_example = probability[:, [KINDS.index("low quality"), KINDS.index("off-topic")]].max(axis=1) > SURE
    probability[np.isin(rows, twins.rows) & ~no_example] = np.eye(len(KINDS))[DUPLICATE]
    kind = probability.argmax(axis=1)
    defect = np.where(learned.kind_of == kind[:, None], votes, -1).argmax(axis=1)
    known = Reasons(data, rows, labels, evidence, twins)
    texts = [known.of(i, KINDS[kind[i]], learned.defects[defect[i]]) for i in range(len(rows))]
    return Kinds(rows, kind, probability.astype(np.float32), np.array(texts, dtype=np.str_))


def of_kinds(votes: Floats, kind_of: npt.NDArray[np.int64]) -> Floats:
    """Probabilities of kinds (m, 7) from those of defects (m, f)."""
    return np.asarray(votes @ np.eye(len(KINDS))[kind_of])

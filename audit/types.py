"""The values that the steps of an audit hand on: frozen dataclasses of arrays.

Axis names mean the same in every module: n examples, k classes, m a subset of the examples,
h w c an image, d features. Labels are always integers 0..k-1 here; `class_names` says what they are called.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple, Protocol, Self, TypeAlias, TypeVar, runtime_checkable

import numpy as np
import numpy.typing as npt

from audit.settings import choices

Labels: TypeAlias = npt.NDArray[np.int64]  # (n,) class indices 0..k-1
Rows: TypeAlias = npt.NDArray[np.int64]  # (m,) row numbers 0..n-1
Groups: TypeAlias = npt.NDArray[np.int64]  # (n,) the same number for rows of one group
Mask: TypeAlias = npt.NDArray[np.bool_]  # (n,)
Probs: TypeAlias = npt.NDArray[np.float32]  # (n, k), rows sum to one
Floats: TypeAlias = npt.NDArray[np.float64]
Features: TypeAlias = npt.NDArray[np.floating[Any]]  # (n, d) what a model sees in each example
Examples: TypeAlias = npt.NDArray[Any]  # images (n, h, w, c) or features (n, d), any real dtype
Texts: TypeAlias = npt.NDArray[np.object_]  # (n,) of str
Scalar = TypeVar("Scalar", bound=np.generic)

KINDS = choices.KINDS  # what a suspect may be
MISSING_TEXTS = ("None", "nan", "<NA>")  # how missing values of Python, numpy and pandas print


def evenly(values: npt.NDArray[Scalar], least: int) -> npt.NDArray[Scalar]:
    """Take every s-th value, s the largest stride that leaves `least` of them: a view, nothing is copied.

    At least min(least, n) and at most 2 least - 1 of the n values are taken, the first among them.
    """
    return values[:: max(1, len(values) // least)]


def evenly_at_most(values: npt.NDArray[Scalar], most: int) -> npt.NDArray[Scalar]:
    """Take every s-th value, s the smallest stride that leaves `most` of them or fewer: a view.

    More than half of min(most, n) are taken, the first among them.
    """
    return values[:: max(1, -(-len(values) // most))]


def evenly_spaced(n: int, count: int) -> Rows:
    """The numbers of exactly min(count, n) of n rows, evenly spaced, the first and the last among them."""
    return np.linspace(0, n - 1, min(count, n)).astype(np.int64)


def largest_remainder(expected: Floats, total: int) -> Rows:
    """Round expected numbers (k,) so that they add up to the total, each by less than 1.

    Hamilton's method: all are rounded down, then the largest fractions are rounded up; ties go to the first
    classes.
    """
    whole = np.floor(expected).astype(np.int64)
    short = total - int(whole.sum())
    whole[np.argsort(whole - expected, kind="stable")[:short]] += 1
    return whole


def as_texts(values: Sequence[str]) -> Texts:
    """Texts as an array (n,) of Python's own strings: numpy's own would all be as wide as the longest."""
    texts = np.empty(len(values), dtype=object)
    texts[:] = values
    return texts


def _text_of(value: object) -> str | None:
    """A text as it is, a missing one as an empty one, and None for anything else."""
    if isinstance(value, str):
        return str(value)
    return "" if str(value) in MISSING_TEXTS else None


@dataclass(frozen=True, eq=False)
class AsGiven:
    """Examples as they came, which models of the user's own may want: a frame, texts, a sparse matrix."""

    examples: Any  # n rows
    numeric: bool = False  # whether X has the same numbers, in the same columns
    columns: tuple[str, ...] = ()  # what the columns of an array without names are called
    text_columns: tuple[str, ...] = ()  # of a frame, those whose texts are audited; all where there are none

    def __len__(self) -> int:
        if hasattr(self.examples, "shape"):
            return int(self.examples.shape[0])
        return len(self.examples)

    def __getitem__(self, rows: Rows) -> "AsGiven":
        """These rows (m,), in the same form."""
        if hasattr(self.examples, "iloc"):
            return replace(self, examples=self.examples.iloc[rows])
        if isinstance(self.examples, list):
            return replace(self, examples=[self.examples[row] for row in rows.tolist()])
        return replace(self, examples=self.examples[rows])

    def without(self, names: Sequence[str], stay: Rows) -> "AsGiven":
        """Without the columns of these names, or with the features of X that stay; components stay all."""
        if hasattr(self.examples, "columns"):
            columns = [column for column in self.examples.columns if str(column) not in names]
            return replace(self, examples=self.examples[columns])
        if self.numeric:
            return replace(self, examples=self.examples[:, stay])
        if self.columns:
            kept = [i for i, column in enumerate(self.columns) if column not in names]
            called = tuple(self.columns[i] for i in kept)
            return replace(self, examples=self.examples[:, kept], columns=called)
        return self

    @cached_property
    def texts(self) -> list[str] | None:
        """Each example as one text, columns on lines of their own; None where some are no texts.

        A missing text is empty.
        """
        values = self.examples
        if hasattr(values, "columns"):
            names = [name for name in values.columns if str(name) in self.text_columns]
            columns = [AsGiven(values[name]).texts for name in names or values.columns]
            known = [column for column in columns if column is not None]
            if len(known) < len(columns):
                return None
            return ["\n".join(filter(None, row)) for row in zip(*known, strict=True)]
        if (isinstance(values, np.ndarray) and values.ndim != 1) or hasattr(values, "tocsr"):
            return None
        listed = [_text_of(value) for value in values]
        return None if None in listed else [text for text in listed if text is not None]

    def column(self) -> "AsGiven | None":
        """The only column of a frame, as models of texts want it; None for anything else."""
        if len(getattr(self.examples, "columns", ())) != 1:
            return None
        return AsGiven(self.examples[next(iter(self.examples.columns))])

    def of_made(self, X: Examples) -> "AsGiven | None":
        """Made examples, features (m, d) or texts (m,), in the same form; None where that holds more."""
        form = type(self.examples)
        if X.ndim == 1:
            return self._of_texts(X.tolist())
        if not self.numeric:
            return None
        if hasattr(self.examples, "columns"):
            names = list(self.examples.columns)
            return replace(self, examples=form({name: X[:, i] for i, name in enumerate(names)}))
        return replace(self, examples=form(X))

    def _of_texts(self, texts: list[str]) -> "AsGiven | None":
        """Texts in the same form; None where rows hold more than one text."""
        if isinstance(self.examples, list):
            return AsGiven(texts)
        if isinstance(self.examples, np.ndarray):
            return AsGiven(as_texts(texts))
        form = type(self.examples)
        names = list(getattr(self.examples, "columns", ()))
        if len(names) > 1:
            return None
        return AsGiven(form({names[0]: texts}) if names else form(texts))


def content_of(X: Examples, given: AsGiven | None) -> Examples:
    """What examples hold: texts (n,) where there are such and no numbers; else X itself."""
    if X.ndim != 2 or X.shape[1] or given is None or given.texts is None:
        return X
    return as_texts(given.texts)


@dataclass(frozen=True, eq=False)
class Votes:
    """Labels that several people gave to the same rows: a vote is one label that one of them gave.

    In the order of the rows, and of the annotators in each row; nobody votes twice on a row.
    """

    rows: Rows  # (v,) the row of each vote
    annotators: npt.NDArray[np.int64]  # (v,) who gave it: index into names
    labels: npt.NDArray[np.int64]  # (v,) class
    names: tuple[str, ...]  # (a,) of the annotators; each has a vote

    @classmethod
    def of(cls, rows: Rows, annotators: Rows, labels: Labels, names: Sequence[str]) -> "Votes":
        """Votes (v,) in any order, without the annotators who have none."""
        order = np.lexsort((annotators, rows))
        present, renumbered = np.unique(annotators[order], return_inverse=True)
        return cls(rows[order], renumbered, labels[order], tuple(names[i] for i in present.tolist()))

    def counts(self, n: int, k: int) -> Floats:
        """How many votes each of n rows has for each of k classes, (n, k)."""
        cells = np.bincount(self.rows * k + self.labels, minlength=n * k)
        return cells.reshape(n, k).astype(np.float64)

    def among(self, rows: Rows, n: int, class_of: npt.NDArray[np.int64]) -> "Votes":
        """The votes on these rows (m,) of n, in which they are 0..m-1, for classes by their new numbers.

        class_of (k,) has the new number of each class; votes for classes without one, -1, are left out.
        """
        place = np.full(n, -1)
        place[rows] = np.arange(len(rows))
        kept = np.flatnonzero((place[self.rows] >= 0) & (class_of[self.labels] >= 0))
        labels = class_of[self.labels[kept]]
        return Votes.of(place[self.rows[kept]], self.annotators[kept], labels, self.names)


@dataclass(frozen=True, eq=False)
class VoteQuality:
    """What votes and models together say of rows, of votes and of annotators; 0 worst … 1 best."""

    consensus: Labels  # (n,) the label that votes and models agree on most
    consensus_quality: Floats  # (n,)
    vote_quality: Floats  # (v,)
    annotator_quality: Floats  # (a,)
    annotator_low: Floats  # (a,) of its 95 % interval
    annotator_high: Floats  # (a,)
    one_more: Floats  # (n,) the lowest rows gain most from one more vote
    one_more_unlabelled: Floats  # (u,) the same of the rows without a label


class Pictures(Protocol):
    """Images that are files of any sizes, read for embedders, which want more pixels than X may have."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Rows) -> "Pictures":
        """These rows (m,)."""

    @property
    def names(self) -> list[str]:
        """The path of each, empty where it is no file of its own."""

    def read(self, side: int) -> list[npt.NDArray[np.uint8]]:
        """Read each in colour (h, w, 3), scaled down as long as both sides stay this long."""

    def digest(self) -> str:
        """The sha256 of all files."""


@dataclass(frozen=True, eq=False)
class Unlabelled:
    """Rows of a source that have no label; they are not audited, but a label is suggested for them."""

    X: Examples  # (u, …), of the same form as those with labels
    ids: npt.NDArray[Any]  # (u,)
    as_given: AsGiven | None = None
    pictures: Pictures | None = None  # (u)
    features: Features | None = None  # (u, d) that models read in place of X


@dataclass(frozen=True, eq=False)
class LabeledDataset:
    """Examples with the labels they were given; made by `audit.datasets`, which checks what it takes."""

    name: str
    X: Examples  # in their own dtype; a view of the source where it is taken whole
    labels: Labels
    class_names: tuple[str, ...]  # (k,)
    ids: npt.NDArray[Any]  # (n,) the source's own row numbers or paths
    rows: Rows  # (n,) where each row stands in the source
    fingerprint: str  # sha256 of examples, labels and class names
    notes: tuple[str, ...] = ()  # what was left out or changed on the way in, a line each
    unlabelled: Unlabelled | None = None
    feature_names: tuple[str, ...] = ()  # (d,) empty for images and where the source has none
    part: npt.NDArray[np.str_] | None = None  # (n,) such as train or test, where the data has parts
    as_given: AsGiven | None = None  # the examples as they came, where X is not that already
    groups: Groups | None = None  # (n,) rows that belong together, such as those of one patient
    order: Rows | None = None  # (n,) the rank of each row in time, equal for equal times
    votes: Votes | None = None  # where several people gave labels
    cautions: tuple[str, ...] = ()  # what gives the label away, left out or not, a line each
    as_read: "LabeledDataset | None" = None  # with the columns that were left out; None where none were
    pictures: Pictures | None = None  # (n) the images with all their pixels, where they are files
    features: Features | None = None  # (n, d) that models read in place of X
    embedded: "LabeledDataset | None" = None  # whose features X are; None where X are the examples

    def __post_init__(self) -> None:
        n, k = len(self.labels), len(self.class_names)
        columns = (
            self.X,
            self.ids,
            self.rows,
            self.part,
            self.as_given,
            self.groups,
            self.order,
            self.pictures,
            self.features,
        )
        lengths = {len(column) for column in columns if column is not None}
        if lengths != {n} or self.X.ndim not in (2, 4):
            raise ValueError(f"examples {self.X.shape}, ids {len(self.ids)} and labels {n} do not agree")
        if n and not 0 <= self.labels.min() <= self.labels.max() < k:
            raise ValueError(f"labels must be 0..{k - 1}")

    @property
    def are_images(self) -> bool:
        """Whether the examples are images, else features."""
        return self.X.ndim == 4

    @property
    def has_numbers(self) -> bool:
        """Whether there is anything in X: texts have no numbers, and labels alone have no examples."""
        return bool(self.X.shape[1])

    @cached_property
    def content(self) -> Examples:
        """What the examples hold: texts (n,), images (n, h, w, c) or features (n, d)."""
        return content_of(self.X, self.as_given)

    @property
    def are_texts(self) -> bool:
        """Whether the examples are texts."""
        return self.content.ndim == 1

    @property
    def shown(self) -> "LabeledDataset":
        """The data set as a person sees it: its examples, where X is features of them."""
        return self if self.embedded is None else self.embedded

    @property
    def whole(self) -> "LabeledDataset":
        """The data set as the source has it, with all columns, by which rows are known again."""
        return self.shown if self.shown.as_read is None else self.shown.as_read

    def embedded_as(self, features: Features, of_unlabelled: Features | None) -> "LabeledDataset":
        """The data set of features (n, d) in place of its examples, and of those (u, d) without a label."""
        unlabelled = self.unlabelled
        if unlabelled is not None and of_unlabelled is not None:
            unlabelled = Unlabelled(of_unlabelled, unlabelled.ids)
        return replace(
            self,
            X=features,
            as_given=None,
            feature_names=(),
            unlabelled=unlabelled,
            as_read=None,
            pictures=None,
            features=None,
            embedded=self,
        )


@dataclass(frozen=True, eq=False)
class NoisyLabels:
    """Labels of which some were changed on purpose, with what they were before."""

    noisy: Labels  # (n,) some of them changed on purpose
    original: Labels  # (n,) the user's own
    transition: Floats | None = None  # T (k, k), p(given = column | true = row), that they were drawn from
    votes: Votes | None = None  # with those that were changed on purpose; None where there are none

    @cached_property
    def flipped(self) -> Mask:
        """Which labels were changed, (n,)."""
        return np.not_equal(self.noisy, self.original)

    @property
    def rate(self) -> float:
        """The share of labels that really were changed."""
        return float(self.flipped.mean())

    @property
    def expected(self) -> float | None:
        """The share of the original labels that T flips on average; None when T is not known."""
        if self.transition is None:
            return None
        stay = np.diag(self.transition)[self.original].mean()
        return round(float(1 - stay), 12)  # without the dust of binary fractions


@dataclass(frozen=True, eq=False)
class Controls:
    """Rows whose right decision is known, hidden in the review to measure the reviewer."""

    rows: Rows  # (c,)
    injected: Mask  # (c,) shown with the label that they were changed to; else unchanged
    places: Floats  # (c,) where in the queue of suspects each stands, 0 first … 1 last

    @classmethod
    def none(cls) -> "Controls":
        """No controls."""
        return cls(np.empty(0, np.int64), np.empty(0, np.bool_), np.empty(0))


@dataclass(frozen=True)
class Recipe:
    """How hard to train; a builder takes of it what its model understands."""

    epochs: int
    epochs_fixed: bool = False  # else the builder may take more epochs for few rows
    wide: bool = False  # half as many channels again
    fine: bool = False  # more pixels instead of more channels, where the model leaves some out
    augment: str = "shift"  # random augmentation of training images: none, shift, affine or mirror
    prunes: bool = False  # later epochs leave out some of the learned rows, unless there are few rows
    views: int = 1  # augmented views of an image whose predictions are averaged (test-time augmentation)

    def longer(self, factor: float) -> "Recipe":
        """The recipe with `factor` times the epochs, unless their number was set by the user."""
        if self.epochs_fixed:
            return self
        return replace(self, epochs=round(factor * self.epochs))


@dataclass(frozen=True)
class Training:
    """What a builder is told about the one training that it builds a classifier for."""

    shape: tuple[int, ...]  # (m, h, w, c) or (m, d) of the training examples
    k: int
    seed: int
    recipe: Recipe
    threads: int  # the result may depend on it, so it is never left to the machine's load
    device: str  # auto, cpu, cuda, mps
    watch: Callable[[float], None]  # to be called with the share that is done of training and predicting
    predicted: int = 0  # rows, at least, that it is asked for afterwards


class Classifier(Protocol):
    """What an audit needs of a model: scikit-learn's contract.

    The protocols after this one are what a model may offer besides. `audit.training.capabilities` is the only
    place that asks for them.
    """

    classes_: npt.NDArray[Any]

    def fit(self, X: npt.NDArray[Any], y: npt.NDArray[Any], **params: Any) -> Any:
        """Learn from examples (m, …) and labels (m,)."""

    def predict_proba(self, X: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Probabilities (m, len(classes_)), columns in the order of classes_."""


Builder: TypeAlias = Callable[[Training], Classifier]


@runtime_checkable
class Embedding(Protocol):
    """A classifier that also returns its features of examples, which the kinds of suspects are told by."""

    def predict_with_features(
        self, X: npt.NDArray[Any], project: Callable[[Features], Features]
    ) -> tuple[npt.NDArray[Any], Features]:
        """Probabilities (m, len(classes_)) and projected features (m, d) of the same examples."""


@runtime_checkable
class LazyReader(Protocol):
    """A classifier that takes rows of a mapped file unread, and reads them batch by batch."""

    reads_lazily: bool


@runtime_checkable
class Mirroring(Protocol):
    """A classifier of images that trains on mirror images, too, if the recipe says so."""

    may_mirror: bool


@runtime_checkable
class MarginRecorded(Protocol):
    """A classifier that recorded its margins in training, for the detector of Pleiss et al. 2020."""

    margins_: npt.NDArray[np.float32]  # (m,) mean over the training, of every training row


@runtime_checkable
class LossRecorded(Protocol):
    """A classifier with skorch's history of its training: history[:, "train_loss"] is one loss an epoch."""

    history: Any


@runtime_checkable
class OnDevice(Protocol):
    """A classifier that says which device it runs on, such as cuda."""

    device: Any


@runtime_checkable
class EpochBased(Protocol):
    """A classifier that is trained in epochs, and says in how many."""

    max_epochs: int


@runtime_checkable
class Resumable(Protocol):
    """A classifier whose training can start from the network weights of another one."""

    def network_weights(self) -> Mapping[str, npt.NDArray[Any]]:
        """The trained weights, by name."""

    def start_from(self, weights: Mapping[str, npt.NDArray[Any]]) -> None:
        """Begin the next training from these weights."""


@runtime_checkable
class Stepwise(Protocol):
    """A pipeline of scikit-learn: named steps, of which the last one is the classifier."""

    steps: Sequence[tuple[str, Any]]


@dataclass(frozen=True, eq=False)
class FoldResult:
    """Predictions of one fold's model for rows that it was not trained on."""

    fold: int
    rows: Rows
    pred_probs: Probs  # (m, k)
    trained: Rows  # (t,) the rows that the model was trained on
    margins: npt.NDArray[np.float32]  # (t,) their mean margins in training; empty when none were recorded
    losses: tuple[float, ...]  # mean training loss of each epoch; empty when none were recorded
    seconds: float
    device: str
    unlabelled: Probs | None = None  # (u, k) predictions for the rows without a label
    features: Features | None = None  # (m, d) of its rows, in its own space; None where the model has none
    landmarks: Features | None = None  # (a, d) of the rows that all folds embed, to align their spaces by
    synthetic: "Synthetic | None" = None  # (q) synthetic rows made from this fold's rows
    synthetic_probs: Probs | None = None  # (q, k) predictions for the synthetic rows
    synthetic_features: Features | None = None  # (q, d)
    missing: tuple[str, ...] = ()  # what it lacks of these because that failed, a line each
    # (q,) how much likelier the given labels of some of its rows get if their mirror images are seen, too
    mirror_gains: npt.NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False)
class OutOfSample:
    """Out-of-sample predictions: every row predicted by models that were not trained on it."""

    pred_probs: Probs
    fold: npt.NDArray[np.int64]  # (n,) the fold that predicted each row
    margins: npt.NDArray[np.float32] | None = None  # (n,) mean margin in training; None without a record
    unlabelled: Probs | None = None  # (u, k) mean predictions for the rows without a label
    features: npt.NDArray[np.float16] | None = None  # (n, d) aligned to the space of fold 0


@dataclass(frozen=True, eq=False)
class Synthetic:
    """Synthetic rows: copies of unsuspicious rows, each with a known defect."""

    X: Examples  # (p, …) in the form of the data; texts (p,)
    labels: Labels  # (p,) the label that each is shown with
    kind: npt.NDArray[np.int64]  # (p,) index into KINDS
    defect: npt.NDArray[np.str_]  # (p,) name of the defect
    sources: npt.NDArray[np.int64]  # (p, 2) the rows that each was made from; -1 for none


@dataclass(frozen=True, eq=False)
class Kinds:
    """What kind of suspect each of some rows is."""

    rows: Rows  # (m,) in their order
    kind: npt.NDArray[np.int64]  # (m,) index into KINDS, the most probable
    probability: npt.NDArray[np.float32]  # (m, 7) of every kind
    reason: npt.NDArray[np.str_]  # (m,) one sentence for people, as plain text

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The kinds of the rows of all parts, one after the other."""
        arrays = zip(*((each.rows, each.kind, each.probability, each.reason) for each in parts), strict=True)
        return cls(*(np.concatenate(of_parts) for of_parts in arrays))


@dataclass(frozen=True, eq=False)
class Issues:
    """What a detector says of every row."""

    is_issue: Mask
    label_quality: Floats  # (n,) 0 worst … 1 best
    p_error: Floats  # (n,) estimated probability that the given label is wrong
    suggested: Labels  # the label it would give instead; never the given one

    @cached_property
    def ranking(self) -> Rows:
        """The flagged rows, worst first, ties by row number."""
        rows = np.flatnonzero(self.is_issue)
        return rows[np.argsort(self.label_quality[rows], kind="stable")]


@dataclass(frozen=True, eq=False)
class Conflicts:
    """Rows of duplicates with different labels, group after group."""

    rows: Rows  # (m,)
    groups: Groups  # (m,) the same number for duplicates of each other
    near: Mask  # (m,) whether every duplicate of the row with another label is only nearly the same


@dataclass(frozen=True, eq=False)
class Leaks:
    """The parts that rows are in, and the rows of one part that stand in another part too."""

    part: npt.NDArray[np.str_]  # (n,) such as train and test
    rows: Rows  # (m,) that have a duplicate in another part
    twins: Rows  # (m,) a duplicate of each there
    near: Mask  # (m,) whether it is only nearly the same


class FeatureValue(NamedTuple):
    """A feature of one row beside its median in two classes, each as a report prints it.

    Of a text: the text, and its words that speak for either class, a line each.
    """

    name: str  # of the feature; any text
    value: str
    given_median: str
    suggested_median: str


@dataclass(frozen=True, eq=False)
class Thumbnails:
    """What a report may show of examples, kept so that it can be drawn again without the data."""

    rows: Rows
    images: npt.NDArray[np.uint8]  # (m, h, w, c), c is 1 or 3; none of features
    unusual: tuple[tuple[FeatureValue, ...], ...]  # (m) its text or most unusual features; none of images
    nearest: npt.NDArray[np.int64]  # (m, 2) agreeing rows of the given and the suggested class; -1 is none


@dataclass(frozen=True, eq=False)
class LargePictures:
    """JPEG pictures of some rows, larger than their thumbnails, one after the other in one array of bytes."""

    rows: Rows  # (m,) in the order of the page
    ends: npt.NDArray[np.int64]  # (m,) where the bytes of each end
    content: npt.NDArray[np.uint8]  # (b,)
    names: npt.NDArray[np.str_]  # (m,) the file of each as the data names it, or empty

    def of(self, index: int) -> bytes:
        """The bytes of one of them."""
        start = int(self.ends[index - 1]) if index else 0
        return self.content[start : int(self.ends[index])].tobytes()


def taken(column: npt.NDArray[Any] | None, rows: Rows) -> npt.NDArray[Any] | None:
    """These rows of a column; None where there is none."""
    if column is None:
        return None
    return column[rows]


def children(seed: np.random.SeedSequence, count: int) -> tuple[np.random.SeedSequence, ...]:
    """Derive the first `count` children of a seed.

    They are the ones that a fresh seed spawns. Unlike `spawn` this keeps no count, so the same call gives the
    same children whoever derived some before.
    """
    return tuple(
        np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, number), pool_size=seed.pool_size)
        for number in range(count)
    )


class Seeds(NamedTuple):
    """Independent sources of randomness, one a purpose."""

    noise: np.random.SeedSequence
    folds: np.random.SeedSequence
    models: np.random.SeedSequence
    bootstrap: np.random.SeedSequence
    controls: np.random.SeedSequence
    planting: np.random.SeedSequence
    model_choice: np.random.SeedSequence

    @classmethod
    def of(cls, seed: int) -> "Seeds":
        """The sources that one seed stands for."""
        return cls(*children(np.random.SeedSequence(seed), len(cls._fields)))

    def kind_classifier(self, folds: int) -> np.random.SeedSequence:
        """The source of the classifier of kinds: the child of `planting` after one for each fold."""
        return children(self.planting, folds + 1)[folds]

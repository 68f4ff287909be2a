"""The figures of one audit as frozen values, in the form that `scores.json` keeps.

Counts are stored and rates derived. `to_json` gives what JSON can hold, and `from_json` the same values back.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, Self, TypeAlias, TypeVar

from audit.detectors.calibration import Bin, expected_calibration_error
from audit.detectors.error_curve import CurvePrior
from audit.detectors.scoring import DetectionScore, Estimate

SCHEMA_VERSION = 2
# Share of all rows that may be false suspects: beyond it, people look at one row in twenty for nothing, more
# than most data sets have wrong labels. Accuracy alone would not tell: a model that is wrong on 15 % of rows
# names few of them where it is unsure among 77 classes, and most of them where there are two.
MOST_FALSE = 0.05
MAIN = ("posterior", "self-confidence", "given-differs", "cleanlab")  # detectors that a short table shows

DEFINITIONS = {
    "precision": "share of the flagged rows whose label had been changed",
    "recall": "share of the changed labels that were flagged",
    "f1": 'harmonic mean of precision and recall; F1 of the class "label was changed"',
    "average_precision": "area under the precision-recall curve of the whole ranking, step-wise",
    "fnr_at_noise_rate": "share of the changed labels missed when as many rows are flagged as were changed",
    "suggestion_accuracy": "share of the changed and flagged rows whose suggested label is the true one",
}

Json: TypeAlias = Mapping[str, Any]
Matrix: TypeAlias = tuple[tuple[float, ...], ...]
T = TypeVar("T")


@dataclass(frozen=True)
class DetectionFigures:
    """How well the flags and the ranking of one detector find the changed labels."""

    score: DetectionScore
    average_precision: Estimate

    @property
    def rates(self) -> dict[str, Estimate]:
        """The rates that DEFINITIONS explains, by name."""
        score = self.score
        return {
            "precision": score.precision,
            "recall": score.recall,
            "f1": score.f1,
            "average_precision": self.average_precision,
            "fnr_at_noise_rate": score.fnr_at_noise_rate,
            "suggestion_accuracy": score.suggestion_accuracy,
        }

    def to_json(self) -> dict[str, Any]:
        """The counts, and the rates with their intervals."""
        return {**self.score.to_json(), "average_precision": self.average_precision.to_json()}

    @classmethod
    def from_json(cls, document: Json) -> Self:
        """Read what `to_json` made."""
        average_precision = Estimate(**document["average_precision"])
        return cls(DetectionScore.from_json(document), average_precision)


@dataclass(frozen=True)
class DetectorFigures:
    """How many labels one detector flags, and how well it finds the changed ones."""

    flagged: int
    detection: DetectionFigures | None = None  # None when no label was changed

    def to_json(self) -> dict[str, Any]:
        """The figures of `scores.json`: without changed labels only how many are flagged."""
        return {"flagged": self.flagged} if self.detection is None else self.detection.to_json()

    @classmethod
    def from_json(cls, document: Json) -> Self:
        """Read what `to_json` made."""
        measured = "tp" in document
        return cls(document["flagged"], DetectionFigures.from_json(document) if measured else None)


@dataclass(frozen=True)
class Reliability:
    """How often labels of each stated p_error had really been changed."""

    bins: tuple[Bin, ...]

    @property
    def expected_calibration_error(self) -> float:
        """The mean distance of the stated from the true share, weighted by rows."""
        return expected_calibration_error(self.bins)

    def to_json(self) -> dict[str, Any]:
        """The bins, and the error that they amount to."""
        return {
            "expected_calibration_error": self.expected_calibration_error,
            "bins": [each.to_json() for each in self.bins],
        }

    @classmethod
    def from_json(cls, document: Json) -> Self:
        """Read what `to_json` made."""
        return cls(tuple(Bin.from_json(each) for each in document["bins"]))


@dataclass(frozen=True)
class CalibrationFigures:
    """Whether p_error can be believed, as the detector stated it and as corrected by cross-fitting."""

    stated: Reliability
    cross_fitted: Reliability

    def to_json(self) -> dict[str, Any]:
        """Both diagrams."""
        return {"stated": self.stated.to_json(), "cross_fitted": self.cross_fitted.to_json()}

    @classmethod
    def from_json(cls, document: Json) -> Self:
        """Read what `to_json` made."""
        return cls(Reliability.from_json(document["stated"]), Reliability.from_json(document["cross_fitted"]))


@dataclass(frozen=True)
class ClassFigures:
    """The labels of one class."""

    label: int  # its number
    rows: int  # of this label, changed or not
    natural_suspects: int  # of this original label
    detection: DetectionScore | None  # of the rows with this label; None when no label was changed

    def to_json(self) -> dict[str, Any]:
        """The figures of `scores.json`."""
        return {
            "class": self.label,
            "rows": self.rows,
            "natural_suspects": self.natural_suspects,
            "detection": _json(self.detection),
        }

    @classmethod
    def from_json(cls, document: Json) -> Self:
        """Read what `to_json` made."""
        return cls(
            document["class"],
            document["rows"],
            document["natural_suspects"],
            _if_there(DetectionScore.from_json, document["detection"]),
        )


@dataclass(frozen=True)
class TransitionFigures:
    """The estimated transition matrix p(given = column | true = row), (k, k), with 95 % intervals."""

    value: Matrix
    low: Matrix
    high: Matrix

    def to_json(self) -> dict[str, Any]:
        """Three lists of rows."""
        return {name: [list(row) for row in matrix] for name, matrix in vars(self).items()}

    @classmethod
    def from_json(cls, document: Json) -> Self:
        """Read what `to_json` made."""
        return cls(*(tuple(map(tuple, document[name])) for name in ("value", "low", "high")))


@dataclass(frozen=True)
class NoiseFigures:
    """How many labels were changed, and how many are estimated to be wrong."""

    rows: int
    changed: int
    requested: float | None  # rate that was asked for, where there was one
    expected: float | None  # rate that the noise has on average, where it is known
    estimated: Estimate  # of the labels with the changed ones
    natural: Estimate  # of the original labels
    transition: TransitionFigures | None  # None for a great many classes

    @property
    def realised(self) -> float:
        """The share of labels that were changed."""
        return self.changed / self.rows

    def to_json(self) -> dict[str, Any]:
        """The rates of `scores.json`."""
        return {
            "requested": self.requested,
            "expected": self.expected,
            "realised": self.realised,
            "estimated": self.estimated.to_json(),
            "natural": self.natural.to_json(),
            "transition": _json(self.transition),
        }

    @classmethod
    def from_json(cls, document: Json, rows: int) -> Self:
        """Read what `to_json` made of this many rows."""
        return cls(
            rows=rows,
            changed=round(rows * document["realised"]),
            requested=document["requested"],
            expected=document["expected"],
            estimated=Estimate(**document["estimated"]),
            natural=Estimate(**document["natural"]),
            transition=_if_there(TransitionFigures.from_json, document["transition"]),
        )


@dataclass(frozen=True)
class ExpectedErrors:
    """How many of the first suspects are expected to be wrong."""

    first: int
    errors: Estimate

    def to_json(self) -> dict[str, Any]:
        """The figures of `scores.json`."""
        return {"first": self.first, "errors": self.errors.to_json()}

    @classmethod
    def from_json(cls, document: Json) -> Self:
        """Read what `to_json` made."""
        return cls(document["first"], Estimate(**document["errors"]))


@dataclass(frozen=True)
class SuspectFigures:
    """How many of the original labels look wrong."""

    truth: str  # the sense of "wrong"
    natural: int
    likely: int  # of them
    expected: tuple[ExpectedErrors, ...]  # of longer and longer parts of the list, all of it last
    curve: CurvePrior | None = None  # of p_error, which decisions teach; None in runs of older versions

    def to_json(self) -> dict[str, Any]:
        """The figures of `scores.json`."""
        return {
            "truth": self.truth,
            "natural": self.natural,
            "likely": self.likely,
            "expected": [each.to_json() for each in self.expected],
            "curve": _json(self.curve),
        }

    @property
    def wrong(self) -> float:
        """How many of the suspects are expected to be wrong labels."""
        if not self.expected:
            return 0.0
        return self.expected[-1].errors.value or 0.0

    @classmethod
    def from_json(cls, document: Json) -> Self:
        """Read what `to_json` made."""
        expected = tuple(ExpectedErrors.from_json(each) for each in document["expected"])
        curve = _if_there(CurvePrior.from_json, document.get("curve"))
        return cls(document["truth"], document["natural"], document["likely"], expected, curve)


@dataclass(frozen=True)
class AccuracyFigures:
    """How many labels the models predict out of sample."""

    rows: int
    given_predicted: int  # labels with the changed ones
    original_predicted: int | None  # None when no label was changed

    @property
    def given(self) -> float:
        """The accuracy against the labels with the changed ones."""
        return self.given_predicted / self.rows

    @property
    def true(self) -> float | None:
        """The accuracy against the original labels; None when no label was changed."""
        return None if self.original_predicted is None else self.original_predicted / self.rows

    def to_json(self) -> dict[str, Any]:
        """The shares of `scores.json`."""
        return {"given": self.given, "true": self.true}

    @classmethod
    def from_json(cls, document: Json, rows: int) -> Self:
        """Read what `to_json` made of this many rows."""
        true = document["true"]
        return cls(rows, round(rows * document["given"]), None if true is None else round(rows * true))


@dataclass(frozen=True)
class KindFigures:
    """The kinds of the suspects, and how often rows with a known kind get the right one."""

    suspects: Mapping[str, int]  # of each kind
    names: tuple[str, ...]  # of the kinds that are planted
    confusion: tuple[tuple[int, ...], ...]  # planted rows by their kind (rows) and the one found (columns)

    @property
    def planted(self) -> dict[str, int]:
        """The rows of each planted kind."""
        return dict(zip(self.names, map(sum, self.confusion), strict=True))

    @property
    def f1(self) -> dict[str, float]:
        """The F1 of each planted kind, 0 for one that is neither planted nor found."""
        found = [sum(column) for column in zip(*self.confusion, strict=True)]
        return {
            name: 2 * self.confusion[i][i] / max(1, planted + found[i])
            for i, (name, planted) in enumerate(self.planted.items())
        }

    @property
    def macro_f1(self) -> float:
        """The mean F1 of the planted kinds."""
        return sum(self.f1.values()) / len(self.names)

    def to_json(self) -> dict[str, Any]:
        """The figures of `scores.json`."""
        return {
            "suspects": dict(self.suspects),
            "names": list(self.names),
            "confusion": [list(row) for row in self.confusion],
            "f1": self.f1,
            "macro_f1": self.macro_f1,
            "planted": self.planted,
        }

    @classmethod
    def from_json(cls, document: Json) -> Self:
        """Read what `to_json` made."""
        confusion = tuple(map(tuple, document["confusion"]))
        return cls(document["suspects"], tuple(document["names"]), confusion)


@dataclass(frozen=True)
class PartFigures:
    """One part of the data, such as train or test, and its duplicates in the other parts."""

    part: str
    rows: int
    shared: int  # rows with a duplicate in another part
    exact: int  # of them with one that is exactly the same


@dataclass(frozen=True)
class Scores:
    """Every figure of one audit: the content of `scores.json`."""

    detector: str  # whose flags are used
    rows: int
    detectors: Mapping[str, DetectorFigures]
    likely_apart: DetectionScore | None  # of the used detector without the likely suspects that are unchanged
    calibration: CalibrationFigures | None  # None, as the score before, when no label was changed
    classes: tuple[ClassFigures, ...]
    noise: NoiseFigures
    suspects: SuspectFigures
    accuracy: AccuracyFigures
    kinds: KindFigures | None = None  # None where nothing could be planted
    conflicting_duplicates: int = 0  # rows
    parts: tuple[PartFigures, ...] | None = None  # None where the data has no parts
    kept: int = 0  # rows that the last round was trained on
    timings: Mapping[str, float] = field(default_factory=dict)  # seconds by step

    @property
    def detection(self) -> DetectionFigures | None:
        """How well the used detector finds the changed labels; None when no label was changed."""
        return self.detectors[self.detector].detection

    @property
    def main_detectors(self) -> dict[str, DetectorFigures]:
        """The used detector and those that it is best compared with."""
        shown = (*MAIN, self.detector)
        return {name: figures for name, figures in self.detectors.items() if name in shown}

    @property
    def agreed(self) -> float:
        """The share of rows whose original label the models predict."""
        return self.accuracy.given if self.accuracy.true is None else self.accuracy.true

    @property
    def is_weak(self) -> bool:
        """Whether the models are too weak to judge: more than MOST_FALSE of the rows are false suspects."""
        return self.suspects.natural - self.suspects.wrong > MOST_FALSE * self.rows

    @property
    def several_parts(self) -> tuple[PartFigures, ...]:
        """The parts of the data, where there are two or more."""
        parts = self.parts or ()
        return parts if len(parts) > 1 else ()

    def to_json(self) -> dict[str, Any]:
        """The document that is written to `scores.json`."""
        return {
            "schema_version": SCHEMA_VERSION,
            "detector": self.detector,
            "rows": self.rows,
            "detection": _json(self.detection),
            "detection_likely_apart": _json(self.likely_apart),
            "detectors": {name: figures.to_json() for name, figures in self.detectors.items()},
            "calibration": _json(self.calibration),
            "classes": [each.to_json() for each in self.classes],
            "noise": self.noise.to_json(),
            "suspects": self.suspects.to_json(),
            "accuracy": self.accuracy.to_json(),
            "definitions": DEFINITIONS,
            "kinds": _json(self.kinds),
            "conflicting_duplicates": self.conflicting_duplicates,
            "split": None if self.parts is None else [asdict(part) for part in self.parts],
            "kept": self.kept,
            "timings": dict(self.timings),
        }

    @classmethod
    def from_json(cls, document: Json) -> Self:
        """Read what `to_json` made.

        Raises
        ------
        KeyError, TypeError, ValueError, AttributeError
            When the document is another one.
        """
        rows = document["rows"]
        detectors = document["detectors"].items()
        parts = document["split"]
        return cls(
            detector=document["detector"],
            rows=rows,
            detectors={name: DetectorFigures.from_json(figures) for name, figures in detectors},
            likely_apart=_if_there(DetectionScore.from_json, document["detection_likely_apart"]),
            calibration=_if_there(CalibrationFigures.from_json, document["calibration"]),
            classes=tuple(ClassFigures.from_json(each) for each in document["classes"]),
            noise=NoiseFigures.from_json(document["noise"], rows),
            suspects=SuspectFigures.from_json(document["suspects"]),
            accuracy=AccuracyFigures.from_json(document["accuracy"], rows),
            kinds=_if_there(KindFigures.from_json, document["kinds"]),
            conflicting_duplicates=document["conflicting_duplicates"],
            parts=None if parts is None else tuple(PartFigures(**part) for part in parts),
            kept=document["kept"],
            timings=document["timings"],
        )


class _Figures(Protocol):
    """A part of a document."""

    def to_json(self) -> dict[str, Any]:
        """The part as JSON can hold it."""


def _json(part: _Figures | None) -> dict[str, Any] | None:
    """A part of a document as JSON can hold it; None where there is none."""
    return None if part is None else part.to_json()


def _if_there(read: Callable[[Json], T], document: Json | None) -> T | None:
    """What a part of a document holds; None where the document leaves it out."""
    return None if document is None else read(document)

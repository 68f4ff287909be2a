"""Everything that a finished run knows, as the files of its folder hold it.

Whoever wrote the files, what is read from them fits together: types, shapes, and rows and classes that exist.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar, get_type_hints

import numpy as np
import numpy.typing as npt

from audit.detectors.scores import Scores
from audit.errors import ConfigError
from audit.runs.arrays import MOST_BYTES, Array, Arrays, array_in, arrays_in
from audit.runs.documents import conforms, parsed
from audit.settings.detect import Config
from audit.types import (
    KINDS,
    Conflicts,
    Controls,
    FeatureValue,
    Issues,
    Kinds,
    LargePictures,
    Leaks,
    NoisyLabels,
    OutOfSample,
    Rows,
    Thumbnails,
    VoteQuality,
    Votes,
)

T = TypeVar("T", Controls, Kinds, LargePictures, Leaks)
SCORES = "scores.json"
PROBABILITIES = "pred_probs.npy"
CONFLICTS = "conflicts.npy"
VOTES = "votes.npz"
STEPS = {  # the step of a run that makes each of its files; those of the report are not among them
    "labels.npz": "noise",
    PROBABILITIES: "folds",
    "features.npz": "folds",
    "issues.npz": "issues",
    "suspects.npz": "issues",
    CONFLICTS: "issues",
    "unlabelled.npz": "issues",
    "thumbnails.npz": "issues",
    "pictures.npz": "issues",
    "controls.npz": "issues",
    "split.npz": "issues",
    "kinds.npz": "issues",
    VOTES: "issues",
    SCORES: "issues",
}
BYTES_PER_ROW = 1000  # of what an archive may unpack to, beside MOST_BYTES
LARGEST_CURVE = 50.0  # of the four numbers of a curve of p_error
INTEGERS, FLOATS, TEXT, FLAGS = "i", "f", "U", "b"
ANY = "iufUbSMm"

# The arrays of each file: kinds of NumPy's types, and the shape, in which a letter is one length throughout a
# file, and n and k are rows and classes throughout the run. Those in brackets may be missing.
FORMS: Mapping[str, Mapping[str, tuple[str, tuple[str | int, ...]]]] = {
    "labels.npz": {
        "ids": (ANY, ("n",)),
        "rows": (INTEGERS, ("n",)),
        "hashes": ("u", ("n",)),
        "given": (INTEGERS, ("n",)),
        "fold": (INTEGERS, ("n",)),
        "[true]": (INTEGERS, ("n",)),
        "[transition]": (FLOATS, ("k", "k")),
    },
    "features.npz": {"features": (FLOATS, ("n", "d"))},
    "issues.npz": {
        "is_issue": (FLAGS, ("n",)),
        "label_quality": (FLOATS, ("n",)),
        "p_error": (FLOATS, ("n",)),
        "suggested": (INTEGERS, ("n",)),
    },
    "unlabelled.npz": {"ids": (ANY, ("u",)), "pred_probs": (FLOATS, ("u", "k"))},
    "thumbnails.npz": {
        "rows": (INTEGERS, ("m",)),
        "images": ("u", ("m", "h", "w", "c")),
        "unusual": (TEXT, ("m",)),
        "nearest": (INTEGERS, ("m", 2)),
    },
    "pictures.npz": {
        "rows": (INTEGERS, ("m",)),
        "ends": (INTEGERS, ("m",)),
        "content": ("u", ("b",)),
        "names": (TEXT, ("m",)),
    },
    "controls.npz": {"rows": (INTEGERS, ("m",)), "injected": (FLAGS, ("m",)), "places": (FLOATS, ("m",))},
    "split.npz": {
        "part": (TEXT, ("n",)),
        "rows": (INTEGERS, ("m",)),
        "twins": (INTEGERS, ("m",)),
        "near": (FLAGS, ("m",)),
    },
    "kinds.npz": {
        "rows": (INTEGERS, ("m",)),
        "kind": (INTEGERS, ("m",)),
        "probability": (FLOATS, ("m", len(KINDS))),
        "reason": (TEXT, ("m",)),
    },
    VOTES: {
        "rows": (INTEGERS, ("v",)),
        "annotators": (INTEGERS, ("v",)),
        "labels": (INTEGERS, ("v",)),
        "noisy": (INTEGERS, ("v",)),
        "names": (TEXT, ("a",)),
        "consensus": (INTEGERS, ("n",)),
        "consensus_quality": (FLOATS, ("n",)),
        "vote_quality": (FLOATS, ("v",)),
        "annotator_quality": (FLOATS, ("a",)),
        "annotator_low": (FLOATS, ("a",)),
        "annotator_high": (FLOATS, ("a",)),
        "one_more": (FLOATS, ("n",)),
        "one_more_unlabelled": (FLOATS, ("u",)),
    },
}
OF_ROWS = {"rows", "twins"}  # arrays of row numbers of the run, but for labels.npz, whose are the source's
QUALITIES = {name for name, (kind, _) in FORMS[VOTES].items() if kind == FLOATS}
SHARES = {"label_quality", "p_error", "pred_probs", "places", "probability"} | QUALITIES


@dataclass(frozen=True, eq=False)
class RunRecord:
    """Everything that a finished run knows: the content of its folder, and all that a report needs."""

    config: Mapping[str, Any]
    data: Mapping[str, Any]  # name, fingerprint, shape, dtype, notes, cautions, guidelines, folder of paths
    class_names: tuple[str, ...]
    ids: npt.NDArray[Any]
    rows: npt.NDArray[np.int64]  # (n,) the number of each row in the source
    hashes: npt.NDArray[np.uint64]  # (n,) of each row's example
    labels: NoisyLabels  # noisy equals original when no label was changed
    probs: OutOfSample
    issues: Issues  # of the labels with noise
    suspects: Issues  # of the original labels
    conflicts: Conflicts
    unlabelled: npt.NDArray[Any] | None  # (u,) ids of the rows without a label
    thumbnails: Thumbnails
    controls: Controls
    leaks: Leaks | None  # the parts that the rows are in, and duplicates between them
    kinds: Kinds | None  # of the suspects, or of all rows; None where no synthetic rows could be made
    scores: Scores
    folds: tuple[Mapping[str, Any], ...]  # fold, rows, seconds, device, losses
    stages: Mapping[str, Any]  # name → key, settings
    versions: Mapping[str, str]
    repeat: str  # the command or call that makes this run again
    votes: Votes | None = None  # where several people gave labels
    large: LargePictures | None = None  # of suspects, where their source has more pixels than a thumbnail
    noisy_votes: npt.NDArray[np.int64] | None = None  # (v,) their labels, with those changed on purpose
    vote_quality: VoteQuality | None = None

    @property
    def injected(self) -> bool:
        """Whether labels were changed on purpose."""
        return bool(self.labels.flipped.any())

    @property
    def cautions(self) -> tuple[str, ...]:
        """What may make the score misleading, a line each; none in runs that are older than they are."""
        return tuple(self.data.get("cautions", ()))

    @property
    def score(self) -> dict[str, Any] | None:
        """Precision, recall, F1 and the rest, each with its interval; None when nothing was injected."""
        if self.scores.detection is None:
            return None
        return self.scores.detection.to_json()

    def votes_on(self, row: int, *, noisy: bool = False) -> str:
        """The labels that people gave a row, or what they were changed to: 3 × cat, 2 × dog; else empty."""
        if self.votes is None:
            return ""
        first, end = np.searchsorted(self.votes.rows, [row, row + 1])
        labels = self.noisy_votes if noisy and self.noisy_votes is not None else self.votes.labels
        counts = Counter(labels[first:end].tolist())
        ordered = sorted(counts, key=lambda label: (-counts[label], label))
        return ", ".join(f"{counts[label]} × {self.class_names[label]}" for label in ordered)

    def votes_on_rows(self, rows: Rows, *, noisy: bool = False) -> list[str]:
        """The same of these rows (m,)."""
        return [self.votes_on(row, noisy=noisy) for row in rows.tolist()]

    def arrays(self) -> dict[str, Arrays | Array]:
        """What each file of arrays holds: several by name, or one."""
        labels = {"ids": self.ids, "rows": self.rows, "hashes": self.hashes}
        labels |= {"given": self.labels.noisy, "fold": self.probs.fold}
        if self.injected:
            labels["true"] = self.labels.original
        if self.labels.transition is not None:
            labels["transition"] = self.labels.transition
        conflicts = self.conflicts
        files: dict[str, Arrays | Array] = {
            "labels.npz": labels,
            PROBABILITIES: self.probs.pred_probs,
            "issues.npz": _fields(self.issues),
            "suspects.npz": _fields(self.suspects),
            CONFLICTS: np.stack([conflicts.rows, conflicts.groups, conflicts.near]),
            "thumbnails.npz": _thumbnail_arrays(self.thumbnails),
            "pictures.npz": _fields(self.large) if self.large is not None and len(self.large.rows) else {},
            "controls.npz": _fields(self.controls) if len(self.controls.rows) else {},
            "split.npz": _fields(self.leaks),
            "kinds.npz": _fields(self.kinds),
            VOTES: self._vote_arrays(),
        }
        if self.probs.features is not None:
            files["features.npz"] = {"features": self.probs.features}
        if self.unlabelled is not None and self.probs.unlabelled is not None:
            files["unlabelled.npz"] = {"ids": self.unlabelled, "pred_probs": self.probs.unlabelled}
        return {name: content for name, content in files.items() if len(content)}

    def _vote_arrays(self) -> dict[str, Array]:
        """Votes and what is said of them as arrays; none where there are no votes."""
        if self.votes is None or self.noisy_votes is None:
            return {}
        arrays = {**_fields(self.votes), "noisy": self.noisy_votes, **_fields(self.vote_quality)}
        return {**arrays, "names": np.array(self.votes.names, dtype=np.str_)}

    def facts(self) -> dict[str, Any]:
        """What the manifest says of the run."""
        return {
            "versions": self.versions,
            "repeat": self.repeat,
            "config": self.config,
            "data": self.data,
            "class_names": self.class_names,
            "stages": self.stages,
            "folds": self.folds,
            "score": self.score,
        }


class Damaged(Exception):  # noqa: N818  what a file is, and never seen outside
    """A file does not hold what it must: its name, and why."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(name, why)
        self.name = name
        self.why = " ".join(why.split())


def read(manifest: Mapping[str, Any], content_of: Callable[[str], bytes]) -> RunRecord:
    """Make the record of a finished run from its manifest and the content of the files that it lists.

    Raises
    ------
    Damaged
        With the name of the first file that does not hold what it must.
    """
    facts = _checked_facts(manifest)
    reader = _Reader(manifest["files"], content_of, len(facts["class_names"]))
    labels = reader.arrays("labels.npz")
    given = labels["given"]
    features = reader.arrays("features.npz").get("features")
    unlabelled = reader.arrays("unlabelled.npz")
    conflicts = reader.conflicts()
    return RunRecord(
        **facts,
        ids=labels["ids"],
        rows=labels["rows"],
        hashes=labels["hashes"],
        labels=NoisyLabels(given, labels.get("true", given), labels.get("transition")),
        probs=OutOfSample(
            reader.probs, labels["fold"], unlabelled=unlabelled.get("pred_probs"), features=features
        ),
        issues=Issues(**reader.arrays("issues.npz")),
        suspects=Issues(**reader.arrays("suspects.npz")),
        conflicts=Conflicts(rows=conflicts[0], groups=conflicts[1], near=conflicts[2].astype(bool)),
        unlabelled=unlabelled.get("ids"),
        thumbnails=reader.thumbnails(),
        large=reader.pictures(),
        controls=reader.value(Controls, "controls.npz") or Controls.none(),
        leaks=reader.value(Leaks, "split.npz"),
        kinds=reader.value(Kinds, "kinds.npz"),
        scores=reader.scores(),
        **reader.votes(len(unlabelled.get("ids", ()))),
    )


class _Reader:
    """The files of one run, which must have its rows and classes."""

    def __init__(self, listed: Mapping[str, str], content_of: Callable[[str], bytes], classes: int) -> None:
        self.listed = listed
        self.content_of = content_of
        self.probs = self._one_array(PROBABILITIES, 2)
        _require(
            PROBABILITIES, self.probs.dtype.kind in FLOATS and _are_shares(self.probs), "no probabilities"
        )
        _require(PROBABILITIES, self.probs.shape[1] == classes, "another number of classes")
        self.n, self.k = self.probs.shape

    def arrays(self, name: str) -> dict[str, Array]:
        """The arrays of a file, held against its form; empty where the run has no such file."""
        if name not in self.listed and STEPS[name] != "noise" and name not in {"issues.npz", "suspects.npz"}:
            return {}
        try:
            found = arrays_in(self.content_of(name), MOST_BYTES + BYTES_PER_ROW * self.n)
        except ValueError as error:
            raise Damaged(name, str(error)) from error
        form = FORMS["issues.npz" if name == "suspects.npz" else name]
        lengths: dict[str | int, int] = {"n": self.n, "k": self.k, 2: 2, len(KINDS): len(KINDS)}
        wanted = {key.strip("[]"): each for key, each in form.items() if key[0] != "[" or key[1:-1] in found}
        _require(name, set(found) == set(wanted), f"the arrays {', '.join(sorted(found))}")
        for key, (kinds, shape) in wanted.items():
            array = found[key]
            fits = array.dtype.kind in kinds and array.ndim == len(shape) and array.dtype.itemsize != 0
            _require(name, fits, f"{key} is of {array.dtype}, shape {array.shape}")
            for letter, length in zip(shape, array.shape, strict=True):
                same = lengths.setdefault(letter, length) == length
                _require(name, same, f"{key} has shape {array.shape}")
            self._check_values(name, key, array)
        return found

    def _check_values(self, name: str, key: str, array: Array) -> None:
        """Refuse rows and classes that there are not, and numbers that are none."""
        if key in SHARES:
            _require(name, _are_shares(array), f"{key} has values beyond 0 and 1")
        elif key == "transition":
            _require(name, bool(np.isfinite(array).all()), f"{key} has values that are no numbers")
        limits = {"given": self.k, "true": self.k, "suggested": self.k, "kind": len(KINDS)}
        limits |= dict.fromkeys(("labels", "noisy", "consensus"), self.k)
        if key in OF_ROWS and name != "labels.npz":
            limits[key] = self.n
        if key in limits:
            _require(name, _within(array, 0, limits[key]), f"{key} has numbers beyond {limits[key] - 1}")
        if key == "nearest":
            _require(name, _within(array, -1, self.n), f"{key} has numbers beyond {self.n - 1}")
        if array.dtype.kind in INTEGERS and key not in {"ids", "nearest"}:
            _require(name, _within(array, 0, np.iinfo(np.int64).max), f"{key} has negative numbers")

    def value(self, kind: type[T], name: str) -> T | None:
        """The value whose fields a file holds; None where the run has no such file."""
        found = self.arrays(name)
        if not found:
            return None
        return kind(**found)

    def votes(self, unlabelled: int) -> dict[str, Any]:
        """Votes and what is said of them, by the names of the record; nothing where there are none."""
        arrays = self.arrays(VOTES)
        if not arrays:
            return {}
        wide = {INTEGERS: np.int64, FLOATS: np.float64}  # products of smaller numbers would overflow
        arrays = {
            name: each.astype(wide.get(each.dtype.kind, each.dtype), copy=False)
            for name, each in arrays.items()
        }
        names = tuple(arrays.pop("names").tolist())
        _require(VOTES, _within(arrays["annotators"], 0, len(names)), f"annotators beyond {len(names) - 1}")
        _require(VOTES, len(arrays["one_more_unlabelled"]) == unlabelled, "another number of unlabelled rows")
        votes = Votes(arrays.pop("rows"), arrays.pop("annotators"), arrays.pop("labels"), names)
        _require(VOTES, _are_in_order(votes), "votes that are not in order, or two of one person on a row")
        return {"votes": votes, "noisy_votes": arrays.pop("noisy"), "vote_quality": VoteQuality(**arrays)}

    def conflicts(self) -> Array:
        """Rows, groups and nearness of conflicting duplicates, (3, m)."""
        found = self._one_array(CONFLICTS, 2)
        _require(CONFLICTS, found.dtype.kind in INTEGERS and found.shape[0] == 3, f"shape {found.shape}")
        _require(CONFLICTS, _within(found[0], 0, self.n), f"rows beyond {self.n - 1}")
        return found

    def thumbnails(self) -> Thumbnails:
        """The small images or the most unusual features of rows."""
        name = "thumbnails.npz"
        arrays = self.arrays(name)
        _require(name, bool(arrays), "it is missing")
        _require(name, arrays["images"].dtype == np.uint8, "images that are not uint8")
        try:
            rows = [parsed(text.encode()) for text in arrays["unusual"].tolist()]
        except ValueError as error:
            raise Damaged(name, str(error)) from error
        form = tuple[tuple[str, str, str, str], ...]
        _require(name, all(conforms(each, form) for each in rows), "features without a name or numbers")
        unusual = tuple(tuple(FeatureValue(*feature) for feature in features) for features in rows)
        return Thumbnails(arrays["rows"], arrays["images"], unusual, arrays["nearest"])

    def pictures(self) -> LargePictures | None:
        """The larger pictures of suspects; None where the run has none."""
        name = "pictures.npz"
        found = self.value(LargePictures, name)
        if found is None:
            return None
        ends = np.concatenate([[0], found.ends])
        _require(name, found.content.dtype == np.uint8, "pictures that are not bytes")
        _require(name, bool((np.diff(ends) > 0).all()), "pictures without bytes")
        _require(name, int(ends[-1]) == len(found.content), "another number of bytes")
        return found

    def scores(self) -> Scores:
        """The figures of the run."""
        try:
            scores = Scores.from_json(parsed(self.content_of(SCORES)))
        except Damaged:
            raise
        except Exception as error:  # a document of another form fails in many ways
            raise Damaged(SCORES, f"{type(error).__name__}: {error}") from error
        _require(SCORES, conforms(scores, Scores), "a figure that is no number, or the like")
        _require(SCORES, scores.rows == self.n, f"{scores.rows} rows, and the run has {self.n}")
        _require(SCORES, scores.detector in scores.detectors, f"no figures of {scores.detector!r:.40}")
        _require(
            SCORES, all(0 <= each.label < self.k for each in scores.classes), "a class that does not exist"
        )
        curve = scores.suspects.curve
        small = curve is None or max(map(abs, vars(curve).values())) <= LARGEST_CURVE
        _require(SCORES, small, "an impossible curve of p_error")
        return scores

    def _one_array(self, name: str, dimensions: int) -> Array:
        try:
            array = array_in(self.content_of(name))
        except ValueError as error:
            raise Damaged(name, str(error)) from error
        _require(name, array.ndim == dimensions, f"shape {array.shape}")
        return array


def _checked_facts(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What the manifest says of the run; Damaged where the settings or the data are of another form."""
    name = "manifest.json"
    data_form: Mapping[str, Any] = {
        "name": str,
        "fingerprint": str,
        "shape": tuple[int, ...],
        "dtype": str,
        "folder": str | None,
        "notes": tuple[str, ...],
        "cautions": tuple[str, ...],
    }
    for key, form in data_form.items():
        data = manifest["data"]
        _require(name, key in data and conforms(data[key], form), f"data without {key}")
    for key in ("failures", "weak"):
        _require(name, conforms(manifest["data"].get(key, []), tuple[str, ...]), f"data without {key}")
    _require(name, conforms(manifest["data"].get("guidelines", ""), str), "data without guidelines")
    fold_form: Mapping[str, Any] = {
        "round": str,
        "fold": int,
        "rows": int,
        "seconds": float,
        "losses": tuple[float, ...],
    }
    for fold in manifest["folds"]:
        for key, form in fold_form.items():
            _require(name, key in fold and conforms(fold[key], form), f"a fold without {key}")
    config = manifest["config"]
    try:
        settings = Config.of(**config)
    except (ConfigError, TypeError, ValueError, AttributeError) as error:
        raise Damaged(name, " ".join(str(error).split())) from error
    for group in settings.groups():
        hints = get_type_hints(type(group))
        for each in fields(group):
            form = hints[each.name]
            value = config.get(each.name, each.default)
            whole = isinstance(value, int) and conforms(0, form)  # a seed may be of any size
            _require(name, whole or conforms(value, form), f"the setting {each.name}")
    return {
        **{key: manifest[key] for key in ("data", "stages", "versions", "repeat")},
        "config": settings.to_json(),
        "class_names": tuple(manifest["class_names"]),
        "folds": tuple(manifest["folds"]),
    }


def _require(name: str, fits: bool, why: str) -> None:  # noqa: FBT001  a condition, as of assert
    if not fits:
        raise Damaged(name, why)


def _are_shares(array: Array) -> bool:
    """Whether all are numbers from 0 to 1, but for rounding."""
    return bool(((array >= -1e-3) & (array <= 1 + 1e-3)).all())  # NaN is not


def _within(array: Array, low: int, end: int) -> bool:
    """Whether all are numbers from `low` to below `end`."""
    return not array.size or (int(array.min()) >= low and int(array.max()) < end)


def _are_in_order(votes: Votes) -> bool:
    """Whether votes are ordered by row and annotator, no two of them the same, and everybody has one."""
    place = votes.rows * len(votes.names) + votes.annotators
    return bool((np.diff(place) > 0).all()) and len(np.unique(votes.annotators)) == len(votes.names)


def _fields(
    value: Issues | Controls | Kinds | Leaks | LargePictures | Votes | VoteQuality | None,
) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a value by name; none where there is no value."""
    if value is None:
        return {}
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def _thumbnail_arrays(thumbnails: Thumbnails) -> dict[str, npt.NDArray[Any]]:
    """The thumbnails as arrays; features as one JSON text a row, which holds names of any characters."""
    return {
        "rows": thumbnails.rows,
        "images": thumbnails.images,
        "unusual": np.array([json.dumps(features) for features in thumbnails.unusual], dtype=np.str_),
        "nearest": thumbnails.nearest,
    }

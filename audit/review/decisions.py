"""decisions.json: what a person decided in the report, read and checked against the run.

docs/decisions.schema.json is the form as a JSON Schema; tests hold both to the same verdict.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from audit.errors import ReviewError
from audit.review.controls import as_shown
from audit.runs.folder import RunRecord

FORMAT, VERSION = "label-audit decisions", 1
ACTIONS = ("keep", "relabel", "ambiguous", "drop")
AGAIN = "export it again from the report"
SHOWN = 60  # characters of a value in a message


@dataclass(frozen=True)
class Decision:
    """What a person decided of one row."""

    id: str
    row: int  # in labels.npz
    given: str  # the label that was shown
    suggested: str
    action: str  # keep, relabel, ambiguous or drop
    label: str | None  # to relabel to
    note: str
    time: str

    @property
    def verdict(self) -> str:
        """keep, ambiguous, drop, or relabel to another label; relabelling to the given one is to keep it."""
        if self.action == "relabel":
            return "keep" if self.label == self.given else f"relabel to {self.label}"
        return self.action


@dataclass(frozen=True)
class Decisions:
    """A file of decisions."""

    run: str  # key of the run's stage issues
    fingerprint: str  # of its data
    data: str
    reviewer: str
    exported: str
    class_names: tuple[str, ...]
    decisions: tuple[Decision, ...]  # in the order of deciding, one a row

    def to_text(self) -> str:
        """The document as the report exports it."""
        document = {"format": FORMAT, "version": VERSION, **asdict(self)}
        return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def read(path: Path) -> Decisions:
    """The decisions in a file; ReviewError, with the place in it, when it is none or holds nonsense."""
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
        json.dumps(document, ensure_ascii=False).encode()  # half of a surrogate pair could not be written
    except FileNotFoundError as error:
        raise ReviewError(f"{path} does not exist (looked in {Path.cwd()}); check the path") from error
    except (OSError, ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        why = "nested too deeply" if isinstance(error, RecursionError) else " ".join(str(error).split())
        raise ReviewError(f"{path} cannot be read as JSON ({why}); {AGAIN}") from error
    found = parse(document, str(path))
    _refuse_twice(found, str(path))
    return found


def parse(document: Any, name: str) -> Decisions:
    """The decisions in a JSON document that is called so; ReviewError when it is not in the form."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        found = _shown(document.get("format") if isinstance(document, dict) else document)
        raise ReviewError(
            f"{name} is no file of decisions: its format is {found}, expected {FORMAT!r}; "
            "give what the report exports"
        )
    version = document.get("version")
    if isinstance(version, bool) or version != VERSION:
        raise ReviewError(
            f"{name} has version {_shown(version)}, expected {VERSION}; "
            "use the version of label-audit that made it, or export it again"
        )
    fields = _checked(document, DOCUMENT, name, "")
    class_names = tuple(fields["class_names"])
    decisions = []
    for i, entry in enumerate(fields["decisions"]):
        where = f"decisions[{i}]"
        if not isinstance(entry, dict):
            raise ReviewError(f"{where} of {name} is {_shown(entry)}, expected an object; {AGAIN}")
        values = _checked(entry, ENTRY, name, f"{where}.")
        if (values["label"] is None) != (values["action"] != "relabel"):
            raise ReviewError(
                f"{where}.label of {name} is {_shown(values['label'])} for the action {values['action']}, "
                f"expected {'a class' if values['action'] == 'relabel' else 'null'}; {AGAIN}"
            )
        decisions.append(Decision(**{**values, "row": int(values["row"])}))
    return Decisions(**{**fields, "class_names": class_names, "decisions": tuple(decisions)})


def check(found: Decisions, record: RunRecord, name: str) -> None:
    """Refuse decisions on another data set or run, on rows that are not there, and with unknown classes.

    Raises
    ------
    ReviewError
        Naming the first decision that does not fit.
    """
    if found.fingerprint != record.data["fingerprint"]:
        raise ReviewError(
            f"{name} is about the data set {_shown(found.data)} with the fingerprint "
            f"{found.fingerprint[:12]}…, the run is about {_shown(record.data['name'])} with "
            f"{record.data['fingerprint'][:12]}…; give the run that was reviewed"
        )
    if found.run != record.stages["issues"]["key"]:
        raise ReviewError(
            f"{name} was made on another run of the same data ({found.run[:12]}…, expected "
            f"{record.stages['issues']['key'][:12]}…); give the run that was reviewed"
        )
    if found.class_names != record.class_names:
        raise ReviewError(
            f"{name} has the classes {_shown(list(found.class_names))}, the run has "
            f"{_shown(list(record.class_names))}; {AGAIN}"
        )
    shown, _ = as_shown(record.labels, record.issues, record.suspects, record.controls)
    for i, each in enumerate(found.decisions):
        _check_row(each, record, f"decisions[{i}] of {name}")
        expected = record.class_names[shown[each.row]]
        if each.given != expected:
            raise ReviewError(
                f"decisions[{i}] of {name} says that row {each.row} was labelled {_shown(each.given)}, "
                f"in the run it was {_shown(expected)}; {AGAIN}"
            )


def _check_row(decision: Decision, record: RunRecord, where: str) -> None:
    """Refuse a row that is not there, is called otherwise, or has classes that the run has not."""
    row, n, names = decision.row, len(record.ids), record.class_names
    if row >= n:
        raise ReviewError(f"{where} names row {row}, expected 0 to {n - 1}; give the run that was reviewed")
    if decision.id != str(record.ids[row]):
        raise ReviewError(
            f"{where} calls row {row} {_shown(decision.id)}, in the run it is "
            f"{_shown(str(record.ids[row]))}; {AGAIN}"
        )
    for field in ("given", "suggested", "label"):
        value = getattr(decision, field)
        if value is not None and value not in names:
            raise ReviewError(
                f"{where} has {_shown(value)} as {field}, expected a class of the run: "
                f"{_shown(', '.join(names))}; {AGAIN}"
            )


def _refuse_twice(found: Decisions, name: str) -> None:
    places: dict[int, int] = {}
    for i, each in enumerate(found.decisions):
        first = places.setdefault(each.row, i)
        if first != i:
            raise ReviewError(
                f"{name} decides twice on row {each.row} (decisions[{first}] and decisions[{i}]), expected "
                "once; remove one of them"
            )


def _checked(values: Mapping[str, Any], fields: "Fields", name: str, where: str) -> dict[str, Any]:
    """The fields that are known, each of its kind; others are ignored."""
    for field, (expected, fits) in fields.items():
        if field not in values:
            raise ReviewError(f"{name} lacks {where}{field}, expected {expected}; {AGAIN}")
        if not fits(values[field]):
            raise ReviewError(
                f"{where}{field} of {name} is {_shown(values[field])}, expected {expected}; {AGAIN}"
            )
    return {field: values[field] for field in fields}


def _shown(value: Any) -> str:
    """A value in one short line."""
    text = " ".join(repr(value).split())
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_row(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 and value % 1 == 0


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value)) and len(set(value)) == len(value) >= 2


Fields = Mapping[str, tuple[str, Callable[[Any], bool]]]
_TEXT = ("text", _is_text)
DOCUMENT: Fields = {
    **dict.fromkeys(("run", "fingerprint", "data", "reviewer", "exported"), _TEXT),
    "class_names": ("two different texts or more", _are_names),
    "decisions": ("a list", lambda value: isinstance(value, list)),
}
ENTRY: Fields = {
    "id": _TEXT,
    "row": ("a row number of 0 or more", _is_row),
    **dict.fromkeys(("given", "suggested"), _TEXT),
    "action": ("keep, relabel, ambiguous or drop", lambda value: _is_text(value) and value in ACTIONS),
    "label": ("a class or null", lambda value: value is None or _is_text(value)),
    **dict.fromkeys(("note", "time"), _TEXT),
}

"""decisions.json: what a person decided in the report, read and checked against the run.

docs/decisions.schema.json is the form as a JSON Schema; tests give both the same documents, good and bad.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from audit.datasets.files import reading, refuse_dense
from audit.errors import ReviewError
from audit.review.controls import as_shown
from audit.runs.folder import RunRecord
from audit.wording import one_line

FORMAT = "label-audit decisions"
VERSION = 1
ACTIONS = ("keep", "relabel", "ambiguous", "drop")
EXPORT_AGAIN = "export it again from the report"
COSTS = dict.fromkeys((b",", b":", b"[", b"{"), 70)  # bytes that a value takes in memory, by its marks
SHOWN = 60  # characters of a value in a message


@dataclass(frozen=True)
class Decision:
    """What a person decided about one row."""

    id: str
    row: int  # in labels.npz
    given: str  # the label that was shown
    suggested: str
    action: str  # keep, relabel, ambiguous or drop
    label: str | None  # to relabel to
    note: str
    time: str

    @property
    def effective_action(self) -> str:
        """The action; relabelling a row to the label that it has is to keep it."""
        if self.action == "relabel" and self.label == self.given:
            return "keep"
        return self.action

    @property
    def verdict(self) -> str:
        """The effective action in words, with the new label: keep, relabel to cat, ambiguous or drop."""
        if self.effective_action == "relabel":
            return f"relabel to {self.label}"
        return self.effective_action


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


def read_decisions(path: Path) -> Decisions:
    """Read a file of decisions.

    Raises
    ------
    ReviewError
        With the place in the file, when it cannot be read, is not in the form, or decides twice on a row.
    """
    return decisions_in(read_document(path), str(path))


def read_document(path: Path) -> Any:
    """Read a JSON document; ReviewError when it cannot be read."""
    with reading(path, "cannot be read as JSON", f"; {EXPORT_AGAIN}", ReviewError):
        content = path.read_bytes()
        refuse_dense(content, COSTS)
        document = json.loads(content.decode("utf-8-sig"))
        json.dumps(document, ensure_ascii=False).encode()  # half of a surrogate pair could not be written
        return document


def decisions_in(document: Any, name: str) -> Decisions:
    """Turn the JSON document of this name into decisions, each on another row."""
    decisions = parse_decisions(document, name)
    _refuse_repeated_rows(decisions, name)
    return decisions


def parse_decisions(document: Any, name: str) -> Decisions:
    """Turn the JSON document of this name into decisions; ReviewError when it is not in the form."""
    form = document
    if isinstance(document, dict):
        form = document.get("format")
    if not isinstance(document, dict) or form != FORMAT:
        raise ReviewError(
            f"{name} is not a file of decisions: its format is {shown(form)}, expected {FORMAT!r}; "
            "give a file that was exported from a report"
        )
    version = document.get("version")
    if isinstance(version, bool) or version != VERSION:
        raise ReviewError(
            f"{name} has version {shown(version)}, expected {VERSION}; "
            "use the version of label-audit that made it, or export it again"
        )
    fields = _known_fields(document, DOCUMENT, name, "")
    fields["class_names"] = tuple(fields["class_names"])
    fields["decisions"] = tuple(
        _parse_entry(entry, f"decisions[{i}]", name) for i, entry in enumerate(fields["decisions"])
    )
    return Decisions(**fields)


def _parse_entry(entry: Any, where: str, name: str) -> Decision:
    if not isinstance(entry, dict):
        raise ReviewError(f"{where} of {name} is {shown(entry)}, expected an object; {EXPORT_AGAIN}")
    values = _known_fields(entry, ENTRY, name, f"{where}.")
    relabels = values["action"] == "relabel"
    if relabels != (values["label"] is not None):
        expected = "a class" if relabels else "null"
        raise ReviewError(
            f"{where}.label of {name} is {shown(values['label'])} for the action {values['action']}, "
            f"expected {expected}; {EXPORT_AGAIN}"
        )
    values["row"] = int(values["row"])
    return Decision(**values)


def check_decisions(decisions: Decisions, record: RunRecord, name: str) -> None:
    """Refuse decisions on another data set or run, on missing rows, and with unknown classes.

    Raises
    ------
    ReviewError
        With the first decision that does not fit.
    """
    if decisions.fingerprint != record.data["fingerprint"]:
        raise ReviewError(
            f"{name} is about the data set {shown(decisions.data)} with the fingerprint "
            f"{decisions.fingerprint[:12]}…, the run is about {shown(record.data['name'])} with "
            f"{record.data['fingerprint'][:12]}…; give the run that was reviewed"
        )
    if decisions.run != record.stages["issues"]["key"]:
        raise ReviewError(
            f"{name} was made on another run of the same data ({decisions.run[:12]}…, expected "
            f"{record.stages['issues']['key'][:12]}…); give the run that was reviewed"
        )
    if decisions.class_names != record.class_names:
        raise ReviewError(
            f"{name} has the classes {shown(list(decisions.class_names))}, the run has "
            f"{shown(list(record.class_names))}; {EXPORT_AGAIN}"
        )
    labels_shown, _ = as_shown(record.labels, record.issues, record.suspects, record.controls)
    for i, decision in enumerate(decisions.decisions):
        where = f"decisions[{i}] of {name}"
        _check_row(decision, record, where)
        expected = record.class_names[labels_shown[decision.row]]
        if decision.given != expected:
            raise ReviewError(
                f"{where} says that row {decision.row} was labelled {shown(decision.given)}, "
                f"but in the run it was {shown(expected)}; {EXPORT_AGAIN}"
            )


def _check_row(decision: Decision, record: RunRecord, where: str) -> None:
    """Refuse a missing row, a wrong id, and classes that the run does not have."""
    row = decision.row
    n = len(record.ids)
    if row >= n:
        raise ReviewError(f"{where} names row {row}, expected 0 to {n - 1}; give the run that was reviewed")
    expected = str(record.ids[row])
    if decision.id != expected:
        raise ReviewError(
            f"{where} gives row {row} the id {shown(decision.id)}, but in the run it is {shown(expected)}; "
            f"{EXPORT_AGAIN}"
        )
    for field in ("given", "suggested", "label"):
        value = getattr(decision, field)
        if value is not None and value not in record.class_names:
            raise ReviewError(
                f"{where} has {shown(value)} as {field}, expected a class of the run: "
                f"{shown(', '.join(record.class_names))}; {EXPORT_AGAIN}"
            )


def _refuse_repeated_rows(decisions: Decisions, name: str) -> None:
    first_place: dict[int, int] = {}
    for i, decision in enumerate(decisions.decisions):
        first = first_place.setdefault(decision.row, i)
        if first != i:
            raise ReviewError(
                f"{name} decides twice on row {decision.row} (decisions[{first}] and decisions[{i}]), "
                "expected once; remove one of them"
            )


def _known_fields(values: Mapping[str, Any], fields: "Fields", name: str, where: str) -> dict[str, Any]:
    """Check and keep the known fields; others are ignored."""
    for field, (expected, fits) in fields.items():
        if field not in values:
            raise ReviewError(f"{name} lacks {where}{field}, expected {expected}; {EXPORT_AGAIN}")
        if not fits(values[field]):
            raise ReviewError(
                f"{where}{field} of {name} is {shown(values[field])}, expected {expected}; {EXPORT_AGAIN}"
            )
    return {field: values[field] for field in fields}


def shown(value: Any) -> str:
    """A value in one short line."""
    text = one_line(repr(value))
    if len(text) > SHOWN:
        return f"{text[: SHOWN - 1]}…"
    return text


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_text_or_null(value: Any) -> bool:
    return value is None or _is_text(value)


def _is_action(value: Any) -> bool:
    return _is_text(value) and value in ACTIONS


def _is_row(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 and value % 1 == 0


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _are_class_names(value: Any) -> bool:
    return _is_list(value) and all(map(_is_text, value)) and len(set(value)) == len(value) >= 2


Fields = Mapping[str, tuple[str, Callable[[Any], bool]]]
_TEXT = ("text", _is_text)
DOCUMENT: Fields = {
    "run": _TEXT,
    "fingerprint": _TEXT,
    "data": _TEXT,
    "reviewer": _TEXT,
    "exported": _TEXT,
    "class_names": ("two different texts or more", _are_class_names),
    "decisions": ("a list", _is_list),
}
ENTRY: Fields = {
    "id": _TEXT,
    "row": ("a row number of 0 or more", _is_row),
    "given": _TEXT,
    "suggested": _TEXT,
    "action": ("keep, relabel, ambiguous or drop", _is_action),
    "label": ("a class or null", _is_text_or_null),
    "note": _TEXT,
    "time": _TEXT,
}

"""Decisions from Label Studio: its exports JSON and JSON-MIN of tasks that `audit export` wrote."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.errors import ReviewError
from audit.review.annotated.answers import Answer, ReviewedRow, RunIdentity, number_of_rows, review
from audit.review.decisions import Decisions, shown
from audit.review.export.annotation import CHOICES, IDENTITY
from audit.runs.folder import RunRecord

EXPORT_TASKS = "annotate the tasks that audit export RUN --format label-studio writes"


@dataclass(frozen=True)
class _Annotation:
    """What one person chose in one task."""

    annotator: str
    choices: tuple[str, ...]
    time: str
    note: str = ""


def is_export(document: Any) -> bool:
    """Whether a JSON document is an export of Label Studio: a list of tasks."""
    return isinstance(document, list) and all(isinstance(task, dict) for task in document)


def reviews_in(
    document: Sequence[Mapping[str, Any]], path: Path, record: RunRecord | None
) -> list[Decisions]:
    """Read the decisions of each annotator from the tasks of an export.

    A task without an annotation, or one that was skipped, is not decided.

    Raises
    ------
    ReviewError
        When a task is not one that was exported of this run, or has a choice that is no class.
    """
    run = None if record is None else RunIdentity.of(record)
    numbers = {} if record is None else number_of_rows(record)
    answers: dict[str, list[Answer]] = {}
    for place, task in enumerate(document):
        where = f"task {task.get('id', place)} of {path}"
        for each in _annotations(task, path):
            data = task.get("data", task)
            if not isinstance(data, Mapping):
                raise ReviewError(f"{where} has no data, expected an object; {EXPORT_TASKS}")
            run = run or _identity(data, where)
            reviewed = _row(data, where, record, numbers)
            answer = Answer(where, reviewed, each.choices, each.time, each.note)
            answers.setdefault(each.annotator, []).append(answer)
    if run is None or not answers:
        raise ReviewError(
            f"{path} has no annotation in {len(document):,} tasks, expected some; export the tasks again "
            "when people have annotated them"
        )
    return [review(of_one, name, run) for name, of_one in answers.items()]


def _annotations(task: Mapping[str, Any], path: Path) -> Iterator[_Annotation]:
    """What people chose in a task, those without a choice left out."""
    if "annotations" not in task and "data" not in task:  # JSON-MIN
        choices = _texts(task.get(CHOICES))
        if choices:
            time = str(task.get("updated_at") or task.get("created_at") or "")
            yield _Annotation(_name(task.get("annotator"), path), choices, time)
        return
    for annotation in _objects(task.get("annotations")):
        results = _objects(annotation.get("result"))
        choices = _of_type("choices", results)
        if choices and not annotation.get("was_cancelled"):
            time = str(annotation.get("updated_at") or annotation.get("created_at") or "")
            yield _Annotation(
                _name(annotation.get("completed_by"), path),
                choices,
                time,
                "; ".join(_of_type("textarea", results)),
            )


def _objects(value: Any) -> list[Mapping[str, Any]]:
    """The objects in a list; none where it is no list."""
    if not isinstance(value, list):
        return []
    return [each for each in value if isinstance(each, Mapping)]


def _of_type(kind: str, results: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The texts of the results of this type."""
    return tuple(text for each in results if each.get("type") == kind for text in _texts(each.get("value")))


def _texts(value: Any) -> tuple[str, ...]:
    """The texts in a value: one, a list of them, or those under choices or text."""
    if isinstance(value, Mapping):
        value = value.get("choices", value.get("text"))
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list):
        return tuple(map(str, value))
    return ()


def _name(annotator: Any, path: Path) -> str:
    """What an annotator is called: by email, else by number and file, as each installation counts from 1."""
    if isinstance(annotator, Mapping):
        annotator = annotator.get("email") or annotator.get("id")
    if isinstance(annotator, str) and annotator:
        return annotator
    if annotator is None:
        return path.stem
    return f"annotator {annotator} of {path.stem}"


def _identity(data: Mapping[str, Any], where: str) -> RunIdentity:
    """The run of a task, as the task itself names it."""
    known: Any = data.get(IDENTITY)
    try:
        names = tuple(map(str, known["class_names"]))
        return RunIdentity(str(known["run"]), str(known["fingerprint"]), str(known["data"]), names)
    except (TypeError, KeyError):
        raise ReviewError(
            f"{where} does not name its run, expected {IDENTITY!r} in its data; say which run with --run"
        ) from None


def _row(
    data: Mapping[str, Any], where: str, record: RunRecord | None, numbers: Mapping[int, int]
) -> ReviewedRow:
    """The row that a task is about, compared with the run by its hash and its label."""
    needed = ("row", "hash", "given", "suggested")
    if any(name not in data for name in needed):
        raise ReviewError(f"{where} lacks {', '.join(needed)} in its data, expected all; {EXPORT_TASKS}")
    if record is None:
        known = data[IDENTITY]
        if type(known["row"]) is not int or known["row"] < 0:
            raise ReviewError(
                f"{where} is about row {shown(known['row'])}, expected a whole number, 0 or more; "
                f"{EXPORT_TASKS}"
            )
        return ReviewedRow(known["row"], str(known["id"]), str(data["given"]), str(data["suggested"]))
    number = None
    if isinstance(data["row"], int):
        number = numbers.get(data["row"])
    if number is None:
        raise ReviewError(
            f"{where} is about row {shown(data['row'])}, which the run did not audit; give the run whose "
            "suspects were exported"
        )
    reviewed = ReviewedRow.of(record, number)
    expected = (f"{record.hashes[number]:016x}", reviewed.given)
    found = (data["hash"], data["given"])
    if found != expected:
        raise ReviewError(
            f"{where} is about an example with the hash {shown(found[0])}, labelled {shown(found[1])}, but "
            f"row {data['row']} of the run has {shown(expected[0])}, labelled {shown(expected[1])}; give the "
            "run whose suspects were exported"
        )
    return reviewed

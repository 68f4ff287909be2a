"""Export a run's suspects to other tools: `FORMATS` has a function `(RunRecord) -> text` for each."""

from collections.abc import Callable

from audit.errors import ConfigError
from audit.review.export.annotation import cvat, label_studio
from audit.review.export.checks import junit, sarif
from audit.review.export.tables import csv_table, json_lines
from audit.runs.folder import RunRecord

__all__ = ["FORMATS", "export"]

FORMATS: dict[str, Callable[[RunRecord], str]] = {
    "label-studio": label_studio,
    "cvat": cvat,
    "csv": csv_table,
    "jsonl": json_lines,
    "sarif": sarif,
    "junit": junit,
}


def export(record: RunRecord, form: str) -> str:
    """Write the natural suspects of a run, worst first, as another tool reads them, without hidden controls.

    Raises
    ------
    ConfigError
        When there is no such format, or it cannot hold this kind of data.
    """
    if form not in FORMATS:
        raise ConfigError(f"--format must be one of {', '.join(FORMATS)}, found {form!r}")
    return FORMATS[form](record)

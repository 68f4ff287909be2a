"""Decisions that people made in other tools, read from what these tools export."""

from pathlib import Path
from typing import Any

from audit.datasets.files import reading
from audit.errors import ReviewError
from audit.review.annotated import cvat, label_studio
from audit.review.decisions import Decisions, decisions_in, read_document
from audit.runs.folder import RunRecord

__all__ = ["read_reviews"]


def read_reviews(path: Path, record: RunRecord | None = None) -> list[Decisions]:
    """Read the decisions of everybody in a file: decisions.json, or an export of Label Studio or CVAT.

    Parameters
    ----------
    path
        The file.
    record
        The run that was reviewed. Exports of CVAT cannot be read without it, and those of Label Studio are
        compared with it.

    Raises
    ------
    ReviewError
        When it cannot be read, or does not fit the run.
    """
    if cvat.is_export(path):
        return [cvat.read(path, record)]
    with reading(path, "cannot be read as decisions", "; export it again", ReviewError):
        document: Any = read_document(path)
        if label_studio.is_export(document):
            return label_studio.reviews_in(document, path, record)
        return [decisions_in(document, str(path))]

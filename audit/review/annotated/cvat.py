"""Decisions from CVAT: its export "CVAT for images 1.1" of suspects that `audit export` wrote."""

import zipfile
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Any
from xml.etree import ElementTree as ET

from audit.datasets.files import BLOCK_BYTES, most_unpacked, reading, refuse_dense
from audit.errors import ReviewError
from audit.review.annotated.answers import Answer, ReviewedRow, RunIdentity, number_of_rows, review
from audit.review.decisions import Decisions, shown
from audit.review.export.annotation import IMPORTED, image_name
from audit.review.export.markup import clean
from audit.review.export.suspects import suspects
from audit.runs.folder import RunRecord

ANNOTATIONS = "annotations.xml"  # in the archive that CVAT exports
EXPORT_AGAIN = 'export the task again as "CVAT for images 1.1"'
COSTS = {b"<": 160, b"=": 60}  # bytes that an element and an attribute take in memory


def is_export(path: Path) -> bool:
    """Whether a file is named like an export of CVAT."""
    return path.suffix.lower() in (".xml", ".zip")


def read(path: Path, record: RunRecord | None) -> Decisions:
    """Read the tags of the images that somebody changed or added.

    An image whose tag is as `audit export` wrote it is not decided: nobody may have looked at it.

    Raises
    ------
    ReviewError
        When it cannot be read, or has tags on images that are no suspects of the run.
    """
    if record is None:
        raise ReviewError(f"{path} is an export of CVAT, which does not name its run; say which with --run")
    with reading(path, "cannot be read as CVAT's annotations", f"; {EXPORT_AGAIN}", ReviewError):
        return _decisions(path, record)


def _decisions(path: Path, record: RunRecord) -> Decisions:
    """The tags of the images that somebody changed or added, as decisions."""
    root = _parsed(path)
    rows = _rows_by_name(record)
    names = {clean(name): name for name in record.class_names}
    time = root.findtext("meta/dumped") or ""
    answers = []
    for image in root.iter("image"):
        decided = [tag for tag in image.findall("tag") if tag.get("source") != IMPORTED]
        imported = [tag for tag in image.findall("tag") if tag.get("source") == IMPORTED]
        name = image.get("name") or ""
        where = f"image {shown(name)} of {path}"
        reviewed = rows.get(name)
        if reviewed is None and (decided or imported):
            raise ReviewError(
                f"{where} is no suspect of the run, expected images of audit export --format cvat; give the "
                "run whose suspects were exported"
            )
        if reviewed is None:
            continue
        _refuse_other_example(imported + decided, reviewed, record, where)
        changed = [tag for tag in imported if tag.get("label") != clean(reviewed.given)]
        labels = [tag.get("label") or "" for tag in decided or changed]
        if labels:
            choices = tuple(dict.fromkeys(names.get(label, label) for label in labels))
            answers.append(Answer(where, reviewed, choices, time))
    return review(answers, _reviewer(root), RunIdentity.of(record))


def _parsed(path: Path) -> ET.Element:
    """The document, which may be in an archive."""
    content = _content(path)
    refuse_dense(content, COSTS)
    parser = ET.XMLParser(target=_NoEntities())  # noqa: S314  entities are refused
    for start in range(0, len(content), BLOCK_BYTES):
        parser.feed(content[start : start + BLOCK_BYTES])
    root: ET.Element = parser.close()
    if root.tag != "annotations":
        raise ReviewError(
            f"{path} is a document {shown(root.tag)}, expected 'annotations'; export the task as "
            '"CVAT for images 1.1"'
        )
    return root


def _content(path: Path) -> bytes:
    """The bytes of the document; ValueError where an archive unpacks to far too many."""
    if path.suffix.lower() != ".zip":
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo(ANNOTATIONS).file_size
        if size > most_unpacked(path.stat().st_size):
            raise ValueError(f"it unpacks to {size:,} bytes, far more than its own size")
        return archive.read(ANNOTATIONS)


class _NoEntities(ET.TreeBuilder):
    """Builds a document that declares no type, and so no entities, which may stand for endless texts."""

    def doctype(self, name: str, *_: object) -> None:
        """Refuse the declaration."""
        raise ValueError(f"it declares the document type {shown(name)}")


def _rows_by_name(record: RunRecord) -> dict[str, ReviewedRow]:
    """The suspects by the names of their images; ReviewError where two have one name."""
    numbers = number_of_rows(record)
    rows: dict[str, ReviewedRow] = {}
    for suspect in suspects(record):
        name = clean(image_name(record, suspect))
        if name in rows:
            raise ReviewError(
                f"two suspects of the run have images called {shown(name)}, which CVAT cannot tell apart; "
                "decide on them in the report"
            )
        rows[name] = ReviewedRow.of(record, numbers[suspect.row])
    files = [PurePosixPath(name).name for name in rows]  # some ways into CVAT leave the folders out
    count = Counter(files)
    alone = {file: row for file, row in zip(files, rows.values(), strict=True) if count[file] == 1}
    return {**alone, **rows}


def _refuse_other_example(
    tags: list[ET.Element], reviewed: ReviewedRow, record: RunRecord, where: str
) -> None:
    """Refuse tags that say another hash than that of the row; tags that were added by hand say none."""
    expected = f"{record.hashes[reviewed.row]:016x}"
    for attribute in (attribute for tag in tags for attribute in tag.findall("attribute")):
        found: Any = attribute.text
        if attribute.get("name") == "hash" and found and found != expected:
            raise ReviewError(
                f"{where} has the hash {shown(found)}, but in the run it is {shown(expected)}; give the run "
                "whose suspects were exported"
            )


def _reviewer(root: ET.Element) -> str:
    """The person to whom the task or the job was given; empty when to nobody."""
    for place in ("meta/job/assignee", "meta/task/assignee"):
        name = root.findtext(f"{place}/username") or root.findtext(place)
        if name and name.strip():
            return name.strip()
    return ""

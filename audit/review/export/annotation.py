"""Suspects for tools in which people annotate: tasks of Label Studio, and CVAT for images 1.1."""

import base64
import io
import json
from dataclasses import asdict
from importlib.metadata import version
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

from audit.errors import ConfigError
from audit.review.export.markup import child, document
from audit.review.export.suspects import Suspect, are_images, image_folder, is_file, suspects
from audit.runs.folder import RunRecord

CVAT_ATTRIBUTES = ("suggested", "p_error")


def label_studio(record: RunRecord) -> str:
    """Tasks in Label Studio's JSON, with the suggestion as a prediction.

    `data` has `image`, or `text` for features, and what is known of the suspect. Images that are files are
    named as Label Studio's local storage serves them; others are inside, as far as the run kept them: those
    of the first suspects. The others have no task.
    """
    kept = {int(row): place for place, row in enumerate(record.thumbnails.rows)}
    where = dict(zip(record.rows.tolist(), range(len(record.rows)), strict=True))
    tasks = []
    for each in suspects(record):
        example = _example(record, each, kept.get(where[each.row]))
        if example:
            data: dict[str, Any] = {**example, **asdict(each)}
            tasks.append({"data": data, "predictions": [_prediction(each)]})
    return json.dumps(tasks, indent=1, ensure_ascii=False) + "\n"


def _prediction(suspect: Suspect) -> dict[str, Any]:
    return {
        "model_version": f"label-audit {version('label-audit')}",
        "score": suspect.p_error,
        "result": [
            {
                "id": f"suspect-{suspect.rank}",
                "from_name": "label",
                "to_name": "example",
                "type": "choices",
                "value": {"choices": [suspect.suggested]},
            }
        ],
    }


def _example(record: RunRecord, suspect: Suspect, place: int | None) -> dict[str, str] | None:
    """What the task shows; None where the run kept nothing of the example."""
    if is_file(record, suspect.id):
        return {"image": f"/data/local-files/?d={quote(suspect.id)}"}
    if place is None:
        return None
    if are_images(record):
        return {"image": f"data:image/png;base64,{_png(record, place)}"}
    shown = [
        f"{each.name} {each.value} (median {each.given_median}, of the suggested {each.suggested_median})"
        for each in record.thumbnails.unusual[place]
    ]
    return {"text": "\n".join(shown) or suspect.id}


def _png(record: RunRecord, place: int) -> str:
    from PIL import Image  # noqa: PLC0415  slow to import

    image = record.thumbnails.images[place]
    file = io.BytesIO()
    Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image).save(file, format="PNG")
    return base64.b64encode(file.getvalue()).decode()


def cvat(record: RunRecord) -> str:
    """CVAT for images 1.1: a tag with the given label, with the suggestion and p_error as its attributes.

    Raises
    ------
    ConfigError
        When the examples are no images.
    """
    if not are_images(record):
        raise ConfigError("--format cvat holds images, this run is about features; use label-studio or csv")
    found = suspects(record)
    root = ET.Element("annotations")
    child(root, "version", "1.1")
    task = child(child(root, "meta"), "task")
    for name, text in (("name", record.data["name"]), ("size", len(found)), ("mode", "annotation")):
        child(task, name, text)
    labels = child(task, "labels")
    for class_name in record.class_names:
        _cvat_label(labels, class_name)
    for each in found:
        width, height = _size(record, each)
        file = each.id if is_file(record, each.id) else f"{each.id}.png"
        image = child(root, "image", id=each.rank - 1, name=file, width=width, height=height)
        tag = child(image, "tag", label=each.given, source="file")
        for name in CVAT_ATTRIBUTES:
            child(tag, "attribute", getattr(each, name), name=name)
    return document(root)


def _cvat_label(labels: ET.Element, name: str) -> None:
    """A class as CVAT wants it described."""
    label = child(labels, "label")
    child(label, "name", name)
    child(label, "type", "tag")
    attributes = child(label, "attributes")
    for attribute in CVAT_ATTRIBUTES:
        one = child(attributes, "attribute")
        for tag, text in (("name", attribute), ("mutable", "False"), ("input_type", "text")):
            child(one, tag, text)
        child(one, "default_value")
        child(one, "values")


def _size(record: RunRecord, suspect: Suspect) -> tuple[int, int]:
    """Width and height of the file, if it is where it was, else those that were audited."""
    height, width = record.data["shape"][1:3]
    if not is_file(record, suspect.id):
        return width, height
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415  slow to import

    try:
        with Image.open(image_folder(record) / suspect.id) as file:
            return file.size
    except (OSError, UnidentifiedImageError):
        return width, height

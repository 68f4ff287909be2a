"""Suspects for tools in which people annotate: tasks of Label Studio, and CVAT for images 1.1."""

import base64
import io
import json
from importlib.metadata import version
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

import numpy as np
import numpy.typing as npt

from audit.errors import ConfigError
from audit.review.export.markup import child, document
from audit.review.export.suspects import Suspect, are_images, image_folder, is_image_file, suspects
from audit.runs.folder import RunRecord
from audit.types import FeatureValue

CVAT_ATTRIBUTES = ("suggested", "p_error", "hash")
IMPORTED = "file"  # what CVAT calls the source of tags that it did not make
CHOICES = "label"  # what the labelling interface of docs/review.md calls the choices
IDENTITY = "audit"  # the field of a task that says which row of which run it is about


def label_studio(record: RunRecord) -> str:
    """Write tasks in Label Studio's JSON, with the suggestion as a prediction.

    `data` has `image`, or `text` for features, the fields of the suspect, and in `audit` what decisions on it
    must name. Image files are named as Label
    Studio's local storage serves them. Images of arrays are embedded where the run kept them, which it does
    for the first suspects; the other suspects have no task.
    """
    thumbnail_of = {row: place for place, row in enumerate(record.thumbnails.rows.tolist())}
    row_in_run = {row: i for i, row in enumerate(record.rows.tolist())}
    run = {
        "run": record.stages["issues"]["key"],
        "fingerprint": record.data["fingerprint"],
        "data": record.data["name"],
        "class_names": record.class_names,
    }
    tasks = []
    for suspect in suspects(record):
        row = row_in_run[suspect.row]
        example = _example(record, suspect, thumbnail_of.get(row))
        if example:
            identity = {**run, "row": row, "id": suspect.id}
            data: dict[str, Any] = {**example, **suspect.to_json(), IDENTITY: identity}
            tasks.append({"data": data, "predictions": [_prediction(suspect)]})
    return json.dumps(tasks, indent=1, ensure_ascii=False) + "\n"


def _prediction(suspect: Suspect) -> dict[str, Any]:
    return {
        "model_version": f"label-audit {version('label-audit')}",
        "score": suspect.p_error,
        "result": [
            {
                "id": f"suspect-{suspect.rank}",
                "from_name": CHOICES,
                "to_name": "example",
                "type": "choices",
                "value": {"choices": [suspect.suggested]},
            }
        ],
    }


def _example(record: RunRecord, suspect: Suspect, thumbnail: int | None) -> dict[str, str] | None:
    """The example as the task shows it; None where the run did not keep it."""
    if is_image_file(record, suspect.id):
        return {"image": f"/data/local-files/?d={quote(suspect.id)}"}
    if thumbnail is None or (are_images(record) and not record.thumbnails.images.size):
        return None
    if are_images(record):
        return {"image": f"data:image/png;base64,{_png(record.thumbnails.images[thumbnail])}"}
    unusual = record.thumbnails.unusual[thumbnail]
    shown = [each.value if record.data.get("texts") else _in_words(each) for each in unusual]
    return {"text": "\n".join(shown) or suspect.id}


def _in_words(feature: FeatureValue) -> str:
    """A feature with its medians, or what a column of a record holds, which has none."""
    if not feature.given_median:
        return feature.value
    return (
        f"{feature.name} {feature.value} (median {feature.given_median}, of the suggested "
        f"{feature.suggested_median})"
    )


def _png(image: npt.NDArray[np.uint8]) -> str:
    """A PNG in base64 of an image (h, w, c)."""
    from PIL import Image  # noqa: PLC0415  slow to import

    if image.shape[-1] == 1:
        image = image.squeeze(-1)
    file = io.BytesIO()
    Image.fromarray(image).save(file, format="PNG")
    return base64.b64encode(file.getvalue()).decode()


def cvat(record: RunRecord) -> str:
    """Write CVAT for images 1.1: a tag with the given label, whose attributes are the suggestion and p_error.

    Raises
    ------
    ConfigError
        When the examples are not images.
    """
    if not are_images(record):
        raise ConfigError("--format cvat needs images, but this run has none; use label-studio or csv")
    found = suspects(record)
    root = ET.Element("annotations")
    child(root, "version", "1.1")
    task = child(child(root, "meta"), "task")
    child(task, "name", record.data["name"])
    child(task, "size", len(found))
    child(task, "mode", "annotation")
    labels = child(task, "labels")
    for class_name in record.class_names:
        _add_label(labels, class_name)
    for suspect in found:
        _add_image(root, record, suspect)
    return document(root)


def _add_image(root: ET.Element, record: RunRecord, suspect: Suspect) -> None:
    width, height = _size(record, suspect)
    name = image_name(record, suspect)
    image = child(root, "image", id=suspect.rank - 1, name=name, width=width, height=height)
    tag = child(image, "tag", label=suspect.given, source=IMPORTED)
    for name in CVAT_ATTRIBUTES:
        child(tag, "attribute", getattr(suspect, name), name=name)


def image_name(record: RunRecord, suspect: Suspect) -> str:
    """What the image of a suspect is called in CVAT: its path, or its id where it is in no file."""
    if is_image_file(record, suspect.id):
        return suspect.id
    return f"{suspect.id}.png"


def _add_label(labels: ET.Element, name: str) -> None:
    """Describe a class as CVAT requires."""
    label = child(labels, "label")
    child(label, "name", name)
    child(label, "type", "tag")
    attributes = child(label, "attributes")
    for attribute in CVAT_ATTRIBUTES:
        described = child(attributes, "attribute")
        child(described, "name", attribute)
        child(described, "mutable", "False")
        child(described, "input_type", "text")
        child(described, "default_value")
        child(described, "values")


def _size(record: RunRecord, suspect: Suspect) -> tuple[int, int]:
    """Width and height of the image file, or of the audited image where there is no file."""
    height, width = record.data["shape"][1:3]
    if not is_image_file(record, suspect.id):
        return width, height
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415  slow to import

    try:
        with Image.open(image_folder(record) / suspect.id) as file:
            return file.size
    except (OSError, UnidentifiedImageError):
        return width, height

import base64
import csv
import io
import json
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree as ET

import jsonschema
import numpy as np
import pytest
from lxml import etree
from PIL import Image
from reviewing import finished

import audit
from audit.review.export import FORMATS, export
from audit.runs.folder import RunFolder

SCHEMAS = Path(__file__).parent / "schemas"
HOSTILE = np.array(["</script><img src=x onerror=alert(1)>", 'a "b" & <c>\x0b', "Ελ, ]]>\n"])


@pytest.fixture(scope="module", params=["arrays", "features", "files"])
def record(request, tmp_path_factory):
    """A run on images in an array, on features, and on image files, with hostile names."""
    folder = tmp_path_factory.mktemp("export")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        rng = np.random.default_rng(0)
        y = np.arange(60) % 3
        if request.param == "files":
            for row, label in enumerate(y):
                path = Path("photos", ["a b", 'ü"&<', "c#?"][label], f"i {row}.png")
                path.parent.mkdir(parents=True, exist_ok=True)
                size = (9, 11) if row else (20, 10)
                Image.fromarray(rng.integers(0, 255, size, dtype=np.uint8)).save(path)
            yield finished("run", data="photos")
        else:
            images = rng.integers(0, 255, (60, 9, 8, 3), dtype=np.uint8)
            X = images if request.param == "arrays" else rng.normal(size=(60, 4))
            np.savez("d.npz", X=X, y=HOSTILE[y])
            yield finished("run", data="d.npz")


def test_tables_have_every_suspect_worst_first(record):
    rows = record.suspects.ranking
    table = list(csv.DictReader(io.StringIO(export(record, "csv"), newline="")))
    lines = [json.loads(line) for line in export(record, "jsonl").splitlines()]
    assert len(rows) > 3
    assert (
        [each["id"] for each in table]
        == [each["id"] for each in lines]
        == record.ids[rows].astype(str).tolist()
    )
    assert [each["given"] for each in lines] == [
        record.class_names[record.labels.original[row]] for row in rows
    ]
    assert [each["hash"] for each in table] == [f"{record.hashes[row]:016x}" for row in rows]
    assert [each["rank"] for each in lines] == list(range(1, len(rows) + 1))


def test_sarif_fits_its_published_schema(record):
    log = json.loads(export(record, "sarif"))
    schema = json.loads((SCHEMAS / "sarif-2.1.0-rtm.4.json").read_text(encoding="utf-8"))
    jsonschema.Draft4Validator(schema).validate(log)
    spoilt = json.loads(export(record, "sarif"))
    del spoilt["runs"][0]["tool"]
    assert not jsonschema.Draft4Validator(schema).is_valid(spoilt)
    results = log["runs"][0]["results"]
    assert len(results) == len(record.suspects.ranking)
    for each, row in zip(results, record.suspects.ranking, strict=True):
        assert 0 <= each["rank"] <= 100
        uri = each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert urlsplit(uri).path == uri
        assert unquote(uri) == (str(record.ids[row]) if "/" in str(record.ids[row]) else "d.npz")


def test_junit_fits_its_published_schema(record):
    text = export(record, "junit")
    schema = etree.XMLSchema(etree.parse(SCHEMAS / "junit-10.xsd"))
    root = etree.fromstring(text.encode())
    schema.assertValid(root)
    assert not schema.validate(etree.fromstring("<testsuites><testcase/></testsuites>"))
    suite = root.find("testsuite")
    n = len(record.suspects.ranking)
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == (str(n), str(n), "0")
    assert len(suite.findall("testcase/failure")) == n
    assert [case.get("name") for case in suite] == record.ids[record.suspects.ranking].astype(str).tolist()


def test_label_studio_has_tasks_as_its_documentation_describes_them(record):
    """data with what the labelling interface shows; predictions of regions that name its tags and classes."""
    tasks = json.loads(export(record, "label-studio"))
    assert len(tasks) == len(record.suspects.ranking)
    images = len(record.data["shape"]) == 4
    for task in tasks:
        assert set(task) == {"data", "predictions"}
        shown = task["data"]["image" if images else "text"]
        assert isinstance(shown, str)
        assert shown
        (prediction,) = task["predictions"]
        assert isinstance(prediction["model_version"], str)
        assert 0 <= prediction["score"] <= 1
        (region,) = prediction["result"]
        assert (region["from_name"], region["to_name"], region["type"]) == ("label", "example", "choices")
        (choice,) = region["value"]["choices"]
        assert choice in record.class_names
        if images and shown.startswith("data:"):
            png = base64.b64decode(shown.removeprefix("data:image/png;base64,"))
            assert Image.open(io.BytesIO(png)).size == (8, 9)
        elif images:
            assert unquote(shown.removeprefix("/data/local-files/?d=")) == task["data"]["id"]
    assert len({task["predictions"][0]["result"][0]["id"] for task in tasks}) == len(tasks)


def test_cvat_has_images_and_tags_as_its_documentation_describes_them(record):
    """version 1.1, labels with their attributes in meta, then images with id, name, width, height and tags."""
    if len(record.data["shape"]) == 2:
        with pytest.raises(audit.AuditError, match="needs images, but this run has none"):
            export(record, "cvat")
        return
    root = ET.fromstring(export(record, "cvat"))  # noqa: S314  our own
    assert [each.tag for each in root][:2] == ["version", "meta"]
    assert root.findtext("version") == "1.1"
    labels = {label.findtext("name"): label for label in root.iter("label")}
    assert len(labels) == len(record.class_names)
    known = {a.findtext("name") for a in labels[next(iter(labels))].iter("attribute")}
    images = root.findall("image")
    assert len(images) == int(root.findtext("meta/task/size")) == len(record.suspects.ranking)
    assert [int(image.get("id")) for image in images] == list(range(len(images)))
    for image, row in zip(images, record.suspects.ranking, strict=True):
        name = image.get("name")
        assert name.removesuffix(".png") == str(record.ids[row]).removesuffix(".png")
        large = name.endswith("i 0.png")
        expected = ("10", "20") if large else ("11", "9") if "/" in name else ("8", "9")
        assert (image.get("width"), image.get("height")) == expected
        (tag,) = image
        assert tag.get("label") in labels
        assert {a.get("name") for a in tag} == known


def test_what_no_xml_may_hold_is_replaced(record):
    for form in ("junit", "cvat"):
        if form == "cvat" and len(record.data["shape"]) == 2:
            continue
        text = export(record, form)
        etree.fromstring(text.encode())
        assert "\x0b" not in text
        assert "<img" not in text


def test_from_the_command_line(tmp_path, monkeypatch, run_audit):
    monkeypatch.chdir(tmp_path)
    finished("run", data="wine")
    for form in FORMATS:
        if form == "cvat":
            line = run_audit("export", "run", "--format", form, check=2).stderr
            assert "--format cvat needs images" in line
            continue
        printed = run_audit("export", "run", "--format", form, check=0).stdout
        assert printed == export(RunFolder(tmp_path / "run").load_record(), form)
        assert run_audit("export", "run", "--format", form, "--out", "file", check=0).stdout == ""
        assert Path("file").read_text(encoding="utf-8") == printed
    line = run_audit("export", "run", "--format", "excel", check=2).stderr
    assert 'Invalid value "excel" for --format. Choose from: ' in line
    assert all(f'"{form}"' in line for form in FORMATS)

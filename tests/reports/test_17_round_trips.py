"""Suspects go to Label Studio or CVAT, people decide there, and the export comes back."""

import json
import zipfile
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image
from reviewing import finished

import audit
from audit.review import apply, merge
from audit.review.annotated import read_reviews
from audit.review.export import export

NAMES = ["kind 0#", 'ü"&<', "c, d"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a run on image files."""
    path = tmp_path_factory.mktemp("round-trip")
    rng = np.random.default_rng(0)
    for row in range(48):
        file = path / "photos" / NAMES[row % 3] / f"i {row}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (8, 8), dtype=np.uint8)).save(file)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        finished("run", data="photos")
    return path


@pytest.fixture
def record(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return audit.load_run("run").record


def annotation(choices, by=7, time="2030-01-01T10:00:00Z", **values):
    region = {"from_name": "label", "to_name": "example", "type": "choices", "value": {"choices": choices}}
    return {
        "id": 1,
        "completed_by": by,
        "was_cancelled": False,
        "created_at": time,
        "result": [region],
        **values,
    }


def project(record, annotations, name="project.json"):
    """What Label Studio exports when these are the annotations of the first tasks."""
    tasks = json.loads(export(record, "label-studio"))
    back = [
        {"id": 100 + i, "data": task["data"], "annotations": annotations[i] if i < len(annotations) else []}
        for i, task in enumerate(tasks)
    ]
    Path(name).write_text(json.dumps(back), encoding="utf-8")
    return [task["data"] for task in tasks]


def actions(review):
    return [(decision.action, decision.label) for decision in review.decisions]


def test_decisions_of_label_studio_are_applied(record, tmp_path):
    tasks = project(record, [])
    other = next(name for name in NAMES if name not in (tasks[3]["given"], tasks[3]["suggested"]))
    project(
        record,
        [
            [annotation([tasks[0]["suggested"]])],
            [annotation([tasks[1]["given"]])],
            [annotation(["drop"])],
            [annotation([other]), annotation([tasks[3]["given"]], time="2029-01-01T10:00:00Z")],
            [annotation(NAMES[:2])],
            [annotation([tasks[5]["suggested"]], was_cancelled=True)],
        ],
    )
    (review,) = read_reviews(Path("project.json"), record)
    expected = [
        ("relabel", tasks[0]["suggested"]),
        ("keep", None),
        ("drop", None),
        ("relabel", other),
        ("ambiguous", None),
    ]
    found = {decision.row: (decision.action, decision.label) for decision in review.decisions}
    assert [found[row] for row in record.suspects.ranking[:5].tolist()] == expected
    assert len(found) == 5
    applied = apply.apply("run", "project.json", out=tmp_path / "corrected")
    assert applied.counts["relabelled"] == 2
    assert applied.counts["dropped"] == 1


def test_an_export_in_short_form_says_the_same(record):
    tasks = project(record, [[annotation([NAMES[0]])]])
    short = [{**tasks[0], "id": 100, "label": NAMES[0], "annotator": 7, "created_at": "2030-01-01T10:00:00Z"}]
    Path("short.json").write_text(json.dumps([*short, {**tasks[1], "id": 101}]), encoding="utf-8")
    (first,), (second,) = (read_reviews(Path(name), record) for name in ("project.json", "short.json"))
    assert first.decisions == second.decisions


def test_people_in_one_export_are_merged_without_naming_the_run(record, tmp_path):
    tasks = project(record, [])
    mail = {"id": 1, "email": "ada@example.org"}
    both = [
        [annotation([tasks[0]["suggested"]], by=mail), annotation([tasks[0]["suggested"]], by=2)],
        [annotation([tasks[1]["given"]], by=mail), annotation([tasks[1]["suggested"]], by=2)],
    ]
    project(record, both)
    with pytest.raises(
        audit.AuditError, match=r"decisions of 2 people, who differ on 1 row, .*audit merge proj"
    ):
        apply.apply("run", "project.json", out=tmp_path / "corrected")
    merged = merge.merge_files([Path("project.json")], tmp_path / "merged.json")
    assert [pair.reviewers for pair in merged.pairs] == [("ada@example.org", "annotator 2 of project")]
    assert len(merged.decisions.decisions) == len(merged.disagreements) == 1
    applied = apply.apply("run", tmp_path / "merged.json", out=tmp_path / "corrected")
    assert applied.counts["relabelled"] == 1


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"hash": "0" * 16}, "task 100 of project.json is about an example with the hash '0000000000000000'"),
        ({"given": "dog"}, "labelled 'dog', but row"),
        ({"row": 4000}, "is about row 4000, which the run did not audit"),
        ({"row": None}, "is about row None"),
    ],
)
def test_tasks_of_other_data_are_refused(record, tmp_path, changes, line):
    tasks = project(record, [])
    project(record, [[annotation([tasks[0]["suggested"]])]])
    document = json.loads(Path("project.json").read_text(encoding="utf-8"))
    document[0]["data"] |= changes
    Path("project.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(audit.AuditError, match=line):
        apply.apply("run", "project.json", out=tmp_path / "corrected")


def test_a_choice_that_is_no_class_is_refused(record, tmp_path):
    project(record, [[annotation(["zebra"])]])
    with pytest.raises(
        audit.AuditError, match=r"task 100 of project\.json has the choice 'zebra', expected a class"
    ):
        apply.apply("run", "project.json", out=tmp_path / "corrected")


def reviewed_in_cvat(record, changes, path="annotations.xml"):
    """CVAT's export when these tags were changed: {place: label, None for a tag that was taken away}."""
    root = ET.fromstring(export(record, "cvat"))  # noqa: S314  our own
    for place, label in changes.items():
        image = root.findall("image")[place]
        tag = image.find("tag")
        image.remove(tag)
        if label is not None:
            ET.SubElement(image, "tag", label=label, source="manual")
    ET.SubElement(ET.SubElement(root.find("meta/task"), "assignee"), "username").text = "bob"
    content = ET.tostring(root)
    if path.endswith(".zip"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("annotations.xml", content)
    else:
        Path(path).write_bytes(content)


@pytest.mark.parametrize("path", ["annotations.xml", "task 7.zip"])
def test_decisions_of_cvat_are_applied_and_merged(record, tmp_path, path):
    tasks = project(record, [])
    project(record, [[annotation([tasks[0]["suggested"]])], [annotation([tasks[1]["given"]])]])
    reviewed_in_cvat(record, {0: tasks[0]["suggested"], 1: tasks[1]["given"], 2: None}, path)
    (review,) = read_reviews(Path(path), record)
    assert review.reviewer == "bob"
    assert actions(review) == [("relabel", tasks[0]["suggested"]), ("keep", None)]
    applied = apply.apply("run", path, out=tmp_path / "corrected")
    assert applied.counts["relabelled"] == 1
    with pytest.raises(audit.AuditError, match="does not name its run; say which with --run"):
        merge.merge_files([Path("project.json"), Path(path)], tmp_path / "m.json")
    merged = merge.merge_files([Path("project.json"), Path(path)], tmp_path / "m.json", record)
    assert merged.pairs[0].agreement.value == 1


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (
            "<annotations><image name='x.png'><tag label='a'/></image></annotations>",
            "is no suspect of the run",
        ),
        ("<annotations>", "cannot be read as CVAT's annotations"),
        ("<html/>", "is a document 'html', expected 'annotations'"),
    ],
)
def test_what_is_not_cvats_export_of_the_suspects_is_refused(record, tmp_path, content, line):
    Path("annotations.xml").write_text(content, encoding="utf-8")
    with pytest.raises(audit.AuditError, match=line):
        apply.apply("run", "annotations.xml", out=tmp_path / "corrected")


def test_a_hash_in_cvat_of_another_example_is_refused(record, tmp_path):
    text = export(record, "cvat")
    worst = int(record.suspects.ranking[0])
    Path("annotations.xml").write_text(
        text.replace(f"{record.hashes[worst]:016x}", "0" * 16), encoding="utf-8"
    )
    with pytest.raises(audit.AuditError, match="has the hash '0000000000000000', but in the run it is"):
        apply.apply("run", "annotations.xml", out=tmp_path / "corrected")


def test_images_in_cvat_may_have_lost_their_folders(record):
    reviewed_in_cvat(record, {0: NAMES[0]})
    root = ET.fromstring(Path("annotations.xml").read_bytes())  # noqa: S314  our own
    for image in root.iter("image"):
        image.set("name", Path(image.get("name")).name)
    Path("annotations.xml").write_bytes(ET.tostring(root))
    (review,) = read_reviews(Path("annotations.xml"), record)
    assert [decision.row for decision in review.decisions] == [int(record.suspects.ranking[0])]


@pytest.mark.parametrize(
    "tasks",
    [
        [{"id": 1, "data": None, "annotations": [{"result": [{"type": "choices", "value": "a"}]}]}],
        [{"annotations": [{"result": [5]}], "data": {}}],
        [{"annotations": "x", "data": {}}],
        [{"annotations": [{"result": [{"type": "choices", "value": {"choices": ["a"]}}]}], "data": {
            "row": [1], "hash": "", "given": "", "suggested": ""}}],
    ],
)  # fmt: skip
def test_tasks_of_another_shape_are_refused_in_one_line(record, tmp_path, tasks):
    Path("j.json").write_text(json.dumps(tasks), encoding="utf-8")
    with pytest.raises(audit.AuditError, match=r"j\.json"):
        apply.apply("run", "j.json", out=tmp_path / "corrected")

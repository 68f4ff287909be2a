"""Exports of other tools that were made to do harm are refused in one line."""

import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from conftest import posix
from reviewing import finished

from audit.errors import AuditError, DataError, ReviewError
from audit.review.annotated import read_reviews
from audit.review.estimate import checked_labels
from audit.runs.gates import read_accepted

LAUGHS = "".join(f'<!ENTITY l{i + 1} "{10 * f"&l{i};"}">' for i in range(9))


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    np.savez(folder / "d.npz", X=np.random.default_rng(0).integers(0, 255, (12, 8, 8)), y=np.arange(12) % 2)
    return finished(folder / "run", data=str(folder / "d.npz"))


def refused(path, record, kind=ReviewError):
    with pytest.raises(kind) as caught:
        read_reviews(path, record)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


@pytest.mark.parametrize(
    ("start", "text"),
    [
        (f'<!DOCTYPE a [<!ENTITY l0 "lol">{LAUGHS}]>', "&l9;"),
        ('<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]>', "&f;"),
        ('<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd">', ""),
        ('<!DOCTYPE a [<!ENTITY % p SYSTEM "/dev/zero"> %p;]>', ""),
    ],
)
def test_xml_with_entities_is_refused(tmp_path, record, start, text):
    (tmp_path / "a.xml").write_text(f"{start}<annotations>{text}</annotations>", encoding="utf-8")
    assert "it declares the document type 'a'" in refused(tmp_path / "a.xml", record)
    (tmp_path / "b.xml").write_text(
        f'<?xml version="1.0" encoding="utf-16"?>{start}<annotations>{text}</annotations>', encoding="utf-16"
    )
    assert "it declares the document type 'a'" in refused(tmp_path / "b.xml", record)


def test_documents_of_far_too_many_parts_are_refused(tmp_path, record):
    for name, content in (
        ("a.xml", b"<annotations>" + b"<a/>" * 3_000_000),
        ("a.json", b"[" + b"[]," * 4_000_000 + b"[]]"),
        ("b.json", b'{"a":' * 100_000),
    ):
        (tmp_path / name).write_bytes(content)
        assert "would take" in refused(tmp_path / name, record) or name == "b.json"
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        file.writestr("annotations.xml", bytes(250_000_000))
    assert "far more than its own size" in refused(tmp_path / "a.zip", record)


@pytest.mark.parametrize("row", [None, "x", -1, 1.5, 1e300, [], {}, True, 10**30])
def test_rows_of_tasks_that_are_no_numbers_are_refused(tmp_path, record, row):
    names = {"run": "a", "fingerprint": "b", "data": "c", "class_names": ["0", "1"], "row": row, "id": "1"}
    data = {"row": row, "hash": "0", "given": "0", "suggested": "1", "audit": names}
    result = [{"type": "choices", "value": {"choices": ["0"]}}]
    task = {"data": data, "annotations": [{"result": result, "completed_by": 1}]}
    (tmp_path / "a.json").write_text(json.dumps([task]), encoding="utf-8")
    refused(tmp_path / "a.json", record)
    if row not in (True, 10**30):
        refused(tmp_path / "a.json", None)


@posix
def test_pipes_and_devices_are_refused(tmp_path, record):
    for name in ("a.json", "a.xml", "a.zip", "a.csv"):
        os.mkfifo(tmp_path / name)
    for name in ("a.json", "a.xml", "a.zip", "/dev/zero", "/dev/stdin"):
        assert "expected a file" in refused(tmp_path / name, record) or name == "/dev/stdin"
    for path in (tmp_path / "a.csv", Path("/dev/zero")):
        with pytest.raises(ReviewError, match="expected a file"):
            checked_labels(path, record)
        with pytest.raises(DataError, match="expected a file"):
            read_accepted(path)


def test_tables_of_commas_and_of_lines_are_refused(tmp_path, record):
    for content in (b"id,label" + b"," * 20_000_000, b"id,given,reason,expires\n" + b"\n" * 20_000_000):
        (tmp_path / "a.csv").write_bytes(content)
        for read in (lambda path: checked_labels(path, record), read_accepted):
            with pytest.raises(AuditError, match="would take"):
                read(tmp_path / "a.csv")

"""Suspects for tools that read findings and test results: SARIF 2.1.0, and JUnit's XML."""

import json
from dataclasses import asdict
from importlib.metadata import version
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

from audit.review.export.markup import child, document
from audit.review.export.suspects import Suspect, is_file, source_file, suspects
from audit.runs.folder import RunRecord

RULE = "label-suspect"
MEANING = "The label as it came looks wrong; a person is to decide."


def sarif(record: RunRecord) -> str:
    """A log of SARIF 2.1.0 (OASIS) with one result a suspect; `rank` is p_error in per cent."""
    driver = {
        "name": "label-audit",
        "version": version("label-audit"),
        "rules": [{"id": RULE, "name": "LabelSuspect", "shortDescription": {"text": MEANING}}],
    }
    run = {"tool": {"driver": driver}, "results": [_result(record, each) for each in suspects(record)]}
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=1, ensure_ascii=False) + "\n"


def _result(record: RunRecord, suspect: Suspect) -> dict[str, Any]:
    location: dict[str, Any] = {"logicalLocations": [{"name": suspect.id, "kind": "row"}]}
    path = suspect.id if is_file(record, suspect.id) else source_file(record)
    if path is not None:
        location["physicalLocation"] = {"artifactLocation": {"uri": quote(path)}}
    return {
        "ruleId": RULE,
        "ruleIndex": 0,
        "level": "warning",
        "message": {"text": suspect.sentence},
        "locations": [location],
        "partialFingerprints": {"exampleHash/v1": suspect.hash},
        "rank": 100 * suspect.p_error,
        "properties": asdict(suspect),
    }


def junit(record: RunRecord) -> str:
    """JUnit's XML with one failed test case a suspect; its class name is the data and the given label."""
    found = suspects(record)
    name, count = f"label-audit {record.data['name']}", len(found)
    root = ET.Element("testsuites")
    suite = child(root, "testsuite", name=name, tests=count, failures=count, errors=0)
    for each in found:
        case = child(suite, "testcase", name=each.id, classname=f"{record.data['name']}.{each.given}")
        child(case, "failure", MEANING, type=RULE, message=each.sentence)
    return document(root)

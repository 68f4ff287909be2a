"""Suspects for tools that show the results of checks: SARIF 2.1.0, and JUnit's XML."""

import json
from importlib.metadata import version
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

from audit.review.export.markup import child, document
from audit.review.export.suspects import Suspect, is_image_file, source_file, suspects
from audit.runs.folder import RunRecord

RULE = "label-suspect"
MEANING = "The original label looks wrong; someone must review it."


def sarif(record: RunRecord) -> str:
    """Write a SARIF 2.1.0 log (OASIS) with a result for each suspect; `rank` is p_error in per cent."""
    driver = {
        "name": "label-audit",
        "version": version("label-audit"),
        "rules": [{"id": RULE, "name": "LabelSuspect", "shortDescription": {"text": MEANING}}],
    }
    results = [_result(record, suspect) for suspect in suspects(record)]
    run = {"tool": {"driver": driver}, "results": results}
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=1, ensure_ascii=False) + "\n"


def _result(record: RunRecord, suspect: Suspect) -> dict[str, Any]:
    location: dict[str, Any] = {"logicalLocations": [{"name": suspect.id, "kind": "row"}]}
    path = source_file(record)
    if is_image_file(record, suspect.id):
        path = suspect.id
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
        "properties": suspect.to_json(),
    }


def junit(record: RunRecord) -> str:
    """Write JUnit's XML: a failed test case for each suspect, in a class of the data and the given label."""
    found = suspects(record)
    data = record.data["name"]
    count = len(found)
    root = ET.Element("testsuites")
    suite = child(root, "testsuite", name=f"label-audit {data}", tests=count, failures=count, errors=0)
    for suspect in found:
        case = child(suite, "testcase", name=suspect.id, classname=f"{data}.{suspect.given}")
        child(case, "failure", MEANING, type=RULE, message=suspect.sentence)
    return document(root)

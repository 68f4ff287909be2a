"""Names and texts of spreadsheets that hold line breaks, tabs and other white space."""

import json

import numpy as np
import pandas as pd
import pytest

import audit
from audit.review.export import export

BREAKS = ["\n", "\t", "\r\n", "\x0b", "\x85", "\u2028"]


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    frame = pd.DataFrame(rng.normal(size=(60, 2)), columns=[f"pressure{''.join(BREAKS)}(mmHg)", "b"])
    frame["note"] = rng.choice([f"first{each}second" for each in BREAKS], 60)
    probs = np.full((60, 3), 0.1)
    probs[np.arange(60), np.where(np.arange(60) % 10, y, (y + 1) % 3)] = 0.8
    return frame, np.array(["cat", "dog", "owl"])[y], probs


def test_a_report_and_an_export_hold_any_name(table, tmp_path):
    frame, y, probs = table
    audit.detect(frame, y, pred_probs=probs, out=tmp_path / "run")
    record = audit.load_run(tmp_path / "run").record
    names = {feature.name for row in record.thumbnails.unusual for feature in row}
    assert any(name.startswith("pressure\n\t") for name in names)
    assert any("first" in name for name in names)
    assert (tmp_path / "run" / "report.html").exists()
    tasks = json.loads(export(record, "label-studio"))
    assert len(tasks) == len(record.suspects.ranking) > 0

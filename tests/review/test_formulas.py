"""No table that the product writes holds a formula, and what it writes it reads back."""

import csv
import json
from contextlib import chdir
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import striped_images
from PIL import Image
from reviewing import document, finished, write

from audit.pipeline.run import load_run
from audit.review import apply, merge
from audit.review.decisions import parse_decisions
from audit.review.estimate import checked_labels
from audit.review.export import export
from audit.runs.gates import Gates
from audit.runs.tables import is_formula
from audit.settings.detect import Config
from audit.settings.gates import Limits

LINK = '=HYPERLINK("http://x","y")'
CLASSES = [LINK, "@SUM(A1)", "-2+3", "+1;2"]


def cells(text):
    return [cell for line in csv.reader(text.splitlines()) for cell in line]


def lines_of(path):
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("formulas")
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(4), 12)
    table = pd.DataFrame(rng.normal(size=(48, 3)) + y[:, None], columns=["=1+1", "b", "@c"])
    table["id"] = [f"{'=@+-'[i % 4]}cmd|{i}" for i in range(48)]
    table["label"] = np.array(CLASSES)[y]
    table.to_csv(folder / "t.csv", index=False)
    with chdir(folder):
        return folder, finished("run", data="t.csv")


@pytest.fixture
def record(made, monkeypatch):
    folder, record = made
    monkeypatch.chdir(folder)
    return record


def test_no_table_holds_a_formula(record):
    apply.apply("run", write(document(record, {0: "keep", 6: ("relabel", CLASSES[1])})), out="corrected")
    texts = {path: path.read_text(encoding="utf-8") for path in Path("run").glob("*.csv")}
    texts["corrected.csv"] = Path("corrected/corrected.csv").read_text(encoding="utf-8")
    texts["export"] = export(record, "csv")
    reviews = [
        parse_decisions(document(record, {0: action}, reviewer=name), name)
        for name, action in (("=Ada", "keep"), ("@Bob", "drop"))
    ]
    texts["disagreements"] = merge.merge(reviews, ["a", "b"]).disagreements_csv()
    assert len(texts) >= 4
    for name, text in texts.items():
        assert any("cmd|" in cell for cell in cells(text)), name
        assert [cell for cell in cells(text) if is_formula(cell) and cell[0] != "'"] == [], name


def test_the_corrected_copy_of_a_table_keeps_its_bytes(record):
    apply.apply("run", write(document(record, {0: "keep"})), out="corrected")
    assert Path("corrected/t.csv").read_bytes() == Path("t.csv").read_bytes()


def test_ids_copied_from_a_table_are_known_again(record):
    issues = lines_of("run/issues.csv")
    suspects = [row for row in issues if row["list"] == "suspect"]
    lines = [
        f'"{row["id"]}","{row["given"].replace(chr(34), 2 * chr(34))}",seen,2999-01-01\n' for row in suspects
    ]
    Path("accepted.csv").write_text(f"id,given,reason,expires\n{''.join(lines)}", encoding="utf-8")
    gates = Gates.of(Limits(fail_over=0.0, accepted=Path("accepted.csv")), Config.of(noise=0))
    (result,), notes = gates.check(record, date(2026, 1, 1))
    assert (result.found, notes) == (0.0, [])
    issues_frame = pd.DataFrame(suspects)[["id", "given"]].rename(columns={"given": "label"})
    issues_frame.to_csv("truth.csv", index=False)
    told = checked_labels(Path("truth.csv"), record)
    assert sorted(told) == sorted(record.suspects.ranking.tolist())
    assert not any(told.values())


def test_moves_of_folders_are_paths_that_no_spreadsheet_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    X, y = striped_images(24)
    for i, label in enumerate(y):
        folder = Path("tree", ["=a", "@b", "c", "d"][label])
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(X[i, ..., 0]).save(folder / f"{i}.png")
    record = finished("run", data="tree")
    row = next(i for i, name in enumerate(record.ids) if str(name).startswith("=a"))
    apply.apply("run", write(document(record, {row: ("relabel", "@b")})), out="corrected")
    (move,) = lines_of("corrected/moves.csv")
    assert Path("tree", move["from"]) == Path("tree", str(record.ids[row]))
    assert Path("tree", move["to"]).parent == Path("tree", "@b")
    assert not any(map(is_formula, move.values()))
    assert json.loads(Path("corrected/provenance.json").read_text(encoding="utf-8"))["form"] == "tree"
    assert load_run("run").record.class_names == record.class_names

"""Names of any letters go through a whole run, or are refused before anything is trained."""

import csv
import io
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import striped_images
from PIL import Image

import audit
from audit import datasets
from audit.events import Silent
from audit.pipeline.detect import detect_spec
from audit.review import apply
from audit.review.export import FORMATS, export
from audit.runs.tables import csv_rows
from audit.settings.detect import Config

ODD = "a\tb\nc\u2028d\x85e \u202ef$\\frac{\x07"


def refused(**settings):
    with pytest.raises(audit.AuditError) as caught:
        datasets.load(Config.of(**settings))
    line = str(caught.value)
    assert len(line.splitlines()) == 1
    line.encode()
    return line


def test_line_breaks_and_tabs_in_any_name_reach_the_report_and_come_back(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(3), 20)
    table = pd.DataFrame(rng.normal(size=(60, 3)) + 3 * y[:, None], columns=[f"{ODD}1", "b", "c\n"])
    table["remark"] = np.array(["fine", f"see {ODD}"])[rng.integers(0, 2, 60)]
    table["id"] = [f"{i} {ODD}" for i in range(60)]
    y[:4] = 1
    table["label"] = np.array(["ant\nhill", "bee\tline", f"c{ODD}"])[y]
    table.to_csv("t.csv", index=False)
    config = Config.of("t.csv", noise=0.1, folds=3, preset="fast", model="linear", out=Path("run"))
    record = detect_spec(config, Silent())[0].record
    assert Path("run/report.html").stat().st_size > 10_000
    columns, rows = csv_rows(Path("run/issues.csv"))
    assert {row["id"] for _, row in rows} <= set(table["id"])
    for form in set(FORMATS) - {"cvat"}:
        assert export(record, form)
    assert len(list(csv.reader(io.StringIO(export(record, "csv"), newline="")))) == 1 + len(
        record.suspects.ranking
    )
    apply.apply("run", accept_above=0.01, out="corrected")
    corrected = pd.read_csv("corrected/t.csv")
    assert corrected.drop(columns="label").equals(pd.read_csv("t.csv").drop(columns="label"))
    assert "rank" in columns


@pytest.mark.skipif(sys.platform != "linux", reason="other systems allow no such names")
def test_names_of_files_that_are_not_utf_8_are_refused_or_left_out(tmp_path):
    X, y = striped_images(24)
    for i, label in enumerate(y):
        folder = tmp_path / "tree" / "abcd"[label]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(X[i, ..., 0]).save(folder / f"{i}.png")
    image = next((tmp_path / "tree" / "a").iterdir()).read_bytes()
    for name in ("a/caf\udce9.png", "\udce9/1.png", "\udce8/empty.txt"):
        (tmp_path / "tree" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "tree" / name).write_bytes(image)
    line = refused(data=str(tmp_path / "tree"))
    assert r"caf\udce9.png (its name is not UTF-8 text)" in line
    dataset = datasets.load(Config.of(data=str(tmp_path / "tree"), skip_broken=True))
    assert dataset.class_names == tuple("abcd")
    assert len(dataset.labels) == 24
    "".join(dataset.notes).encode()
    name = str((tmp_path / "tree").rename(tmp_path / "tr\udce9e"))
    assert refused(data=name) == f"--data must be UTF-8 text, found '{tmp_path}/tr\\udce9e'; rename it"
    assert "--y must be UTF-8 text" in refused(X=Path("X.npy"), y=Path(name))


@pytest.mark.parametrize("half", ["\ud800", "b\udce9"])
def test_halves_of_letters_are_refused_wherever_names_come_from(half):
    X = np.random.default_rng(0).normal(size=(6, 2))
    y = ["a", "b"] * 3
    one_hot = pd.DataFrame(np.eye(2)[[0, 1] * 3], columns=pd.Index(["a", half], dtype=object))
    for labels in (["a", half] * 3, one_hot):
        with pytest.raises(audit.DataError, match="which is not UTF-8 text") as caught:
            datasets.from_arrays(X, labels)
        str(caught.value).encode()
    with pytest.raises(audit.DataError, match=r"has the column '.*', which is not UTF-8 text; rename it"):
        datasets.from_arrays(pd.DataFrame(X, columns=pd.Index([half, "c"], dtype=object)), y)
    with pytest.raises(audit.DataError, match="which is not UTF-8 text"):
        audit.find_issues(["a", half] * 3, np.full((6, 2), 0.5))


def test_a_class_that_is_a_whole_text_is_refused():
    X = np.zeros((6, 2))
    with pytest.raises(
        audit.DataError, match=r"has a class of 1,001 letters .*, expected names of 1,000 or fewer"
    ):
        datasets.from_arrays(X, ["a", "z" * 1001] * 3)
    datasets.from_arrays(X, ["a", "z" * 1000] * 3)


def test_ids_that_are_texts_can_be_read_from_the_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame({"id": [f"row {i}" for i in range(12)], "a": range(12), "label": ["x", "y"] * 6})
    frame.to_csv("t.csv", index=False)
    assert datasets.load(Config.of(data="t.csv")).ids.dtype.kind == "U"


def test_names_do_not_colour_or_move_the_terminal(run_audit, tmp_path):
    labels = ["d\x1b[31mog", "c\u202eat"] * 10
    pd.DataFrame({"a": range(20), "b": 1.5, "label": labels}).to_csv(tmp_path / "t.csv", index=False)
    done = run_audit("detect", "t.csv", "--dry-run", "--folds", "2", check=0)
    assert "\x1b" not in done.stdout + done.stderr
    assert "\u202e" not in done.stdout + done.stderr
    assert r"d\x1b[31mog" in done.stdout

"""Unlabelled rows that are marked as people mark them: NA, -1, ?, None and the like."""

import numpy as np
import pandas as pd
import pytest

from audit import datasets
from audit.datasets.labels import looks_unlabelled
from audit.settings.detect import Config

MARKS = ["NA", "N/A", "#N/A", "<NA>", "NaN", "nan", "None", "none", "NULL", "?", "-", "unknown", "Unlabeled", "no label", "-1"]  # fmt: skip


def table(path, mark, names=("cat", "dog", "owl")):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 60)
    labels = np.where(rng.random(60) < 0.3, mark, np.array(names)[y])
    pd.DataFrame({"a": rng.normal(size=60), "b": y, "label": labels}).to_csv(path / "t.csv", index=False)
    return Config.of(data=str(path / "t.csv")), int((labels == mark).sum())


@pytest.mark.parametrize("mark", MARKS)
def test_a_class_that_looks_like_no_label_is_named_and_the_setting_takes_it_out(tmp_path, mark):
    names = ("0", "1", "2") if mark == "-1" else ("cat", "dog", "owl")
    config, marked = table(tmp_path, mark, names)
    dataset = datasets.load(config)
    assert mark in dataset.class_names
    (note,) = dataset.notes
    assert note.startswith(f'class {mark!r} ({marked} of 60 rows) looks like "no label"; if it means that')
    assert f"(in Python missing={mark!r})" in note
    without = datasets.load(config.with_settings(missing=mark))
    assert without.class_names == names
    assert len(without.unlabelled.ids) == marked
    assert without.notes[0].startswith(f"{marked} of 60 rows have no label")


def test_the_setting_takes_a_list_a_number_and_a_name_with_a_dash(tmp_path, run_audit):
    config, _ = table(tmp_path, "-1", ("0", "1", "2"))
    for missing in (-1, [-1, "NA"], "-1,NA"):
        assert datasets.load(config.with_settings(missing=missing)).class_names == ("0", "1", "2")
    shown = run_audit("detect", "t.csv", "--dry-run", "--missing", "-1", check=0).stdout
    assert "classes:         3: 0 " in shown
    assert "classes:         4: -1 " in run_audit("detect", "t.csv", "--dry-run", check=0).stdout


def test_the_note_is_in_the_terminal_and_in_the_report(tmp_path, run_audit):
    table(tmp_path, "NA")
    run = ("detect", "t.csv", "--noise", 0, "--preset", "fast", "--model", "linear", "--out")
    line = 'looks like "no label"; if it means that, leave such rows out with --missing NA'
    assert line in run_audit(*run, "run", check=0).stderr
    quiet = run_audit(*run, "run", "--quiet", check=0).stderr.splitlines()
    assert [each[:16] for each in quiet] == ["note: class 'NA'"]
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "leave such rows out with --missing NA" in page


@pytest.mark.parametrize(
    "names",
    [
        ("-1", "1"),
        ("-2", "-1", "0", "1", "2"),
        ("cat", "dog", "other"),
        ("7", "8", "9", "10"),
        ("98", "99", "100"),
        (".", ",", "!"),
        ("nano", "nap", "nonet"),
    ],
)
def test_classes_that_mean_something_are_not_named(names):
    assert looks_unlabelled(names) == []


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("-1", "0", "1"), ["-1"]),
        (("0", "1", "2", "999"), ["999"]),
        (("0", "1", "255"), ["255"]),
        (("-1", "0", "1", "NA"), ["-1", "NA"]),
        (("-1", "0", "1", "2", "999"), ["-1", "999"]),
        (("-9", "-1", "0", "1", "2"), ["-9", "-1"]),
        (("-9223372036854775808", "1", "2"), ["-9223372036854775808"]),
    ],
)
def test_numbers_that_stand_out_are_named(names, found):
    assert looks_unlabelled(names) == found


def test_marks_of_another_type_than_the_labels_are_left_out_too():
    X = np.random.default_rng(0).normal(size=(40, 2))
    y = [1, 2, "NA", 3] * 10
    with pytest.raises(Exception, match=r'if .NA. means "no label", leave it out with --missing NA'):
        datasets.from_arrays(X, y)
    dataset = datasets.from_arrays(X, y, config=Config.of(missing="NA"))
    assert dataset.class_names == ("1", "2", "3")
    assert len(dataset.unlabelled.ids) == 10


def test_marks_beside_numbers_leave_the_order_of_numbers(tmp_path):
    labels = [*map(str, range(12)), "?"] * 5
    pd.DataFrame({"a": range(65), "b": 1, "label": labels}).to_csv(tmp_path / "t.csv", index=False)
    config = Config.of(data=str(tmp_path / "t.csv"))
    assert datasets.load(config).class_names == (*map(str, range(12)), "?")
    assert datasets.load(config.with_settings(missing="?")).class_names == tuple(map(str, range(12)))

"""The commands of docs/review.md and docs/experiments.md, run in their order on small data."""

import re
import shlex
import subprocess
from pathlib import Path

import numpy as np
import pytest
from conftest import posix
from reviewing import document, write
from sklearn.datasets import load_digits

from audit.pipeline.run import load_run

DOCS = Path(__file__).parents[2] / "docs"
ROWS, WRONG = 500, 25
SMALLER = {
    "mnist": "wine",
    "--test-size 10000": "--test-size 40",
    "--test-size 2000": "--test-size 40",
    "--train-size 15000": "--train-size 120",
    "--seeds 3": "--seeds 1",
    "--seeds 5": "--seeds 1",
    "--noise 0:1:0.1": "--noise 0:1:0.5",
    "--noise 0.05,0.1,0.2,0.4": "--noise 0.2",
}


def blocks(page, language=""):
    """The blocks of code in this language; also those before them are read, so that fences are paired."""
    text = (DOCS / page).read_text(encoding="utf-8")
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [code for kind, code in found if kind == language]


def transcript(page):
    """The commands after a $, each with the lines that it prints."""
    commands = []
    for block in blocks(page):
        for line in block.splitlines():
            if line.startswith("$ "):
                commands.append((line.removeprefix("$ "), []))
            elif commands:
                commands[-1][1].append(line)
    return commands


def without_numbers(line):
    return re.sub(r"\d+(?:[.,]\d+)*", "#", line)


@pytest.fixture
def digits(tmp_path, monkeypatch):
    """A folder with the digits that the page speaks of, fewer of them and as features."""
    monkeypatch.chdir(tmp_path)
    X, y = load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    wrong = rng.choice(ROWS, WRONG, replace=False)
    y[wrong] = (y[wrong] + rng.integers(1, 10, WRONG)) % 10
    np.save("digits.npy", X[:ROWS])
    np.save("labels.npy", y[:ROWS])
    return tmp_path


def review(folder):
    """Two reviewers' decisions on a run: alike on most cards, and different in every way of the page."""
    record = load_run(folder).record
    shown = [*record.suspects.ranking.tolist(), *record.controls.rows.tolist()]
    changed = set(record.controls.rows[record.controls.injected].tolist())

    def relabel(row):
        label = record.labels.noisy if row in changed else record.labels.original
        return ("relabel", record.class_names[(label[row] + 1) % 10])

    ada = {row: relabel(row) if row in changed else "keep" for row in shown}
    bob = dict(ada)
    first = record.suspects.ranking[:7].tolist()
    assert len(first) == 7
    ways = [(relabel, "keep"), ("ambiguous", relabel), ("drop", relabel), (relabel, "drop"), ("ambiguous", "keep"), (relabel, "ambiguous"), (relabel, relabel)]  # fmt: skip
    for row, actions in zip(first, ways, strict=True):
        for decided, action in zip((ada, bob), actions, strict=True):
            decided[row] = action(row) if callable(action) else action
    write(document(record, ada, reviewer="Ada"), "ada.json")
    write(document(record, bob, reviewer="Bob"), "bob.json")


@posix
def test_the_commands_of_the_review_print_what_the_page_says(digits, run_audit):
    for command, lines in transcript("review.md"):
        if "ada.json" in command and not Path("ada.json").exists():
            review("run")
        if command.startswith("audit "):
            printed = run_audit(*shlex.split(command)[1:], check=0).stdout
        else:
            shell = ["bash", "-ec", command]
            printed = subprocess.run(shell, capture_output=True, text=True, check=True).stdout
        forms = {without_numbers(line) for line in printed.splitlines()}
        for line in lines:
            assert without_numbers(line) in forms, f"{command} does not print {line!r} but\n{printed}"
    assert Path("suspects.csv").read_text(encoding="utf-8").startswith("rank,id,row,given,suggested,")
    (code,) = (text for text in blocks("review.md", "python") if text.startswith("from audit"))
    exec(code, {})  # noqa: S102
    assert Path("in-python/labels.npy").read_bytes() == Path("labels.npy").read_bytes()


def commands_of_experiments():
    lines = [line for block in blocks("experiments.md", "sh") for line in block.splitlines()]
    return [line for line in lines if line.startswith("audit ") and "--cluster" not in line]


def test_the_page_of_experiments_has_each_command():
    """Sweeps on a cluster are run by tests/experiments/test_sweep.py."""
    words = [command.split()[1] for command in commands_of_experiments()]
    assert sorted(words) == ["diff", "impact", "sweep", "sweep", "sweep"]


@pytest.mark.parametrize("command", commands_of_experiments())
def test_the_commands_of_experiments_run(command, run_audit, tmp_path):
    if "audit diff" in command:
        run_audit("detect", "wine", "--noise", "0", "--preset", "fast", "--out", "reports/before", check=0)
        run_audit("detect", "wine", "--noise", "0.1", "--preset", "fast", "--out", "reports/now", check=0)
    for large, small in SMALLER.items():
        command = command.replace(large, small)
    done = run_audit(*shlex.split(command)[1:], check=0)
    assert done.stdout
    if "--dry-run" in command:
        assert not (tmp_path / "reports").exists()
    elif "audit diff" in command:
        assert (tmp_path / "diff.html").exists()
    else:
        assert len(list(tmp_path.glob("reports/*/report.html"))) == 1


def test_every_part_that_is_made_smaller_is_on_the_page():
    page = "\n".join(commands_of_experiments())
    assert [large for large in SMALLER if large not in page] == []

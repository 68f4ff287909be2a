"""Gates, and the shell of docs/gates.md as it stands there."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import yaml
from conftest import posix
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import AuditError
from audit.runs.gates import Gates, failure, read_accepted
from audit.settings.detect import Config
from audit.settings.gates import Limits

PAGE = (Path(__file__).parents[2] / "docs" / "gates.md").read_text(encoding="utf-8")
TODAY = date(2026, 6, 1)


def checked(record, baseline=None, accepted=(), **limits):
    if baseline is not None:
        limits["baseline"] = Path("base")
    return Gates(Limits(**limits), baseline, tuple(accepted)).check(record, TODAY)


@given(st.floats(0, 1))
def test_the_share_of_suspects_is_held_against_its_limit(finished_run, limit):
    record = finished_run[0].record
    flagged = len(record.suspects.ranking)
    ((result,), _) = checked(record, fail_over=limit)
    assert result.passed == (flagged / 240 <= limit)
    if not result.passed:
        more = int(re.search(r"(\d+) more than", failure([result]))[1])
        assert (flagged - more) / 240 <= limit < (flagged - more + 1) / 240


@given(st.floats(0, 1))
def test_the_f1_is_held_against_its_limit(finished_run, limit):
    record = finished_run[0].record
    ((result,), _) = checked(record, fail_under=limit)
    assert result.passed == (record.scores.detection.score.f1.value >= limit)
    assert result.passed or "too low" in failure([result])


def test_a_run_has_nothing_new_against_itself(finished_run):
    record = finished_run[0].record
    ((result,), _) = checked(record, baseline=record, max_new=0)
    assert result.passed
    assert result.found == 0


def test_every_gate_that_failed_is_named(finished_run):
    record = finished_run[0].record
    results, _ = checked(record, fail_over=0.0, fail_under=1.0)
    line = failure(results)
    assert "--fail-over 0 failed: " in line
    assert ("--fail-under 1 failed: " in line) == (record.scores.detection.score.f1.value < 1)
    assert "\n" not in line


def accepted_file(path, lines):
    path.write_text("id,given,reason,expires\n" + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return read_accepted(path)


def test_an_accepted_suspect_counts_again_from_its_day_on(finished_run, tmp_path):
    record = finished_run[0].record
    row = record.suspects.ranking[0]
    quoted = '"' + record.class_names[record.labels.original[row]].replace('"', '""') + '"'
    flagged = len(record.suspects.ranking)
    for expires, counted in (("2026-06-02", flagged - 1), ("2026-06-01", flagged), ("2020-01-01", flagged)):
        accepted = accepted_file(tmp_path / "a.csv", [f"{record.ids[row]},{quoted},looked at it,{expires}"])
        ((result,), notes) = checked(record, accepted=accepted, fail_over=0.0)
        assert round(result.found * 240) == counted
        assert [("expired" in note) for note in notes] == ([True] if counted == flagged else [])


def test_an_acceptance_is_of_one_label(finished_run, tmp_path):
    record = finished_run[0].record
    row = record.suspects.ranking[0]
    accepted = accepted_file(tmp_path / "a.csv", [f"{record.ids[row]},another,looked at it,2030-01-01"])
    ((result,), notes) = checked(record, accepted=accepted, fail_over=0.0)
    assert round(result.found * 240) == len(record.suspects.ranking)
    assert notes == [f"no longer suspects: 1 accepted row, such as {record.ids[row]}; drop them"]


@pytest.mark.parametrize("line", ["1,a,,2030-01-01", "1,a,why,soon", "1,a,why,", "1,a"])
def test_an_acceptance_without_reason_or_day_is_refused(tmp_path, line):
    with pytest.raises(AuditError, match="line 2"):
        accepted_file(tmp_path / "a.csv", [line])


def test_limits_that_cannot_be_are_refused_before_the_run(run_audit, finished_run, tmp_path):
    for flags in (
        ["--fail-over", "1.5"],
        ["--fail-under", "nan"],
        ["--max-new", "3"],
        ["--accepted", "a.csv"],
        ["--baseline", "nowhere"],
        ["--fail-under", "0.5", "--noise", "0"],
        ["--baseline", finished_run[1], "--out", finished_run[1]],
        ["--baseline", finished_run[1], "--accepted", "nowhere.csv"],
    ):
        done = run_audit("detect", "wine", *flags, check=2)
        assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "reports").exists()
    assert Config().noise.noise == 0.1


def test_a_failed_gate_leaves_status_1_one_line_and_the_report(run_audit, tmp_path):
    done = run_audit("detect", "wine", "--fail-over", "0", "--fail-under", "1", "--out", "w", "--json", "-q")
    assert done.returncode == 1
    note, line = done.stderr.strip().splitlines()
    assert note.startswith("note: --model auto takes linear: ")
    assert line.startswith("audit: --fail-over 0 failed: ")
    assert "; --fail-under 1 failed: F1 on the changed labels is 0." in line
    assert [gate["passed"] for gate in json.loads(done.stdout)["gates"]] == [False, False]
    assert (tmp_path / "w" / "report.html").exists()
    run_audit("detect", "wine", "--fail-over", "1", "--fail-under", "0", "--out", "w", check=0)


# The page's shell


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def wine():
    from sklearn.datasets import load_wine

    frame = load_wine(as_frame=True).frame.rename(columns={"target": "label"})
    frame["label"] = np.array(["red", "white", "rosé"])[frame["label"]]
    return frame


def spoil(frame, rows):
    """The frame with other labels in these rows."""
    spoilt = frame.copy()
    for row in rows:
        spoilt.loc[row, "label"] = "red" if spoilt.loc[row, "label"] != "red" else "white"
    return spoilt


def commands(block):
    """The words of each `audit` command of a block."""
    lines = re.sub(r"\\\n\s*", "", block).splitlines()
    return [
        shlex.split(each)[1:] for line in lines if (each := line.removeprefix("exec ")).startswith("audit ")
    ]


def test_the_commands_of_the_page_let_good_labels_in_and_keep_new_errors_out(run_audit, tmp_path, wine):
    (tmp_path / "accepted.csv").write_text("id,given,reason,expires\n", encoding="utf-8")
    ((baseline,), (of_hook,)) = map(commands, blocks("sh"))
    ((of_action,),) = (commands(re.sub(r"^ +", "", block, flags=re.MULTILINE)) for block in blocks("yaml"))
    wine.to_csv(tmp_path / "labels.csv", index=False)
    run_audit(*baseline, "--quiet", check=0)
    for name in ("folds", "plots"):  # which the page removes
        shutil.rmtree(tmp_path / "reports" / "main" / name)
    (tmp_path / ".git" / "audit").mkdir(parents=True)
    for status, frame in ((0, wine), (1, spoil(wine, range(0, 178, 12)))):
        frame.to_csv(tmp_path / "labels.csv", index=False)
        frame.to_csv(tmp_path / ".git" / "audit" / "labels.csv", index=False)
        for words in (of_action, of_hook):
            done = run_audit(*words, check=status)
            assert ("--max-new 5 failed" in done.stderr) == bool(status)
    assert (tmp_path / "reports" / "now" / "report.html").exists()


@pytest.fixture(scope="module")
def shell_in(tmp_path_factory):
    """Run a shell in a folder, with `audit` on its path."""
    tools = tmp_path_factory.mktemp("bin")
    (tools / "audit").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m audit "$@"\n')
    (tools / "audit").chmod(0o755)
    env = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "GIT_CONFIG_GLOBAL": os.devnull}

    def shell(folder, text):
        command = ["bash", "-ec", text]
        return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=300)  # fmt: skip

    return shell


@pytest.fixture(scope="module")
def audited_clone(tmp_path_factory, wine, shell_in):
    """A clone with labels.csv and an accepted.csv, in which the page's baseline was made."""
    clone = tmp_path_factory.mktemp("clone")
    wine.to_csv(clone / "labels.csv", index=False)
    (clone / "accepted.csv").write_text("id,given,reason,expires\n", encoding="utf-8")
    done = shell_in(clone, blocks("sh")[0])
    assert done.returncode == 0, done.stderr
    return clone


@pytest.fixture
def repository(tmp_path, wine, shell_in, audited_clone):
    """A copy of that clone: the shell in it, and a function that writes its labels, some of them spoilt."""
    shutil.copytree(audited_clone, tmp_path, dirs_exist_ok=True)

    def write_spoilt(rows):
        spoil(wine, rows).to_csv(tmp_path / "labels.csv", index=False)

    return partial(shell_in, tmp_path), write_spoilt


@posix
@pytest.mark.exhaustive
def test_the_action_passes_on_good_labels_and_fails_on_new_errors(repository, tmp_path):
    shell, write_spoilt = repository
    (action,) = blocks("yaml")
    steps = yaml.safe_load(action)["jobs"]["labels"]["steps"]
    checks = [step["run"] for step in steps if "run" in step and step["name"] != "Install"]
    assert len(checks) == 1
    done = shell(checks[0])
    assert done.returncode == 0, done.stderr
    write_spoilt(range(0, 178, 12))
    done = shell(checks[0])
    assert done.returncode == 1, done.stderr
    assert "--max-new 5 failed" in done.stderr
    assert (tmp_path / "reports" / "now" / "report.html").exists()


@posix
@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
@pytest.mark.exhaustive
def test_the_hook_lets_good_labels_in_and_keeps_new_errors_out(repository, tmp_path):
    shell, write_spoilt = repository
    (hook,) = [text for text in blocks("sh") if text.startswith("#!/bin/sh")]
    setup = "git init -q . && git config user.email a@b.c && git config user.name A && git add labels.csv accepted.csv && git commit -qm labels"
    assert shell(setup).returncode == 0
    path = tmp_path / ".git" / "hooks" / "pre-commit"
    path.parent.mkdir(exist_ok=True)
    path.write_text(hook)
    path.chmod(0o755)
    (tmp_path / "other.txt").write_text("nothing to do with labels")
    done = shell("git add other.txt && git commit -qm other")
    assert done.returncode == 0, done.stderr
    write_spoilt(range(0, 178, 12))
    done = shell("git add labels.csv && git commit -qm spoilt")
    assert done.returncode == 1
    assert re.search(r"--max-new 5 failed: \d+ new suspects since reports/main", done.stderr)
    write_spoilt([])
    (tmp_path / "labels.csv").write_text((tmp_path / "labels.csv").read_text(encoding="utf-8") + "\n")
    done = shell("git add labels.csv && git commit -qm fixed")
    assert done.returncode == 0, done.stderr

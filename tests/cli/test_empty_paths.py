"""An empty path is a mistake, not the current folder."""

import numpy as np
import pytest

import audit
from audit.settings.detect import Config

EMPTY = [
    ["detect", ""],
    ["detect", "wine", "--out", ""],
    ["detect", "wine", "--out="],
    ["detect", "wine", "--pred-probs", ""],
    ["detect", "wine", "--baseline", " "],
    ["detect", "--X", "", "--y", "y.npy"],
    ["sweep", "wine", "--out", ""],
    ["impact", "wine", "--out", ""],
    ["inject", "wine", "--out", ""],
    ["inject", "", "--out", "x"],
    ["apply", "", "decisions.json"],
    ["apply", "run", ""],
    ["apply", "run", "decisions.json", "--out", ""],
    ["revert", ""],
    ["merge", "a.json", "", "--out", "m.json"],
    ["merge", "a.json", "b.json", "--out", ""],
    ["export", "run", "--format", "csv", "--out", ""],
    ["diff", "", "run"],
    ["diff", "run", "run", "--html", ""],
    ["report", ""],
    ["estimate", ""],
]


@pytest.mark.parametrize("command", EMPTY, ids=" ".join)
def test_an_empty_path_is_one_line(run_audit, tmp_path, command):
    (line,) = run_audit(*command, check=2).stderr.splitlines()
    assert line.endswith(" is empty, expected a path; give one, or leave it out")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_path_in_the_environment_or_in_a_file_is_one_line(run_audit, tmp_path):
    line = "audit: --out is empty, expected a path; give one, or leave it out\n"
    assert run_audit("detect", "wine", check=2, AUDIT_OUT="").stderr == line
    (tmp_path / "audit.toml").write_text('out = ""\n')
    assert run_audit("detect", "wine", check=2).stderr == line
    assert [each.name for each in tmp_path.iterdir()] == ["audit.toml"]


@pytest.mark.parametrize("name", ["out", "data", "pred_probs"])
def test_an_empty_path_in_python_is_refused(name):
    with pytest.raises(audit.ConfigError, match="is empty, expected a path"):
        Config.of(**{name: ""})


@pytest.mark.parametrize("command", ["report", "diff", "detect", "export"])
def test_a_path_that_is_too_long_is_one_line(command, run_audit, tmp_path):
    long = "n" * 300
    rest = {
        "diff": [long],
        "detect": ["--pred-probs", "p.npy"],
        "export": ["--format", "csv"],
        "report": [],
    }[command]
    (tmp_path / "t.csv").write_text("a,label\n1,x\n2,x\n3,y\n4,y\n", encoding="utf-8")
    np.save(tmp_path / "p.npy", np.full((4, 2), 0.5))
    first = ["t.csv", "--out", long, "--noise", "0"] if command == "detect" else [long]
    done = run_audit(command, *first, *rest, check=2)
    assert done.stderr.count("\n") == 1
    assert long in done.stderr

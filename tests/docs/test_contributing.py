"""The walk-through of CONTRIBUTING.md, followed to the letter in a copy of the project."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STEP = re.compile(r"\*\*\d\. .+?\*\*(?P<where>.*?):\n\n```(?P<language>\w+)\n(?P<code>.*?)```", re.DOTALL)
NEW = "not-in-top-two"


def steps():
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    walk = page[page.index("## Add your first detector") :]
    assert len(re.findall(r"^\*\*\d\.", walk, re.MULTILINE)) == 7
    return [(step["where"], step["code"]) for step in STEP.finditer(walk)], re.findall(
        r"```sh\n(.*?)```", walk, re.DOTALL
    )[-1]


def follow(root, where, code):
    """Do what one step says: append to a file, write a new one, or insert below a line that it quotes."""
    path = root / re.search(r"`([\w/.]+\.\w+)`", where)[1]
    if "Append to" in where:
        path.write_text(path.read_text(encoding="utf-8") + "\n\n" + code, encoding="utf-8")
    elif "Write" in where:
        path.write_text(code, encoding="utf-8")
    else:
        start = re.search(r"below .*?(`+) ?(.+?)\1(?: and its empty line)?$", where)[2]
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        (line,) = [number for number, text in enumerate(lines) if text.strip().startswith(start)]
        below = line + (2 if "empty line" in where else 1)
        path.write_text("".join([*lines[:below], code, *lines[below:]]), encoding="utf-8")


@pytest.fixture
def followed(tmp_path):
    """A copy of the project in which every step was done, and the commands that come after them."""
    for name in ("audit", "tests", "docs"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    edits, commands = steps()
    assert len(edits) == 6
    for where, code in edits:
        follow(tmp_path, where, code)
    return commands


def test_every_step_of_the_page_finds_its_place(followed, tmp_path):
    for path in [*(tmp_path / "audit").rglob("*.py"), *(tmp_path / "tests" / "detectors").glob("*.py")]:
        compile(path.read_text(encoding="utf-8"), path, "exec")
    code = f"""
from typing import get_args
from audit.detectors import DETECTORS
from audit.settings.choices import DetectorName
assert {NEW!r} in DETECTORS
assert {NEW!r} in get_args(DetectorName)
"""
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert NEW in (tmp_path / "docs" / "methods.md").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.exhaustive
def test_a_newcomer_adds_a_detector_by_following_the_page(followed, tmp_path):
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}

    def run(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    tests, *checks, detect = followed.splitlines()
    assert checks == ["mypy", "ruff check"]  # installed by tox, not by the tests
    tried = run("pytest", "-p", "no:cacheprovider", "-q", "tests/detectors", "-k", tests.split('"')[1])
    assert int(re.search(r"(\d+) passed", tried)[1]) > 1
    assert NEW in run(*detect.split())

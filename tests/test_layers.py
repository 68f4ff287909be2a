"""The rooms of audit/, and that a module which breaks their rules is caught."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = "Rooms import downwards only, and siblings never import one another"
TORCH = "Only the models and the embedders of training import torch, skorch and safetensors"
CLEANLAB = "Only detectors imports cleanlab"
HEAVY = "Settings, errors and wording import nothing heavy"


def lint(folder):
    """The contracts that hold (True) or are broken (False), by name, and all that was printed."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command as run; run()",
            "--no-cache",
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.findall(r"^(.+) (KEPT|BROKEN)", done.stdout, re.MULTILINE)
    return {name.strip(): verdict == "KEPT" for name, verdict in found}, done.stdout + done.stderr


@pytest.fixture
def copied(tmp_path):
    """A copy of the package with its contracts, to add a module to."""
    pytest.importorskip("importlinter", reason="pip install import-linter")
    ignored = shutil.ignore_patterns("__pycache__", "*.npz", "templates")
    shutil.copytree(ROOT / "audit", tmp_path / "audit", ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("module", "code", "broken"),
    [
        pytest.param(
            "newroom.py", "import torch\nfrom audit.runs import gates\n", TORCH, id="stray and torch"
        ),
        pytest.param("newroom.py", "import cleanlab\n", CLEANLAB, id="stray and cleanlab"),
        pytest.param("kinds/embedding.py", "import skorch\n", TORCH, id="skorch in kinds"),
        pytest.param("training/folds.py", "import torch\n", TORCH, id="torch beside the models"),
        pytest.param(
            "report/rules.py", "from cleanlab import filter\n", CLEANLAB, id="cleanlab in the report"
        ),
        pytest.param("settings/arrays.py", "import numpy\n", HEAVY, id="numpy in settings"),
        pytest.param("noise/run.py", "from audit.runs import folder\n", ROOMS, id="upwards"),
        pytest.param("noise/flags.py", "from audit import detectors\n", ROOMS, id="sideways"),
    ],
)
def test_a_module_that_breaks_a_rule_is_caught(copied, module, code, broken):
    with (copied / "audit" / module).open("a", encoding="utf-8") as file:
        file.write(code)
    contracts, _ = lint(copied)
    assert set(contracts) == {ROOMS, TORCH, CLEANLAB, HEAVY}
    assert not contracts[broken]


def test_a_module_that_no_layer_places_is_caught(copied):
    (copied / "audit" / "newroom.py").write_text("import json\n", encoding="utf-8")
    _, printed = lint(copied)
    assert "newroom" in printed
    assert "KEPT" not in printed.split(ROOMS)[-1].splitlines()[0]


def test_as_it_is_every_contract_holds(copied):
    contracts, printed = lint(copied)
    assert contracts == dict.fromkeys((ROOMS, TORCH, CLEANLAB, HEAVY), True), printed


def test_the_package_has_sixteen_doors_at_most():
    doors = {p.stem for p in (ROOT / "audit").iterdir() if not p.name.startswith(("_", "."))}
    assert len(doors) <= 16, sorted(doors)


def test_tests_have_the_rooms_of_the_package():
    rooms = {p.name for p in (ROOT / "audit").iterdir() if (p / "__init__.py").exists()}
    tested = {p.parent.name for p in (ROOT / "tests").glob("*/test_*.py")} - {"docs", "fuzz", "reports"}
    assert tested == rooms


def test_the_design_has_the_first_line_of_every_module():
    page = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| `([\w/]+\.py)` \| (.+) \|$", page, re.MULTILINE)
    lines = {name: line.replace(r"\|", "|") for name, line in table}
    modules = {path.relative_to(ROOT / "audit").as_posix(): path for path in (ROOT / "audit").rglob("*.py")}
    documented = {
        name: (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n")[0]
        for name, path in modules.items()
    }
    assert lines == documented

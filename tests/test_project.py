"""Laws about the project's own files: what one of them promises, the others keep."""

import configparser
import itertools
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.skipif(
    not ROOT.joinpath(".git").exists(), reason="an sdist has only some of the files"
)


def text(name):
    return ROOT.joinpath(name).read_text(encoding="utf-8")


def pyproject():
    return tomllib.loads(text("pyproject.toml"))


def project():
    return pyproject()["project"]


def requirements():
    """Everything that the package or one of its extras asks for."""
    asked = itertools.chain(project()["dependencies"], *project()["optional-dependencies"].values())
    return [Requirement(line) for line in asked]


def requirements_in(name):
    """The requirements in a file of requirements or constraints."""
    lines = (line.partition("#")[0].strip() for line in text(name).splitlines())
    return [Requirement(line) for line in lines if line]


def shell_blocks(page):
    return [
        block.strip()
        for block in re.findall(r"```(?:sh|bash|shell|console)\n(.*?)```", text(page), re.DOTALL)
    ]


def test_constraints_leave_a_version_of_each_dependency():
    asked = {each.name: each.specifier for each in requirements()}
    constraints = requirements_in("constraints.txt")
    assert "torch" in {constraint.name for constraint in constraints}
    for constraint in constraints:
        both = constraint.specifier & asked[constraint.name]
        assert any(both.contains(part.version) for part in both), constraint


def test_the_readme_begins_with_its_two_commands():
    assert shell_blocks("README.md")[:2] == [
        "pip install -c constraints.txt . && audit detect --noise 0.1",
        "pip install tox && tox",
    ]


def test_every_environment_is_constrained():
    settings = configparser.ConfigParser(interpolation=None)
    settings.read_string(text("tox.ini"))
    assert settings["testenv"]["constraints"] == "constraints.txt"
    assert "/constraints.txt" in pyproject()["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]

"""Laws about the project's own files: what one of them promises, the others keep."""

import configparser
import itertools
import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]

PAGES = sorted(
    str(page.relative_to(ROOT)) for page in [*ROOT.glob("*.md"), *ROOT.joinpath("docs").rglob("*.md")]
)

FORMS = sorted(set(ROOT.glob(".github/ISSUE_TEMPLATE/*.yml")) - {ROOT / ".github/ISSUE_TEMPLATE/config.yml"})

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


def anchors(page):
    """The anchors that GitHub gives the headings of a page; the second of one name ends in -1."""
    seen = Counter()
    found = set()
    for heading in re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", page, flags=re.DOTALL), re.MULTILINE):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", words.strip().lower()).replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found


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


def test_the_citation_is_of_this_version_by_the_holders_of_the_copyright():
    citation = yaml.safe_load(text("CITATION.cff"))
    assert citation["cff-version"] == "1.2.0"
    assert citation["title"] == project()["name"]
    assert citation["version"] == project()["version"]
    (author,) = citation["authors"]
    assert f"Copyright (c) 2026 {author['name']}" in text("LICENSE")


@pytest.mark.parametrize("form", FORMS, ids=lambda path: path.name)
def test_issue_forms_ask_for_one_thing_at_least(form):
    content = yaml.safe_load(form.read_text(encoding="utf-8"))
    assert set(content) == {"name", "description", "labels", "body"}
    fields = [field for field in content["body"] if field["type"] != "markdown"]
    assert len({field["id"] for field in fields}) == len(fields)
    assert all(field["attributes"]["label"] for field in fields)
    assert any(field.get("validations", {}).get("required") for field in fields)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    prose = re.sub(r"```.*?```|`[^`\n]*`", "", text(page), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", prose):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = ROOT.joinpath(page).parent / path if path else ROOT / page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), link


def test_every_environment_is_constrained():
    settings = configparser.ConfigParser(interpolation=None)
    settings.read_string(text("tox.ini"))
    assert settings["testenv"]["constraints"] == "constraints.txt"
    assert "/constraints.txt" in pyproject()["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]

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
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    str(page.relative_to(ROOT)) for page in [*ROOT.glob("*.md"), *ROOT.joinpath("docs").rglob("*.md")]
)
WORKFLOWS = sorted(ROOT.glob(".github/workflows/*.yml"))
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


def lower_bound(requirement):
    (bound,) = [part.version for part in requirement.specifier if part.operator == ">="]
    return Version(bound)


def tox_ini():
    settings = configparser.ConfigParser(interpolation=None)
    settings.read_string(text("tox.ini"))
    return settings


def expanded(section):
    """The names that tox makes of a section's name: `{a,b}-c` stands for `a-c` and `b-c`."""
    parts = re.split(r"\{([^}]*)\}", section)
    return ["".join(choice) for choice in itertools.product(*(part.split(",") for part in parts))]


def environments():
    """The settings of each tox environment by its name, without what it takes from `testenv`."""
    tox = tox_ini()
    return {
        name: dict(tox[section])
        for section in tox.sections()
        if section.startswith("testenv:")
        for name in expanded(section.removeprefix("testenv:"))
    }


def asked_of_tox(command):
    """The environments that a `tox run` names."""
    return re.search(r"^tox run .*?-e (\S+)", command).group(1).split(",")


def cells(job):
    """Each combination of a job's matrix."""
    matrix = dict(job.get("strategy", {}).get("matrix", {}))
    included = matrix.pop("include", [{}])
    return [
        dict(zip(matrix, values, strict=True)) | extra
        for values in itertools.product(*matrix.values())
        for extra in included
    ]


def runs(workflow):
    """Every command of a workflow, once for each combination of its job's matrix: (combination, command)."""
    for job in yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"].values():
        commands = [line for step in job["steps"] for line in step.get("run", "").splitlines()]
        for cell, command in itertools.product(cells(job), commands):
            filled = command
            for name, value in cell.items():
                filled = filled.replace(f"${{{{ matrix.{name} }}}}", value)
            yield cell, filled


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


def test_the_lowest_pins_are_the_lower_bounds():
    bounds = {(asked.name, lower_bound(asked)) for asked in requirements()}
    pins = [(pin.name, str(pin.specifier)) for pin in requirements_in("tests/lowest.txt")]
    assert pins == sorted(pins)
    assert {(name, Version(pin.removeprefix("=="))) for name, pin in pins} == bounds


def test_the_type_check_has_the_same_bounds_as_the_package():
    bounds = {asked.name: asked.specifier for asked in requirements()}
    checked = [Requirement(line) for line in environments()["types"]["deps"].split("\n") if line]
    shared = [asked for asked in checked if asked.name in bounds]
    assert shared
    assert all(asked.specifier == bounds[asked.name] for asked in shared)


def test_constraints_leave_a_version_of_each_dependency():
    asked = {each.name: each.specifier for each in requirements()}
    constraints = requirements_in("constraints.txt")
    assert "torch" in {constraint.name for constraint in constraints}
    for constraint in constraints:
        both = constraint.specifier & asked[constraint.name]
        assert any(both.contains(part.version) for part in both), constraint


def test_every_environment_that_installs_torch_is_constrained():
    assert tox_ini()["testenv"]["constraints"] == "constraints.txt"
    own = {
        name: env["constraints"].split("\n") for name, env in environments().items() if "constraints" in env
    }
    assert set(own) == {"tests", "exhaustive", "quick", "lowest", "newest"}
    for lines in own.values():
        assert lines == ["", "lowest: tests/lowest.txt", "!lowest: constraints.txt"]
    assert "/constraints.txt" in pyproject()["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_run_environments_that_exist(workflow):
    known = environments()
    for _, command in runs(workflow):
        if command != "python -m pip install tox":
            assert set(asked_of_tox(command)) <= set(known), command


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_may_little_and_take_pinned_actions(workflow):
    content = yaml.safe_load(workflow.read_text(encoding="utf-8"))
    assert content["permissions"] == {"contents": "read"}
    assert content["concurrency"]["cancel-in-progress"] is True
    for job in content["jobs"].values():
        assert "permissions" not in job
        assert job["timeout-minutes"] <= 60
        actions = [step["uses"] for step in job["steps"] if "uses" in step]
        assert all(re.fullmatch(r"actions/[\w-]+@v\d+", action) for action in actions)


def test_workflows_run_what_tox_runs_and_more():
    everywhere = {
        name
        for path in WORKFLOWS
        for _, run in runs(path)
        if run.startswith("tox")
        for name in asked_of_tox(run)
    }
    asked = set(tox_ini()["tox"]["env_list"].split(", "))
    assert everywhere == asked | {"lowest", "newest", "build", "installed", "browser"}


def test_the_promised_versions_of_python_are_tested():
    oldest, newest = re.search(r"Python (3\.\d+) to (3\.\d+)", text("README.md")).groups()
    assert project()["requires-python"] == f">={oldest}"
    tested = {
        (cell["os"], cell["python"])
        for cell, run in runs(ROOT / ".github/workflows/checks.yml")
        if run == "tox run -e tests"
    }
    systems = ["ubuntu-latest", "macos-latest", "windows-latest"]
    assert tested == set(itertools.product(systems, [oldest, newest]))
    versions = {
        run: cell["python"]
        for cell, run in runs(ROOT / ".github/workflows/versions.yml")
        if run.startswith("tox")
    }
    assert versions == {"tox run -e lowest": oldest, "tox run -e newest": newest}


def test_hooks_before_a_commit_are_environments_of_tox():
    known = environments()
    (local,) = yaml.safe_load(text(".pre-commit-config.yaml"))["repos"]
    stages = {}
    for hook in local["hooks"]:
        (name,) = asked_of_tox(hook["entry"])
        assert name == hook["id"]
        assert name in known
        stages[name] = hook.get("stages", ["pre-commit"])
    assert stages == {
        "format": ["pre-commit"], "lint": ["pre-commit"], "types": ["pre-commit"], "layers": ["pre-commit"],
        "quick": ["pre-push"],
    }  # fmt: skip


def test_the_readme_begins_with_its_two_commands():
    assert shell_blocks("README.md")[:2] == [
        "pip install -c constraints.txt . && audit detect --noise 0.1",
        "pip install tox && tox",
    ]


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/releasing.md"])
def test_commands_in_pages_name_environments_that_exist(page):
    named = re.findall(r"\btox run .*?-e ([\w,-]+)", text(page))
    assert named
    assert {name for names in named for name in names.split(",")} <= set(environments())


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

"""apply, revert, merge, export and diff on a disk that is full at every moment: the line tells the truth."""

import contextlib
import shutil
from pathlib import Path

import numpy as np
import pytest
from faults import Stopped, stopped_at
from reviewing import document, finished, write

from audit.review import apply

N = 60
X = np.random.default_rng(0).normal(size=(N, 3))
y = (np.arange(N) % 3).astype(np.int16)
FOREVER = 10**9


@pytest.fixture(scope="module", params=["npy", "npz"])
def made(tmp_path_factory, request):
    """Two runs, decisions of two people, and corrected labels as they come and as they go back."""
    base = tmp_path_factory.mktemp("made")
    with contextlib.chdir(base):
        np.savez("d.npz", X=X, y=y)
        np.save("X.npy", X)
        np.save("y.npy", y)
        source = {"data": "d.npz"} if request.param == "npz" else {"X": Path("X.npy"), "y": Path("y.npy")}
        record = finished("run", **source)
        finished("now", **source)
        write(document(record, {0: ("relabel", "1"), 3: "drop"}, "Ada"), "ada.json")
        write(document(record, {0: ("relabel", "2")}, "Bob"), "bob.json")
        apply.apply("run", "bob.json", out="bob")
        apply.apply("run", "ada.json", out="ada")
        return base


COMMANDS = {
    "apply": ["apply", "run", "ada.json", "--out", "out"],
    "apply over another": ["apply", "run", "ada.json", "--out", "bob"],
    "revert": ["revert", "ada"],
    "export": ["export", "run", "--format", "csv", "--out", "s"],
    "merge": ["merge", "ada.json", "bob.json", "--out", "m", "--disagreements", "d"],
    "diff": ["diff", "run", "now", "--html", "p"],
}


def everything(folder):
    kept = {".lock", ".outputs"}
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name not in kept}  # fmt: skip


@pytest.fixture
def fresh(made, tmp_path):
    def copy():
        shutil.rmtree(tmp_path)
        shutil.copytree(made, tmp_path)
        return tmp_path

    return copy


# The form of the source decides what corrected labels are made of, and nothing that the other commands write.
WITH_FORMS = [
    (form, name)
    for name in COMMANDS
    for form in (("npy", "npz") if name.startswith(("apply", "revert")) else ("npz",))
]


@pytest.mark.parametrize(("made", "name"), WITH_FORMS, indirect=["made"])
def test_a_disk_that_is_full_at_any_moment_costs_one_line_and_the_same_command_finishes(
    fresh, run_audit, name
):
    command = COMMANDS[name]
    here = fresh()
    before = everything(here)
    with stopped_at(FOREVER) as count:
        run_audit(*command, check=0)
    after = everything(here)
    stops = count[0]
    assert stops > 2
    for number in range(stops):
        here = fresh()
        with stopped_at(number):
            done = run_audit(*command)
        left = everything(here)
        assert not [path for path in left if ".part" in path or ".label-audit.new" in path], number
        if done.returncode == 0:  # what is not flushed for want of a record
            assert left == after
            continue
        assert done.returncode == 2
        (line,) = done.stderr.splitlines()
        assert "No space left on device" in line
        if "nothing was changed" in line:
            assert left == before, (number, line)
        else:
            assert left != before, (number, line)
        run_audit(*command, check=0)
        assert everything(here) == after, (number, line)


def stopped_reverts(fresh):
    """The folder after each stop of a revert, at every file operation in turn."""
    here = fresh()
    with stopped_at(FOREVER) as count:
        apply.revert(here / "ada")
    for number in range(count[0]):
        here = fresh()
        with stopped_at(number, Stopped), pytest.raises(Stopped):
            apply.revert(here / "ada")
        yield here


@pytest.mark.parametrize(
    "command", [["revert", "ada"], ["apply", "run", "ada.json", "--out", "ada"]], ids=" ".join
)
def test_a_revert_that_was_killed_at_any_moment_is_finished_by_either_command(fresh, run_audit, command):
    here = fresh()
    run_audit(*command, check=0)
    after = everything(here)
    for here in stopped_reverts(fresh):
        run_audit(*command, check=0)
        assert everything(here) == after


def test_an_edit_between_a_stop_and_its_end_is_not_lost(fresh, run_audit):
    for here in stopped_reverts(fresh):
        (labels,) = [path for path in (here / "ada").iterdir() if path.name in {"y.npy", "d.npz"}]
        labels.write_bytes(b"mine")
        for command in (["revert", "ada"], ["apply", "run", "ada.json", "--out", "ada"]):
            run_audit(*command)
            assert labels.read_bytes() == b"mine"

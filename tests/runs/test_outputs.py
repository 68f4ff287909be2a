"""What a command writes where it is told to: never over anything but its own earlier output."""

import contextlib
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import posix
from hypothesis import given
from hypothesis import strategies as st
from reviewing import document, finished, write

import audit
from audit.runs.outputs import Output, write_outputs

X = np.random.default_rng(0).normal(size=(60, 3))
y = (np.arange(60) % 3).astype(np.int16)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A table, two runs on it and the decisions of two people."""
    base = tmp_path_factory.mktemp("made")
    with contextlib.chdir(base):
        np.savez("d.npz", X=X, y=y)
        for name in ("run", "other"):
            record = finished(name, data="d.npz", seed=int(name == "other"))
        record = audit.load_run("run").record
        write(document(record, {0: "keep", 1: "drop"}, "Ada"), "ada.json")
        write(document(record, {0: "drop", 1: "drop"}, "Bob"), "bob.json")
        Path("mine.csv").write_text("a,label\n1,u\n")
        return base


@pytest.fixture
def here(made, tmp_path):
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path


COMMANDS = {
    "export": (["export", "run", "--format", "csv", "--out"], "--out", "run/issues.csv"),
    "diff": (["diff", "run", "other", "--html"], "--html", "other/report.html"),
    "merge": (["merge", "ada.json", "bob.json", "--out"], "--out", "bob.json"),
    "disagreements": (
        ["merge", "ada.json", "bob.json", "--out", "m.json", "--disagreements"], "--disagreements", "ada.json"
    ),
}  # fmt: skip


def line(done):
    (only,) = done.stderr.splitlines()
    return only


def everything(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != ".lock"}  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_only_an_earlier_output_is_replaced(here, run_audit, name):
    command, flag, read = COMMANDS[name]
    before = everything(here)
    for path in ("mine.csv", read):
        done = run_audit(*command, path, check=2)
        assert (
            line(done)
            == f"audit: {path} exists; remove it, or choose another {flag}, or give --force to replace it"
        )
    expected = f"audit: {read} is read by this command, expected a new file; choose another {flag}"
    assert line(run_audit(*command, read, "--force", check=2)) == expected
    assert everything(here) == before

    run_audit(*command, "new", check=0)
    written = (here / "new").read_bytes()
    run_audit(*command, "new", check=0)
    (here / "new").write_bytes(written + b"edited")
    assert f"audit: new exists; remove it, or choose another {flag}" in line(
        run_audit(*command, "new", check=2)
    )
    assert (here / "new").read_bytes() == written + b"edited"
    run_audit(*command, "new", "--force", check=0)
    assert (here / "new").read_bytes() == written


@posix
@pytest.mark.parametrize("force", [[], ["--force"]])
@pytest.mark.parametrize("name", COMMANDS)
def test_no_link_pipe_device_or_folder_is_replaced(here, run_audit, name, force):
    command, flag, _ = COMMANDS[name]
    (here / "link").symlink_to("mine.csv")
    (here / "dangling").symlink_to("nowhere")
    (here / "folder").mkdir()
    os.mkfifo(here / "pipe")
    kinds = {"link": "a link", "dangling": "a link", "folder": "a folder", "pipe": "no plain file", "/dev/null": "no plain file"}  # fmt: skip
    for path, kind in kinds.items():
        done = run_audit(*command, path, *force, check=2)
        assert line(done) == f"audit: {path} is {kind}, expected a new file; choose another {flag}"
    assert (here / "link").is_symlink()
    assert (here / "mine.csv").read_text() == "a,label\n1,u\n"
    assert not (here / "m.json").exists()


def test_an_export_is_known_after_the_run_was_made_again_and_in_another_form(here, run_audit):
    run_audit("export", "run", "--format", "csv", "--out", "s", check=0)
    run_audit("export", "run", "--format", "jsonl", "--out", "s", check=0)
    run_audit("export", "run", "--format", "csv", "--out", "s", check=0)
    assert "s exists; remove it" in line(
        run_audit("export", "other", "--format", "jsonl", "--out", "s", check=2)
    )


def test_two_outputs_are_two_files(here, run_audit):
    done = run_audit("merge", "ada.json", "bob.json", "--out", "m", "--disagreements", "./m", check=2)
    assert line(done) == "audit: --out and --disagreements both name m, expected two files; rename one"
    assert not (here / "m").exists()


@posix
def test_a_run_that_cannot_be_written_to_can_be_exported(here, run_audit, monkeypatch):
    (here / "run" / ".outputs").mkdir()
    run_audit("export", "run", "--format", "csv", "--out", "s", check=0)
    run_audit("export", "run", "--format", "csv", "--out", "s", check=0)  # the same bytes


@given(st.lists(st.tuples(st.sampled_from("ab"), st.binary(max_size=2), st.booleans()), max_size=8))
def test_what_nobody_wrote_but_this_command_is_never_lost(tmp_path_factory, steps):
    """Of any order of outputs and edits, the edits stay."""
    folder = tmp_path_factory.mktemp("outputs")
    (folder / "run").mkdir()
    edited = {}
    for name, content, ours in steps:
        path = folder / name
        if not ours:
            path.write_bytes(content + b"by hand")
            edited[name] = content + b"by hand"
            continue
        try:
            write_outputs([Output(path, "--out", content)], [], folder / "run")
        except audit.RunError:
            assert name in edited
        else:
            assert name not in edited
    for name, content in edited.items():
        assert (folder / name).read_bytes() == content

"""Folders of corrected labels that somebody made to break whoever reads them: a result, or one line."""

import contextlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import EXHAUSTIVE
from mutated_json import mutated_json
from reviewing import document, finished, write

import audit
from audit.review import apply

y = (np.arange(60) % 3).astype(np.int16)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run, decisions on it, and a folder of corrected labels."""
    base = tmp_path_factory.mktemp("made")
    with contextlib.chdir(base):
        np.savez("d.npz", X=np.random.default_rng(0).normal(size=(60, 3)), y=y)
        write(document(finished("run", data="d.npz"), {0: ("relabel", "1"), 3: "drop"}), "ada.json")
        apply.apply("run", "ada.json", out="corrected")
        return base


COMMANDS = {
    "revert": lambda: apply.revert("spoilt"),
    "apply": lambda: apply.apply("run", "ada.json", out="spoilt"),
}


# Each number is the seed of one change; the quick tests make the first forty.
@pytest.mark.parametrize("numbers", [range(40), pytest.param(range(40, 200), marks=EXHAUSTIVE)])
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("unfinished", [False, True])
def test_a_mutated_provenance_is_a_result_or_one_line(made, monkeypatch, command, unfinished, numbers):
    monkeypatch.chdir(made)
    whole = json.loads(Path("corrected/provenance.json").read_text(encoding="utf-8"))
    if unfinished:
        known = {name: [digest] for name, digest in whole["files"].items()}
        whole |= {"state": "unfinished", "becomes": "reverted", "known": known}
    for number in numbers:
        rng = np.random.default_rng(number)
        shutil.rmtree("spoilt", ignore_errors=True)
        shutil.copytree("corrected", "spoilt")
        Path("spoilt/provenance.json").write_text(json.dumps(mutated_json(whole, rng)))
        try:
            COMMANDS[command]()
        except audit.AuditError as error:
            assert "\n" not in str(error)

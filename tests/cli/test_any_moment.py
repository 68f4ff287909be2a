"""Every command, stopped by kill -9, Ctrl-C or SIGTERM at any moment: nothing is lost, and it goes on."""

import json
import os
import subprocess
import sys

import pytest
import stopped
from conftest import EXHAUSTIVE, posix

PARTS = (
    ("detect", "revert"),
    ("report", "inject", "apply", "export"),
    ("sweep", "diff", "merge"),
    ("impact",),
)


def test_every_command_that_writes_is_stopped():
    assert sorted(name for part in PARTS for name in part) == sorted(stopped.COMMANDS)
    assert sum(stops for _, stops in stopped.COMMANDS.values()) >= 200


@posix
@pytest.mark.slow
@pytest.mark.parametrize(
    ("names", "part"),
    [
        (PARTS[0], "first"),
        *(pytest.param(names, "first", marks=EXHAUSTIVE) for names in PARTS[1:]),
        *(pytest.param(names, "others", marks=EXHAUSTIVE) for names in PARTS),
    ],
)
def test_a_command_that_is_stopped_at_any_moment_says_one_line_and_ends_in_the_same_bytes(
    names, part, tmp_path
):
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "LOKY_MAX_CPU_COUNT": "1"}
    done = subprocess.run(
        [sys.executable, stopped.__file__, tmp_path, part, *names],
        env={**os.environ, **one_thread},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *faults, last = map(json.loads, done.stdout.splitlines())
    assert faults == []
    assert last == {"stops": sum(stopped.stops(name, part) for name in names)}

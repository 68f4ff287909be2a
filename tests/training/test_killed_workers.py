"""A worker process that the system kills, as it does when memory runs out."""

import os
import shutil
import subprocess
import sys
import time

import joblib
import numpy as np
import pytest
from conftest import posix, striped_images
from in_workers import build, killed_once, mark_of

from audit.errors import MachineError
from audit.training.backends.processes import run_in_processes

LINE = (
    "a worker process was killed (SIGKILL) while models were trained, as systems do when memory runs out; "
    "finished folds are kept, and the same command resumes; use fewer --jobs (there were 2), or free memory"
)


@posix
def test_a_killed_worker_is_one_error_and_the_next_call_has_new_workers(tmp_path):
    calls = [joblib.delayed(killed_once)(tmp_path / "mark")]
    with pytest.raises(MachineError) as caught:
        list(run_in_processes(calls, 2))
    assert str(caught.value) == LINE
    assert list(run_in_processes(calls, 2)) == [1]


def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def runs(process):
    """Whether a process is there, and no zombie."""
    ps = shutil.which("ps")
    state = subprocess.run(
        [ps, "-o", "state=", "-p", str(process)], capture_output=True, text=True, check=False
    )
    return state.stdout.strip() not in {"", "Z"}


PARENT = """
import joblib
from in_workers import leave_mark_and_sleep
from audit.training.backends.processes import run_in_processes
list(run_in_processes([joblib.delayed(leave_mark_and_sleep)({folder!r})] * 2, 2))
"""


@pytest.mark.skipif(shutil.which("ps") is None, reason="needs ps")
def test_workers_end_with_a_process_that_is_killed(tmp_path):
    path = os.pathsep.join(sys.path)
    command = [sys.executable, "-c", PARENT.format(folder=str(tmp_path))]
    with subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": path}, stderr=subprocess.DEVNULL
    ) as parent:
        try:
            until(lambda: len(list(tmp_path.iterdir())) == 2 or parent.poll() is not None)
        finally:
            parent.kill()
    workers = [int(mark.name) for mark in tmp_path.iterdir()]
    assert len(workers) == 2
    until(lambda: not any(map(runs, workers)))


@posix
@pytest.mark.exhaustive
def test_a_run_whose_worker_was_killed_says_so_in_one_line_and_resumes(run_audit, tmp_path):
    X, y = striped_images(200)
    np.savez(tmp_path / "data.npz", X=X.reshape(200, -1), y=y)
    arguments = [
        "detect",
        "data.npz",
        "--jobs",
        "2",
        "--model",
        f"{build.__module__}:{build.__name__}",
        "--out",
    ]
    first = run_audit(*arguments, "run", "--quiet", check=2)
    assert first.stderr == f"audit: {LINE}\n"
    run_audit(*arguments, "run", check=0)
    run_audit(*arguments, "whole", check=0)
    mark_of(os.getpid()).unlink()
    for name in ("pred_probs.npy", "issues.csv"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()

"""A worker process that the system kills, as it does when memory runs out."""

import os
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
from conftest import posix, striped_images
from in_workers import build, killed_once, mark_of
from processes import processes_of_session, until

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


PARENT = """
import joblib
from in_workers import leave_mark_and_sleep
from audit.training.backends.processes import run_in_processes
list(run_in_processes([joblib.delayed(leave_mark_and_sleep)({folder!r})] * 2, 2))
"""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads processes from /proc")
def test_workers_end_with_a_process_that_is_killed(tmp_path):
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", PARENT.format(folder=str(tmp_path))]
    with subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL, start_new_session=True) as parent:
        try:
            until(lambda: len(list(tmp_path.iterdir())) == 2 or parent.poll() is not None)
            workers = {int(mark.name) for mark in tmp_path.iterdir()}
            assert len(workers) == 2
            assert workers < processes_of_session(parent.pid)
        finally:
            parent.kill()
    until(lambda: not processes_of_session(parent.pid))


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

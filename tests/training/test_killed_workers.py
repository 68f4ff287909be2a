"""A worker process that the system kills, as it does when memory runs out."""

import os
import signal
import tempfile
from pathlib import Path

import joblib
import numpy as np
import pytest
from conftest import posix, striped_images

from audit.errors import MachineError
from audit.training.backends.processes import run_parallel
from audit.training.models.tabular import build_linear

LINE = (
    "a worker process was killed (SIGKILL) while models were trained, as systems do when memory runs out; "
    "finished folds are kept, and the same command resumes; use fewer --jobs (there were 2), or free memory"
)


built = []


def killed_once(mark):
    """Kill this process by its first call."""
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return 1


def mark_of(main):
    """The file that a process with this number and its workers know of, wherever these were started."""
    return Path(tempfile.gettempdir(), f"audit-test-{main}-killed")


def build(training):
    """A model that kills its worker, the first time, when it was built twice."""
    built.append(training)
    if len(built) == 2:
        killed_once(mark_of(os.getppid()))
    return build_linear(training)


@posix
def test_a_killed_worker_is_one_error_and_the_next_call_has_new_workers(tmp_path):
    calls = [joblib.delayed(killed_once)(tmp_path / "mark")]
    with pytest.raises(MachineError) as caught:
        list(run_parallel(calls, 2))
    assert str(caught.value) == LINE
    assert list(run_parallel(calls, 2)) == [1]


@posix
def test_a_run_whose_worker_was_killed_says_so_in_one_line_and_resumes(run_audit, tmp_path):
    X, y = striped_images(200)
    np.savez(tmp_path / "data.npz", X=X.reshape(200, -1), y=y)
    arguments = ["detect", "data.npz", "--jobs", "2", "--model", f"{__name__}:build", "--out"]
    first = run_audit(*arguments, "run", "--quiet", check=2)
    assert first.stderr == f"audit: {LINE}\n"
    run_audit(*arguments, "run", check=0)
    run_audit(*arguments, "whole", check=0)
    mark_of(os.getpid()).unlink()
    for name in ("pred_probs.npy", "issues.csv"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()

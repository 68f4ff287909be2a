"""Memory that may not be enough is told before training, and where it runs out in one line."""

import errno

import numpy as np
import pytest
from conftest import striped_images
from hypothesis import given
from hypothesis import strategies as st

import audit
from audit import datasets
from audit.errors import MachineError
from audit.events import enough_memory
from audit.pipeline import detect, judge, rounds
from audit.training import memory

MODELS = st.sampled_from(["cnn", "linear", "boosting", "mine:build"])
HOW = (
    "; the same command can be run again, and finished folds are kept; use fewer --jobs, a smaller --limit or "
    "smaller images, or free memory"
)
NO_MEMORY = "[enforce fail at alloc_cpu.cpp:121] . DefaultCPUAllocator: can't allocate memory: you tried to 9"


@given(
    model=MODELS,
    n=st.integers(1, 10**6),
    d=st.integers(1, 3000),
    k=st.integers(2, 99),
    jobs=st.integers(1, 9),
)
def test_more_of_anything_needs_more(model, n, d, k, jobs):
    def needed(n=n, d=d, k=k, jobs=jobs):
        return memory.needed_bytes(model, (n, d), np.dtype(np.uint8), k, jobs)

    assert needed() >= n * d
    assert needed(n=n + 1) > needed()
    assert needed(d=d + 1) > needed()
    assert needed(k=k + 1) > needed()
    assert needed(jobs=jobs + 1) > needed()


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine of files: 8 GB free, and control groups as the test writes them."""
    monkeypatch.setattr(memory, "PROC", tmp_path / "proc")
    monkeypatch.setattr(memory, "CONTROL_GROUPS", tmp_path / "groups")
    monkeypatch.setattr(memory, "_of_processes", lambda _: [])

    def write(name, text):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    write("proc/meminfo", "MemTotal: 16000000 kB\nMemAvailable: 8000000 kB\n")
    return write


def test_the_system_and_control_groups_of_both_versions_say_what_is_left(machine):
    assert memory.available_bytes() == 8_192_000_000
    machine("proc/self/cgroup", "0::/a/b\n")
    machine("groups/a/b/memory.max", "max\n")
    machine("groups/a/b/memory.current", "1\n")
    assert memory.available_bytes() == 8_192_000_000
    machine("groups/a/memory.max", "3000\n")
    machine("groups/a/memory.current", "2500\n")
    machine("groups/a/memory.stat", "anon 2\ninactive_file 200\n")
    assert memory.available_bytes() == 700
    machine("proc/self/cgroup", "9:cpu:/\n4:memory:/c\n")
    machine("groups/memory/c/memory.limit_in_bytes", "900\n")
    machine("groups/memory/c/memory.usage_in_bytes", "1000\n")
    assert memory.available_bytes() == 0


def test_a_machine_that_says_nothing_is_not_told_of(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "PROC", tmp_path)
    monkeypatch.setattr(memory, "_of_processes", lambda _: [])
    assert memory.available_bytes() is None
    assert memory.shortage("cnn", (10**9, 28, 28, 1), np.dtype(np.uint8), 10, 2) is None


@pytest.fixture
def table(tmp_path):
    X, y = striped_images(60)
    np.savez(tmp_path / "d.npz", X=X.reshape(60, -1), y=y)
    return ["detect", "d.npz", "--model", "linear", "--folds", "2", "--preset", "fast", "--out", "run"]


def test_too_little_memory_is_told_before_the_training(table, run_audit, monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda _: 100_000_000)
    lines = run_audit(*table, check=0).stderr.splitlines()
    assert lines[0] == (
        "the step folds needs about 0.2 GB of memory, but only 0.1 GB is free; if it ends there, use a machine "
        "with more memory"
    )


STEPS = {
    "load": (datasets, "read_chosen"),
    "folds": (rounds, "duplicates_of"),
    "issues": (judge, "summarise"),
    "report": (detect, "write_report"),
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    ("error", "why"),
    [
        (MemoryError(), "MemoryError"),
        (RuntimeError(NO_MEMORY), NO_MEMORY),
        (RuntimeError("std::bad_alloc"), "std::bad_alloc"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "[Errno 12] Cannot allocate memory"),
    ],
)
def test_where_memory_runs_out_is_one_line_with_the_step(step, error, why, table, run_audit, monkeypatch):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(*STEPS[step], fail)
    done = run_audit(*table, "--quiet", check=2)
    assert done.stderr == f"audit: memory ran out in the step {step} ({why}){HOW}\n"


def short_of_memory(training):
    class Hungry:
        def fit(self, X, y):
            raise RuntimeError(NO_MEMORY)

        predict_proba = get_params = fit

    return Hungry()


def test_a_model_that_runs_out_of_memory_is_told_as_such(table, run_audit):
    done = run_audit(*table[:2], "--model", f"{__name__}:short_of_memory", *table[4:], "--quiet", check=2)
    where = "the model on fold 0, examples of shape (30, 144)"
    assert done.stderr == f"audit: memory ran out in {where} ({NO_MEMORY}){HOW}\n"


@pytest.mark.parametrize(
    "error", [ValueError("no memory"), OSError(errno.ENOSPC, "full"), RuntimeError("odd")]
)
def test_other_errors_pass(error):
    with pytest.raises(type(error)), enough_memory("a test"):
        raise error
    with pytest.raises(MachineError), enough_memory("a test"):
        raise MemoryError


def test_the_rows_that_the_line_advises_fit(monkeypatch):
    shape, there = (1_000_000, 100), 700_000_000
    monkeypatch.setattr(memory, "available_bytes", lambda _: there)
    line = memory.shortage("linear", shape, np.dtype(np.float64), 10, 1)
    rows = int(line.split("--limit ")[1].split()[0])
    assert memory.needed_bytes("linear", (rows, 100), np.dtype(np.float64), 10, 1) <= there
    assert memory.needed_bytes("linear", (rows + 10, 100), np.dtype(np.float64), 10, 1) > there


@pytest.mark.parametrize(
    ("shape", "names"), [((60, 8, 8), {"cnn"}), ((60, 3), {"linear", "boosting"})], ids=["images", "features"]
)
def test_memory_is_estimated_for_the_model_that_auto_stands_for(shape, names, monkeypatch):
    asked = []
    monkeypatch.setattr(memory, "shortage", lambda name, *_: asked.append(name))
    X = np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8)
    audit.detect(X, np.arange(60) % 2, noise=0, preset="fast", folds=2, epochs=1, kinds="mislabelled")
    assert len(asked) == 1
    assert names.issuperset(asked)

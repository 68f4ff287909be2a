"""An audit on a Dask cluster: the bytes of a local one, whatever is killed meanwhile."""

import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from pathlib import Path

import numpy as np
import pytest
from conftest import posix, striped_images
from processes import until

import audit
from audit.detectors import blocks
from audit.pipeline import embedding, rounds
from audit.training.backends import dask, judging
from audit.training.backends.shared import MappedArray, array_of, shared

pytestmark = pytest.mark.slow

SLOW = '''
import os, time
from pathlib import Path
from sklearn.naive_bayes import GaussianNB

class Slow(GaussianNB):
    """Leaves its process id when it is trained; while a file says so, all but the first few wait."""

    def fit(self, X, y):
        marks = Path(os.environ["MARKS"])
        (marks / f"fit-{os.getpid()}-{time.monotonic_ns()}").touch()
        deadline = time.monotonic() + 60
        for hold in marks.glob("hold-from-*"):
            while hold.exists() and len(list(marks.glob("fit-*"))) >= int(hold.name[10:]):
                assert time.monotonic() < deadline
                time.sleep(0.02)
        return super().fit(X, y)

def build(training):
    return Slow()
'''


@pytest.fixture
def there(tmp_path):
    """A folder with data, a model whose training can be held up, and the environment to run it in."""
    X, y = striped_images(120)
    np.savez(tmp_path / "d.npz", X=X.reshape(120, -1), y=y)
    (tmp_path / "slow.py").write_text(SLOW)
    (tmp_path / "marks").mkdir()
    path = os.pathsep.join(filter(None, [str(tmp_path), *sys.path]))
    env = {**os.environ, "PYTHONPATH": path, "MARKS": str(tmp_path / "marks"), "LOKY_MAX_CPU_COUNT": "2"}
    return tmp_path, env


WORKER = ("--nthreads", "1", "--no-nanny")


@pytest.fixture
def started(there):
    """Starts a scheduler or a worker in a process of its own."""
    pytest.importorskip("distributed")
    folder, env = there
    processes = []

    def start(name, *arguments):
        command = [sys.executable, "-m", f"distributed.cli.dask_{name}", *arguments, "--no-dashboard"]
        processes.append(subprocess.Popen(command, cwd=folder, env=env, stderr=subprocess.DEVNULL))
        return processes[-1]

    yield start
    for each in processes:
        each.kill()
        each.wait()


@pytest.fixture
def scheduler(started):
    """A scheduler and two worker processes on this machine: its address, and the scheduler's process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    process = started("scheduler", "--host", "127.0.0.1", "--port", str(port))
    for _ in range(2):
        started("worker", address, *WORKER)
    from distributed import Client

    with Client(address, timeout=60, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
    return address, process


COMMAND = [
    "detect",
    "d.npz",
    "--noise",
    "0.1",
    "--preset",
    "fast",
    "--folds",
    "4",
    "--model",
    "slow:build",
    "--quiet",
    "--out",
]


@pytest.fixture
def here(there, run_audit, monkeypatch):
    """The same audit in this process, into a folder of this name."""
    folder, env = there
    monkeypatch.syspath_prepend(folder)

    def run(out):
        return run_audit(*COMMAND, out, check=0, MARKS=env["MARKS"])

    yield run
    sys.modules.pop("slow", None)  # another test has one of its own


def begun(there, *arguments):
    folder, env = there
    command = [sys.executable, "-m", "audit", *COMMAND, *arguments]
    return subprocess.Popen(command, cwd=folder, env=env, stderr=subprocess.PIPE, text=True)


def trainings(there):
    return sorted((there[0] / "marks").glob("fit-*"), key=lambda mark: int(mark.name.split("-")[2]))


def results(folder):
    """What a run found, without what says where and when."""
    names = ("pred_probs.npy", "issues.npz", "suspects.npz", "labels.npz", "issues.csv")
    return {name: (folder / name).read_bytes() for name in names}


@posix
@pytest.mark.exhaustive
def test_a_killed_worker_costs_what_it_was_training_and_nothing_else(there, here, scheduler):
    folder, _ = there
    here("here")
    before = len(trainings(there))
    assert before == 4
    hold = folder / "marks" / f"hold-from-{before + 2}"
    hold.touch()
    running = begun(there, "there", "--cluster", scheduler[0])
    until(lambda: len(trainings(there)) == before + 2)
    os.kill(int(trainings(there)[-1].name.split("-")[1]), signal.SIGKILL)
    hold.unlink()
    _, said = running.communicate(timeout=120)
    assert (running.returncode, said) == (0, "")
    assert len(trainings(there)) == before + 4 + 1
    assert results(folder / "there") == results(folder / "here")


@posix
def test_a_killed_scheduler_is_one_line_and_finished_folds_are_kept(there, here, scheduler):
    folder, _ = there
    address, process = scheduler
    hold = folder / "marks" / "hold-from-3"
    hold.touch()
    running = begun(there, "there", "--cluster", address)
    kept = folder / "there" / "folds" / "round-1"
    until(lambda: len(trainings(there)) == 4 and len(list(kept.glob("*.npz"))) == 2)
    process.kill()
    _, said = running.communicate(timeout=120)
    assert running.returncode == 2
    assert said.count("\n") == 1
    assert said.startswith(f"audit: the Dask cluster at {address} was lost (")
    assert said.endswith(
        "; finished folds and features are kept, and the same command resumes; start the cluster again, or "
        "leave --cluster out\n"
    )
    hold.unlink()
    before = len(trainings(there))
    here("there")
    assert len(trainings(there)) == before + 2
    here("here")
    assert results(folder / "there") == results(folder / "here")


@pytest.mark.exhaustive
def test_code_that_the_workers_do_not_have_is_one_line(there, scheduler):
    folder, env = there
    X, y = striped_images(120)
    own = folder / "own"
    own.mkdir()
    np.savez(own / "d.npz", X=X, y=y)
    (own / "mine.py").write_text("def pixels(images):\n    return images.reshape(len(images), -1)\n")
    arguments = ["d.npz", "--embed", "mine:pixels", "--cluster", scheduler[0], "--quiet"]
    done = subprocess.run(
        [sys.executable, "-m", "audit", "detect", *arguments],
        cwd=own,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == (
        "audit: a worker of --cluster cannot read what it was sent (ModuleNotFoundError: No module named "
        "'mine'); install, or make importable there, what is here\n"
    )


@pytest.mark.exhaustive
def test_processes_of_this_machine_are_a_cluster_too(tmp_path):
    pytest.importorskip("distributed")
    X, y = striped_images(160)
    found = {}
    for name, cluster in (("here", None), ("there", "local:2")):
        audit.detect(X, y, noise=0.1, folds=2, epochs=1, cluster=cluster, out=tmp_path / name)
        found[name] = results(tmp_path / name)
    assert found["here"] == found["there"]


@pytest.fixture(scope="module")
def local_client(tmp_path_factory):
    """A client of four worker processes, and a folder for their marks.

    The tests here kill three. Dask mostly starts a killed one again, but not always on a busy machine.
    """
    pytest.importorskip("distributed")
    marks = tmp_path_factory.mktemp("marks")
    with pytest.MonkeyPatch.context() as env:
        env.setenv("MARKS", str(marks))
        env.setenv("PYTHONPATH", os.pathsep.join(sys.path))  # where the workers find `pixels`
        with dask._client("local:4") as client:
            yield client, marks


@pytest.fixture
def local_cluster(local_client):
    """The address of a cluster of processes on this machine, and a folder for their marks."""
    client, marks = local_client
    return client.scheduler.address, marks


def process_after_a_while(_):
    time.sleep(0.5)
    return os.getpid()


@pytest.mark.exhaustive
def test_calls_with_a_large_argument_are_spread_over_the_workers(local_cluster):
    with dask.cluster(local_cluster[0]) as workers:
        found = dask.run_in_use(process_after_a_while, [np.zeros(300_000_000, np.uint8)], [()] * workers)
        assert len(set(found)) == workers > 1


KILLED = int(os.name == "posix")  # workers of a cluster that a test kills; Windows has no such signal


def one_worker_is_killed(folder):
    """End this process, where it is the first that finds a file which another process left."""
    kill = folder / "kill"
    with suppress(FileNotFoundError):
        if int(kill.read_text()) != os.getpid():
            kill.unlink()
            os.kill(os.getpid(), signal.SIGKILL)


def pixels(images):
    """Features that tell the process which computed them, by a file."""
    marks = Path(os.environ["MARKS"])
    (marks / f"embedded-{os.getpid()}-{time.monotonic_ns()}").touch()
    one_worker_is_killed(marks)
    return np.asarray(images, dtype=np.float32).reshape(len(images), -1)


def test_examples_are_embedded_on_the_cluster_though_a_worker_is_killed(local_cluster, tmp_path, monkeypatch):
    address, marks = local_cluster
    monkeypatch.setattr(embedding, "STORED_BATCHES", 1)
    X, y = striped_images(160)
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    asked = {"noise": 0.1, "folds": 2, "embed": pixels, "model": "linear"}
    audit.detect(X, y, **asked, out=tmp_path / "here")
    for name, images in (("mapped", mapped), ("in memory", X)):
        for mark in marks.glob("embedded-*"):
            mark.unlink()
        if KILLED:
            (marks / "kill").write_text(str(os.getpid()))
        audit.detect(images, y, **asked, cluster=address, out=tmp_path / name)
        processes = [int(mark.name.split("-")[1]) for mark in marks.glob("embedded-*")]
        assert len(processes) == 6 + KILLED  # five parts, one of them twice, and the trial here
        assert processes.count(os.getpid()) == 1
        assert len(set(processes)) >= 3
        assert results(tmp_path / name) == results(tmp_path / "here")


@pytest.mark.exhaustive
def test_what_cannot_be_sent_is_one_line(tmp_path):
    pytest.importorskip("distributed")
    X, y = striped_images(80)
    held = threading.Lock()

    def embed(images):
        with held:
            return images.reshape(len(images), -1)

    with pytest.raises(
        audit.ConfigError,
        match=r"^--cluster cannot send what a model or an embedder needs \(.*lock.*\); give",
    ):
        audit.detect(X, y, embed=embed, cluster="local:1", noise=0.1, out=tmp_path / "run")


def test_probabilities_in_a_file_are_judged_on_the_cluster_though_a_worker_is_killed(
    local_cluster, tmp_path, monkeypatch
):
    address, _ = local_cluster
    monkeypatch.setattr(blocks, "BLOCK_ENTRIES", 600)
    monkeypatch.setattr(rounds, "LAZY_BYTES", 1)
    monkeypatch.setattr(judging, "BLOCKS_SENT", 2)
    monkeypatch.setattr(dask, "LARGE_BYTES", 10)
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 2000)
    powers = np.exp(rng.normal(size=(2000, 3)) + 3 * np.eye(3)[y]).astype(np.float32)
    np.save(tmp_path / "p.npy", powers / powers.sum(axis=1, keepdims=True))
    mapped = np.load(tmp_path / "p.npy", mmap_mode="r")

    def judged_by(block):
        one_worker_is_killed(tmp_path)
        return [np.full(len(block.labels), os.getpid()), block.probs.T]

    with dask.cluster(address):
        there = judging.elsewhere(mapped)
        processes, probs = blocks.by_blocks(y, mapped, judged_by, there)
        assert len(np.unique(processes)) >= 3
        if KILLED:
            (tmp_path / "kill").write_text(str(os.getpid()))
        processes, probs_again = blocks.by_blocks(y, mapped, judged_by, there)
        assert judging.elsewhere(np.array(mapped)) is None  # what is in memory is not sent
    assert (processes[:200] == os.getpid()).all()  # the first block, which tells the form of the results
    assert (processes[200:] != os.getpid()).all()
    assert not (tmp_path / "kill").exists()
    assert probs == pytest.approx(np.array(mapped), abs=1e-6)
    assert probs.tobytes() == probs_again.tobytes()
    assert judging.elsewhere(mapped) is None
    for name, cluster in (("here", None), ("there", address)):
        audit.detect(y=y, pred_probs=mapped, noise=0, cluster=cluster, out=tmp_path / name)
    assert results(tmp_path / "there") == results(tmp_path / "here")


def test_a_large_argument_of_one_call_arrives(local_cluster):
    with dask.cluster(local_cluster[0]):
        assert list(dask.run_in_use(len, (), [(bytes(11_000_000),)])) == [11_000_000]


def processes_of(address):
    """The process of each worker of a cluster."""
    from distributed import Client

    with Client(address, timeout=60, set_as_default=False) as client:
        return client.run(os.getpid)


def test_the_models_of_a_sweep_are_trained_on_the_cluster(local_cluster, run_audit, tmp_path, monkeypatch):
    monkeypatch.setattr(dask, "LARGE_BYTES", 10)
    arguments = ["sweep", "wine", "--noise", "0,0.5", "--seeds", 1, "--out"]
    run_audit(*arguments, "here", check=0)
    run_audit(*arguments, "there", "--cluster", local_cluster[0], check=0)
    assert (tmp_path / "here" / "sweep.csv").read_bytes() == (tmp_path / "there" / "sweep.csv").read_bytes()


def killed_while_few_marks(folder, number, large):
    """Leave a mark, and end this process while there are no more than so many marks; the length of the last."""
    (folder / f"mark-{os.getpid()}").touch()
    if len(list(folder.glob("mark-*"))) <= number:
        os.kill(os.getpid(), signal.SIGKILL)
    return len(large)


@posix
def test_what_was_sent_once_outlives_all_workers_that_had_it(scheduler, started, tmp_path):
    with dask.cluster(scheduler[0]) as workers, ThreadPoolExecutor(1) as beside:
        results = dask.run_in_use(killed_while_few_marks, (tmp_path, workers, bytes(2_000_000)), [()])
        running = beside.submit(copy_context().run, list, results)
        until(lambda: len(list(tmp_path.glob("mark-*"))) == workers)
        started("worker", scheduler[0], *WORKER)
        assert running.result(timeout=60) == [2_000_000]


@posix
def test_results_that_nobody_fetched_are_lost_with_the_last_worker(scheduler, monkeypatch):
    monkeypatch.setattr(dask, "NO_WORKER_SECONDS", 2)
    lost = pytest.raises(audit.AuditError, match=r" was lost \(no worker for 2 s\)")
    with lost, dask.cluster(scheduler[0]) as workers:
        results = dask.run_in_use(process_after_a_while, (), [(0,)] * workers)
        first = next(results)
        time.sleep(1)  # the others end meanwhile
        others = set(processes_of(scheduler[0]).values())
        assert first in others
        for process in others:
            os.kill(process, signal.SIGKILL)
        next(results)


@posix
def test_a_cluster_without_any_worker_is_lost_after_a_while(scheduler, tmp_path, monkeypatch):
    monkeypatch.setattr(dask, "NO_WORKER_SECONDS", 2)
    lost = pytest.raises(
        audit.AuditError, match=r"^the Dask cluster at tcp://.* was lost \(no worker for 2 s\)"
    )
    with lost, dask.cluster(scheduler[0]):
        list(dask.run_in_use(killed_while_few_marks, (tmp_path, 9, bytes(2_000_000)), [()]))
    assert len(list(tmp_path.glob("mark-*"))) == 2


def test_a_mapped_file_is_sent_as_its_path(tmp_path):
    whole = np.arange(600_000, dtype=np.int64).reshape(1000, 600)
    np.save(tmp_path / "X.npy", whole)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    for X in (mapped, mapped[10:900], mapped.reshape(1000, 20, 30)):
        sent = pickle.dumps(shared(X))
        assert len(sent) < 1000
        back = pickle.loads(sent)  # noqa: S301
        assert isinstance(back, MappedArray)
        assert np.array_equal(array_of(back), X)
    written_to = np.load(tmp_path / "X.npy", mmap_mode="c")
    for X in (whole, mapped[::2], mapped.T, written_to):
        assert shared(X) is X
    sent = pickle.dumps(shared(mapped))
    np.save(tmp_path / "X.npy", whole[:10])
    with pytest.raises(audit.DataError, match=r"X\.npy has [\d,]+ bytes where a worker reads it, expected"):
        pickle.loads(sent)  # noqa: S301
    Path(tmp_path / "X.npy").unlink()
    with pytest.raises(audit.DataError, match=r"X\.npy is missing where a worker reads it"):
        pickle.loads(sent)  # noqa: S301

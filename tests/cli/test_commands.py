import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import posix, striped_images
from processes import processes_of_session, until

import audit
from audit.cli import progress
from audit.events import Silent
from audit.settings.detect import Config
from audit.settings.fields import flag_name, flat


@pytest.fixture
def colour(tmp_path):
    """A user's own arrays: colour images, string labels."""
    X, y = striped_images(240, channels=3)
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", np.array(["north", "east", "south", "west"])[y])
    return ["detect", "--X", "X.npy", "--y", "y.npy", "--folds", "3", "--epochs", "2"]


@pytest.fixture
def table(tmp_path):
    """Features, which are trained on in less time than images."""
    X, y = striped_images(240)
    np.savez(tmp_path / "data.npz", X=X.reshape(240, -1), y=y)
    return ["detect", "data.npz", "--folds", "3", "--epochs", "2"]


# The least that a network is trained on in workers, in two rounds of five folds.
DIGITS = ["detect", "digits", "--limit", "300", "--epochs", "1"]

HELD = """
import time
from pathlib import Path
from uuid import uuid4
from audit.training.models.tabular import build_linear
def build(training):
    hold = Path("hold")
    if hold.exists():
        Path(f"built-{uuid4().hex}").touch()
    while hold.exists() and len(list(Path().glob("built-*"))) > 4:
        time.sleep(0.05)
    return build_linear(training)
"""


@pytest.fixture
def held(table, tmp_path, monkeypatch):
    """A command whose fifth fold is not finished as long as there is a file `hold`, so that it can be stopped."""
    (tmp_path / "held.py").write_text(HELD, encoding="utf-8")
    (tmp_path / "hold").touch()
    monkeypatch.setattr(sys, "path", sys.path[:])
    return ["detect", "data.npz", "--model", "held:build"]


def test_help_is_there_without_numpy_torch_or_cleanlab():
    code = (
        "import sys\n"
        "from audit.cli import app\n"
        "app(['--help'], result_action='return_value')\n"
        "slow = {'numpy', 'pandas', 'torch', 'cleanlab', 'sklearn', 'matplotlib'} & set(sys.modules)\n"
        "sys.exit(f'loaded {slow}' if slow else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "detect" in done.stdout
    assert "report" in done.stdout


def test_every_setting_has_a_flag_with_help(run_audit):
    text = run_audit("detect", "--help", check=0).stdout
    for name in flat(*Config().groups()):
        assert re.search(rf"--{flag_name(name)}\b", text), name
    for panel in ("Data", "Noise", "Training", "Detection", "Report", "Run", "Gates"):
        assert f"─ {panel} ─" in text
    assert re.search(r"choices:\s+(│\s+)*fast,", text)


def test_drawing_a_report_again_loads_neither_torch_nor_cleanlab(finished_run):
    _, path = finished_run
    before = (path / "report.html").read_bytes()
    (path / "report.html").unlink()
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from audit.pipeline.run import draw_report\n"
        f"draw_report(Path({os.fspath(path)!r}))\n"
        "slow = {'torch', 'skorch', 'cleanlab'} & set(sys.modules)\n"
        "sys.exit(f'loaded {slow}' if slow else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (path / "report.html").read_bytes() == before


def test_a_users_own_arrays_from_the_command_line(colour, run_audit, tmp_path):
    done = run_audit(*colour, "--noise", "0.05", check=0)
    assert "12 of 240 labels were changed on purpose" in done.stdout
    folder = tmp_path / "reports" / "X-symmetric-0.05-s0"
    assert str(folder.relative_to(tmp_path) / "report.html") in done.stdout
    assert "north" in (folder / "report.html").read_text(encoding="utf-8")
    with np.load(folder / "labels.npz") as labels:
        assert (labels["given"] != labels["true"]).sum() == 12
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["class_names"] == ["east", "north", "south", "west"]


def test_without_injected_noise_nothing_is_printed_that_needs_it(table, run_audit):
    plain = run_audit(*table, "--noise", "0", check=0).stdout
    assert "expected calibration error" not in plain
    assert "original labels look wrong" in plain


def test_the_same_command_again_reuses_and_says_so(table, run_audit, tmp_path):
    first = run_audit(*table, "--out", "run", check=0)
    assert "noise: 10.00 % of the labels changed, estimated" in first.stdout
    assert "p_error: expected calibration error 0." in first.stdout
    stamp = (tmp_path / "run" / "pred_probs.npy").stat().st_mtime_ns
    again = run_audit(*table, "--out", "run", check=0)
    assert "reusing the finished run in run: same data, same settings" in again.stderr
    assert again.stdout == first.stdout
    assert (tmp_path / "run" / "pred_probs.npy").stat().st_mtime_ns == stamp
    other = run_audit(*table, "--out", "run", "--detector", "cleanlab", check=0)
    assert "issues: detector posterior → cleanlab" in other.stderr
    assert "reusing 3 of 3 folds" in other.stderr
    retrained = run_audit(*table[:-1], "1", "--out", "run", check=0)
    assert "folds: epochs 2 → 1" in retrained.stderr


@posix
@pytest.mark.slow
@pytest.mark.exhaustive
def test_a_killed_run_leaves_no_worker_and_resumes_to_the_same_bytes(held, run_audit, tmp_path):
    arguments = [*held, "--noise", "0.2"]
    command = [sys.executable, "-m", "audit", *arguments, "--out", "killed", "--jobs", "2"]
    with subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
    ) as process:
        wait_for_folds(tmp_path / "killed", 2)
        process.kill()
    wait_until_all_ended(process.pid)
    (tmp_path / "hold").unlink()
    run_audit(*arguments, "--out", "whole", check=0)
    done = run_audit(*arguments, "--out", "killed", check=0)
    kept = int(re.search(r"reusing (\d) of 5 folds", done.stderr)[1])
    assert 2 <= kept < 5
    whole, resumed = ((tmp_path / name / "pred_probs.npy").read_bytes() for name in ("whole", "killed"))
    assert whole == resumed


@pytest.fixture
def heeded_interrupts():
    """Children heed SIGINT, also where a shell started the tests in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@posix
@pytest.mark.usefixtures("heeded_interrupts")
def test_an_interrupt_says_how_to_go_on_and_leaves_no_worker(held, tmp_path):
    command = [sys.executable, "-m", "audit", *held, "--out", "run", "--jobs", "2"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        wait_for_folds(tmp_path / "run")
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "audit: interrupted; the same command can be run again; finished folds are kept" in stderr
    assert "Traceback" not in stderr
    wait_until_all_ended(process.pid)


INTERRUPT = """
import sys
from audit.__main__ import main
class Interrupt:
    def find_spec(self, name, path, target=None):
        if name == {name!r}:
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupt())
sys.argv = ["audit", "datasets"]
main()
"""


@pytest.mark.parametrize("name", ["numpy", "audit.cli", "audit.datasets"])
def test_an_interrupt_while_something_is_imported_is_one_line(name):
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPT.format(name=name)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "audit: interrupted; the same command can be run again; finished folds are kept\n"


AT_EXIT = """
import atexit, os, signal, sys
from audit import __main__
def press():
    os.kill(os.getpid(), signal.{signal})
class Registering:
    def find_spec(self, name, path, target=None):
        if name == "audit.cli":
            atexit.register(press)
sys.meta_path.insert(0, Registering())
sys.argv = ["audit", "--help"]
{before}
__main__.main()
"""
HEEDED = "signal.signal(signal.SIGHUP, signal.SIG_DFL)"  # nohup, under which tests may run, ignores it
RESUMES = "the same command can be run again; finished folds are kept\n"


@posix
@pytest.mark.usefixtures("heeded_interrupts")
@pytest.mark.parametrize(
    ("signal", "before", "status", "line"),
    [
        ("SIGINT", "", 130, f"audit: interrupted; {RESUMES}"),
        ("SIGTERM", "", 143, f"audit: terminated; {RESUMES}"),
        ("SIGHUP", HEEDED, 129, f"audit: its terminal was closed; {RESUMES}"),
        ("SIGINT", "atexit.register(press)", 130, f"audit: interrupted; {RESUMES}"),
        ("SIGINT", "__main__.Ending.handle = lambda *_: None", 0, ""),
    ],
)
def test_a_signal_while_python_puts_itself_away_is_one_line(signal, before, status, line):
    code = AT_EXIT.format(signal=signal, before=before)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (status, line)


def test_a_copy_of_the_process_has_nothing_to_say(capfd, monkeypatch):
    from audit.__main__ import Ending

    ending = Ending()
    ending.process += 1
    monkeypatch.setattr(os, "_exit", sys.exit)
    with pytest.raises(SystemExit) as end:
        ending.handle(signal.SIGINT, None)
    assert end.value.code == 130
    assert capfd.readouterr().err == ""


@posix
@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads processes from /proc")
@pytest.mark.usefixtures("heeded_interrupts")
@pytest.mark.parametrize(
    ("network", "wait", "again"),
    [
        (True, 0, None),
        (False, 0.05, 0),
        (False, 0.4, 0.1),
    ],
)
@pytest.mark.exhaustive
def test_an_interrupt_of_a_terminal_while_workers_start_is_one_line(held, tmp_path, network, wait, again):
    arguments = [*(DIGITS if network else held), "--out", "run", "--jobs", "2", "--quiet"]
    command = [sys.executable, "-m", "audit", *arguments]
    with subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        deadline = time.monotonic() + 60
        while len(processes_of_session(process.pid)) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        for seconds in filter(lambda each: each is not None, (wait, again)):
            time.sleep(seconds)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (130, f"audit: interrupted; {RESUMES}")
    wait_until_all_ended(process.pid)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads processes from /proc")
@pytest.mark.exhaustive
def test_the_workers_of_a_run_that_is_killed_while_they_get_ready_end(held, tmp_path):
    command = [sys.executable, "-m", "audit", *held, "--out", "run", "--jobs", "2"]
    with subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
    ) as process:
        deadline = time.monotonic() + 60
        while len(processes_of_session(process.pid)) < 5 and time.monotonic() < deadline:
            time.sleep(0.05)  # until there are two workers, and what joblib runs beside them
        assert len(processes_of_session(process.pid)) == 5
        process.kill()
    wait_until_all_ended(process.pid)


def wait_for_folds(run, count=1):
    """Wait until so many folds of the first round are trained; others and a second round follow."""
    deadline = time.monotonic() + 120
    while len(list(run.glob("folds/round-1/[0-9].npz"))) < count and time.monotonic() < deadline:
        time.sleep(0.02)


def wait_until_all_ended(session):
    """Fail when a process of this session still runs after a while."""
    until(lambda: not processes_of_session(session), seconds=30)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--noise", "1.5"], "audit: --noise must be a share from 0 to 1, found 1.5; 10 % is 0.1"),
        (["--noise", "nan"], "audit: --noise must be a share from 0 to 1, found nan; 10 % is 0.1"),
        (["--noise", "much"], 'audit: Invalid value for --noise: unable to convert "much" into float.'),
        (["--folds", "1"], "audit: --folds must be a whole number of 2 or more, found 1"),
        (["--limit", "0"], "audit: --limit must be a whole number of 1 or more, found 0"),
        (["--device", "abacus"], 'audit: Invalid value "abacus" for --device. Choose from: "auto", "cpu", "cuda", "mps".'),
        (["--preset", "fats"], 'audit: Invalid value "fats" for --preset. Choose from: "fast", "default", "thorough". Did you mean "fast"?'),
        (["--min-class-size", "0"], "audit: --min-class-size must be a whole number of 1 or more, found 0"),
        (["--rounds", "0"], "audit: --rounds must be a whole number of 1 or more, found 0"),
        (["--X", "X.npy"], "audit: --X needs --y: the examples and their labels, both as .npy files"),
        (["digits", "--X", "a", "--y", "b"], "audit: found both 'digits' and --X; give one data set or the other"),
        (["nowhere"], "audit: 'nowhere' is not a data set: expected mnist, mnist:train, mnist:test, digits, wine, breast_cancer, openml:NAME, a file that ends in .npz, .h5, .hdf5, .csv, .tsv, .jsonl, .ndjson, .json, .parquet, .zip, .tar, .tgz (tables of text and .tar also with .gz), a folder of images, or --X and --y; audit datasets lists them"),
        (["--folds", "9", "digits", "--limit", "20"], "audit: the largest class has 3 distinct examples, expected 9 or more, one for each fold; use --folds 3"),
        (["-x"], "audit: Unknown option: -x."),
        (["--epoch", "3", "--colour=blue", "--folds", "3"], "audit: unknown settings: 'colour', 'epoch' (did you mean epochs?); audit detect --help lists them"),
    ],
)  # fmt: skip
def test_a_mistake_gets_one_line_on_stderr_and_status_2(run_audit, arguments, message):
    done = run_audit("detect", *arguments, check=2)
    assert done.stdout == ""
    line = done.stderr.strip().splitlines()
    assert len(line) == 1
    assert line[0] == message


def test_settings_come_from_flag_then_environment_then_file(run_audit, tmp_path):
    (tmp_path / "audit.toml").write_text("noise = 7\n")
    assert "found 7;" in run_audit("detect", check=2).stderr
    assert "found 6;" in run_audit("detect", check=2, AUDIT_NOISE="6").stderr
    assert "found 5;" in run_audit("detect", "--noise", "5", check=2, AUDIT_NOISE="6").stderr
    (tmp_path / "audit.toml").unlink()
    (tmp_path / "pyproject.toml").write_text("[tool.audit]\nnoise = 4\n")
    assert "found 4;" in run_audit("detect", check=2).stderr


def test_unknown_settings_of_the_environment_and_of_files_are_told_at_once(run_audit, tmp_path):
    (tmp_path / "audit.toml").write_text("colour = 'blue'\nmin-class-sizes = 2\nfolds = 5\n")
    (tmp_path / "pyproject.toml").write_text("[tool.audit]\nepoch = 4\n")
    done = run_audit("detect", check=2, AUDIT_EPOCH="3", AUDIT_CACHE="cache", AUDIT_NOISE="0.2")
    assert done.stderr == (
        "audit: unknown settings: 'AUDIT_EPOCH' (did you mean AUDIT_EPOCHS?), 'colour' in audit.toml, "
        "'min_class_sizes' (did you mean min_class_size?) in audit.toml, 'epoch' (did you mean epochs?) in "
        "pyproject.toml; audit detect --help lists them\n"
    )


def test_the_command_in_the_report_repeats_the_run(table, run_audit, tmp_path):
    import shlex

    run_audit(*table, "--noise", "0.2", "--seed", "3", "--out", "one", check=0)
    repeat = json.loads((tmp_path / "one" / "manifest.json").read_text(encoding="utf-8"))["repeat"]
    assert repeat.startswith("audit detect ")
    run_audit(*shlex.split(repeat)[1:], "--out", "two", check=0)
    one, two = ((tmp_path / name / "pred_probs.npy").read_bytes() for name in ("one", "two"))
    assert one == two


@pytest.mark.slow
def test_the_main_job_reaches_its_goal_on_real_mnist(audit_process):
    """On 4,000 digits in three folds, which are harder than all of MNIST; benchmarks/detection.py measures all."""
    done = audit_process("detect", "--noise", "0.1", "--limit", "4000", "--folds", "3", "--json", check=0)
    scores = json.loads(done.stdout)  # one document, and nothing else on stdout
    assert scores["schema_version"] == 2
    assert scores["detection"]["changed"] == 400
    assert scores["detection"]["f1"]["value"] >= 0.98


def test_no_time_is_foretold_from_next_to_nothing(monkeypatch, capsys):
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    with progress.ProgressDisplay() as display:
        for share in (0.5, 0.51, 0.75):
            display.training("round-1", [share], share)
    first, second = capsys.readouterr().err.splitlines()
    assert "51%" in first
    assert "left" not in first
    assert "75%" in second
    assert second.endswith("s left")


def test_every_step_of_a_run_is_told_as_it_begins_and_has_words_in_the_terminal(tmp_path):
    told = []

    class Listener(Silent):
        def step(self, name):
            told.append(name)

        def training(self, name, shares, share):
            told.append(name)

    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 300)
    X = rng.normal(0, 0.6, (300, 4)) + 2 * np.eye(3, 4)[y]
    audit.detect(X, y, noise=0.1, out=tmp_path / "run", listener=Listener())
    steps = list(dict.fromkeys(told))
    assert steps == ["load", "noise", "model", "folds", "round-1", "round-2", "issues", "kinds", "report"]
    told.clear()
    audit.detect(X, y, noise=0, preset="fast", embed=np.asarray, listener=Listener())
    assert set(steps) | {"embed"} == set(progress.STEPS) | {"round-1", "round-2"}
    assert "embed" in told


def test_a_step_is_shown_in_place_of_the_training_before_it():
    with progress.ProgressDisplay() as display:
        display.training("round-1", [1.0], 1.0)
        display.step("kinds")
        (task,) = display.progress.tasks
        assert (task.description, task.total, task.finished) == ("naming the kinds of suspects", None, False)
        display.training("round-2", [0.5], 0.5)

"""Commands that are stopped at a moment and run again; a process that has imported everything forks them.

Run as `python stopped.py FOLDER first|others COMMAND …`: prints a line of JSON for each stop that does not hold.
"""

import gc
import io
import json
import os
import random
import shutil
import signal
import sys
import time
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path

import numpy as np
from reviewing import document, write

from audit import __main__ as entry
from audit.__main__ import main

HOW_TO_GO_ON = "the same command can be run again; finished folds are kept\n"
LINES = {
    signal.SIGINT: f"audit: interrupted; {HOW_TO_GO_ON}",
    signal.SIGTERM: f"audit: terminated; {HOW_TO_GO_ON}",
}
STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}
WATCHED = {
    "open",
    "os.rename",
    "os.remove",
    "os.mkdir",
    "os.rmdir",
    "os.link",
    "shutil.rmtree",
    "os.truncate",
}
TRAIN = ["t.npz", "--model", "linear", "--preset", "fast"]
# Each command, and how many stops it gets.
COMMANDS = {
    "detect": (["detect", *TRAIN, "--folds", "2", "--noise", "0.1", "--out", "new"], 12),
    "report": (["report", "run"], 6),
    "sweep": (["sweep", *TRAIN, "--noise", "0,0.2", "--seeds", "1", "--out", "new"], 8),
    "impact": (["impact", *TRAIN, "--folds", "2", "--seeds", "1", "--out", "new"], 4),
    "inject": (["inject", "t.npz", "--defects", "duplicate:0.05", "--out", "new"], 36),
    "apply": (["apply", "run", "--accept-above", "0.2", "--out", "new"], 44),
    "revert": (["revert", "corrected"], 44),
    "export": (["export", "run", "--format", "csv", "--out", "new.csv"], 32),
    "diff": (["diff", "run", "run_b", "--html", "new.html"], 14),
    "merge": (["merge", "ada.json", "bob.json", "--out", "new.json"], 36),
}
CHARTS = ["reliability"]  # of five
ANSWERED = {signal.SIGINT, signal.SIGTERM}
TIMED = ("seconds", "losses")  # what differs between two runs of one command


def forked(arguments, folder, stop=None, seconds=None, at=None):
    """Run a command in a process of its own; send it a signal after some seconds or at a file operation.

    Returns the exit status, negative for a signal, what was printed on stderr, and the file operations.
    """
    counted, told = os.pipe()
    signal.pthread_sigmask(signal.SIG_BLOCK, ANSWERED)  # until the command answers them
    pid = os.fork()
    if not pid:
        status = 1
        try:
            status = _child(arguments, folder, stop, at, told)
        finally:
            os._exit(status)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ANSWERED)
    os.close(told)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(pid, stop)
    with os.fdopen(counted, "rb") as pipe:
        operations = len(pipe.read())
    _, status = os.waitpid(pid, 0)
    status = os.waitstatus_to_exitcode(status)
    return status, (folder / "stderr").read_text(encoding="utf-8"), operations


def _child(arguments, folder, stop, at, told):
    os.setsid()
    os.chdir(folder)
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    sys.argv = ["audit", *arguments]
    answer = entry.answer

    def answer_from_now(*given):
        answer(*given)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ANSWERED)

    entry.answer = answer_from_now
    count = 0

    def counting(event, _):
        nonlocal count
        if event in WATCHED:
            os.write(told, b".")
            count += 1
            if count == at:
                os.kill(os.getpid(), stop)

    sys.addaudithook(counting)
    try:
        main()
    except SystemExit as end:
        return end.code or 0
    return 0


def content(folder):
    """What a command left, without what differs between two runs of it: seconds, and what is hidden."""
    left = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_dir() or "/." in f"/{name}" or name in {"stdout", "stderr"}:
            continue
        if path.suffix == ".npz":
            with np.load(path) as arrays:
                left[name] = {key: arrays[key].tobytes() for key in arrays.files if key not in TIMED}
        elif path.suffix in {".npy", ".csv", ".png"}:
            left[name] = path.read_bytes()
        else:
            left[name] = None  # pages and manifests say how long things took
    return left


def table(folder):
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(3), 20)
    X = rng.normal(size=(60, 4)) + 3 * y[:, None]
    y[:3] = 1
    np.savez(folder / "t.npz", X=X, y=y)


def decisions(folder):
    """Two reviewers' decisions on the first run."""
    from audit.pipeline.run import load_run

    record = load_run(folder / "run").record
    rows = record.suspects.ranking[:3].tolist() or [0]
    for reviewer, action in (("ada", "keep"), ("bob", "drop")):
        write(document(record, dict.fromkeys(rows, action), reviewer), folder / f"{reviewer}.json")


def prepared(folder):
    """The data, two runs and corrected labels."""
    folder.mkdir()
    table(folder)
    detect = ["detect", *TRAIN, "--folds", "2", "--noise", "0.1"]
    done = [
        forked([*detect, "--out", "run"], folder),
        forked([*detect, "--seed", "1", "--out", "run_b"], folder),
        forked(["apply", "run", "--accept-above", "0.2", "--out", "corrected"], folder),
    ]
    assert all(status == 0 for status, _, _ in done), done
    decisions(folder)
    return folder


def import_everything(folder, names):
    """Run commands in this process, so that those that are forked import nothing, and are quick."""
    from audit import cli
    from audit.kinds import classifier
    from audit.report import page

    classifier.TREES = 5
    page.CHARTS = {name: page.CHARTS[name] for name in CHARTS}
    os.fsync = os.fstat  # what is killed is a process, not the machine
    table(folder)
    detect = ["detect", *TRAIN, "--folds", "2", "--noise", "0.1", "--quiet"]
    before = [[*detect, "--out", "run"], [*detect, "--seed", "1", "--out", "run_b"]]
    before.append(["apply", "run", "--accept-above", "0.2", "--out", "corrected"])
    os.chdir(folder)
    for arguments in (*before, *(COMMANDS[name][0] for name in names)):
        if arguments[0] == "merge":
            decisions(folder)
        nowhere = io.StringIO()
        with redirect_stdout(nowhere), redirect_stderr(nowhere), suppress(SystemExit):
            cli.main(arguments)


def wholes(folder, names):
    """What each of these commands leaves, how long it takes, and in how many file operations."""
    whole = {}
    for name in names:
        arguments = COMMANDS[name][0]
        own = folder.parent / f"whole-{name}"
        shutil.copytree(folder, own)
        start = time.monotonic()
        status, stderr, operations = forked(arguments, own)
        assert status == 0, (name, stderr)
        whole[name] = (content(own), time.monotonic() - start, operations)
        shutil.rmtree(own)
    return whole


def stopped(folder, name, whole, rng):
    """Stop a command once and run it again; returns what does not hold, None where all does."""
    arguments = COMMANDS[name][0]
    left, seconds, operations = whole
    stop = rng.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGINT, signal.SIGINT, signal.SIGTERM])
    when = {"at": rng.randint(1, operations)}
    if rng.random() < 0.4:
        when = {"seconds": rng.uniform(0, seconds)}
    own = folder.parent / f"{name}-{rng.random()}"
    shutil.copytree(folder, own)
    status, stderr, _ = forked(arguments, own, stop, **when)
    fault = None
    ended = status == 0 or (status == STATUS[stop] and stderr.count("audit: ") == (stop in LINES))
    if not ended or "Traceback" in stderr or (stop in LINES and status and not stderr.endswith(LINES[stop])):
        fault = f"status {status}: {stderr[-300:]}"
    status, stderr, _ = forked(arguments, own)
    finished = status == 2 and (
        " is not empty; " in stderr or " exists; " in stderr
    )  # an output of the first
    if fault is None and status != 0 and not finished:
        fault = f"again status {status}: {stderr[-300:]}"
    if fault is None and content(own) != left:
        now = content(own)
        fault = f"other content: {[each for each in {**left, **now} if left.get(each) != now.get(each)]}"
    shutil.rmtree(own)
    return fault and {"command": name, "signal": stop.name, **when, "fault": fault}


def stops(name, part):
    """How many stops a command gets: the first quarter of them, or the others."""
    first = COMMANDS[name][1] // 4
    return first if part == "first" else COMMANDS[name][1] - first


def all_stops(folder, part, names):
    """Stop commands at many moments; prints what does not hold, and at last how many stops there were."""
    (folder / "imported").mkdir()
    import_everything(folder / "imported", names)
    gc.freeze()  # so that no forked process collects, and thereby copies, what was imported here
    rng = random.Random(part)  # noqa: S311
    source = prepared(folder / "source")
    whole = wholes(source, names)
    count = 0
    for name in names:
        for _ in range(stops(name, part)):
            count += 1
            if fault := stopped(source, name, whole[name], rng):
                print(json.dumps(fault))
    print(json.dumps({"stops": count}))


if __name__ == "__main__":
    all_stops(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])

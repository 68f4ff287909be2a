"""Processes that tests start: waiting for what they do, and those of a session."""

import time
from pathlib import Path


def until(condition, seconds=60):
    """Wait until something is so; fails after so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def processes_of_session(session):
    """The processes, zombies left out, that belong to this session; none where there is no /proc."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, of = (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[:4]
        except OSError:
            continue  # it ended meanwhile
        if int(of) == session and state != "Z":
            found.add(int(entry.name))
    return found

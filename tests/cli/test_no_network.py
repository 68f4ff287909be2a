"""Nothing asks the network, unless the user names data that is there."""

import os
import subprocess
import sys

import pytest

BLOCKED = """
import socket
class Blocked(socket.socket):
    def __init__(self, family=-1, *arguments, **named):
        if family in (-1, socket.AF_INET, socket.AF_INET6):
            with open({!r}, "a") as marks:
                marks.write("asked ")
            raise OSError("the network is blocked")
        super().__init__(family, *arguments, **named)
socket.socket = Blocked
def refused(*_, **__):
    return Blocked(socket.AF_INET)
socket.getaddrinfo = socket.gethostbyname = socket.create_connection = refused
"""


@pytest.fixture
def blocked(tmp_path):
    """Run Python without a network, in workers too; returns what it left, and whether anything asked."""
    marks = tmp_path / "marks"
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(BLOCKED.format(str(marks)))
    path = os.pathsep.join(filter(None, [str(tmp_path / "site"), os.environ.get("PYTHONPATH")]))

    def run(*arguments):
        command = [sys.executable, *arguments]
        env = {**os.environ, "PYTHONPATH": path}
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
        return done, marks.exists()

    return run


@pytest.mark.parametrize(
    "code",
    [
        "import socket; socket.create_connection(('127.0.0.1', 9))",
        "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9')",
        "import joblib; joblib.Parallel(2)([joblib.delayed(__import__('socket').socket)() for _ in range(2)])",
    ],
)
def test_whoever_asks_the_network_is_noticed(code, blocked):
    done, asked = blocked("-c", code)
    assert asked, done.stderr
    assert done.returncode == 1


@pytest.mark.slow
def test_the_main_job_asks_no_network(blocked):
    small = [
        "digits",
        "--noise",
        "0.1",
        "--limit",
        "300",
        "--epochs",
        "1",
        "--folds",
        "3",
        "--jobs",
        "2",
        "--map",
    ]
    done, asked = blocked("-m", "audit", "detect", *small)
    assert done.returncode == 0, done.stderr
    assert "missing:" not in done.stderr
    assert not asked

"""A folder of data may come from a stranger: nothing in it runs, and nothing asks the network, unless asked to."""

import os
import subprocess
import sys

import numpy as np
import pytest
from conftest import striped_images

FILES = {"audit.toml": 'model = "{}"\n', "pyproject.toml": '[tool.audit]\nmodel = "{}"\n'}
# What Python, joblib and the libraries import when they start, also where it is not installed.
SHADOWED = [
    "abc",
    "codecs",
    "encodings",
    "importlib",
    "json",
    "multiprocessing",
    "os",
    "pickle",
    "random",
    "re",
    "runpy",
    "signal",
    "site",
    "sitecustomize",
    "struct",
    "subprocess",
    "tempfile",
    "threading",
    "types",
    "typing",
    "usercustomize",
    "warnings",
    "audit",
    "cloudpickle",
    "cleanlab",
    "evil",
    "joblib",
    "loky",
    "matplotlib",
    "numpy",
    "pandas",
    "psutil",
    "rich",
    "scipy",
    "sklearn",
    "skorch",
    "torch",
    "triton",
]

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

MARK = """
with open({!r}, "a") as marks:
    marks.write({!r} + " ")
"""


@pytest.fixture
def data(tmp_path):
    """A folder of data whose Python files leave a mark when they are imported."""
    folder = tmp_path / "data"
    folder.mkdir()
    X, y = striped_images(240)
    np.savez(folder / "t.npz", X=X.reshape(240, -1), y=y)
    for name in SHADOWED:
        (folder / f"{name}.py").write_text(MARK.format(str(tmp_path / "marks"), name))
    (folder / "matplotlibrc").write_text("backend: module://evil\ntext.usetex: True\n")
    return folder


@pytest.fixture
def blocked(tmp_path):
    """Run Python in a folder without a network, in workers too; returns what it left, and whether anything asked."""
    asked = tmp_path / "asked"
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(BLOCKED.format(str(asked)))
    path = os.pathsep.join(filter(None, [str(tmp_path / "site"), os.environ.get("PYTHONPATH")]))

    def run(*arguments, cwd=tmp_path):
        command = [sys.executable, *arguments]
        env = {**os.environ, "PYTHONPATH": path}
        done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
        return done, asked.exists()

    return run


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("model", ["evil:build", "json:loads", ":"])
@pytest.mark.parametrize("arguments", [(), ("--dry-run",)])
def test_a_model_that_a_settings_file_names_is_not_imported(
    data, run_audit, tmp_path, name, model, arguments
):
    (data / name).write_text(FILES[name].format(model))
    below = data / "below"
    below.mkdir()
    for folder, table in ((data, "t.npz"), (below, "../t.npz")):
        done = run_audit("detect", table, *arguments, cwd=folder, check=2)
        assert done.stderr == (
            f"audit: {name} asks for the model {model}, which is code that a settings file may not run; if you "
            f"trust it, say so with --model {model} or AUDIT_MODEL\n"
        )
    assert not (tmp_path / "marks").exists()


def test_a_model_that_is_no_code_may_come_from_a_settings_file(data, run_audit):
    (data / "audit.toml").write_text('model = "linear"\n')
    assert "model:           linear" in run_audit("detect", "t.npz", "--dry-run", cwd=data, check=0).stdout


@pytest.mark.parametrize(
    ("module", "said", "env"),
    [
        ("of_the_line", ["--model", "of_the_line:build"], {}),
        ("of_the_environment", [], {"AUDIT_MODEL": "of_the_environment:build"}),
    ],
)
def test_the_command_line_and_the_environment_are_the_users_own_word(
    data, run_audit, tmp_path, monkeypatch, module, said, env
):
    monkeypatch.setattr(sys, "path", sys.path[:])
    mark = MARK.format(str(tmp_path / "marks"), "mine")
    build = "from audit.training.models.tabular import build_linear as build\n"
    (data / f"{module}.py").write_text(mark + build)
    (data / "audit.toml").write_text('model = "evil:build"\n')
    run_audit("detect", "t.npz", "--dry-run", *said, cwd=data, check=0, **env)
    assert (tmp_path / "marks").read_text() == "mine "


@pytest.mark.slow
@pytest.mark.parametrize(
    "of_data",
    [("digits", "--limit", "300", "--epochs", "1"), pytest.param(("t.npz",), marks=pytest.mark.exhaustive)],
)
def test_a_run_imports_nothing_of_the_current_folder_and_asks_no_network(data, blocked, tmp_path, of_data):
    # As the installed one: Python puts the folder of the command first, not the current one.
    command = tmp_path / "bin" / "audit"
    command.parent.mkdir()
    command.write_text("from audit.__main__ import main\nmain()\n")
    arguments = ["--folds", "3", "--jobs", "2", "--out", "run", "--map"]
    done, asked = blocked(command, "detect", *of_data, *arguments, cwd=data)
    assert done.returncode == 0, done.stderr
    assert "missing:" not in done.stderr
    assert not asked
    assert not (tmp_path / "marks").exists()


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

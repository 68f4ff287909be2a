"""What the tests share: small data with a pattern to learn, and the command line as a user runs it."""

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from audit.cli import main
from audit.kinds import classifier
from audit.report import charts

# Nothing is asserted against the clock, not by hypothesis either.
PROFILE = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("audit", max_examples=25, **PROFILE)
settings.register_profile("exhaustive", **PROFILE)
settings.load_profile("audit")

# What a run uses in place of the number of cores. The processes of the tests share the cores already, and a
# worker imports for seconds what it trains with for a moment; tests of workers ask for them with --jobs.
CORES = "LOKY_MAX_CPU_COUNT"
os.environ[CORES] = "1"

# More seeds, examples and moments than the tests have time for; `tox -e exhaustive` runs them.
EXHAUSTIVE = (pytest.mark.slow, pytest.mark.exhaustive)

# Windows has no such signals and no bash, and refuses some names of files and, to most users, links.
posix = pytest.mark.skipif(
    os.name != "posix", reason="needs signals, a shell, links or names as POSIX has them"
)


def striped_images(n, classes=4, side=12, channels=1, seed=0, dtype=np.uint8):
    """Images whose class is the row in which a bright bar lies, so that a small network learns it."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, n)
    X = rng.integers(0, 60, (n, side, side, channels))
    for i, label in enumerate(y):
        top = 1 + label * (side - 2) // classes
        X[i, top : top + 2] += 180
    return X.astype(dtype), y


@pytest.fixture
def run_audit(tmp_path, monkeypatch):
    """Run the command line in a folder of its own; gives its exit status and what it printed.

    In this process, so that nothing is imported anew and workers of the run before are at hand.
    """

    def run(*arguments, check=None, cwd=tmp_path, **env):
        out, err, status = io.StringIO(), io.StringIO(), 0
        with monkeypatch.context() as here, redirect_stdout(out), redirect_stderr(err):
            here.chdir(cwd)
            for name in list(os.environ):
                if name.startswith("AUDIT_"):
                    here.delenv(name)
            for name, value in env.items():
                here.setenv(name, value)
            try:
                main([str(argument) for argument in arguments])
            except SystemExit as end:
                status = end.code
        assert check in {None, status}, err.getvalue()
        return subprocess.CompletedProcess(arguments, status, out.getvalue(), err.getvalue())

    return run


@pytest.fixture
def audit_process(tmp_path):
    """As `run_audit`, in a process of its own and on all cores, as a user's shell does."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("AUDIT_")}
    del env[CORES]

    def run(*arguments, check=None):
        done = subprocess.run(
            [sys.executable, "-m", "audit", *map(str, arguments)],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert check in {None, done.returncode}, done.stderr
        return done

    return run


@pytest.fixture(scope="session", autouse=True)
def small_forests():
    """Forests that tell kinds of suspects apart grow 20 trees in this process; tests/kinds has them whole."""
    with pytest.MonkeyPatch.context() as here:
        here.setattr(classifier, "TREES", 20)
        yield


@pytest.fixture(scope="session", autouse=True)
def nothing_is_flushed():
    """The disk is not waited for: no test cuts the power. A file that is not open fails as it does in fsync."""
    with pytest.MonkeyPatch.context() as here:
        here.setattr(os, "fsync", os.fstat)
        yield


def _shown(figure):
    """The values that a chart shows, as text."""
    return repr(
        [
            (axes.dataLim.get_points().tolist(), [line.get_xydata().tolist() for line in axes.lines])
            for axes in figure.axes
        ]
    )


def _svg_of_values(figure, label):
    return f'<svg class="chart" role="img" aria-label="{label}" viewBox="0 0 1 1"><desc>{_shown(figure)}</desc></svg>'


def _png_of_values(figure):
    return b"\x89PNG\r\n" + _shown(figure).encode()


PICTURES = (charts.to_svg, charts.to_png)


def write_charts(here, to_svg, to_png):
    """Have charts written in this way, by a MonkeyPatch."""
    here.setattr(charts, "to_svg", to_svg)
    here.setattr(charts, "to_png", to_png)


@pytest.fixture(scope="session", autouse=True)
def values_for_pictures():
    """Charts are drawn on every run, but written as their values: a third of a small run is matplotlib's.

    Those who look at them ask for `pictures`; `finished_run` and processes of their own have them too.
    """
    with pytest.MonkeyPatch.context() as here:
        write_charts(here, _svg_of_values, _png_of_values)
        yield


@pytest.fixture(scope="module")
def pictures():
    """Charts are written as pictures."""
    with pytest.MonkeyPatch.context() as here:
        write_charts(here, *PICTURES)
        yield


@pytest.fixture(scope="session", autouse=True)
def few_steps():
    """Networks of this process train as many epochs as they are told to, however few the rows are."""
    from audit.training.models import cnn

    of_users = cnn.LEAST_STEPS
    with pytest.MonkeyPatch.context() as here:
        here.setattr(cnn, "LEAST_STEPS", 1)
        yield of_users


@pytest.fixture
def enough_steps(monkeypatch, few_steps):
    """Networks of this process train on few rows as they do for a user, so that they learn."""
    from audit.training.models import cnn

    monkeypatch.setattr(cnn, "LEAST_STEPS", few_steps)


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory):
    """The folder of one finished run on small colour images with hostile class names and six wrong labels."""
    import audit

    X, y = striped_images(240, channels=3)
    y[:6] = (y[:6] + 1) % 4
    names = np.array(["cat", "</script><img src=x onerror=alert(1)>", 'dog "&" <b>', "Ελλάδα"])
    path = tmp_path_factory.mktemp("run") / "folder"
    with pytest.MonkeyPatch.context() as here:
        write_charts(here, *PICTURES)
        run = audit.detect(X, names[y], noise=0.1, epochs=2, name="<svg onload=alert(2)>", out=path)
    return run, Path(path)

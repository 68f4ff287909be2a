import subprocess
import sys

import pytest
from conftest import striped_images

import audit
from audit.pipeline import ahead, rounds

CODE = """
import sys
from audit.pipeline import ahead
before = set(sys.modules)
missing = [name for name in ahead.SLOW_TO_IMPORT if name not in before]
ahead.import_ahead().join()
assert len(missing) == len(ahead.SLOW_TO_IMPORT), "some are imported with the pipeline"
print(*[name for name in missing if name not in sys.modules])
"""


def test_everything_that_later_steps_need_is_imported():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "\n"), done.stderr


def test_what_cannot_be_imported_is_left_to_the_step_that_needs_it(monkeypatch):
    imported = []

    def import_module(name):
        imported.append(name)
        raise ImportError(name)

    monkeypatch.setattr(ahead, "import_module", import_module)
    thread = ahead.import_ahead()
    thread.join()
    assert tuple(imported) == ahead.SLOW_TO_IMPORT


@pytest.mark.parametrize(("jobs", "expected"), [(1, False), (2, True)])
def test_only_a_process_that_does_not_train_imports_ahead(jobs, expected, monkeypatch):
    begun = []
    monkeypatch.setattr(rounds, "import_ahead", lambda: begun.append(True))
    X, y = striped_images(80)
    audit.detect(X.reshape(80, -1), y, noise=0.1, folds=2, model="linear", preset="fast", jobs=jobs)
    assert begun == [True] * expected

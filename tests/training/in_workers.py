"""What tests have done in workers; they import this and no module of tests, which would take seconds."""

import os
import signal
import tempfile
import time
import warnings
from functools import partial
from pathlib import Path
from uuid import uuid4

import numpy as np


class Flat:
    """A quick classifier that remembers nothing of the rows it was not given."""

    def __init__(self, training):
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import FunctionTransformer

        self.watch = training.watch
        self.model = make_pipeline(
            FunctionTransformer(partial(np.reshape, shape=(-1, 144))), LogisticRegression(max_iter=20)
        )

    def fit(self, X, y):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.model.fit(X / 255, y)
        self.classes_ = self.model.classes_
        self.watch(1.0)

    def predict_proba(self, X):
        return self.model.predict_proba(X / 255)


class Memory:
    """A classifier that is sure of the rows it was trained on and of nothing else."""

    def __init__(self, training):
        self.k = training.k

    def fit(self, X, y):
        self.seen = {x.tobytes() for x in X}
        self.classes_ = np.arange(self.k)

    def predict_proba(self, X):
        return np.array([[1.0, 0.0] if x.tobytes() in self.seen else [0.5, 0.5] for x in X])


class Where(Memory):
    """A classifier whose probabilities say whether this process has trained it."""

    def __init__(self, training, main):
        super().__init__(training)
        self.here = float(os.getpid() == main)

    def predict_proba(self, X):
        return np.tile([self.here, 1 - self.here], (len(X), 1))


KEPT = []


def keeping(megabytes):
    KEPT.append(np.ones(megabytes << 17))
    time.sleep(1.1)  # joblib looks once a second at most
    return os.getpid()


def environment(names):
    """What this process has of these variables."""
    return {name: os.environ[name] for name in names if name in os.environ}


def blocked():
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def leave_mark_and_sleep(folder):
    """Leave a file with the number of this process, and do not end by itself."""
    Path(folder, str(os.getpid())).touch()
    time.sleep(600)


def broken(folder, *_):
    (folder / uuid4().hex).touch()
    raise ValueError("no such net")


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
    from audit.training.models.tabular import build_linear

    built.append(training)
    if len(built) == 2:
        killed_once(mark_of(os.getppid()))
    return build_linear(training)

import numpy as np
import pytest

import audit
from audit.events import Silent
from audit.pipeline import detect
from audit.settings.detect import Config


def test_no_worker_starts_for_a_run_that_is_finished_where_small_classes_are_dropped(tmp_path, monkeypatch):
    """The limit of 42 is not reached by the 40 rows that are kept of 44, so it is not in the folder's name."""
    monkeypatch.chdir(tmp_path)
    y = np.repeat([0, 1, 2, 3, 4, 5], [20, 20, 1, 1, 1, 1])
    np.savez("d.npz", X=np.arange(88.0).reshape(44, 2), y=y)
    (tmp_path / "reports" / "d-symmetric-0.1-s0").mkdir(parents=True)
    audited = []
    monkeypatch.setattr(detect, "audit_into", lambda path, *_: audited.append(path))
    monkeypatch.setattr(detect, "_workers_starting", lambda *_: pytest.fail("workers were started"))
    detect.detect_spec(Config.of("d.npz", limit=42, min_class_size=2), Silent())
    assert [path.name for path in audited] == ["d-symmetric-0.1-s0"]


def test_every_count_of_a_run_ends_with_all_done(tmp_path):
    heard = {}

    class Listener(Silent):
        def counted(self, what, done, total):
            heard.setdefault(what, []).append((done, total))

    rng = np.random.default_rng(0)
    y = np.arange(200) % 4
    X = rng.normal(size=(200, 4)) + 3 * np.eye(4)[y]
    asked = {"model": "linear", "noise": 0.1, "kinds_of": "all", "out": tmp_path / "run"}
    audit.detect(X, y, listener=Listener(), **asked)
    assert set(heard) == {
        "looking for duplicates",
        "comparing detectors",
        "naming the kinds of suspects",
        "drawing the report",
    }
    for counts in heard.values():
        assert counts == sorted(counts)
        assert counts[-1][0] == counts[-1][1]

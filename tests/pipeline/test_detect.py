import numpy as np
import pytest

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

import numpy as np
import pytest
from conftest import striped_images

import audit


def test_public_names_are_there_and_imported_lazily():
    for name in audit.__all__:
        assert getattr(audit, name) is not None
    assert set(dir(audit)) == set(audit.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = audit.nonsense


def test_arrays_in_a_run_out(tmp_path):
    X, y = striped_images(300, channels=3, dtype=np.float32)
    before = X.copy(), y.copy()
    run = audit.detect(np.moveaxis(X, -1, 1), np.array(["a", "b", "c", "d"])[y], noise=0.1, epochs=6)
    assert run.score["changed"] == 30
    assert run.score["f1"]["value"] >= 0.8
    assert (before[0] == X).all()
    assert (y == before[1]).all()
    assert set(run.suspects["id"]) == set(np.flatnonzero(run.record.suspects.is_issue))
    report = run.save(tmp_path / "mine")
    assert report == tmp_path / "mine" / "report.html"
    assert "audit.detect(X, y, noise=0.1, epochs=6)" in report.read_text(encoding="utf-8")


def test_a_run_in_memory_equals_a_run_in_a_folder(tmp_path):
    X, y = striped_images(160)
    memory = audit.detect(X, y, noise=0.2, epochs=2, jobs=1)
    folder = audit.detect(X, y, noise=0.2, epochs=2, out=tmp_path / "run")
    again = audit.detect(X, y, noise=0.2, epochs=2, out=tmp_path / "run")
    for other in (folder, again):
        assert other.record.probs.pred_probs.tobytes() == memory.record.probs.pred_probs.tobytes()
        assert other.issues.equals(memory.issues)


@pytest.mark.parametrize(
    ("noise", "kind"), [(1, "symmetric"), (1, "pair"), (0.001, "symmetric"), (0.5, "pair")]
)
def test_extreme_noise_still_ends_in_a_report(tmp_path, noise, kind):
    X, y = striped_images(150)
    run = audit.detect(X, y, noise=noise, noise_kind=kind, epochs=1, folds=3, out=tmp_path / "run")
    assert (run.score is None) == (round(150 * noise) == 0)
    assert (tmp_path / "run" / "report.html").stat().st_size > 10_000


def test_pixels_beyond_the_network_are_refused_not_guessed():
    X, y = striped_images(60, dtype=np.float64)
    with pytest.raises(audit.DataError, match="probabilities are not finite"):
        audit.detect(X * 1e300, y, epochs=1, folds=2)


def test_a_mistake_is_an_audit_error():
    X, y = striped_images(20)
    with pytest.raises(audit.DataError):
        audit.detect(X, y[:10])
    with pytest.raises(audit.ConfigError):
        audit.detect(X, y, noise=-1)
    with pytest.raises(audit.ConfigError, match="--noise must be a share from 0 to 1, found '10%'"):
        audit.detect(X, y, noise="10%")
    with pytest.raises(audit.ConfigError, match=r"--folds must be a whole number of 2 or more, found 2\.5"):
        audit.detect(X, y, folds=2.5)
    with pytest.raises(audit.ConfigError, match="unknown setting 'nois'"):
        audit.detect(X, y, nois=0.1)

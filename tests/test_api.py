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
    X, y = striped_images(200, channels=3, dtype=np.float32)
    before = X.copy(), y.copy()
    run = audit.detect(np.moveaxis(X, -1, 1), np.array(["a", "b", "c", "d"])[y], noise=0.1, epochs=6, folds=3)
    assert run.score["changed"] == 20
    assert run.score["f1"]["value"] >= 0.8
    assert (before[0] == X).all()
    assert (y == before[1]).all()
    assert set(run.suspects()["id"]) == set(np.flatnonzero(run.record.suspects.is_issue))
    report = run.save(tmp_path / "mine")
    assert report == tmp_path / "mine" / "report.html"
    assert "audit.detect(X, y, noise=0.1, folds=3, epochs=6)" in report.read_text(encoding="utf-8")


def test_a_run_in_memory_equals_a_run_in_a_folder(tmp_path):
    X, y = striped_images(160)
    settings = {"noise": 0.2, "epochs": 1, "folds": 3}
    memory = audit.detect(X, y, **settings, jobs=1)
    folder = audit.detect(X, y, **settings, jobs=2, out=tmp_path / "run")
    again = audit.detect(X, y, **settings, out=tmp_path / "run")
    for other in (folder, again):
        assert other.record.probs.pred_probs.tobytes() == memory.record.probs.pred_probs.tobytes()
        assert other.issues.equals(memory.issues)


@pytest.mark.parametrize(
    ("noise", "kind"), [(1, "symmetric"), (1, "pair"), (0.001, "symmetric"), (0.5, "pair")]
)
def test_extreme_noise_still_ends_in_a_report(tmp_path, noise, kind):
    X, y = striped_images(150)
    features = X.reshape(150, -1)
    run = audit.detect(features, y, noise=noise, noise_kind=kind, folds=3, out=tmp_path / "run")
    assert (run.score is None) == (round(150 * noise) == 0)
    assert (tmp_path / "run" / "report.html").stat().st_size > 10_000


def test_pixels_beyond_the_network_are_refused_not_guessed():
    X, y = striped_images(60, dtype=np.float64)
    with pytest.raises(audit.DataError, match=r"X has the value \S+e\+301 in row 0"):
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
    with pytest.raises(audit.ConfigError, match=r"unknown settings: 'nois' \(did you mean noise\?\)"):
        audit.detect(X, y, nois=0.1)


def tabular(n=240, missing=(), seed=0):
    """Features with a pattern, with class names, and the rows whose label is missing."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n)
    X = rng.normal(size=(n, 4))
    X[:, 1] += 6 * y
    names = np.array(["bas", "mezzo", "высокий"], dtype=object)[y]
    names[list(missing)] = None
    return X, names, y


def test_features_are_audited_and_missing_labels_suggested(tmp_path):
    X, names, y = tabular(missing=[5, 17])
    X[::9, 0] = np.nan
    run = audit.detect(X, names, noise=0.1, out=tmp_path / "run")
    assert run.score["f1"]["value"] > 0.8
    assert run.unlabelled["id"].tolist() == [5, 17]
    assert run.unlabelled["suggested"].tolist() == np.array(["bas", "mezzo", "высокий"])[y[[5, 17]]].tolist()
    assert (tmp_path / "run" / "unlabelled.csv").read_text(encoding="utf-8").startswith("id,suggested,")
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "have no label and were left out. unlabelled.csv suggests a label for each." in page
    assert "feature 1" in page
    again = audit.load_run(tmp_path / "run")
    assert again.issues.equals(run.issues)
    assert again.unlabelled.equals(run.unlabelled)


def test_duplicates_with_different_labels_are_suspects_of_their_own_kind(tmp_path):
    X, names, _ = tabular()
    X[40:43] = X[3]
    names[[3, 40]], names[[41, 42]] = "bas", "mezzo"
    run = audit.detect(X, names, noise=0, out=tmp_path / "run")
    first = run.issues.head(4)
    assert first["list"].tolist() == ["duplicate"] * 4
    assert sorted(first["id"]) == [3, 40, 41, 42]
    assert run.record.scores.conflicting_duplicates == 4
    assert "1 group of duplicates with different labels" in (tmp_path / "run" / "report.html").read_text(
        encoding="utf-8"
    )


def test_any_classifier_is_trained():
    from sklearn.ensemble import RandomForestClassifier

    X, names, _ = tabular()
    forest = RandomForestClassifier(30, random_state=0)
    run = audit.detect(X, names, noise=0.1, model=forest, balance=True)
    assert run.score["f1"]["value"] > 0.8
    assert run.record.config["model"] == "RandomForestClassifier(n_estimators=30, random_state=0)"
    assert not hasattr(forest, "estimators_")  # it was cloned


class Fails:
    """A classifier that cannot be trained."""

    def get_params(self, deep=None):
        return {}

    def fit(self, X, y):
        raise RuntimeError("no\nway")

    def predict_proba(self, X):
        raise NotImplementedError


def test_a_model_that_fails_says_where():
    X, names, _ = tabular()
    with pytest.raises(audit.DataError, match=r"fold \d, examples of shape \(192, 4\): RuntimeError: no"):
        audit.detect(X, names, model=Fails(), jobs=1)


def test_rows_of_weight_zero_are_not_learnt_from():
    X, names, y = tabular(300)
    wrong = names.copy()
    wrong[200:] = np.array(["mezzo", "высокий", "bas"])[y[200:]]
    weights = np.where(np.arange(300) < 200, 1.0, 0.0)
    run = audit.detect(X, wrong, noise=0, sample_weight=weights, rounds=1)
    assert len(set(run.suspects()["id"]) & set(range(200, 300))) >= 95
    for bad in (weights[:10], -weights, weights * np.nan, 0 * weights, weights.astype(str)):
        with pytest.raises(audit.DataError, match="sample_weight"):
            audit.detect(X, wrong, sample_weight=bad)


def test_a_run_shows_itself(tmp_path):
    from matplotlib.figure import Figure

    X, names, _ = tabular()
    run = audit.detect(X, names, noise=0.1, name="<b>mine")
    html = run._repr_html_()
    assert "of 240 labels of &lt;b&gt;mine" in html
    assert "of 24 labels changed on purpose" in html
    assert "&lt;b&gt;mine" in html
    for plot in (run.plot_precision_recall, run.plot_reliability, run.plot_label_quality):
        axes = Figure().subplots()
        assert plot(axes) is axes
        assert axes.has_data()
    assert len(run.suspects(2)) == min(2, len(run.suspects()))
    with pytest.raises(audit.RunError, match="nothing was changed on purpose"):
        audit.detect(X, names, noise=0).plot_reliability()


def test_there_is_no_run_where_there_is_none(tmp_path):
    with pytest.raises(audit.RunError, match="is not a folder, expected a run made by audit detect"):
        audit.load_run(tmp_path / "nowhere")
    with pytest.raises(audit.RunError, match="holds no finished run"):
        audit.load_run(tmp_path)


def test_probabilities_of_ones_own_need_no_training_and_no_examples(tmp_path, run_audit):
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict

    X, _, y = tabular()
    injected = audit.inject(y, 0.1, rng=np.random.default_rng(0))
    given = np.array(["bas", "mezzo", "высокий"])[injected.noisy]
    probs = cross_val_predict(LogisticRegression(), X, given, method="predict_proba")
    run = audit.detect(None, given, pred_probs=probs, out=tmp_path / "run")
    assert run.score is None
    found = run.suspects()["id"].to_numpy()
    assert injected.flipped[found].mean() > 0.8
    assert len(found) > 0.7 * injected.flipped.sum()
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "240 labels without examples" in page
    assert "none: the probabilities were given" in page

    for name, array in (("X", X), ("y", given), ("p", probs), ("moved", probs[:, [1, 2, 0]])):
        np.save(tmp_path / f"{name}.npy", array)
    files = ("--X", "X.npy", "--y", "y.npy", "--pred-probs")
    run_audit("detect", *files, "p.npy", "--limit", 200, "--out", "sample", check=0)
    sample = audit.load_run(tmp_path / "sample")
    assert (sample.record.probs.pred_probs == probs.astype(np.float32)[sample.record.ids]).all()
    wrong = run_audit("detect", *files, "moved.npy", check=2).stderr
    assert "the columns of pred_probs are in another order than the classes" in wrong
    with pytest.raises(audit.DataError, match="X is missing, expected examples to train on"):
        audit.detect(None, given)

    alone = ("detect", "--y", "y.npy", "--pred-probs", "p.npy", "--out", "alone")
    run_audit(*alone, check=0)
    of_files = audit.load_run(tmp_path / "alone")
    assert of_files.suspects().equals(run.suspects())
    assert of_files.record.repeat == "audit detect --noise 0 --y y.npy --pred-probs p.npy"
    assert "reusing the finished run" in run_audit(*alone, check=0).stderr
    run_audit("apply", "alone", "--accept-above", 0.5, check=0)
    corrected = np.load(tmp_path / "corrected" / "y.npy")
    sure = run.suspects()[run.suspects()["p_error"] >= 0.5]
    assert (corrected[sure["id"].to_numpy()] == sure["suggested"].to_numpy()).all()
    assert (corrected != given).sum() == len(sure) > 0

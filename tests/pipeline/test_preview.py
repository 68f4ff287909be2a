import json

import numpy as np
import pytest
from conftest import striped_images
from sklearn.dummy import DummyClassifier

import audit
from audit import datasets
from audit.pipeline import preview
from audit.settings.detect import Config


@pytest.fixture
def images():
    X, y = striped_images(200, side=20, channels=3)
    X[100] = X[0]
    y[100] = (y[0] + 1) % 4
    X[101] = X[1]
    y[101] = y[1]
    return datasets.from_arrays(X, [None if i == 7 else f"class {label}" for i, label in enumerate(y)])


def test_it_says_what_was_understood(images):
    facts = preview.preview(images, Config.of(noise=0.2, folds=4))
    assert facts["shape"] == [199, 20, 20, 3]
    assert facts["examples"] == "images"
    assert sum(facts["classes"].values()) == 199
    assert list(facts["classes"]) == ["class 0", "class 1", "class 2", "class 3"]
    assert (facts["unlabelled"], facts["duplicates"], facts["conflicting_duplicates"]) == (1, 2, 2)
    assert (facts["model"], facts["device"], facts["folds"]) == ("cnn", "cpu", 4)
    assert facts["noise"] == {"kind": "symmetric", "rate": 0.2}
    assert [each["name"] for each in facts["rounds"]] == ["round-1", "round-2"]
    assert facts["seconds"] > 0
    assert facts["bytes"] > 10_000_000
    json.dumps(facts, allow_nan=False)


def test_more_work_is_expected_to_take_longer_and_more_data_more_memory(images):
    once, often = (preview.preview(images, Config.of(repeats=repeats)) for repeats in (1, 50))
    assert often["seconds"] > once["seconds"]


@pytest.mark.parametrize("model", ["linear", "boosting"])
def test_features_have_their_model(model):
    X = np.random.default_rng(0).normal(size=(300, 5))
    facts = preview.preview(datasets.from_arrays(X, np.arange(300) % 3), Config.of(model=model))
    assert (facts["examples"], facts["model"], facts["augment"]) == ("features", model, "none")


def test_the_command_audits_nothing(run_audit, tmp_path):
    done = run_audit("detect", "digits", "--dry-run", "--limit", 500, check=0)
    assert "data:            digits-500: 500 images of 8 × 8 × 1, float64" in done.stdout
    assert "classes:         10: 0 50, 1 51" in done.stdout
    assert "expected:        about " in done.stdout
    assert not (tmp_path / "reports").exists()
    facts = json.loads(run_audit("detect", "wine", "--dry-run", "--json", check=0).stdout)
    assert facts["classes"] == {"class_0": 59, "class_1": 71, "class_2": 48}


def test_the_data_sets_are_listed(run_audit):
    done = run_audit("datasets", check=0)
    for name in (*datasets.BUNDLED, *datasets.FORMS):
        assert name in done.stdout


class Stubborn(DummyClassifier):
    def fit(self, X, y):
        raise ValueError("never")


def test_a_model_that_cannot_be_trained_is_said_in_one_line():
    features = datasets.from_arrays(np.random.default_rng(0).normal(size=(90, 5)), np.arange(90) % 3)
    with pytest.raises(
        audit.DataError,
        match=r"^the model cannot be trained on a sample, examples of shape \(90, 5\): ValueError: never; ",
    ):
        preview.preview(features, Config.of(model=Stubborn()))


def no_classifier(training):
    raise KeyError("depth")


REFUSED = [
    ["--pred-probs", "none.npy"],
    ["--pred-probs", "short.npy"],
    ["--noise-kind", "map", "--noise-map", "0:0:0"],
    ["--noise-kind", "map", "--noise-map", "9:0"],
    ["--noise-kind", "matrix", "--noise-matrix", "none.npy"],
    ["--folds", "99"],
    ["--model", "nowhere:build"],
    ["--model", f"{__name__}:no_classifier"],
    ["--model", "cnn"],
    ["--out", "file"],
    ["--out", "file/below"],
    ["--out", "full"],
    ["--baseline", "none"],
    ["--accepted", "none.csv", "--fail-over", "0.1"],
    ["--fail-under", "0.9", "--noise", "0"],
]


@pytest.mark.parametrize("arguments", REFUSED)
def test_a_dry_run_refuses_what_the_run_refuses_in_the_same_line(arguments, run_audit, tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").touch()
    np.save(tmp_path / "short.npy", np.full((5, 3), 1 / 3))
    dry, real = (run_audit("detect", "wine", *arguments, *end, check=2) for end in (["--dry-run"], ["-q"]))
    assert dry.stderr == real.stderr
    assert dry.stdout == ""


def test_a_dry_run_leaves_nothing_behind(run_audit, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    run_audit("detect", "wine", "--out", "new/run", "--dry-run", check=0)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_a_dry_run_with_probabilities_trains_nothing(run_audit, tmp_path):
    np.save(tmp_path / "p.npy", np.random.default_rng(0).dirichlet(np.ones(3), 178))
    done = run_audit("detect", "wine", "--pred-probs", "p.npy", "--model", "linear", "--dry-run", check=0)
    assert "model:           none: your own probabilities" in done.stdout

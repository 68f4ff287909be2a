import json
import pickle
import subprocess
import sys

import numpy as np
import pytest
from conftest import EXHAUSTIVE
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import audit
from audit.training import models
from audit.types import LabeledDataset, Recipe, Training


def dataset(shape):
    n = shape[0]
    return LabeledDataset(
        "d", np.zeros(shape), np.arange(n) % 2, ("a", "b"), np.arange(n), np.arange(n), "print"
    )


def training(X, k=3, seed=0):
    return Training(X.shape, k, seed, Recipe(epochs=1), 1, "cpu", lambda _: None)


@pytest.mark.parametrize(
    ("shape", "names"),
    [((50, 8, 8, 1), ("cnn",)), ((50, 4), ("linear", "boosting")), ((50, 1000), ("linear", "boosting")), ((50, 1001), ("linear",))],
)  # fmt: skip
def test_auto_stands_for_the_models_that_read_such_examples_in_little_time(shape, names):
    assert models.candidates(dataset(shape)) == names
    assert models.first_choice("auto", dataset(shape)) == names[0]
    assert models.first_choice("ridge", dataset(shape)) == "ridge"


@pytest.mark.parametrize(
    ("shape", "width", "names"),
    [((50, 4), 8, ("ridge", "boosting")), ((50, 8, 8, 1), 8, ("ridge", "boosting", "cnn")), ((50, 8, 8, 1), 1001, ("ridge", "cnn"))],
)  # fmt: skip
def test_auto_stands_for_models_of_embeddings_and_of_what_was_embedded(shape, width, names):
    assert models.candidates(dataset(shape).embedded_as(np.zeros((50, width), np.float32), None)) == names


@pytest.mark.parametrize(
    ("model", "shape", "message"),
    [
        ("forest", (9, 3), "--model 'forest' is not a model; expected auto, cnn, linear, boosting, ridge, text or package.module:build"),
        ("cnn", (9, 3), "--model cnn reads images, found features of shape (9, 3); use linear or boosting"),
        ("nowhere:build", (9, 3), "--model nowhere:build cannot be imported (No module named 'nowhere'); expected package.module:build that this folder has"),
        ("json:build", (9, 3), "--model json:build cannot be imported (module 'json' has no attribute 'build'); expected package.module:build that this folder has"),
        (3, (9, 3), "model of type int has no fit, predict_proba, get_params; expected a scikit-learn classifier, or a name"),
    ],
)  # fmt: skip
def test_models_that_cannot_be_are_refused(model, shape, message):
    with pytest.raises(audit.ConfigError) as caught:
        models.builder(model, dataset(shape))
    assert str(caught.value) == message


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of the empty feature; a run keeps them to itself
@pytest.mark.parametrize("name", ["linear", "boosting"])
def test_features_with_missing_values_are_learnt(name):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 400)
    X = rng.normal(size=(400, 5))
    X[:, 2] += 4 * y
    X[rng.random(X.shape) < 0.1] = np.nan
    X[:, 4] = np.nan  # a feature that nobody filled in
    model = models.builder(name, dataset((400, 5)))(training(X)).fit(X[:300], y[:300])
    assert (model.predict(X[300:]) == y[300:]).mean() > 0.85
    np.testing.assert_allclose(model.predict_proba(X[300:]).sum(axis=1), 1)


@pytest.mark.parametrize("name", ["linear", "boosting"])
def test_rare_classes_are_learnt(name):
    rng = np.random.default_rng(1)
    y = np.repeat(np.arange(40), [1, 2, 3, 50] * 10)
    X = rng.normal(size=(len(y), 6)) + 3 * rng.normal(size=(40, 6))[y]
    model = models.builder(name, dataset(X.shape))(training(X, k=40)).fit(X, y)
    assert list(model.classes_) == list(range(40))


@pytest.mark.parametrize("name", ["linear", "boosting"])
def test_images_are_flattened_for_models_of_features(name):
    rng = np.random.default_rng(0)
    y = np.arange(90) % 3
    X = (rng.integers(0, 50, (90, 8, 8, 1)) + 60 * y[:, None, None, None]).astype(np.uint8)
    model = models.builder(name, dataset((90, 8, 8, 1)))(training(X)).fit(X, y)
    assert (model.predict(X) == y).mean() > 0.9


def test_a_classifier_is_cloned_for_every_fold():
    mine = make_pipeline(StandardScaler(), LogisticRegression(C=0.5))
    build = models.builder(mine, dataset((9, 3)))
    one, two = build(training(np.zeros((9, 3)))), build(training(np.zeros((9, 3))))
    assert one is not two
    assert one is not mine
    assert one[-1].C == 0.5
    assert models.describe(mine) == models.describe(one)
    assert "\n" not in models.describe(mine)


def test_a_builder_of_ones_own_is_found_in_the_folder(tmp_path, monkeypatch):
    (tmp_path / "own_builder.py").write_text(
        "from sklearn.dummy import DummyClassifier\ndef build(training):\n    return DummyClassifier(random_state=training.seed)\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", list(__import__("sys").path))
    model = models.builder("own_builder:build", dataset((9, 3)))(training(np.zeros((9, 3)), seed=7))
    assert model.random_state == 7


IMPORTED = """
import json, pickle, sys
pickle.loads(bytes.fromhex(sys.argv[1]))()
print(json.dumps([name for name in ("torch", "sklearn", "mine") if name in sys.modules]))
"""


@pytest.mark.parametrize(
    ("model", "shape", "imported"),
    [
        ("auto", (50, 8, 8), ["torch", "sklearn"]),
        ("auto", (50, 4), ["sklearn"]),
        ("mine:build", (50, 4), ["mine"]),
        pytest.param("boosting", (50, 8, 8), ["sklearn"], marks=EXHAUSTIVE),
        pytest.param(LogisticRegression(), (50, 4), ["sklearn"], marks=EXHAUSTIVE),
    ],
)
def test_a_worker_imports_what_the_models_need_before_it_is_given_one(tmp_path, model, shape, imported):
    (tmp_path / "mine.py").write_text("def build(training):\n    raise RuntimeError('only imported')\n")
    sent = pickle.dumps(models.importing(model, shape)).hex()
    command = [sys.executable, "-c", IMPORTED, sent]
    worker = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert json.loads(worker.stdout) == imported

"""What the number of cores decides is in the key, or it decides nothing."""

import numpy as np
import pytest
from conftest import CORES, striped_images
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info

from audit import datasets
from audit.noise.options import ConfiguredNoise
from audit.pipeline import request
from audit.settings.detect import Config
from audit.training import cross_validation


def folds_stage(X, y, **settings):
    config = Config.of(**settings)
    dataset = datasets.from_arrays(X, y)
    asked = request.AuditRequest(dataset, config, ConfiguredNoise.of(config), "auto", "")
    return request.stages_of(asked)[1]


@given(cores=st.tuples(st.integers(1, 12), st.integers(1, 12)), folds=st.integers(2, 6))
def test_keys_differ_exactly_where_threads_of_folds_differ(cores, folds):
    images, y = striped_images(24)
    threads, keys = [], []
    with pytest.MonkeyPatch.context() as here:
        for count in cores:
            here.setattr(cross_validation.joblib, "cpu_count", lambda count=count: count)
            threads.append(cross_validation.threads_of_folds(images.shape, folds))
            keys.append(folds_stage(images, y, folds=folds).key)
    assert (threads[0] == threads[1]) == (keys[0] == keys[1])


def test_another_number_of_cores_is_said_and_trained_anew(run_audit, tmp_path):
    images, y = striped_images(48)
    np.savez(tmp_path / "d.npz", X=images, y=y)
    command = ["detect", "d.npz", "--epochs", "1", "--folds", "3", "--model", "linear", "--preset", "fast"]
    command += ["--jobs", "1", "--out", "run"]
    run_audit(*command, check=0, **{CORES: "1"})
    assert "same data, same settings" in run_audit(*command, check=0, **{CORES: "1"}).stderr
    other = run_audit(*command, check=0, **{CORES: "2"})
    assert "folds: threads not given → 1, 1, 2" in other.stderr
    assert "reusing" not in other.stderr


def test_little_data_and_probabilities_of_ones_own_have_one_key_on_all_machines(monkeypatch):
    X, y = np.random.default_rng(0).normal(size=(60, 3)), np.arange(60) % 3
    keys = set()
    for count in (1, 2, 7):
        monkeypatch.setattr(cross_validation.joblib, "cpu_count", lambda count=count: count)
        keys.add(folds_stage(X, y, folds=5).key)
    assert len(keys) == 1


def test_linear_algebra_outside_of_models_has_one_thread():
    from scipy import linalg  # noqa: F401  which has a library of its own

    with cross_validation.one_thread():
        assert {library["num_threads"] for library in threadpool_info()} == {1}


def test_a_fold_has_its_own_threads_inside_of_one_thread():
    from audit.training import model as training_model
    from audit.types import Recipe, Training

    training = Training((2, 2), 2, 0, Recipe(epochs=1, views=1), 2, "cpu", lambda _: None)
    with cross_validation.one_thread(), training_model._guarded(training, "here"):
        assert 2 in {library["num_threads"] for library in threadpool_info()}

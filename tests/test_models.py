import numpy as np
import pytest
import torch
from conftest import striped_images
from sklearn.base import clone

from audit import models
from audit.types import Training


def training(shape, **settings):
    defaults = {"k": 4, "seed": 1, "epochs": 2, "threads": 1, "device": "cpu", "watch": lambda _: None}
    return Training(shape=shape, **{**defaults, **settings})


@pytest.mark.parametrize(
    "shape", [(40, 8, 8, 1), (40, 28, 28, 1), (40, 9, 31, 3), (40, 64, 48, 4), (40, 100, 8, 1)]
)
@pytest.mark.parametrize("dtype", [np.uint8, np.float64, np.bool_, np.int16])
def test_any_image_size_and_type_trains_and_predicts(shape, dtype):
    X = np.random.default_rng(0).integers(0, 2, shape).astype(dtype)
    model = models.build("cnn", training(shape, epochs=1))
    model.fit(X, np.arange(40) % 4)
    probs = model.predict_proba(X)
    assert probs.shape == (40, 4)
    np.testing.assert_allclose(probs.sum(axis=1), 1, atol=1e-5)


def test_it_learns_whatever_the_range_of_the_pixels():
    X, y = striped_images(400)
    for scaled in (X, X / 255, X * 50.0 - 3000):
        model = models.build("cnn", training(X.shape, epochs=8))
        model.fit(scaled, y)
        assert (model.predict_proba(scaled).argmax(axis=1) == y).mean() > 0.95


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not():
    X, y = striped_images(80)

    def probs(seed):
        return models.build("cnn", training(X.shape, seed=seed)).fit(X, y).predict_proba(X).tobytes()

    assert probs(1) == probs(1) != probs(2)


def test_training_leaves_torchs_global_state_alone():
    X, y = striped_images(40)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    threads = torch.get_num_threads()
    models.build("cnn", training(X.shape, threads=threads + 1)).fit(X, y)
    assert torch.get_num_threads() == threads
    assert (torch.rand(3) == expected).all()


def test_every_batch_is_watched_up_to_the_end():
    X, y = striped_images(80)
    shares = []
    models.build("cnn", training(X.shape, watch=shares.append)).fit(X, y)
    assert len(shares) > 4
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_no_training_row_is_hidden_from_the_network():
    X, y = striped_images(80)
    model = models.build("cnn", training(X.shape)).fit(X, y)
    assert model.train_split is None
    assert len(model.history[:, "train_loss"]) == 2
    assert all(sum(b["train_batch_size"] for b in epoch["batches"]) == 80 for epoch in model.history)


def test_it_is_a_scikit_learn_estimator():
    model = models.build("cnn", training((40, 8, 8, 1)))
    assert clone(model).get_params()["seed"] == 1


def test_bfloat16_where_a_device_prefers_it():
    X, y = striped_images(400)
    model = models.build("cnn", training(X.shape, epochs=8)).set_params(module__autocast=True)
    assert (model.fit(X, y).predict_proba(X).argmax(axis=1) == y).mean() > 0.95

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import striped_images
from sklearn.base import clone

from audit.training.models import augmentation, cnn
from audit.training.models.batches import Batches
from audit.training.models.muon import Muon, orthogonalised
from audit.training.pruning import pruned_epoch
from audit.types import Recipe, Training


def training(shape, *, seed=1, threads=1, watch=lambda _: None, epochs=2, **recipe):
    recipe = Recipe(epochs, epochs_fixed=True, **recipe)
    return Training(shape, k=4, seed=seed, recipe=recipe, threads=threads, device="cpu", watch=watch)


SHAPES = [(40, 8, 8, 1), (40, 28, 28, 1), (40, 9, 31, 3), (40, 64, 48, 4), (40, 100, 8, 1)]
DTYPES = [np.uint8, np.float64, np.bool_, np.int16]
RECIPES = [{}, {"wide": True, "augment": "affine", "views": 5}, {"wide": True, "fine": True}]
# Every two of a shape, a type and a recipe meet.
PAIRS = [
    pytest.param(shape, dtype, RECIPES[(i + j) % 3], id=f"{shape[1:]}-{dtype.__name__}-{(i + j) % 3}")
    for i, shape in enumerate(SHAPES)
    for j, dtype in enumerate(DTYPES)
]


@pytest.mark.parametrize(("shape", "dtype", "recipe"), PAIRS)
def test_any_image_size_and_type_trains_and_predicts(shape, dtype, recipe):
    X = np.random.default_rng(0).integers(0, 2, shape).astype(dtype)
    model = cnn.build(training(shape, epochs=1, **recipe))
    model.fit(X, np.arange(40) % 4)
    probs = model.predict_proba(X)
    assert probs.shape == (40, 4)
    np.testing.assert_allclose(probs.sum(axis=1), 1, atol=1e-5)


def test_it_learns_whatever_the_range_of_the_pixels():
    X, y = striped_images(400)
    for scaled in (X, X / 255, X * 50.0 - 3000):
        model = cnn.build(training(X.shape, epochs=8))
        model.fit(scaled, y)
        assert (model.predict_proba(scaled).argmax(axis=1) == y).mean() > 0.95


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not():
    X, y = striped_images(80)

    def probs(seed):
        return cnn.build(training(X.shape, seed=seed)).fit(X, y).predict_proba(X).tobytes()

    assert probs(1) == probs(1) != probs(2)


def test_training_leaves_torchs_global_state_alone():
    X, y = striped_images(40)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    threads = torch.get_num_threads()
    cnn.build(training(X.shape, threads=threads + 1)).fit(X, y)
    assert torch.get_num_threads() == threads
    assert (torch.rand(3) == expected).all()


def test_every_batch_is_watched_up_to_the_end():
    X, y = striped_images(80)
    for prunes in (False, True):
        shares = []
        cnn.build(training(X.shape, watch=shares.append, epochs=3, prunes=prunes)).fit(X, y)
        assert len(shares) > 4
        assert shares == sorted(shares)
        assert shares[-1] == 1


def test_no_training_row_is_hidden_from_the_network():
    X, y = striped_images(80)
    for prunes, later in ((False, 80), (True, pruned_epoch(80).trained)):
        model = cnn.build(training(X.shape, prunes=prunes)).fit(X, y)
        assert model.train_split is None
        assert len(model.history[:, "train_loss"]) == 2
        seen = [sum(batch["train_batch_size"] for batch in epoch["batches"]) for epoch in model.history]
        assert seen == [80, later]


def test_predictions_are_watched_as_part_of_the_work():
    X, y = striped_images(80, side=20)
    shares = []
    task = training(X.shape, watch=shares.append, views=3)
    model = cnn.build(replace(task, predicted=40)).fit(X, y)
    trained = len(shares)
    assert 0.5 < shares[-1] < 1
    model.predict_proba(X[:20])
    model.predict_with_features(X[20:40], lambda features: features)
    assert len(shares) == trained + 2 * 3
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)
    model.predict_proba(X)  # more than was foretold
    assert shares[-1] == 1


def test_it_is_a_scikit_learn_estimator():
    model = cnn.build(training((40, 8, 8, 1)))
    assert clone(model).get_params()["seed"] == 1


@pytest.mark.parametrize(
    ("side", "cells", "widths"), [(64, (5, 2), (48, 32)), (28, (2, 1), (48, 32)), (20, (1, 1), (48, 48))]
)
def test_more_pixels_are_seen_instead_of_more_channels_where_there_are_more(side, cells, widths):
    for fine in (False, True):
        module = cnn.build(training((100, side, side, 1), wide=True, fine=fine)).initialize().module_
        unshuffle, convolution = module.features[:2]
        assert unshuffle.downscale_factor == cells[fine]
        assert convolution.out_channels == widths[fine]


def test_bfloat16_where_a_device_prefers_it():
    X, y = striped_images(400)
    model = cnn.build(training(X.shape, epochs=8)).set_params(module__autocast=True)
    assert (model.fit(X, y).predict_proba(X).argmax(axis=1) == y).mean() > 0.95


@pytest.mark.usefixtures("enough_steps")
def test_few_rows_get_more_epochs_unless_their_number_is_asked_for():
    epochs = {}
    for epochs_fixed in (True, False):
        task = training((40, 8, 8, 1))
        task = replace(task, recipe=Recipe(2, epochs_fixed=epochs_fixed))
        epochs[epochs_fixed] = cnn.build(task).max_epochs
    assert epochs[True] == 2 < epochs[False] <= 20


def test_margins_tell_wrong_labels_from_right_ones_while_training():
    X, y = striped_images(400)
    wrong = np.arange(400) % 10 == 0
    model = cnn.build(training(X.shape, epochs=8)).fit(X, np.where(wrong, (y + 1) % 4, y))
    assert model.margins_.shape == (400,)
    assert np.median(model.margins_[wrong]) < 0 < np.median(model.margins_[~wrong])


def test_views_are_averaged_and_small_images_have_one():
    X = np.random.default_rng(0).integers(0, 256, (40, 28, 28, 1)).astype(np.uint8)
    y = np.arange(40) % 4
    one, three = (cnn.build(training(X.shape, views=views)).fit(X, y) for views in (1, 3))
    moved = [X, np.roll(X, 1, axis=2), np.roll(X, -1, axis=2)]
    moved[1][:, :, 0], moved[2][:, :, -1] = X[:, :, 0], X[:, :, -1]
    expected = np.mean([one.predict_proba(view) for view in moved], axis=0)
    np.testing.assert_allclose(three.predict_proba(X), expected, atol=1e-6)
    assert cnn.build(training((40, 12, 12, 1), views=5)).views == (augmentation.Transform(),)


def test_an_image_and_its_mirror_image_have_the_same_probabilities_where_both_are_trained_on():
    X = np.random.default_rng(0).integers(0, 256, (40, 28, 20, 3)).astype(np.uint8)
    model = cnn.build(training(X.shape, views=3, augment="mirror")).fit(X, np.arange(40) % 4)
    assert model.views[0] == augmentation.Transform()
    mirrored = np.ascontiguousarray(X[:, :, ::-1])
    np.testing.assert_allclose(model.predict_proba(X), model.predict_proba(mirrored), atol=1e-5)
    assert model.may_mirror
    assert not cnn.build(training((40, 12, 12, 1), augment="mirror")).may_mirror


def test_half_of_the_training_images_are_mirrored():
    torch.manual_seed(0)
    images = torch.arange(20).reshape(1, 1, 20, 1).repeat(200, 3, 1, 2)
    mirrored = augmentation.randomly_mirrored(images)
    turned = (mirrored == images.flip(2)).all(dim=(1, 2, 3))
    assert ((mirrored == images).all(dim=(1, 2, 3)) ^ turned).all()
    assert 60 < int(turned.sum()) < 140


def test_turned_views_turn_back():
    X = np.zeros((3, 28, 28, 2), np.uint8)
    X[:, 10:18, 6:22] = np.random.default_rng(0).integers(100, 200, (3, 8, 16, 2))
    half = augmentation.transformed(X, augmentation.Transform(degrees=180), 1)
    np.testing.assert_allclose(half, X[:, ::-1, ::-1], atol=0.01)
    quarter = augmentation.transformed(X, augmentation.Transform(degrees=90), 1)
    np.testing.assert_allclose(quarter, np.rot90(X, axes=(1, 2)), atol=0.01)
    there = augmentation.transformed(X, augmentation.Transform(degrees=7), 1)
    assert there.shape == X.shape
    assert np.abs(there - X).max() > 20
    np.testing.assert_allclose(there.mean(axis=(1, 2, 3)), X.mean(axis=(1, 2, 3)), rtol=0.05)


@pytest.mark.parametrize("augment", ["shift", "affine", "mirror"])
def test_augmented_images_stay_images(augment):
    X, _ = striped_images(30, side=28)
    model = cnn.build(training((30, 28, 28, 1), augment=augment)).initialize()
    seen = []
    model.module_.normalise.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    model.module_.train()(torch.from_numpy(X))
    model.module_.eval()(torch.from_numpy(X))
    trained, tested = (images.permute(0, 2, 3, 1).numpy() for images in seen)
    assert trained.shape == X.shape
    assert X.min() <= trained.min() <= trained.max() <= X.max()
    assert (trained != X).any()
    assert (tested == X).all()


@pytest.mark.parametrize("shape", [(8, 36), (64, 64), (96, 20)])
def test_muon_moves_along_nearly_orthogonal_matrices(shape):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonalised(matrix)) / max(1, shape[0] / shape[1]) ** 0.5
    before = torch.linalg.svdvals(matrix)
    assert values.max() < 1.5
    assert (values.max() / values.min()) < (before.max() / before.min())


def test_muon_moves_kernels_and_adamw_everything_else():
    X, y = striped_images(80)
    model = cnn.build(training(X.shape)).initialize()
    before = {name: value.clone() for name, value in model.module_.named_parameters()}
    model.partial_fit(X, y)
    for name, value in model.module_.named_parameters():
        assert (value != before[name]).any(), name
        state = model.optimizer_.state[value]
        assert ("momentum" in state) == (value.ndim == 4), name
        assert ("exp_avg" in state) == (value.ndim != 4), name


TRAINED = """
import sys
import torch
from audit.training.models.muon import Muon
layer = torch.nn.Conv2d(1, 2, 3)
optimizer = Muon(layer.parameters(), lr=0.01)
optimizer.zero_grad()
layer(torch.ones(1, 1, 4, 4)).sum().backward()
optimizer.step()
print("torch._dynamo" in sys.modules)
"""


def test_a_step_of_the_optimizer_does_not_import_torchs_compiler():
    done = subprocess.run([sys.executable, "-c", TRAINED], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_what_is_not_a_kernel_moves_as_torchs_own_adamw_moves_it():
    rng = torch.Generator().manual_seed(0)
    start = torch.randn(5, 3, generator=rng)
    gradients = torch.randn(4, 5, 3, generator=rng)
    moved = []
    for optimizer in (Muon, torch.optim.AdamW):
        parameter = torch.nn.Parameter(start.clone())
        optimize = optimizer([parameter], lr=0.01)
        for gradient in gradients:
            optimize.zero_grad()
            parameter.grad = gradient.clone()
            optimize.step()
        moved.append(parameter.detach())
    assert torch.equal(*moved)


def test_batches_come_in_order_without_a_recorder():
    class Data:
        X, y = np.arange(10)[:, None], None

    rows = torch.cat([images for images, _ in Batches(Data(), 4, "cpu")])
    assert rows[:, 0].tolist() == list(range(10))


@pytest.mark.parametrize("prunes", [False, True])
def test_a_row_of_weight_zero_teaches_the_network_nothing(prunes):
    X, y = striped_images(300)
    wrong = y.copy()
    wrong[200:] = (y[200:] + 1) % 4
    weights = np.where(np.arange(300) < 200, 1.5, 0.0)
    model = cnn.build(training(X.shape, epochs=8, prunes=prunes)).fit(X, wrong, sample_weight=weights)
    assert (model.predict_proba(X[200:]).argmax(axis=1) == y[200:]).mean() > 0.9
    again = cnn.build(training(X.shape, epochs=8, prunes=prunes)).fit(X, y, sample_weight=weights)
    assert (again.predict_proba(X) == model.predict_proba(X)).all()

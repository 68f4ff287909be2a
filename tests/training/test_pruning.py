"""Which rows the epochs of a network are trained on, and with what weight."""

from dataclasses import replace

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from conftest import striped_images
from hypothesis import given

from audit.settings.training import TrainingSettings
from audit.training import schedule
from audit.training.models import cnn
from audit.training.models.batches import RowDraw
from audit.training.pruning import pruned_epoch, steps
from audit.types import Recipe, Training

losses_of_rows = st.lists(st.floats(0, 10, width=32), min_size=1, max_size=60)


def drawn(losses, seed=0):
    """The draw after an epoch in which rows had these losses, and the rows of the next epoch."""
    torch.manual_seed(seed)
    draw = RowDraw(len(losses), "cpu", prunes=True)
    first = draw.rows_of_epoch()
    assert sorted(first.tolist()) == list(range(len(losses)))
    draw.weighted(torch.tensor(losses)[first], first)
    return draw, draw.rows_of_epoch()


@given(losses_of_rows)
def test_a_later_epoch_has_every_row_that_is_not_learned_and_no_row_twice(losses):
    _, rows = drawn(losses)
    numbers = pruned_epoch(len(losses))
    assert len(set(rows.tolist())) == len(rows) == numbers.trained
    left_out = np.setdiff1d(np.arange(len(losses)), rows.numpy())
    most = np.sort(losses)[: numbers.learned]
    assert all(losses[row] <= most[-1] for row in left_out)


@given(losses_of_rows)
def test_weights_make_up_for_the_rows_that_are_left_out(losses):
    draw, rows = drawn(losses)
    assert draw.weights[rows].sum() == pytest.approx(len(rows), rel=1e-5)
    numbers = pruned_epoch(len(losses))
    light, heavy = draw.weights.min().item(), draw.weights.max().item()
    if numbers.learned:  # the chance of a row, times its weight, is the same for all
        assert heavy * numbers.drawn / numbers.learned == pytest.approx(light, rel=1e-5)
        assert (draw.weights == heavy).sum() in (numbers.learned, len(losses))


def test_the_weighted_loss_of_an_epoch_is_right_on_average():
    losses = np.random.default_rng(0).exponential(size=200).astype(np.float32)
    means = []
    for seed in range(300):
        draw, rows = drawn(losses.tolist(), seed)
        means.append(draw.weighted(torch.tensor(losses)[rows], rows).mean().item())
    error = np.std(means) / np.sqrt(len(means))
    assert error < 0.003
    assert abs(np.mean(means) - losses.mean()) < 4 * error


def test_learned_rows_are_drawn_anew_and_spread_over_the_epoch():
    draw, second = drawn(np.arange(1000.0).tolist())
    draw.weighted(second.float(), second)
    third = draw.rows_of_epoch()
    numbers = pruned_epoch(1000)
    learned = [set(rows.tolist()) & set(range(numbers.learned)) for rows in (second, third)]
    assert len(learned[0]) == len(learned[1]) == numbers.drawn
    assert 0.2 < len(learned[0] & learned[1]) / numbers.drawn < 0.5  # a third of them by chance
    first_half = third[: len(third) // 2] < numbers.learned
    assert 0.25 < first_half.float().mean() < 0.42  # of all, a third


def test_rows_that_an_epoch_left_out_keep_their_loss_for_the_next():
    draw, rows = drawn(np.arange(30.0).tolist())
    draw.weighted(torch.zeros(len(rows)), rows)
    left_out = np.setdiff1d(np.arange(30), rows.numpy())
    assert (draw.losses[left_out] == torch.tensor(left_out, dtype=torch.float32)).all()


def test_an_epoch_has_all_rows_unless_it_prunes():
    torch.manual_seed(0)
    draw = RowDraw(20, "cpu", prunes=False)
    for _ in range(3):
        rows = draw.rows_of_epoch()
        assert sorted(rows.tolist()) == list(range(20))
        assert torch.equal(draw.weighted(torch.ones(20), rows), torch.ones(20))


@given(st.integers(1, 3000), st.integers(1, 30), st.integers(1, 300), st.booleans())
def test_the_steps_of_a_training_are_its_batches(rows, epochs, batch_size, prunes):
    draw = RowDraw(rows, "cpu", prunes=prunes)
    batches = sum(len(draw.rows_of_epoch().split(batch_size)) for _ in range(epochs))
    assert batches == steps(rows, epochs, batch_size, prunes=prunes)


@pytest.mark.parametrize(("rows", "prunes"), [(80, False), (12_800, False), (20_000, True)])
def test_data_that_is_small_for_the_steps_of_a_training_is_not_pruned(enough_steps, rows, prunes):
    training = Training((rows, 28, 28, 1), 10, 0, Recipe(3, prunes=True), 1, "cpu", lambda _: None)
    model = cnn.build(training)
    assert dict(model.callbacks)["margins"].prunes == prunes
    unpruned = cnn.build(replace(training, recipe=Recipe(3)))
    assert model.max_epochs == unpruned.max_epochs


def of_preset(preset, **settings):
    X, _ = striped_images(20)
    return schedule.make_schedule(TrainingSettings(preset=preset, **settings), X)


def test_only_the_default_preset_may_prune_and_only_with_epochs_of_its_own():
    assert of_preset("default").prunes_easy
    assert not of_preset("default", epochs=3).prunes_easy
    assert not of_preset("fast").prunes_easy
    assert not of_preset("thorough").prunes_easy
    assert not any(each.recipe.prunes for each in of_preset("default").rounds())
    assert not of_preset("default").recipe.prunes  # which sweeps and impacts train by


def test_only_a_last_round_without_mirror_images_is_pruned():
    first, last = schedule.Schedule(2, 1, Recipe(6)).rounds()
    assert last.pruned().recipe == Recipe(6, prunes=True)
    assert first.pruned() == first
    assert last.mirrored().pruned() == last.mirrored()

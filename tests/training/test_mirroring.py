from dataclasses import replace

import numpy as np
import pytest
from conftest import EXHAUSTIVE
from hypothesis import given
from hypothesis import strategies as st

from audit.datasets import from_arrays
from audit.events import Silent
from audit.pipeline import rounds
from audit.runs.folder import RunFolder
from audit.runs.folds import FoldCheckpoints
from audit.training import mirroring, schedule
from audit.training.cross_validation import Fitting
from audit.training.models import cnn
from audit.types import FoldResult, Recipe

HELPS, HURTS = "mirror images are trained on, too", "mirror images are left out"


def bars(n, sides, side=20):
    """Images of two classes: a bright bar stands in one of their quarters, that of the class, or mirrored."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, n)
    X = rng.integers(0, 60, (n, side, side, 3))
    for i, label in enumerate(y):
        top, left = (2 + 9 * label, 2 + 12 * rng.integers(2)) if sides else (8, 2 + 12 * label)
        X[i, top : top + 6, left : left + 3] += 180
    return X.astype(np.uint8), y


def result(gains, fold=0):
    rows = np.arange(2)
    probs = np.full((2, 2), 0.5, np.float32)
    found = FoldResult(fold, rows, probs, rows, np.zeros(0, np.float32), (), 0.0, "cpu")
    return replace(found, mirror_gains=None if gains is None else np.asarray(gains, np.float32))


@given(st.lists(st.floats(-1, 1, width=32), max_size=30), st.integers(1, 5))
def test_mirror_images_are_used_only_if_they_surely_help_and_never_both_ways(values, folds):
    of_folds = [result(part, i) for i, part in enumerate(np.array_split(values, folds))]
    helps, line = mirroring.decided(of_folds)
    assert line.startswith(HELPS) == helps
    assert bool(line) == (len(values) > 1)
    assert not helps or np.mean(values) > 0
    assert not (helps and mirroring.decided([result([-x for x in values])])[0])


def test_nothing_is_decided_without_a_measurement():
    assert mirroring.decided([result(None), result(None, 1)]) == (False, "")


def test_only_a_choice_that_is_not_the_users_is_measured():
    shift = Recipe(3)
    assert schedule.may_be_mirrored(schedule.Schedule(2, 1, shift).rounds())
    assert schedule.may_be_mirrored(schedule.Schedule(3, 2, replace(shift, augment="affine")).rounds())
    assert not schedule.may_be_mirrored(schedule.Schedule(1, 1, shift).rounds())
    assert not schedule.may_be_mirrored(schedule.Schedule(2, 1, shift, augment_fixed=True).rounds())
    assert not schedule.may_be_mirrored(schedule.Schedule(2, 1, replace(shift, augment="none")).rounds())


def test_rounds_with_mirror_images_keep_what_the_user_set():
    early, last = (each.mirrored() for each in schedule.Schedule(2, 1, Recipe(6)).rounds())
    assert (early.recipe.epochs, last.recipe.epochs, last.with_effort(4).recipe.epochs) == (2, 8, 32)
    assert last.with_effort(4).recipe.augment == "mirror"
    fixed = Recipe(6, epochs_fixed=True)
    assert schedule.Schedule(1, 1, fixed).rounds()[0].mirrored().recipe.epochs == 6
    by_hand = schedule.Schedule(2, 1, replace(fixed, augment="mirror"), augment_fixed=True).rounds()
    assert {each.recipe.augment for each in by_hand} == {"mirror"}


class Notes(Silent):
    def __init__(self):
        self.lines = []

    def note(self, text):
        self.lines.append(text)


class Remembered:
    """Builds the network, and remembers how images were augmented."""

    def __init__(self):
        self.augments = []

    def __call__(self, training):
        self.augments.append(training.recipe.augment)
        return cnn.build(training)


def trained(X, y, builder, checkpoints=None):
    data = from_arrays(X, y)
    planned = schedule.Schedule(2, 1, Recipe(6, epochs_fixed=True))
    seeds = {"fold_seeds": np.random.SeedSequence(1), "model_seeds": np.random.SeedSequence(2)}
    fitting = Fitting(builder, device="cpu")
    notes = Notes()
    task = rounds.RoundsTask(data, data.labels, planned, fitting, 2, **seeds, jobs=1)
    return rounds.train_rounds(task, checkpoints, notes), notes.lines


@pytest.mark.parametrize(
    ("sides", "second"), [(True, "mirror"), pytest.param(False, "shift", marks=EXHAUSTIVE)]
)
def test_the_second_round_sees_mirror_images_where_they_show_the_same_class(tmp_path, sides, second):
    builder = Remembered()
    with RunFolder.locked(tmp_path / "run") as folder:
        checkpoints = FoldCheckpoints(folder, "key")
        outcome, lines = trained(*bars(400, sides), builder, checkpoints)
        assert builder.augments == ["shift", "shift", second, second]
        (line,) = [line for line in lines if line.startswith("mirror")]
        assert line.startswith(HELPS if sides else HURTS)
        assert line in outcome.notes
        again, lines_again = trained(*bars(400, sides), builder, checkpoints)  # nothing is trained anew
        assert len(builder.augments) == 4
        assert line in lines_again
        (folder.path / "folds/round-2/1.npz").unlink()
        resumed, _ = trained(*bars(400, sides), builder, checkpoints)
        assert builder.augments[4:] == [second]
    for each in (again, resumed):
        assert each.out_of_sample.pred_probs.tobytes() == outcome.out_of_sample.pred_probs.tobytes()

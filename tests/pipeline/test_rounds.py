from dataclasses import replace

import numpy as np
import pytest
from conftest import striped_images
from sklearn.linear_model import LogisticRegression

from audit import detectors
from audit.datasets import from_arrays
from audit.detectors import Evidence
from audit.detectors.label_model import LabelModel
from audit.events import Silent
from audit.noise import inject
from audit.pipeline import rounds
from audit.settings.detect import Config
from audit.training import schedule
from audit.training.cross_validation import Fitting
from audit.training.out_of_sample import combine_folds
from audit.types import Issues, Recipe


class Remembers:
    """Logistic regression, but certain of the label of every row that it was trained on: leaks show as ones."""

    def __init__(self, training):
        self.k = training.k
        self.model = LogisticRegression(max_iter=50)

    def fit(self, X, y):
        self.seen = {x.tobytes(): int(label) for x, label in zip(X, y, strict=True)}
        self.model.fit(X.reshape(len(X), -1) / 255, y)
        self.classes_ = np.arange(self.k)

    def predict_proba(self, X):
        probs = np.zeros((len(X), self.k))
        probs[:, self.model.classes_] = 0.9 * self.model.predict_proba(X.reshape(len(X), -1) / 255)
        probs += 0.1 / self.k
        for row, x in enumerate(X):
            if x.tobytes() in self.seen:
                probs[row] = np.eye(self.k)[self.seen[x.tobytes()]]
        return probs


class Checkpoints:
    """Folds in memory."""

    def __init__(self):
        self.kept = {}

    def load_folds(self, name, folds):
        return [self.kept[name, fold] for fold in range(folds) if (name, fold) in self.kept]

    def save_fold(self, name, result):
        self.kept[name, result.fold] = result


def task(data, given, planned, folds=4, builder=Remembers, **others):
    seeds = {"fold_seeds": np.random.SeedSequence(1), "model_seeds": np.random.SeedSequence(2)}
    return rounds.RoundsTask(
        data, given, planned, Fitting(builder, device="cpu"), folds, **seeds, jobs=1, **others
    )


def trained(planned, checkpoints=None, rate=0.2, **others):
    X, y = striped_images(240)
    data = from_arrays(X, y)
    injected = inject(data.labels, rate, rng=np.random.default_rng(0))
    return injected, rounds.train_rounds(task(data, injected.noisy, planned, **others), checkpoints, Silent())


SCHEDULES = [
    schedule.Schedule(1, 1, Recipe(2)),
    schedule.Schedule(3, 1, Recipe(2)),
    schedule.Schedule(2, 3, Recipe(2)),
]


@pytest.mark.parametrize("planned", SCHEDULES)
def test_no_row_is_ever_scored_by_a_model_that_was_trained_on_it(planned):
    _, outcome = trained(planned)
    assert len(outcome.folds) == 4 * len(planned.rounds())
    for _, result in outcome.folds:
        assert not set(result.rows) & set(result.trained)
        assert result.pred_probs.max() < 0.99  # a remembered row would be certain
    assert outcome.out_of_sample.pred_probs.max() < 0.99
    np.testing.assert_allclose(outcome.out_of_sample.pred_probs.sum(axis=1), 1, atol=1e-5)


def test_a_round_trains_exactly_without_the_suspects_of_the_round_before():
    injected, outcome = trained(schedule.Schedule(2, 2, Recipe(2)))
    by_round = {}
    for name, result in outcome.folds:
        by_round.setdefault(name, []).append(result)
    assert list(by_round) == ["round-1", "round-2-repeat-1", "round-2-repeat-2"]
    first = combine_folds(by_round["round-1"], 240, 4)
    flags = detectors.posterior(Evidence(injected.noisy, first.pred_probs))
    keep = rounds.kept_for_training(flags, injected.noisy, 4)
    assert 0 < (~keep).sum() == 240 - outcome.kept
    assert (injected.flipped & ~keep).sum() > 0.8 * injected.flipped.sum()
    for name in list(by_round)[1:]:
        for result in by_round[name]:
            expected = set(np.flatnonzero(keep)) - set(result.rows)
            assert set(result.trained) == expected


@pytest.mark.parametrize(("rows", "folds", "enough"), [(70_000, 5, 3), (240, 4, 3), (1_000_000, 5, 1)])
def test_an_early_round_of_much_data_is_trained_on_some_folds_only(rows, folds, enough):
    assert schedule.early_train_folds(rows, folds) == enough


def test_every_row_is_trained_on_by_equally_many_models_of_an_early_round(monkeypatch):
    monkeypatch.setattr(schedule, "EARLY_ROWS", 100)
    _, outcome = trained(schedule.Schedule(2, 1, Recipe(2)))
    early = [result for name, result in outcome.folds if name == "round-1"]
    times = np.bincount(np.concatenate([result.trained for result in early]), minlength=240)
    assert (times == 2).all()
    assert outcome.out_of_sample.pred_probs.max() < 0.99


def test_rounds_share_their_folds_and_repeats_do_not():
    _, outcome = trained(schedule.Schedule(2, 2, Recipe(2)))
    rows = {(name, r.fold): tuple(r.rows) for name, r in outcome.folds}
    assert all(rows["round-1", fold] == rows["round-2-repeat-1", fold] for fold in range(4))
    assert any(rows["round-1", fold] != rows["round-2-repeat-2", fold] for fold in range(4))


def test_repeats_are_averaged():
    _, outcome = trained(schedule.Schedule(1, 3, Recipe(2)))
    parts = [
        combine_folds([r for name, r in outcome.folds if name == f"round-1-repeat-{i}"], 240, 4).pred_probs
        for i in (1, 2, 3)
    ]
    np.testing.assert_allclose(outcome.out_of_sample.pred_probs, np.mean(parts, axis=0), atol=1e-6)


@pytest.mark.parametrize("lost", [[("round-1", 2)], [("round-2", 0), ("round-2", 3)], [("round-1", 0)]])
def test_what_is_lost_is_trained_again_to_the_same_bytes(lost):
    checkpoints = Checkpoints()
    _, whole = trained(schedule.Schedule(2, 1, Recipe(2)), checkpoints)
    for key in lost:
        del checkpoints.kept[key]
    _, again = trained(schedule.Schedule(2, 1, Recipe(2)), checkpoints)
    assert again.out_of_sample.pred_probs.tobytes() == whole.out_of_sample.pred_probs.tobytes()
    assert len(checkpoints.kept) == 8


class History(list):
    """As skorch's, as far as losses are read from it."""

    def __getitem__(self, _):
        return list(self)


class Counts(Remembers):
    """Keeps a loss for each epoch that it was told to train."""

    def __init__(self, training):
        super().__init__(training)
        self.history = History([0.0] * training.recipe.epochs)


def epochs_of(recipe):
    _, outcome = trained(schedule.Schedule(2, 1, recipe), builder=Counts)
    return {name: len(result.losses) for name, result in outcome.folds}


@pytest.mark.parametrize(("ambiguity", "epochs"), [(0.01, 6), (0.06, 12), (0.5, 24)])
def test_hard_data_are_trained_on_longer_unless_the_epochs_were_set(monkeypatch, ambiguity, epochs):
    stated = property(lambda model: ambiguity, lambda model, found: None)
    monkeypatch.setattr(LabelModel, "ambiguity", stated, raising=False)
    assert epochs_of(Recipe(6)) == {"round-1": 2, "round-2": epochs}
    assert epochs_of(Recipe(6, epochs_fixed=True)) == {"round-1": 2, "round-2": 6}


class CountsPruned(Counts):
    """Has as many losses as its recipe prunes."""

    def __init__(self, training):
        super().__init__(training)
        self.history = History([0.0] * training.recipe.prunes)


@pytest.mark.parametrize(
    ("ambiguity", "by_preset", "pruned"), [(0.01, True, 1), (0.01, False, 0), (0.04, True, 0)]
)
def test_the_last_round_is_pruned_where_the_round_before_found_the_data_easy(
    monkeypatch, ambiguity, by_preset, pruned
):
    stated = property(lambda model: ambiguity, lambda model, found: None)
    monkeypatch.setattr(LabelModel, "ambiguity", stated, raising=False)
    for number in (1, 2):
        _, outcome = trained(
            schedule.Schedule(number, 1, Recipe(6), prunes_easy=by_preset), builder=CountsPruned
        )
        counts = {name: len(result.losses) for name, result in outcome.folds}
        assert counts == {"round-1": 0, "round-2": pruned} if number == 2 else {"round-1": 0}


WIDE, FINE = Recipe(4, wide=True, augment="affine"), Recipe(8, wide=True, fine=True, augment="shift")


@pytest.mark.parametrize(
    ("recipe", "effort", "by_hand", "expected"),
    [
        (WIDE, 2.4, False, replace(WIDE, epochs=10)),
        (WIDE, 3, False, FINE),
        (WIDE, 3, True, replace(FINE, augment="affine")),
        (replace(WIDE, augment="none"), 3, False, replace(FINE, augment="none")),
        (replace(WIDE, epochs_fixed=True), 3, False, replace(FINE, epochs=4, epochs_fixed=True)),
        (Recipe(4), 3, False, Recipe(12)),
    ],
)
def test_very_hard_images_are_seen_finely_and_only_shifted_unless_told_otherwise(
    recipe, effort, by_hand, expected
):
    first, last = schedule.Schedule(2, 1, recipe, augment_fixed=by_hand).rounds()
    assert last.with_effort(effort).recipe == expected
    assert first.with_effort(effort) == first


@pytest.mark.parametrize(
    ("ambiguity", "enough", "kept"), [(0.06, 240, 240), (0.06, 241, 216), (0.01, 240, 216)]
)
def test_what_may_only_be_hard_stays_in_where_there_is_enough_hard_data(monkeypatch, ambiguity, enough, kept):
    def nothing(evidence):
        issues = detectors.posterior(evidence)
        return replace(issues, is_issue=np.zeros_like(issues.is_issue))

    stated = property(lambda model: ambiguity, lambda model, found: None)
    monkeypatch.setattr(LabelModel, "ambiguity", stated, raising=False)
    monkeypatch.setattr(rounds, "ENOUGH_ROWS", enough)
    monkeypatch.setattr(detectors, "surely_wrong", nothing)
    _, outcome = trained(schedule.Schedule(2, 1, Recipe(2, epochs_fixed=True)), rate=0.1)
    assert outcome.kept == kept


def test_every_class_keeps_rows_to_train_on():
    given = np.repeat([0, 1], [100, 40])
    quality = np.linspace(0, 0.4, 140)
    everything = Issues(np.ones(140, bool), quality, 1 - quality, 1 - given)
    keep = rounds.kept_for_training(everything, given, 2)
    assert np.bincount(given[keep]).tolist() == [5, 2]
    assert keep[[99, 139]].all()  # the least suspect ones


def test_progress_runs_from_nothing_to_all_over_every_round():
    shares = []

    class Listener(Silent):
        def training(self, name, folds, share):
            shares.append((name, share))

    X, y = striped_images(80)
    data = from_arrays(X, y)
    planned = schedule.Schedule(2, 2, Recipe(2, epochs_fixed=True))
    rounds.train_rounds(task(data, data.labels, planned, folds=2), None, Listener())
    values = [share for _, share in shares]
    assert values == sorted(values)
    assert values[-1] == pytest.approx(1)
    assert [name for name, _ in shares if name][-1] == "round-2-repeat-2"


def test_presets_cost_more_in_their_order_and_settings_overrule_them():
    X, _ = striped_images(40)
    cost = [
        sum(each.cost for each in schedule.make_schedule(Config.of(preset=name).training, X).rounds())
        for name in ("fast", "default", "thorough")
    ]
    assert cost == sorted(cost)
    own = schedule.make_schedule(
        Config.of(preset="fast", rounds=3, repeats=2, epochs=7, augment="affine").training, X
    )
    assert (own.n_rounds, own.n_repeats, own.recipe.epochs, own.recipe.augment) == (3, 2, 7, "affine")
    assert own.recipe.epochs_fixed
    assert not schedule.make_schedule(Config().training, X).recipe.epochs_fixed


def test_only_pictures_are_augmented():
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (200, 20, 20, 1)).astype(np.uint8)
    strokes = np.zeros((200, 20, 20, 1), np.uint8)
    for image, at in zip(strokes, rng.integers(2, 14, (200, 2)), strict=True):
        image[at[0] : at[0] + 4, at[1] : at[1] + 4] = 200
    assert schedule.are_pictures(strokes)
    assert not schedule.are_pictures(noise)
    assert not schedule.are_pictures(np.zeros_like(noise))
    assert schedule.make_schedule(Config().training, strokes).recipe.augment == "shift"
    assert schedule.make_schedule(Config().training, noise).recipe.augment == "none"

"""How often and how hard to cross-validate: presets, settings, and the rounds that they come to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from audit.settings.training import TrainingSettings
from audit.types import Examples, Recipe, evenly

EARLY_EPOCHS_DIVISOR = 3  # an early round, which only has to find the suspects, trains a third as long
EARLY_VIEWS_DIVISOR = 2  # and averages half as many views
EARLY_ROWS = 40_000  # each model of an early round is trained on this many rows, once each
FINE_EFFORT = 2.5  # effort from which a wide network sees more pixels instead, and images are not rotated
FINE_EPOCHS_SHARE = 2 / 3  # of the epochs; with finer pixels, more of them teach nothing
WIDE_COST = 2.0  # of an epoch of the wide network, that of the plain one being 1
FINE_COST = 3.5
MIRRORED_EFFORT = 4 / 3  # of a last round with mirror images, which are more to learn from
EARLY_AUGMENT = {"affine": "shift"}  # a short training learns little from turned images
PICTURE_CORRELATION = 0.3  # correlation of neighbouring pixels from which images are pictures
PICTURE_SAMPLE = 500  # images on which that is measured

PRUNING_PRESET = "default"  # fast has no round that tells if data is easy, and thorough is for those who wait
PRESETS = {  # rounds, repeats and the recipe of the last round
    "fast": (1, 1, Recipe(epochs=2, views=3)),
    "default": (2, 1, Recipe(epochs=3, views=3)),
    "thorough": (3, 2, Recipe(epochs=4, wide=True, augment="affine", views=7)),
}


@dataclass(frozen=True)
class Schedule:
    """How often and how hard to cross-validate."""

    n_rounds: int
    n_repeats: int  # of the last round, on other folds; their probabilities are averaged
    recipe: Recipe  # of the last round
    augment_fixed: bool = False  # the augmentation was set by the user
    prunes_easy: bool = False  # whether the last round prunes where the one before found the data easy

    def rounds(self) -> list["Round"]:
        """List the rounds in their order, each repeat of the last one as a round of its own."""
        early = self._early_recipe()
        rounds = [Round(f"round-{number}", early, last=False) for number in range(1, self.n_rounds)]
        for repeat in range(1, self.n_repeats + 1):
            name = f"round-{self.n_rounds}"
            if self.n_repeats > 1:
                name += f"-repeat-{repeat}"
            rounds.append(Round(name, self.recipe, last=True, augment_fixed=self.augment_fixed))
        return rounds

    def _early_recipe(self) -> Recipe:
        """The recipe of the rounds before the last."""
        return replace(
            self.recipe,
            epochs=ceil(self.recipe.epochs / EARLY_EPOCHS_DIVISOR),
            wide=False,
            augment=EARLY_AUGMENT.get(self.recipe.augment, self.recipe.augment),
            views=max(1, self.recipe.views // EARLY_VIEWS_DIVISOR),
        )


@dataclass(frozen=True)
class Round:
    """One cross-validation over all folds."""

    name: str
    recipe: Recipe
    last: bool
    train_folds: int | None = None  # how many of the other folds each model is trained on; all when None
    augment_fixed: bool = False  # the augmentation was set by the user

    def sized(self, rows: int, folds: int, effort: float) -> "Round":
        """Adapt the round to the data: the last one to its effort, an early one to the number of rows."""
        if self.last:
            return self.with_effort(effort)
        enough = early_train_folds(rows, folds)
        if enough == folds - 1:
            return self
        return replace(self, recipe=replace(self.recipe, epochs_fixed=True), train_folds=enough)

    def with_effort(self, effort: float) -> "Round":
        """Train the last round `effort` times as long; leave an early one unchanged."""
        if not self.last:
            return self
        if not (self.recipe.longer(effort).wide and effort >= FINE_EFFORT):
            return replace(self, recipe=self.recipe.longer(effort))
        recipe = replace(self.recipe.longer(effort * FINE_EPOCHS_SHARE), fine=True)
        if not self.augment_fixed and recipe.augment == "affine":
            recipe = replace(recipe, augment="shift")
        return replace(self, recipe=recipe)

    def mirrored(self) -> "Round":
        """Train on mirror images, too, and the last round longer, since they are more to learn from."""
        recipe = replace(self.recipe, augment="mirror")
        if self.last:
            recipe = recipe.longer(MIRRORED_EFFORT)
        return replace(self, recipe=recipe)

    def pruned(self) -> "Round":
        """Let later epochs of the last round leave out learned rows, unless it trains on mirror images."""
        if not self.last or self.recipe.augment == "mirror":
            return self
        return replace(self, recipe=replace(self.recipe, prunes=True))

    @property
    def cost(self) -> float:
        """Its work, in epochs of the plain network."""
        if self.recipe.fine:
            return self.recipe.epochs * FINE_COST
        if self.recipe.wide:
            return self.recipe.epochs * WIDE_COST
        return self.recipe.epochs


def make_schedule(settings: TrainingSettings, X: Examples) -> Schedule:
    """Make the schedule of the preset, overruled by the settings; only pictures are augmented by default."""
    n_rounds, n_repeats, recipe = PRESETS[settings.preset]
    by_default = recipe.augment if X.ndim == 4 and are_pictures(X) else "none"
    recipe = replace(
        recipe,
        epochs=settings.epochs or recipe.epochs,
        epochs_fixed=settings.epochs is not None,
        augment=settings.augment or by_default,
    )
    return Schedule(
        settings.rounds or n_rounds,
        settings.repeats or n_repeats,
        recipe,
        augment_fixed=settings.augment is not None,
        prunes_easy=settings.preset == PRUNING_PRESET and settings.epochs is None,
    )


def may_be_mirrored(rounds: Sequence[Round]) -> bool:
    """Whether a first round is there to find out if mirror images help, and the choice is not the user's."""
    first, last = rounds[0], rounds[-1]
    return not first.last and first.recipe.augment == "shift" and not last.augment_fixed


def early_train_folds(rows: int, folds: int) -> int:
    """The number of folds that hold EARLY_ROWS rows together; at most all but one."""
    return min(folds - 1, ceil(EARLY_ROWS * folds / rows))


def progress_span(rounds: Sequence[Round], index: int, effort: float) -> tuple[float, float]:
    """Where a round begins and ends in the whole work, 0 to 1, if the last ones take this effort."""
    costs = [each.with_effort(effort).cost for each in rounds]
    return sum(costs[:index]) / sum(costs), sum(costs[: index + 1]) / sum(costs)


def are_pictures(images: Examples) -> bool:
    """Whether neighbouring pixels resemble each other, so that a shifted image still shows the same thing."""
    sample = evenly(images, PICTURE_SAMPLE)
    largest = max(1.0, float(sample.max()), -float(sample.min()))  # squares of huge pixels would overflow
    centred = (sample / largest).astype(np.float32)
    centred -= centred.mean(axis=0)
    left = centred[:, :, :-1]
    right = centred[:, :, 1:]
    scale = np.sqrt(_product(left, left) * _product(right, right))
    return bool(scale > 0 and _product(left, right) / scale > PICTURE_CORRELATION)


def _product(a: Examples, b: Examples) -> float:
    """The sum of the products of all pixels of two stacks of images (n, h, w, c)."""
    return float(np.einsum("nhwc,nhwc->n", a, b).sum(dtype=np.float64))

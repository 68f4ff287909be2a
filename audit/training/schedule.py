"""How often and how hard to cross-validate: presets, settings, and the passes that they come to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from audit.settings.training import TrainingSettings
from audit.types import Examples, Recipe, evenly

EARLY = 3  # an early round, which only has to find the suspects, trains a third as long
EARLY_VIEWS = 2  # and averages half as many views
EARLY_ROWS = 40_000  # one look at so many is enough for a model of an early round
VERY_HARD = 2.5  # effort from which a wide network sees more pixels instead, and images are not turned
FINE_EPOCHS = 2 / 3  # of the epochs; seen finely, more of them teach nothing
WIDE_COST, FINE_COST = 2.0, 3.5  # of an epoch, that of the plain network being 1
SMOOTH = 0.3  # correlation of neighbouring pixels from which images are pictures
SMOOTH_ROWS = 500  # images on which that is measured

PRESETS = {  # rounds, repeats and the recipe of the last round
    "fast": (1, 1, Recipe(epochs=2, views=3)),
    "default": (2, 1, Recipe(epochs=3, views=3)),
    "thorough": (3, 2, Recipe(epochs=4, wide=True, augment="affine", views=7)),
}


@dataclass(frozen=True)
class Plan:
    """How often and how hard to cross-validate."""

    rounds: int
    repeats: int  # of the last round, on other folds; their probabilities are averaged
    recipe: Recipe  # of the last round
    moved_as_told: bool = False  # how images are moved was set by hand

    def passes(self) -> list["Pass"]:
        """The cross-validations in their order."""
        epochs, views = ceil(self.recipe.epochs / EARLY), max(1, self.recipe.views // EARLY_VIEWS)
        early = replace(self.recipe, epochs=epochs, wide=False, views=views)
        quick = replace(early, augment="none" if early.augment == "none" else "shift")
        rounds = [Pass(f"round-{number}", quick, last=False) for number in range(1, self.rounds)]
        name = f"round-{self.rounds}"
        return rounds + [
            Pass(
                f"{name}-repeat-{repeat}" if self.repeats > 1 else name,
                self.recipe,
                last=True,
                moved_as_told=self.moved_as_told,
            )
            for repeat in range(1, self.repeats + 1)
        ]


@dataclass(frozen=True)
class Pass:
    """One cross-validation over all folds."""

    name: str
    recipe: Recipe
    last: bool
    others: int | None = None  # of the other folds, how many each model is trained on; all when None
    moved_as_told: bool = False

    def sized(self, rows: int, folds: int, effort: float) -> "Pass":
        """The last pass with so much effort, an early one of much data with one look at enough of it."""
        if self.last:
            return self.with_effort(effort)
        enough = enough_folds(rows, folds)
        if enough == folds - 1:
            return self
        return replace(self, recipe=replace(self.recipe, exactly=True), others=enough)

    def with_effort(self, effort: float) -> "Pass":
        """The last pass, for examples that take so much effort; an early one as it is."""
        if not self.last:
            return self
        recipe = self.recipe.longer(effort)
        if recipe.wide and effort >= VERY_HARD:
            calm = recipe.augment if self.moved_as_told or recipe.augment == "none" else "shift"
            recipe = replace(self.recipe.longer(effort * FINE_EPOCHS), fine=True, augment=calm)
        return replace(self, recipe=recipe)

    @property
    def cost(self) -> float:
        """Its share of the work, in epochs of the plain network."""
        return self.recipe.epochs * (FINE_COST if self.recipe.fine else WIDE_COST if self.recipe.wide else 1)


def plan(settings: TrainingSettings, X: Examples) -> Plan:
    """The preset's plan with what the settings say otherwise; examples that are no pictures are not moved."""
    rounds, repeats, recipe = PRESETS[settings.preset]
    recipe = replace(
        recipe,
        epochs=settings.epochs or recipe.epochs,
        exactly=settings.epochs is not None,
        augment=settings.augment or (recipe.augment if X.ndim == 4 and are_pictures(X) else "none"),
    )
    by_hand = settings.augment is not None
    return Plan(settings.rounds or rounds, settings.repeats or repeats, recipe, moved_as_told=by_hand)


def enough_folds(rows: int, folds: int) -> int:
    """The number of folds that have EARLY_ROWS together, or all but one."""
    return min(folds - 1, ceil(EARLY_ROWS * folds / rows))


def span(passes: Sequence[Pass], number: int, effort: float) -> tuple[float, float]:
    """Where a pass begins and ends in the whole work, 0 to 1, if those after it take as much effort."""
    costs = [each.with_effort(effort).cost for each in passes]
    return sum(costs[:number]) / sum(costs), sum(costs[: number + 1]) / sum(costs)


def are_pictures(images: Examples) -> bool:
    """Whether neighbouring pixels resemble each other, so that a moved image is still the same thing."""
    few = evenly(images, SMOOTH_ROWS)
    most = max(1.0, float(few.max()), -float(few.min()))  # squares of huge pixels would overflow
    some = (few / most).astype(np.float32)
    some -= some.mean(axis=0)
    left, right = some[:, :, :-1], some[:, :, 1:]

    def product(a: Examples, b: Examples) -> float:
        return float(np.einsum("nhwc,nhwc->n", a, b).sum(dtype=np.float64))

    scale = np.sqrt(product(left, left) * product(right, right))
    return bool(scale > 0 and product(left, right) / scale > SMOOTH)

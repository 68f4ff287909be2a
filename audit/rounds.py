"""Several cross-validations in a row: each round trains without the suspects of the round before.

Nothing here knows which labels were changed on purpose; it sees the given labels only.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

import numpy as np

from audit import crossval, detectors
from audit.config import Config
from audit.crossval import Builder
from audit.events import Listener
from audit.types import FoldResult, Images, Issues, LabeledDataset, Labels, Mask, OutOfSample, Recipe

EARLY = 3  # an early round, which only has to find the suspects, trains a third as long
LEAST_KEPT = 0.05  # share of a class's rows that is trained on however many of them are suspects
SMOOTH = 0.3  # correlation of neighbouring pixels from which images are pictures
SMOOTH_ROWS = 500  # images on which that is measured


PRESETS = {  # rounds, repeats and the recipe of the last round
    "fast": (1, 1, Recipe(epochs=2, views=3)),
    "default": (2, 1, Recipe(epochs=3, views=3)),
    "thorough": (2, 1, Recipe(epochs=6, wide=True, augment="affine", views=5)),
}


@dataclass(frozen=True)
class Plan:
    """How often and how hard to cross-validate."""

    rounds: int
    repeats: int  # of the last round, on other folds; their probabilities are averaged
    recipe: Recipe  # of the last round

    def passes(self) -> list["Pass"]:
        """The cross-validations in their order."""
        early = replace(self.recipe, epochs=max(1, self.recipe.epochs // EARLY), wide=False, views=1)
        quick = replace(early, augment="none" if early.augment == "none" else "shift")
        rounds = [Pass(f"round-{number}", quick, last=False) for number in range(1, self.rounds)]
        name = f"round-{self.rounds}"
        return rounds + [
            Pass(f"{name}-repeat-{repeat}" if self.repeats > 1 else name, self.recipe, last=True)
            for repeat in range(1, self.repeats + 1)
        ]


def plan(config: Config, images: Images) -> Plan:
    """The preset's plan with what the settings say otherwise; images that are no pictures are not moved."""
    rounds, repeats, recipe = PRESETS[config.preset]
    recipe = replace(
        recipe,
        epochs=config.epochs or recipe.epochs,
        exactly=config.epochs is not None,
        augment=config.augment or (recipe.augment if are_pictures(images) else "none"),
    )
    return Plan(config.rounds or rounds, config.repeats or repeats, recipe)


@dataclass(frozen=True)
class Pass:
    """One cross-validation over all folds."""

    name: str
    recipe: Recipe
    last: bool

    @property
    def cost(self) -> float:
        """Its share of the work, in epochs of the plain network."""
        return self.recipe.epochs * (2.0 if self.recipe.wide else 1.0)


class Shelf(Protocol):
    """Where finished folds are kept."""

    def load_folds(self, name: str, folds: int) -> list[FoldResult]:
        """The kept folds of the pass of that name."""

    def save_fold(self, name: str, result: FoldResult) -> None:
        """Keep one fold of the pass of that name."""


@dataclass(frozen=True, eq=False)
class Trained:
    """What all passes came to."""

    probs: OutOfSample
    folds: tuple[tuple[str, FoldResult], ...]  # by the name of their pass
    kept: int  # rows that the last round was trained on


def cross_validate(
    dataset: LabeledDataset,
    given: Labels,
    plan: Plan,
    *,
    builder: Builder,
    folds: int,
    splits: np.random.SeedSequence,
    seeds: np.random.SeedSequence,
    device: str,
    jobs: int | None,
    shelf: Shelf | None,
    listener: Listener,
) -> Trained:
    """Out-of-sample probabilities of the last round, whose models never saw a suspect of the one before.

    Free of leaks: a row is always predicted by models that were not trained on it, and whether a row is
    trained on is decided by flags from such predictions, so its own label never decides whether the
    model that scores it was trained on it. Rounds share their folds; repeats draw new ones.

    Parameters
    ----------
    dataset, given
        The images and the labels (n,) to train on, those of the dataset are not read.
    plan
        Rounds, repeats and the recipe of a training.
    builder
        Makes the classifier of a fold.
    folds
        Folds of each cross-validation.
    splits, seeds
        Randomness of the folds and of the models.
    device, jobs
        As `crossval.cross_validate` takes them.
    shelf
        Keeps finished folds, so that a stopped run resumes.
    listener
        Receives the progress.
    """
    groups = crossval.duplicate_groups(dataset.images)
    passes = plan.passes()
    keep = np.ones(len(given), dtype=bool)
    outcomes: list[OutOfSample] = []
    trained: list[tuple[str, FoldResult]] = []
    k = len(dataset.class_names)
    work = zip(passes, _splits(passes, splits), seeds.spawn(len(passes)), _shares(passes), strict=True)
    for each, split, seed, span in work:
        fold = crossval.assign_folds(given, groups, folds, split, dataset.class_names)
        results = shelf.load_folds(each.name, folds) if shelf else []
        if results:
            listener.note(f"{each.name}: reusing {len(results)} of {folds} folds, trained before")
        for result in crossval.cross_validate(
            dataset.images,
            given,
            fold,
            k=k,
            builder=builder,
            seed=seed,
            keep=keep,
            recipe=each.recipe,
            device=device,
            jobs=jobs,
            skip=[result.fold for result in results],
            progress=partial(_pass_on, listener, each.name, span),
        ):
            if shelf:
                shelf.save_fold(each.name, result)
            results.append(result)
        trained += [(each.name, result) for result in sorted(results, key=lambda result: result.fold)]
        outcomes.append(crossval.gather(results, len(given), k))
        if not each.last:
            evidence = detectors.Evidence(given, outcomes[-1].pred_probs)
            keep = kept_for_training(detectors.posterior(evidence), given, k)
    return Trained(_averaged(outcomes, plan.repeats), tuple(trained), int(keep.sum()))


def kept_for_training(issues: Issues, given: Labels, k: int) -> Mask:
    """The rows (n,) that are no suspects, and of every class at least its LEAST_KEPT least suspect rows."""
    keep = ~issues.is_issue
    for label in range(k):
        rows = np.flatnonzero(given == label)
        least = int(np.ceil(LEAST_KEPT * len(rows)))
        if keep[rows].sum() < least:
            keep[rows[np.argsort(-issues.label_quality[rows], kind="stable")[:least]]] = True
    return keep


def are_pictures(images: Images) -> bool:
    """Whether neighbouring pixels resemble each other, so that a moved image is still the same thing."""
    some = images[:: max(1, len(images) // SMOOTH_ROWS)].astype(np.float64)
    some = some / max(1.0, float(np.abs(some).max()))  # squares of huge pixels would overflow
    some -= some.mean(axis=0)
    left, right = some[:, :, :-1].ravel(), some[:, :, 1:].ravel()
    scale = np.sqrt(np.square(left).sum() * np.square(right).sum())
    return bool(scale > 0 and (left * right).sum() / scale > SMOOTH)


def _splits(passes: list[Pass], splits: np.random.SeedSequence) -> list[int]:
    """The seed of each pass's folds: the same for all rounds, another for each further repeat."""
    last = sum(each.last for each in passes)
    states = [int(state) for state in splits.generate_state(last)]
    return [states[0]] * (len(passes) - last) + states


def _shares(passes: list[Pass]) -> Iterator[tuple[float, float]]:
    """Where each pass begins and ends in the whole work, 0 to 1."""
    ends = np.cumsum([each.cost for each in passes]) / sum(each.cost for each in passes)
    yield from zip(np.concatenate([[0.0], ends[:-1]]).tolist(), ends.tolist(), strict=True)


def _pass_on(listener: Listener, name: str, span: tuple[float, float], shares: Sequence[float]) -> None:
    begin, end = span
    listener.training(name, shares, begin + (end - begin) * sum(shares) / len(shares))


def _averaged(outcomes: list[OutOfSample], repeats: int) -> OutOfSample:
    """The mean probabilities of the repeats, the folds of the first, the margins of the first pass of all.

    Every row is trained on in the first pass, so that all margins mean the same.
    """
    last = outcomes[-repeats:]
    mean: Any = np.mean([outcome.pred_probs for outcome in last], axis=0, dtype=np.float32)
    return OutOfSample(pred_probs=mean, fold=last[0].fold, margins=outcomes[0].margins)

"""Rows with known defects: made before the last round, looked at by its models, learnt from by the kinds."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from audit import crossval, features
from audit.kinds import naming, planting
from audit.kinds.evidence import Data
from audit.kinds.reasons import Twins
from audit.types import (
    KINDS,
    Examples,
    FoldResult,
    Issues,
    Kinds,
    LabeledDataset,
    Labels,
    Mask,
    NoisyLabels,
    OutOfSample,
    Planted,
    Rows,
)


def copies(
    dataset: LabeledDataset,
    given: Labels,
    fold: npt.NDArray[np.int64],
    keep: Mask,
    seed: np.random.SeedSequence | None,
) -> Planted | None:
    """Copies with known defects of rows (n,) that may be trained on; None for too few, or without seed."""
    if seed is None:
        return None
    sources = planting.Sources(dataset.X, given, fold, np.flatnonzero(keep), dataset.class_names)
    return planting.plant(sources, np.random.default_rng(seed))


def looked_at(
    X: Examples, probs: OutOfSample, planted: Planted | None, results: Collection[FoldResult]
) -> tuple[OutOfSample, tuple[Planted, OutOfSample] | None]:
    """What is said of all rows and of planted ones, with features of tables too, which need no model."""
    looked = None if planted is None else crossval.gather_planted(results, planted)
    if X.ndim == 2:
        project = features.of_tables(X)
        probs = replace(probs, features=project(X).astype(np.float16))
        if planted is not None and looked is not None:
            looked = replace(looked, features=project(planted.X).astype(np.float16))
    return probs, None if planted is None or looked is None else (planted, looked)


@dataclass(frozen=True, eq=False)
class Judgement:
    """What is known of all rows before their kinds are named."""

    dataset: LabeledDataset
    labels: NoisyLabels
    probs: OutOfSample
    issues: Issues  # of the labels with noise
    suspects: Issues  # of the labels as they came
    groups: Rows  # (n,) the same number for duplicates
    conflicts: Rows  # rows of duplicates with different labels


def named(
    judged: Judgement, looked: tuple[Planted, OutOfSample] | None, *, every: bool, rng: np.random.Generator
) -> tuple[Kinds | None, dict[str, Any] | None]:
    """The kinds of the suspects and of conflicting duplicates, or of every row, and how often they are right.

    None where nothing could be planted: without a model of its own a run cannot look at anything new.
    """
    if looked is None:
        return None, None
    came = judged.labels.true
    data = Data(
        judged.dataset.X,
        judged.labels.given,
        judged.probs,
        ~judged.issues.is_issue,
        judged.dataset.class_names,
    )
    learned = naming.learn(data, *looked, rng)
    if learned is None:
        return None, None
    rows = np.union1d(np.flatnonzero(judged.suspects.is_issue), judged.conflicts)
    rows = np.arange(len(came)) if every else rows
    twins = Twins(judged.conflicts, judged.groups[judged.conflicts], came[judged.conflicts])
    kinds = naming.name(data, rows, came[rows], learned, twins)
    of_suspects = kinds.kind[judged.suspects.is_issue[rows]]
    counts = np.bincount(of_suspects, minlength=len(KINDS)).tolist()
    return kinds, {"suspects": dict(zip(KINDS, counts, strict=True)), **learned.figures}


def only(suspects: Issues, kinds: Kinds | None, wanted: Collection[str]) -> Issues:
    """The suspects of these kinds; all where no kind is known."""
    if kinds is None or set(wanted) == set(KINDS):
        return suspects
    chosen = kinds.rows[np.isin(kinds.kind, [KINDS.index(kind) for kind in wanted])]
    is_issue = np.zeros_like(suspects.is_issue)
    is_issue[chosen] = suspects.is_issue[chosen]
    return replace(suspects, is_issue=is_issue)

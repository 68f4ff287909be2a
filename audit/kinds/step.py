"""Rows with known defects: made of a fold's rows, looked at by its model, learnt from by the kinds."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import ceil
from typing import Any

import numpy as np

from audit.kinds import classifier
from audit.kinds.evidence import Data
from audit.kinds.explanations import Twins
from audit.settings.choices import SYNTHETIC_KINDS
from audit.training import cross_validation, embeddings
from audit.training.out_of_sample import combine_synthetic
from audit.types import (
    KINDS,
    Examples,
    FoldResult,
    Issues,
    Kinds,
    LabeledDataset,
    Labels,
    NoisyLabels,
    OutOfSample,
    Rows,
    Synthetic,
    children,
)

PER_KIND = 500  # rows, of all folds
MOST_BYTES = 1 << 26  # of all synthetic rows


def synthesizer(
    class_names: Sequence[str], seed: np.random.SeedSequence | None, folds: int
) -> cross_validation.Synthesizer | None:
    """Return the function that makes the synthetic rows of a fold; None without a seed."""
    return None if seed is None else partial(_of_fold, class_names, children(seed, folds))


def _of_fold(
    class_names: Sequence[str],
    seeds: Sequence[np.random.SeedSequence],
    X: Examples,
    labels: Labels,
    rows: Rows,
    number: int,
) -> Synthetic | None:
    from audit.kinds.defects.synthetic import Sources, synthesize  # noqa: PLC0415  slow to import; only workers need it

    folds = len(seeds)
    fit = MOST_BYTES // (folds * len(SYNTHETIC_KINDS) * max(1, X[:1].nbytes))
    sources = Sources(X, labels, rows, class_names)
    return synthesize(sources, np.random.default_rng(seeds[number]), min(fit, ceil(PER_KIND / folds)))


def looked_at(
    X: Examples, probs: OutOfSample, results: Sequence[FoldResult]
) -> tuple[OutOfSample, tuple[Synthetic, OutOfSample] | None]:
    """What is said of all rows and of planted ones, with features of tables too, which need no model."""
    asked = combine_synthetic(results)
    if X.ndim == 2:
        project = embeddings.table_projection(X)
        probs = replace(probs, features=project(X).astype(np.float16))
        if asked is not None:
            asked = asked[0], replace(asked[1], features=project(asked[0].X).astype(np.float16))
    return probs, asked


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
    judged: Judgement, looked: tuple[Synthetic, OutOfSample] | None, *, every: bool, rng: np.random.Generator
) -> tuple[Kinds | None, dict[str, Any] | None]:
    """The kinds of the suspects and of conflicting duplicates, or of every row, and how often they are right.

    None where nothing could be planted: without a model of its own a run cannot look at anything new.
    """
    if looked is None:
        return None, None
    came = judged.labels.original
    data = Data(
        judged.dataset.X,
        judged.labels.noisy,
        judged.probs,
        ~judged.issues.is_issue,
        judged.dataset.class_names,
    )
    learned = classifier.learn(data, *looked, rng)
    if learned is None:
        return None, None
    rows = np.union1d(np.flatnonzero(judged.suspects.is_issue), judged.conflicts)
    rows = np.arange(len(came)) if every else rows
    twins = Twins(judged.conflicts, judged.groups[judged.conflicts], came[judged.conflicts])
    kinds = classifier.name(data, rows, came[rows], learned, twins)
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

"""The kinds step of an audit, in the order of its functions.

1. `synthesizer`: in the last round, each fold's worker makes synthetic rows with known defects.
2. `gather_predictions`: the predictions of all folds for these rows are put together.
3. `classify_suspects`: a classifier is fitted to the synthetic rows and predicts the kinds of the suspects.
4. `suspects_of_kinds`: the list is narrowed to the kinds that were asked for.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import ceil

import numpy as np

from audit.detectors.scores import KindFigures
from audit.kinds.classifier import classify, fit_classifier
from audit.kinds.kind_features import ReferenceData
from audit.settings.choices import SYNTHETIC_KINDS
from audit.training import cross_validation, embeddings
from audit.training.out_of_sample import combine_synthetic
from audit.types import (
    KINDS,
    Conflicts,
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

ROWS_AT_ONCE = 2000  # whose kinds are predicted, between two lines of progress
PER_KIND = 500  # synthetic rows of all folds
MOST_BYTES = 1 << 26  # of all synthetic rows


def synthesizer(
    class_names: Sequence[str], seed: np.random.SeedSequence | None, folds: int
) -> cross_validation.Synthesizer | None:
    """Return the function that makes the synthetic rows of a fold; None without a seed."""
    if seed is None:
        return None
    return partial(_synthesize_fold, class_names, children(seed, folds))


def _synthesize_fold(
    class_names: Sequence[str],
    seeds: Sequence[np.random.SeedSequence],
    X: Examples,
    labels: Labels,
    rows: Rows,
    number: int,
) -> Synthetic | None:
    # Slow to import, and only workers need them.
    from audit.kinds.defects.apply import Sources  # noqa: PLC0415
    from audit.kinds.defects.synthetic import synthesize  # noqa: PLC0415

    folds = len(seeds)
    fitting = MOST_BYTES // (folds * len(SYNTHETIC_KINDS) * max(1, X[:1].nbytes))
    per_kind = min(fitting, ceil(PER_KIND / folds))
    sources = Sources(X, labels, rows, class_names)
    return synthesize(sources, np.random.default_rng(seeds[number]), per_kind)


def gather_predictions(
    X: Examples, predictions: OutOfSample, results: Sequence[FoldResult]
) -> tuple[OutOfSample, tuple[Synthetic, OutOfSample] | None]:
    """Return the predictions for all rows, and the synthetic rows of all folds with theirs.

    Rows of a table and texts get features here, since their space needs no model.
    """
    gathered = combine_synthetic(results)
    project = embeddings.projection_of(X)
    if project is None:
        return predictions, gathered
    predictions = replace(predictions, features=embeddings.halved(project(X)))
    if gathered is None:
        return predictions, None
    synthetic, of_synthetic = gathered
    return predictions, (
        synthetic,
        replace(of_synthetic, features=embeddings.halved(project(synthetic.X))),
    )


@dataclass(frozen=True, eq=False)
class AuditedRows:
    """What an audit has found out about all rows before it classifies the suspects."""

    dataset: LabeledDataset
    labels: NoisyLabels
    predictions: OutOfSample
    issues: Issues  # of the noisy labels
    suspects: Issues  # of the original labels
    conflicts: Conflicts  # of the original labels


def classify_suspects(
    audited: AuditedRows,
    synthetic: tuple[Synthetic, OutOfSample] | None,
    *,
    every_row: bool,
    rng: np.random.Generator,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> tuple[Kinds | None, KindFigures | None]:
    """Predict the kinds of suspects and conflicting duplicates, or of every row, and score the classifier.

    Returns None and None without synthetic rows: without a model of its own, a run cannot predict new rows.
    Progress hears how many of the rows are done, and of how many.
    """
    if synthetic is None:
        return None, None
    original = audited.labels.original
    reference = ReferenceData(
        audited.dataset.content,
        audited.labels.noisy,
        audited.predictions,
        ~audited.issues.is_issue,
        audited.dataset.class_names,
    )
    classifier = fit_classifier(reference, *synthetic, rng)
    if classifier is None:
        return None, None
    rows = np.arange(len(original))
    if not every_row:
        rows = np.union1d(np.flatnonzero(audited.suspects.is_issue), audited.conflicts.rows)
    parts = []
    for part in np.split(rows, range(ROWS_AT_ONCE, len(rows), ROWS_AT_ONCE)):
        parts.append(classify(classifier, reference, part, original, audited.conflicts))
        progress(sum(len(each.rows) for each in parts), max(1, len(rows)))
    kinds = Kinds.joined(parts)
    of_suspects = kinds.kind[audited.suspects.is_issue[rows]]
    counts = np.bincount(of_suspects, minlength=len(KINDS)).tolist()
    figures = KindFigures(dict(zip(KINDS, counts, strict=True)), SYNTHETIC_KINDS, classifier.confusion)
    return kinds, figures


def suspects_of_kinds(suspects: Issues, kinds: Kinds | None, wanted: Collection[str]) -> Issues:
    """Keep the suspects of these kinds; all of them where no kinds are known."""
    if kinds is None or set(wanted) == set(KINDS):
        return suspects
    chosen = kinds.rows[np.isin(kinds.kind, [KINDS.index(kind) for kind in wanted])]
    is_issue = np.zeros_like(suspects.is_issue)
    is_issue[chosen] = suspects.is_issue[chosen]
    return replace(suspects, is_issue=is_issue)

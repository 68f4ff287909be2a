"""Judge the labels: what detectors and kinds find in them, and every figure of it."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from audit import detectors, wording
from audit.detectors import calibration, crowdlab
from audit.detectors import votes as by_votes
from audit.detectors.figures import Detections, detector_figures, summarise
from audit.detectors.scores import Scores
from audit.errors import ConfigError
from audit.events import StepTimer, optional
from audit.kinds import step
from audit.pipeline.rounds import Trained
from audit.settings.choices import DEFAULT_DETECTOR, kinds_in
from audit.settings.detect import Config
from audit.training.backends.judging import elsewhere
from audit.types import Conflicts, Issues, Kinds, LabeledDataset, NoisyLabels, Seeds, VoteQuality, Votes
from audit.wording import percent


@dataclass(frozen=True, eq=False)
class Verdicts:
    """What detectors and kinds find in the labels."""

    issues: Issues  # in the noisy labels, with p_error cross-fitted where labels were changed
    suspects: Issues  # in the original labels
    conflicts: Conflicts
    kinds: Kinds | None
    votes: VoteQuality | None  # where several people gave labels
    scores: Scores
    notes: tuple[str, ...] = ()  # what is missing, and why, a line each


def detector_for_noise(config: Config, votes: Votes | None) -> str:
    """The detector whose flags count for flipped labels: with votes on the same rows `votes`, if not another.

    ConfigError when it reads votes and there are none.
    """
    asked = config.detection.detector
    if asked == "votes" and not overlapping(votes):
        raise ConfigError(
            "--detector votes needs rows that several people labelled, found none; give --annotations, or "
            "leave it out"
        )
    if asked == DEFAULT_DETECTOR and overlapping(votes):
        return "votes"
    return asked


def overlapping(votes: Votes | None) -> Votes | None:
    """The votes, where some rows have two or more, so that they say more than the labels do; else None."""
    if votes is None or len(np.unique(votes.rows)) == len(votes.rows):
        return None
    return votes


def vote_notes(dataset: LabeledDataset, labels: NoisyLabels) -> tuple[str, ...]:
    """Lines on what flipped votes come to, and on votes that say no more than the labels."""
    before, after = dataset.votes, labels.votes
    if before is None or after is None:
        return ()
    notes = []
    if overlapping(before) is None:
        notes.append("no row has labels of two people, so that the models alone judge labels and annotators")
    flipped = int((before.labels != after.labels).sum())
    if flipped:
        changed = wording.count(int(labels.flipped.sum()), "label")
        notes.append(
            f"noise: {flipped:,} of {len(before.labels):,} labels of single people flipped, which changes "
            f"{changed} of {len(labels.noisy):,} rows; these are what the score counts"
        )
    return tuple(notes)


def judge(
    dataset: LabeledDataset,
    labels: NoisyLabels,
    trained: Trained,
    config: Config,
    seeds: Seeds,
    timer: StepTimer,
) -> Verdicts:
    """Run every detector on the noisy labels, and the one that the truth calls for on the original labels.

    The suspects are judged by models that were trained without the suspects among the noisy labels, and where
    several people gave labels to the same rows, by these as well. Only
    suspects of the kinds that the settings ask for stay.
    """
    settings = config.detection
    probs = trained.out_of_sample
    with timer("issues"):
        seen = (trained.judged_probs, probs.margins)
        where = elsewhere(trained.judged_probs)
        noisy = detectors.Evidence(labels.noisy, *seen, overlapping(labels.votes), where)
        original = noisy
        if labels.flipped.any() or labels.votes is not dataset.votes:
            original = detectors.Evidence(labels.original, *seen, overlapping(dataset.votes), where)
        used = detector_for_noise(config, dataset.votes)
        issues = detectors.DETECTORS[used](noisy)
        compared = {}
        names = detectors.available(noisy)
        for done, name in enumerate(names, start=1):  # one after the other: issues of all rows are large
            of_detector = issues if name == used else detectors.DETECTORS[name](noisy)
            compared[name] = detector_figures(of_detector, labels)
            timer.listener.counted("comparing detectors", done, len(names))
        truth = detectors.detector_for(settings.truth)
        suspects = detectors.DETECTORS["votes" if original.votes is not None else truth](original)
        conflicts = trained.duplicates.conflicts(labels.original)
    votes = None
    if dataset.votes is not None:
        with timer("issues"):
            p_by_votes = by_votes.posterior(dataset.votes, original.p_true)
            votes = crowdlab.vote_quality(dataset.votes, probs.pred_probs, p_by_votes, probs.unlabelled)
    kinds = None
    kind_figures = None
    notes: list[str] = []
    left_out = detectors.too_many_for(noisy)
    if left_out:
        notes.append(
            f"not compared: {', '.join(left_out)} (they need all probabilities in memory at once, at most "
            f"{detectors.MOST_WHOLE:,})"
        )
    with timer("kinds"), optional("the kinds of suspects", notes.append):
        audited = step.AuditedRows(dataset, labels, probs, issues, suspects, conflicts)
        rng = np.random.default_rng(seeds.kind_classifier(config.training.folds))
        every = settings.kinds_of == "all"
        kinds, kind_figures = step.classify_suspects(
            audited,
            trained.synthetic,
            every_row=every,
            rng=rng,
            progress=partial(timer.listener.counted, "naming the kinds of suspects"),
        )
        suspects = step.suspects_of_kinds(suspects, kinds, kinds_in(settings.kinds))
    with timer("issues"):
        rng = np.random.default_rng(seeds.bootstrap)
        corrected = issues.p_error
        if labels.flipped.any():
            corrected = calibration.cross_fitted(issues.p_error, labels.flipped, rng)
        scores = summarise(
            Detections(
                detector=used,
                issues=issues,
                compared=compared,
                p_changed=detectors.posterior(noisy).p_error,
                suspects=suspects,
                truth=settings.truth,
                curve=detectors.curve_prior(original, settings.truth),
            ),
            labels,
            probs,
            noisy.label_model,
            corrected=corrected,
            requested=config.noise.noise,
        )
        issues = replace(issues, p_error=corrected)
    scores = replace(scores, kinds=kind_figures)
    return Verdicts(issues, suspects, conflicts, kinds, votes, scores, tuple(notes))


def too_weak(scores: Scores, remedy: str) -> tuple[str, ...]:
    """A line with this remedy where the models are too weak to judge; none where they are not."""
    if not scores.is_weak:
        return ()
    agreed = (
        f"the model predicts the label of {percent(scores.agreed, 0)} % of held-out rows, too few to judge by"
    )
    return (
        f"{agreed}: expect many of the {scores.suspects.natural:,} suspects to be labelled right; {remedy}",
    )

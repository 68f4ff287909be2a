"""Judge the labels: what detectors and kinds find in them, and every figure of it."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from audit import detectors, wording
from audit.detectors import calibration, crowdlab
from audit.detectors import votes as by_votes
from audit.detectors.figures import Detections, detector_figures, summarise
from audit.detectors.scores import DetectorFigures, Scores
from audit.errors import ConfigError
from audit.events import Listener, StepTimer, optional
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
    probs = trained.out_of_sample
    truth = config.detection.truth
    with timer("issues"):
        noisy, original = _evidence(dataset, labels, trained)
        used = detector_for_noise(config, dataset.votes)
        issues = detectors.DETECTORS[used](noisy)
        compared = _compared(noisy, labels, used, issues, timer.listener)
        of_truth = "votes" if original.votes is not None else detectors.detector_for(truth)
        suspects = detectors.DETECTORS[of_truth](original)
        conflicts = trained.duplicates.conflicts(labels.original)
        votes = None
        if dataset.votes is not None:
            p_by_votes = by_votes.posterior(dataset.votes, original.p_true)
            votes = crowdlab.vote_quality(dataset.votes, probs.pred_probs, p_by_votes, probs.unlabelled)
    notes = _left_out(noisy)
    kinds = None
    kind_figures = None
    with timer("kinds"), optional("the kinds of suspects", notes.append):
        kinds, kind_figures = step.classify_suspects(
            step.AuditedRows(dataset, labels, probs, issues, suspects, conflicts),
            trained.synthetic,
            every_row=config.detection.kinds_of == "all",
            rng=np.random.default_rng(seeds.kind_classifier(config.training.folds)),
            progress=partial(timer.listener.counted, "naming the kinds of suspects"),
        )
        suspects = step.suspects_of_kinds(suspects, kinds, kinds_in(config.detection.kinds))
    with timer("issues"):
        corrected = issues.p_error
        if labels.flipped.any():
            rng = np.random.default_rng(seeds.bootstrap)
            corrected = calibration.cross_fitted(issues.p_error, labels.flipped, rng)
        detections = Detections(
            detector=used,
            issues=issues,
            compared=compared,
            p_changed=detectors.posterior(noisy).p_error,
            suspects=suspects,
            truth=truth,
            curve=detectors.curve_prior(original, truth),
        )
        scores = summarise(
            detections, labels, probs, noisy.label_model, corrected=corrected, requested=config.noise.noise
        )
    issues = replace(issues, p_error=corrected)
    scores = replace(scores, kinds=kind_figures)
    return Verdicts(issues, suspects, conflicts, kinds, votes, scores, tuple(notes))


def _evidence(
    dataset: LabeledDataset, labels: NoisyLabels, trained: Trained
) -> tuple[detectors.Evidence, detectors.Evidence]:
    """What detectors read of the noisy and of the original labels; the same value where none was changed."""
    probs = trained.judged_probs
    seen = (probs, trained.out_of_sample.margins)
    where = elsewhere(probs)
    noisy = detectors.Evidence(labels.noisy, *seen, overlapping(labels.votes), where)
    if not labels.flipped.any() and labels.votes is dataset.votes:
        return noisy, noisy
    return noisy, detectors.Evidence(labels.original, *seen, overlapping(dataset.votes), where)


def _compared(
    noisy: detectors.Evidence, labels: NoisyLabels, used: str, issues: Issues, listener: Listener
) -> dict[str, DetectorFigures]:
    """The figures of every detector on the noisy labels; the issues of the one that is used are at hand.

    One after the other, because issues of all rows are large.
    """
    compared = {}
    names = detectors.available(noisy)
    for done, name in enumerate(names, start=1):
        of_detector = issues if name == used else detectors.DETECTORS[name](noisy)
        compared[name] = detector_figures(of_detector, labels)
        listener.counted("comparing detectors", done, len(names))
    return compared


def _left_out(evidence: detectors.Evidence) -> list[str]:
    """A line on the detectors that cannot read so much evidence; none where there are none."""
    names = detectors.too_many_for(evidence)
    if not names:
        return []
    line = (
        f"not compared: {', '.join(names)} (they need all probabilities in memory at once, at most "
        f"{detectors.MOST_WHOLE:,})"
    )
    return [line]


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

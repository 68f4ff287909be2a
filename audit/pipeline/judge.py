"""Judge the labels: what detectors and kinds find in them, and every figure of it."""

from dataclasses import dataclass, replace

import numpy as np

from audit import detectors
from audit.detectors import calibration
from audit.detectors.figures import Detections, summarise
from audit.detectors.scores import Scores
from audit.events import StepTimer, optional
from audit.kinds import step
from audit.pipeline.rounds import Trained
from audit.settings.choices import kinds_in
from audit.settings.detect import Config
from audit.types import Conflicts, Issues, Kinds, LabeledDataset, NoisyLabels, Seeds


@dataclass(frozen=True, eq=False)
class Verdicts:
    """What detectors and kinds find in the labels."""

    issues: Issues  # in the noisy labels, with p_error cross-fitted where labels were changed
    suspects: Issues  # in the original labels
    conflicts: Conflicts
    kinds: Kinds | None
    scores: Scores
    notes: tuple[str, ...] = ()  # what is missing, and why, a line each


def judge(
    dataset: LabeledDataset,
    labels: NoisyLabels,
    trained: Trained,
    config: Config,
    seeds: Seeds,
    timer: StepTimer,
) -> Verdicts:
    """Run every detector on the noisy labels, and the one that the truth calls for on the original labels.

    The suspects are judged by models that were trained without the suspects among the noisy labels. Only
    suspects of the kinds that the settings ask for stay.
    """
    settings = config.detection
    probs = trained.out_of_sample
    with timer("issues"):
        noisy = detectors.Evidence(labels.noisy, probs.pred_probs, probs.margins)
        original = detectors.Evidence(labels.original, probs.pred_probs, probs.margins)
        by_detector = {name: detectors.DETECTORS[name](noisy) for name in detectors.available(noisy)}
        issues = by_detector[settings.detector]
        suspects = detectors.DETECTORS[detectors.detector_for(settings.truth)](original)
        conflicts = trained.duplicates.conflicts(labels.original)
    kinds = None
    kind_figures = None
    notes: list[str] = []
    with timer("kinds"), optional("the kinds of suspects", notes.append):
        audited = step.AuditedRows(dataset, labels, probs, issues, suspects, conflicts)
        rng = np.random.default_rng(seeds.kind_classifier(config.training.folds))
        every = settings.kinds_of == "all"
        kinds, kind_figures = step.classify_suspects(audited, trained.synthetic, every_row=every, rng=rng)
        suspects = step.suspects_of_kinds(suspects, kinds, kinds_in(settings.kinds))
    with timer("issues"):
        rng = np.random.default_rng(seeds.bootstrap)
        corrected = issues.p_error
        if labels.flipped.any():
            corrected = calibration.cross_fitted(issues.p_error, labels.flipped, rng)
        scores = summarise(
            Detections(
                by_detector,
                settings.detector,
                suspects,
                settings.truth,
                detectors.curve_prior(original, settings.truth),
            ),
            labels,
            probs,
            noisy.label_model,
            corrected=corrected,
            requested=config.noise.noise,
        )
        issues = replace(issues, p_error=corrected)
    scores = replace(scores, kinds=kind_figures)
    return Verdicts(issues, suspects, conflicts, kinds, scores, tuple(notes))

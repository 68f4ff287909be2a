"""What detectors and kinds say of the labels, and every figure of it."""

from dataclasses import dataclass, replace

import numpy as np

from audit import detectors
from audit.detectors import calibration
from audit.detectors.figures import Detections, LabelModels, summarise
from audit.detectors.scores import KindFigures, Scores
from audit.events import StepTimer
from audit.kinds import step
from audit.pipeline.rounds import Trained
from audit.settings.choices import kinds_in
from audit.settings.detect import Config
from audit.types import Conflicts, Issues, Kinds, LabeledDataset, NoisyLabels, Seeds


@dataclass(frozen=True, eq=False)
class Judged:
    """What is said of the labels."""

    issues: Issues  # of the labels that the models were trained on
    suspects: Issues  # of the labels as they came
    conflicts: Conflicts
    kinds: Kinds | None
    scores: Scores


def judge(
    dataset: LabeledDataset,
    labels: NoisyLabels,
    trained: Trained,
    config: Config,
    seeds: Seeds,
    timer: StepTimer,
) -> Judged:
    """Run every detector on the labels with noise, and the one that the truth calls for on those that came.

    The suspects are judged by models that were trained without the suspects among the noisy labels. Only
    those of the kinds that the settings ask for stay.
    """
    probs = trained.out_of_sample
    with timer("issues"):
        noisy = detectors.Evidence(labels.noisy, probs.pred_probs, probs.margins)
        came = detectors.Evidence(labels.original, probs.pred_probs, probs.margins)
        found = {name: detectors.DETECTORS[name](noisy) for name in detectors.available(noisy)}
        issues = found[config.detection.detector]
        suspects = detectors.DETECTORS[detectors.of_truth(config.detection.truth)](came)
        conflicts = trained.duplicates.conflicts(labels.original)
    with timer("kinds"):
        known = step.Judgement(
            dataset, labels, probs, issues, suspects, trained.duplicates.groups, conflicts.rows
        )
        rng = np.random.default_rng(seeds.kind_classifier(config.training.folds))
        kinds, figures = step.named(
            known, trained.synthetic, every=config.detection.kinds_of == "all", rng=rng
        )
        suspects = step.only(suspects, kinds, kinds_in(config.detection.kinds))
    with timer("issues"):
        rng = np.random.default_rng(seeds.bootstrap)
        corrected = issues.p_error
        if labels.flipped.any():
            corrected = calibration.cross_fitted(issues.p_error, labels.flipped, rng)
        scores = summarise(
            Detections(found, config.detection.detector, suspects, config.detection.truth),
            labels,
            probs,
            LabelModels(noisy.belief, came.belief),
            corrected=corrected,
            requested=config.noise.noise,
            rng=rng,
        )
        issues = replace(issues, p_error=corrected)
    if figures is not None:
        scores = replace(scores, kinds=KindFigures.from_json(figures))
    return Judged(issues, suspects, conflicts, kinds, scores)

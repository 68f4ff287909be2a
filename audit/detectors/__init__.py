"""Which given labels are wrong: functions `(Evidence) -> Issues`, by name.

All of them read the same out-of-sample predicted probabilities. «Wrong» has two meanings, and a detector
serves one of them: in the sense of `process` a label is wrong when something changed it, in that of
`consensus` when most careful people would give another. cleanlab is imported only here, when a detector runs.
"""

import warnings
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from audit.detectors import pred_probs as probabilities
from audit.detectors import rules
from audit.detectors.evidence import Evidence
from audit.detectors.posterior import consensus, deconvolution, posterior, surely_wrong
from audit.detectors.rules import combined
from audit.errors import ConfigError
from audit.settings.choices import DEFAULT_TRUTH
from audit.types import Issues

__all__ = [
    "DETECTORS",
    "TRUTHS",
    "Evidence",
    "available",
    "detector",
    "find_issues",
    "posterior",
    "surely_wrong",
]

Detector = Callable[[Evidence], Issues]

DETECTORS: dict[str, Detector] = {
    "posterior": posterior,
    "deconvolution": deconvolution,
    "consensus": consensus,
    "combined": combined,
    "margins": rules.margins,
    "self-confidence": rules.self_confidence,
    "normalized-margin": rules.normalized_margin,
    "entropy": rules.entropy,
    "given-differs": rules.given_differs,
    "cleanlab": rules.prune_by_noise_rate,
    "cleanlab-class": rules.prune_by_class,
    "cleanlab-both": rules.both,
    "cleanlab-confident": rules.confident_learning,
    "cleanlab-margin": rules.low_normalized_margin,
    "cleanlab-confidence": rules.low_self_confidence,
}
TRUTHS = {"process": "posterior", "consensus": "consensus"}  # what «wrong» means → who decides then


def detector(name: str) -> Detector:
    """The detector of that name; ConfigError when there is none."""
    if name not in DETECTORS:
        raise ConfigError(f"--detector must be one of {', '.join(DETECTORS)}, found {name!r}")
    return DETECTORS[name]


def of_truth(truth: str) -> str:
    """The name of the detector that serves this meaning of «wrong»; ConfigError when it is unknown."""
    if truth not in TRUTHS:
        raise ConfigError(f"--truth must be one of {', '.join(TRUTHS)}, found {truth!r}")
    return TRUTHS[truth]


def available(evidence: Evidence) -> list[str]:
    """The names of the detectors that this evidence suffices for."""
    return [name for name in DETECTORS if name != "margins" or evidence.margins is not None]


def find_issues(
    labels: npt.ArrayLike,
    pred_probs: npt.ArrayLike,
    *,
    truth: str = DEFAULT_TRUTH,
    detector: str | None = None,
) -> Issues:
    """Which labels are wrong, from anybody's out-of-sample predicted probabilities.

    Parameters
    ----------
    labels
        (n,) integers 0..k-1, as given.
    pred_probs
        (n, k) probabilities of each class by models that were not trained on the row.
    truth
        What «wrong» means: `process`, something changed the label without asking whether the example is
        hard (slips, mixed-up rows, injected noise); or `consensus`, most careful people would give another
        label (annotators' errors).
    detector
        A name in DETECTORS; the one that serves `truth` when not given.

    Returns
    -------
    Issues
        is_issue, label_quality, p_error and suggested, each (n,); ranking has the flagged rows, worst first.

    Raises
    ------
    DataError
        When the arrays do not fit each other, or hold no labels and no probabilities.
    ConfigError
        When there is no such truth or detector.
    """
    ready = probabilities.checked(labels, pred_probs)
    for note in ready.notes:
        warnings.warn(note, stacklevel=2)
    evidence = Evidence(np.asarray(labels).astype(np.int64), ready.pred_probs)
    name = of_truth(truth) if detector is None else detector
    if name == "margins":
        raise ConfigError("detector 'margins' reads the training; use one that probabilities suffice for")
    return _named(name)(evidence)


_named = detector  # find_issues has a parameter of that name

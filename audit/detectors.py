"""Which given labels are wrong: functions `(labels (n,), pred_probs (n, k)) -> Issues`.

All of them read the same out-of-sample predicted probabilities. cleanlab is imported only when one
of them runs.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from audit.errors import ConfigError
from audit.types import Floats, Issues, Labels, Mask, Probs

Detector = Callable[[Labels, Probs], Issues]

TEMPERATURES = (0.1, 2.0)  # the search range; below one sharpens
TEMPERATURE_ROWS = 20_000  # rows that the temperature is fitted on
TINY = 1e-12


def given_differs(labels: Labels, pred_probs: Probs) -> Issues:
    """Flag a row when the most probable class is not its given label."""
    return _by_self_confidence(labels, pred_probs, pred_probs.argmax(axis=1) != labels)


def self_confidence(labels: Labels, pred_probs: Probs) -> Issues:
    """Flag the rows of lowest self-confidence, as many as the confident joint estimates to be wrong.

    Self-confidence is the predicted probability of the given label; the count is n times the
    off-diagonal mass of cleanlab's calibrated joint (Northcutt, Jiang and Chuang 2021, section 3.1).
    """
    count = round(len(labels) * float(1 - np.trace(estimate_joint(labels, pred_probs))))
    is_issue = np.zeros(len(labels), dtype=bool)
    is_issue[np.argsort(_of_given(labels, pred_probs), kind="stable")[:count]] = True
    return _by_self_confidence(labels, pred_probs, is_issue)


def cleanlab_rule(labels: Labels, pred_probs: Probs) -> Issues:
    """Flag what cleanlab's `find_label_issues` flags with its default rule, prune by noise rate."""
    from cleanlab.filter import find_label_issues  # noqa: PLC0415  slow to import

    # One job: at this size cleanlab's processes cost more than they save.
    is_issue = find_label_issues(labels, pred_probs, n_jobs=1)
    return _by_self_confidence(labels, pred_probs, np.asarray(is_issue, dtype=bool))


def posterior(labels: Labels, pred_probs: Probs) -> Issues:
    """Flag a row when its given label is wrong with probability above one half, knowing where labels go.

    With T[i, j] = p(given = j | true = i) and c(x) the belief about the true class,

        p(true | given, x)  ∝  c(x)[true] · T[true, given],    p_error = 1 − p(true = given | given, x).

    T comes from cleanlab's calibrated confident joint. c is the predicted probabilities raised to
    1 / temperature and normalised; the temperature maximises the likelihood of the given labels
    under c · T, because a network trained on noisy labels predicts the given label, not the true one.

    Returns
    -------
    Issues
        label_quality is p(true = given | given, x); the suggestion is the most probable other class.
    """
    T = transition_matrix(estimate_joint(labels, pred_probs))
    log_probs = np.log(np.maximum(pred_probs, TINY, dtype=np.float64))
    belief = _sharpened(log_probs, fit_temperature(labels, log_probs, T))
    joint = belief * T[:, labels].T
    after = joint / np.maximum(joint.sum(axis=1, keepdims=True), TINY)
    quality = _of_given(labels, after)
    return Issues(
        is_issue=quality < 0.5,
        label_quality=quality,
        p_error=1 - quality,
        suggested=_best_other(labels, after),
    )


DETECTORS: dict[str, Detector] = {
    "posterior": posterior,
    "cleanlab": cleanlab_rule,
    "self-confidence": self_confidence,
    "given-differs": given_differs,
}


def detector(name: str) -> Detector:
    """The detector of that name; ConfigError when there is none."""
    if name not in DETECTORS:
        raise ConfigError(f"--detector must be one of {', '.join(DETECTORS)}, found {name!r}")
    return DETECTORS[name]


def estimate_joint(labels: Labels, pred_probs: Probs) -> Floats:
    """The calibrated joint distribution of given (rows) and true (columns) labels, (k, k), by cleanlab."""
    from cleanlab.count import estimate_joint as cleanlab_joint  # noqa: PLC0415  slow to import

    joint: Floats = np.asarray(cleanlab_joint(labels, pred_probs), dtype=np.float64)
    return joint


def transition_matrix(joint: Floats) -> Floats:
    """T[i, j] = p(given = j | true = i) from the joint of given (rows) and true (columns) labels."""
    true_given = joint.T
    T: Floats = true_given / np.maximum(true_given.sum(axis=1, keepdims=True), TINY)
    return T


def fit_temperature(labels: Labels, log_probs: Floats, T: Floats) -> float:
    """The temperature that makes the given labels most likely, with c = softmax(log_probs / temperature).

    Fitted on evenly spaced rows, at most TEMPERATURE_ROWS of them.
    """
    from scipy.optimize import minimize_scalar  # noqa: PLC0415  slow to import

    step = -(-len(labels) // TEMPERATURE_ROWS)
    some_labels, some_logs = labels[::step], log_probs[::step]

    def surprise(log_temperature: float) -> float:
        belief = _sharpened(some_logs, np.exp(log_temperature))
        return -float(np.log(np.maximum(_of_given(some_labels, belief @ T), TINY)).mean())

    low, high = np.log(TEMPERATURES)
    return float(np.exp(minimize_scalar(surprise, bounds=(low, high), method="bounded").x))


def _sharpened(log_probs: Floats, temperature: float) -> Floats:
    scaled = log_probs / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _by_self_confidence(labels: Labels, pred_probs: Probs, is_issue: Mask) -> Issues:
    quality = _of_given(labels, pred_probs).astype(np.float64)
    return Issues(
        is_issue=is_issue,
        label_quality=quality,
        p_error=1 - quality,
        suggested=_best_other(labels, pred_probs),
    )


def _of_given(labels: Labels, probs: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return probs[np.arange(len(labels)), labels]


def _best_other(labels: Labels, probs: npt.NDArray[Any]) -> Labels:
    """The most probable class that is not the given one."""
    others = probs.copy()
    others[np.arange(len(labels)), labels] = -1
    return np.asarray(others.argmax(axis=1), dtype=np.int64)

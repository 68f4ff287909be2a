from dataclasses import replace

import numpy as np
import pytest

from audit.datasets import from_arrays
from audit.detectors import calibration
from audit.detectors.pred_probs import Ready
from audit.events import Silent, StepTimer
from audit.noise import inject
from audit.pipeline import judge, rounds
from audit.settings.detect import Config
from audit.types import Seeds


def verdicts(n=2000, k=4, rate=0.2, seed=0, signal=3):
    """Noisy labels, and what is found of them in probabilities that models elsewhere would give."""
    rng = np.random.default_rng(seed)
    original = rng.integers(0, k, n)
    powers = np.exp(rng.normal(size=(n, k)) + signal * np.eye(k)[original])
    probs = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    config = Config.of(noise=rate)
    dataset = from_arrays(rng.normal(size=(n, 5)), original, split=None, name="made", config=config)
    labels = inject(original, rate, rng=rng)
    trained = rounds.Trained.from_pred_probs(Ready(probs), dataset, Silent())
    return labels, judge.judge(dataset, labels, trained, config, Seeds.of(seed), StepTimer(Silent()))


def test_the_calibration_figures_are_those_of_the_p_error_that_the_issues_hold():
    labels, found = verdicts()
    bins = calibration.reliability(found.issues.p_error, labels.flipped)
    figures = found.scores.to_json()["calibration"]["cross_fitted"]
    assert figures["bins"] == [each.to_json() for each in bins]
    assert figures["expected_calibration_error"] == calibration.expected_calibration_error(bins)


def test_without_injected_noise_p_error_is_as_the_detector_stated_it():
    labels, found = verdicts(rate=0.0)
    assert not labels.flipped.any()
    assert found.scores.calibration is None
    assert found.issues.p_error == pytest.approx(1 - found.issues.label_quality)


def test_a_model_is_weak_where_more_rows_than_one_in_twenty_are_false_suspects():
    _, found = verdicts(n=1000, rate=0.1, signal=1)
    scores = found.scores
    false = scores.suspects.natural - scores.suspects.expected[-1].errors.value
    assert false > 50
    (line,) = judge.too_weak(scores, "try --embed or another --model")
    assert line.startswith(
        f"the model predicts the label of {100 * scores.accuracy.true:.0f} % of held-out rows, too few"
    )
    assert f"expect many of the {scores.suspects.natural} suspects to be labelled right" in line
    assert line.endswith("; try --embed or another --model")
    (of_the_user,) = judge.too_weak(scores, "try those of a better model")
    assert of_the_user.endswith("; try those of a better model")
    at_the_line = replace(scores, rows=int(false * 20) + 1)
    assert judge.too_weak(at_the_line, "try --embed or another --model") == ()


def test_a_strong_model_is_not_called_weak_and_no_suspects_are_none_too_many():
    _, found = verdicts(n=1000, rate=0.1, signal=6)
    assert judge.too_weak(found.scores, "try --embed or another --model") == ()
    none = replace(found.scores.suspects, natural=0, expected=())
    assert judge.too_weak(replace(found.scores, suspects=none), "try --embed or another --model") == ()
    assert found.scores.accuracy.true == found.scores.agreed

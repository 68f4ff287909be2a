"""The curve of p_error: its laws, and whether its intervals hold what they promise."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from audit.detectors.error_curve import DOUBT, KNOTS, CurvePrior, doubt_of, worth_flagging
from audit.detectors.scores import SuspectFigures

PRIOR = CurvePrior(level=-0.7, level_sd=1.0, log_slope=-0.3, log_slope_sd=0.4)

# What `curve_prior` can return, and somewhat more.
priors = st.builds(
    CurvePrior,
    level=st.floats(-1.8, 2.2),
    level_sd=st.floats(0.2, 1),
    log_slope=st.floats(-1.3, 0.15),
    log_slope_sd=st.floats(0.1, 0.4),
)
log_odds = st.floats(-14, 14)
doubts = arrays(np.float64, st.integers(1, 60), elements=log_odds)
decided = arrays(np.float64, st.integers(1, 8), elements=log_odds).flatmap(
    lambda doubt: st.tuples(st.just(doubt), arrays(np.bool_, len(doubt)))
)
few = settings(max_examples=25)


@few
@given(priors, doubts)
def test_p_error_is_a_probability_that_rises_with_doubt(prior, doubt):
    p_error = prior.curve.p_error(np.sort(doubt))
    assert ((p_error >= 0) & (p_error <= 1)).all()
    assert (np.diff(p_error) >= 0).all()


@few
@given(priors, doubts, doubts, st.integers(0, 5))
def test_the_expected_errors_lie_in_their_interval_and_are_no_more_than_the_rows(prior, doubt, more, known):
    curve = prior.curve
    expected = curve.expected(doubt, known)
    assert known <= expected.low <= expected.value <= expected.high <= known + len(doubt)
    of_more = curve.expected(np.concatenate([doubt, more]), known)
    assert of_more.value > expected.value
    assert of_more.high >= expected.high - 1e-6


def test_no_rows_have_no_errors_beside_those_that_are_known():
    expected = PRIOR.curve.expected(np.zeros(0), known=3)
    assert (expected.low, expected.value, expected.high) == (3, 3, 3)


@few
@given(priors, arrays(np.float64, st.integers(1, 8), elements=st.floats(0, 11)), st.sampled_from([-1, 1]))
def test_errors_found_raise_p_error_and_right_labels_lower_it(prior, distance, side):
    """On their side of DOUBT everywhere: there p_error rises with the level, and with the slope or its opposite."""
    curve = prior.curve
    doubt = DOUBT + side * distance
    there = KNOTS[side * (KNOTS - DOUBT) >= 0.05]
    wrong = np.ones(len(doubt), dtype=bool)
    before = curve.p_error(there)
    assert (curve.updated(doubt, wrong).p_error(there) >= before - 1e-9).all()
    assert (curve.updated(doubt, ~wrong).p_error(there) <= before + 1e-9).all()


@few
@given(priors, decided, st.randoms())
def test_the_order_of_decisions_does_not_matter(prior, decisions, random):
    doubt, wrong = decisions
    order = np.array(random.sample(range(len(doubt)), len(doubt)), dtype=int)
    plain = prior.curve.updated(doubt, wrong)
    moved = prior.curve.updated(doubt[order], wrong[order])
    np.testing.assert_allclose(moved.weight, plain.weight, atol=1e-9)


@few
@given(priors, decided, st.integers(0, 12))
def test_decisions_may_come_in_two_parts(prior, decisions, first):
    doubt, wrong = decisions
    at_once = prior.curve.updated(doubt, wrong)
    in_parts = prior.curve.updated(doubt[:first], wrong[:first]).updated(doubt[first:], wrong[first:])
    np.testing.assert_allclose(in_parts.weight, at_once.weight, atol=1e-9)


@pytest.mark.parametrize("decisions", [0, 30])
def test_the_interval_of_the_expected_errors_covers(decisions):
    rng = np.random.default_rng(decisions)
    held = 0
    draws = 300
    for _ in range(draws):
        doubt = rng.normal(2.2, 2.0, 400)
        level = rng.normal(PRIOR.level, PRIOR.level_sd)
        slope = np.exp(rng.normal(PRIOR.log_slope, PRIOR.log_slope_sd))
        wrong = rng.random(len(doubt)) < 1 / (1 + np.exp(-(level + slope * (doubt - DOUBT))))
        curve = PRIOR.curve.updated(doubt[:decisions], wrong[:decisions])
        known = int(wrong[:decisions].sum())
        expected = curve.expected(doubt[decisions:], known)
        held += expected.low <= wrong.sum() <= expected.high
    assert held >= 0.9 * draws


def test_decisions_narrow_the_interval():
    rng = np.random.default_rng(0)
    doubt = rng.normal(2.2, 2.0, 400)
    wrong = rng.random(len(doubt)) < PRIOR.curve.p_error(doubt)
    before = PRIOR.curve.expected(doubt)
    after = PRIOR.curve.updated(doubt[:60], wrong[:60]).expected(doubt[60:], int(wrong[:60].sum()))
    assert after.high - after.low < (before.high - before.low) / 2


def expected_f1(p_error, flagged):
    """The F1 with the numbers of hits and of errors at their means."""
    return 2 * p_error[flagged].sum() / (flagged.sum() + p_error.sum())


@given(arrays(np.float64, st.integers(1, 7), elements=st.floats(0.01, 0.99)))
@settings(max_examples=40)
def test_what_is_worth_flagging_is_the_best_of_all_choices(p_error):
    chosen = worth_flagging(p_error)
    choices = itertools.product([False, True], repeat=len(p_error))
    best = max(expected_f1(p_error, np.array(choice)) for choice in choices)
    assert expected_f1(p_error, chosen) == pytest.approx(best)


@given(arrays(np.bool_, st.integers(0, 60)))
def test_where_all_is_sure_the_errors_are_flagged(wrong):
    p_error = np.where(wrong, 1 - 1e-6, 1e-6)
    if wrong.any():
        assert (worth_flagging(p_error) == (p_error > 0.5)).all()
    assert not worth_flagging(np.zeros(len(wrong))).any()


@given(arrays(np.float64, st.integers(1, 20), elements=st.floats(0, 1)))
def test_doubt_is_the_log_odds_against_the_label_and_finite(quality):
    doubt = doubt_of(quality)
    assert np.isfinite(doubt).all()
    inside = (quality > 1e-5) & (quality < 1 - 1e-5)
    np.testing.assert_allclose(1 / (1 + np.exp(doubt[inside])), quality[inside], rtol=1e-6)


@given(priors)
def test_a_prior_comes_back_from_json(prior):
    assert CurvePrior.from_json(json.loads(json.dumps(prior.to_json()))) == prior


def test_scores_of_an_older_version_have_no_curve():
    figures = SuspectFigures("consensus", 3, 1, (), PRIOR)
    document = figures.to_json()
    assert SuspectFigures.from_json(document) == figures
    del document["curve"]
    assert SuspectFigures.from_json(document).curve is None


def test_decisions_against_a_saturated_curve_are_finite():
    """A steep curve says that no row of the highest doubt is right; a thousand say otherwise."""
    prior = CurvePrior(level=3, level_sd=1, log_slope=2, log_slope_sd=0.5)
    doubt = np.full(1000, 14.0)
    curve = prior.curve.updated(doubt, np.zeros(1000, dtype=bool)).updated(doubt, np.zeros(1000, dtype=bool))
    assert curve.weight.sum() == pytest.approx(1)
    assert np.isfinite(curve.p_error(doubt)).all()

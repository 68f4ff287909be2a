import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.detectors import calibration


def stated_and_true(n, seed, twist=1.0, shift=0.0):
    """Stated probabilities, and outcomes whose log-odds are a twisted and shifted version of theirs."""
    rng = np.random.default_rng(seed)
    log_odds = rng.normal(-2, 3, n)
    happened = rng.random(n) < 1 / (1 + np.exp(-(twist * log_odds + shift)))
    return 1 / (1 + np.exp(-log_odds)), happened


@given(st.integers(0, 2**32), st.integers(1, 400))
def test_the_bins_hold_every_row_once(seed, n):
    p_error, changed = stated_and_true(n, seed)
    bins = calibration.reliability(p_error, changed)
    assert sum(each.rows for each in bins) == n
    for each in bins:
        assert each.low <= each.stated <= each.high
        assert 0 <= each.changed.low <= each.changed.value <= each.changed.high <= 1
    assert sum(each.rows * each.changed.value for each in bins) == pytest.approx(changed.sum())
    assert 0 <= calibration.expected_calibration_error(bins) <= 1


@pytest.mark.parametrize(("twist", "shift"), [(0.4, 0), (2.5, 0), (1, 2), (0.6, -1.5)])
def test_cross_fitting_corrects_what_is_stated_wrongly(twist, shift):
    p_error, changed = stated_and_true(20_000, 1, twist, shift)
    corrected = calibration.cross_fitted(p_error, changed, np.random.default_rng(0))
    before, after = (
        calibration.expected_calibration_error(calibration.reliability(p, changed))
        for p in (p_error, corrected)
    )
    assert after < 0.015 < before
    assert corrected.sum() == pytest.approx(changed.sum(), rel=0.03)


def test_a_rows_own_outcome_never_moves_its_own_probability():
    p_error, changed = stated_and_true(400, 2)
    row = 7
    other = changed.copy()
    other[row] = ~other[row]
    one, two = (calibration.cross_fitted(p_error, c, np.random.default_rng(3)) for c in (changed, other))
    assert one[row] == two[row]
    assert (one != two).any()


def test_too_little_truth_leaves_the_statement_as_it_is():
    p_error, _ = stated_and_true(200, 0)
    changed = np.arange(200) < calibration.LEAST_CHANGED - 1
    assert (calibration.cross_fitted(p_error, changed, np.random.default_rng(0)) == p_error).all()

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from audit.experiments.over_seeds import difference_over_seeds, mean_over_seeds, ratio_over_seeds

shares = st.lists(st.floats(0, 1), min_size=2, max_size=8)


@given(shares)
def test_the_interval_of_a_mean_is_students(values):
    found = mean_over_seeds(values)
    assert found.value == pytest.approx(np.mean(values))
    if np.ptp(values) > 1e-6:
        low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
        assert (found.low, found.high) == (pytest.approx(max(0, low)), pytest.approx(min(1, high)))


def test_one_seed_says_nothing_about_chance():
    assert mean_over_seeds([0.7]).to_json() == {"value": 0.7, "low": 0.0, "high": 1.0}
    assert difference_over_seeds([0.7], [0.6]).low == -1
    assert ratio_over_seeds([0.1], [0.2]) is None
    assert mean_over_seeds([]).value is None


def test_a_ratio_has_no_interval_where_its_whole_may_be_nothing():
    assert ratio_over_seeds([0.01, 0.02, 0.01], [-0.1, 0.1, 0.05]) is None
    assert ratio_over_seeds([0.01, 0.02, 0.01], [0.0, 0.0, 0.0]) is None


def test_fiellers_interval_holds_the_ratio_in_19_of_20_experiments():
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(2000):
        noise = rng.normal(0, 0.15, (2, 5))
        found = ratio_over_seeds((0.7 + noise[0]).tolist(), (1 + 0.5 * noise[0] + noise[1]).tolist())
        held += found is not None and found.low <= 0.7 <= found.high
    assert 0.93 < held / 2000 < 0.97


@given(st.floats(0.1, 2), st.lists(st.floats(0.5, 1), min_size=3, max_size=6))
def test_a_constant_share_of_the_whole_is_that_share(share, wholes):
    found = ratio_over_seeds([share * w for w in wholes], wholes)
    if found is not None:
        assert found.low - 1e-6 <= share <= found.high + 1e-6
        assert found.value == pytest.approx(share)

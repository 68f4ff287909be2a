import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import binomtest
from sklearn.metrics import average_precision_score, precision_recall_fscore_support

from audit.detectors import scoring
from audit.types import Issues, NoisyLabels

rows = st.integers(2, 60)


@st.composite
def audits(draw):
    """Labels with flips, and a detector's view of them."""
    n = draw(rows)
    k = draw(st.integers(2, 5))
    classes = st.integers(0, k - 1)
    true, given_labels, suggested = (draw(hnp.arrays(np.int64, n, elements=classes)) for _ in range(3))
    quality = draw(hnp.arrays(np.float64, n, elements=st.floats(0, 1), unique=True))
    issues = Issues(draw(hnp.arrays(np.bool_, n)), quality, 1 - quality, suggested)
    return k, issues, NoisyLabels(noisy=given_labels, original=true)


@given(audits())
def test_rates_agree_with_scikit_learn(case):
    _, issues, injected = case
    score = scoring.score(issues, injected)
    p, r, f, _ = precision_recall_fscore_support(
        injected.flipped, issues.is_issue, average="binary", zero_division=np.nan
    )
    for mine, theirs in ((score.precision, p), (score.recall, r), (score.f1, f)):
        if mine.value is None:
            assert np.isnan(theirs)
        else:
            assert mine.value == pytest.approx(theirs)
            assert 0 <= mine.low <= mine.value <= mine.high <= 1


@given(audits())
def test_counts_agree_with_a_plain_loop(case):
    _, issues, injected = case
    score = scoring.score(issues, injected)
    tp = fp = fn = tn = right = 0
    for flag, flip, suggested, true in zip(
        issues.is_issue, injected.flipped, issues.suggested, injected.original, strict=True
    ):
        tp, fp, fn, tn = (
            tp + (flag and flip),
            fp + (flag and not flip),
            fn + (flip and not flag),
            tn + (not flag and not flip),
        )
        right += flag and flip and suggested == true
    assert (score.tp, score.fp, score.fn, score.tn, score.right_suggestions) == (tp, fp, fn, tn, right)
    budget = set(np.argsort(issues.label_quality)[: injected.flipped.sum()])
    assert score.missed_at_noise_rate == sum(row not in budget for row in np.flatnonzero(injected.flipped))


@given(audits())
def test_scores_of_the_classes_add_up_to_the_score_of_all(case):
    k, issues, injected = case
    total = sum(scoring.score_by_class(issues, injected, k), start=scoring.DetectionScore())
    assert total == scoring.score(issues, injected)


@given(st.integers(0, 500), st.integers(1, 500))
def test_wilson_agrees_with_scipy(hits, more):
    trials = hits + more
    interval = binomtest(hits, trials).proportion_ci(method="wilson")
    mine = scoring.wilson(hits, trials)
    assert (mine.low, mine.high) == pytest.approx((interval.low, interval.high), abs=1e-12)


def test_nothing_to_divide_by_is_undefined_not_perfect():
    nothing = scoring.DetectionScore(tn=10)
    assert nothing.precision.value is None
    assert nothing.recall.value is None
    assert nothing.f1.value is None


@given(audits())
def test_average_precision_agrees_with_scikit_learn(case):
    _, issues, injected = case
    in_order = injected.flipped[scoring.severity_order(issues)]
    mine = scoring.average_precision(in_order)
    if not injected.flipped.any():
        assert mine.value is None
    else:
        assert mine.value == pytest.approx(average_precision_score(injected.flipped, -issues.label_quality))


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_intervals_hold_what_they_promise(share):
    rng = np.random.default_rng(0)
    simulated = 2000
    found = rng.binomial(300, share, simulated)
    alarms = rng.poisson(30, simulated)
    f1 = 2 * 300 * share / (300 + 300 * share + 30)
    scores = [
        scoring.DetectionScore(tp=int(t), fp=int(a), fn=300 - int(t))
        for t, a in zip(found, alarms, strict=True)
    ]
    recall_covered = np.mean([s.recall.low <= share <= s.recall.high for s in scores])
    f1_covered = np.mean([s.f1.low <= f1 <= s.f1.high for s in scores])
    assert recall_covered > 0.93
    assert f1_covered > 0.93


def test_the_interval_of_average_precision_covers():
    """Over fresh data from one distribution, the intervals hold its average precision about as often as they say."""
    rng = np.random.default_rng(3)

    def sample(n):
        flipped = rng.random(n) < 0.2
        return flipped[np.argsort(rng.normal(size=n) - 2 * flipped)]

    truth = scoring.average_precision(sample(400_000)).value
    estimates = [scoring.average_precision(sample(1000)) for _ in range(300)]
    assert 0.9 < np.mean([e.low <= truth <= e.high for e in estimates]) <= 1

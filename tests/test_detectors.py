import numpy as np
import pytest
from cleanlab.filter import find_label_issues
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import detectors, noise, scoring


def world(n=3000, k=4, rate=0.15, kind="symmetric", sharpness=4.0, seed=0):
    """Noisy labels, and probabilities as a good network trained on them would give them."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, k, n)
    noisy = noise.inject(true, rate, kind, k=k, rng=rng)
    logits = rng.normal(size=(n, k)) + sharpness * np.eye(k)[true]
    belief = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    probs = belief @ noise.noise_kind(kind)(k, rate)
    return noisy, probs.astype(np.float32)


@pytest.mark.parametrize("name", sorted(detectors.DETECTORS))
@given(seed=st.integers(0, 2**32), k=st.integers(2, 6), rate=st.floats(0, 0.4))
@settings(max_examples=15, deadline=None)
def test_every_detector_says_something_sound_of_every_row(name, seed, k, rate):
    noisy, probs = world(n=120, k=k, rate=rate, seed=seed)
    issues = detectors.DETECTORS[name](noisy.given, probs)
    assert issues.is_issue.shape == issues.label_quality.shape == (120,)
    assert issues.is_issue.dtype == bool
    assert (issues.suggested != noisy.given).all()
    for scores in (issues.label_quality, issues.p_error):
        assert np.isfinite(scores).all()
        assert ((scores >= 0) & (scores <= 1)).all()
    ranked = issues.label_quality[issues.ranking]
    assert len(ranked) == issues.is_issue.sum()
    assert (np.diff(ranked) >= 0).all()


@pytest.mark.parametrize("name", sorted(detectors.DETECTORS))
@given(seed=st.integers(0, 2**32))
@settings(max_examples=10, deadline=None)
def test_the_order_of_the_rows_does_not_matter(name, seed):
    noisy, probs = world(n=400, seed=seed)
    rows = np.random.default_rng(seed).permutation(400)
    plain = detectors.DETECTORS[name](noisy.given, probs)
    moved = detectors.DETECTORS[name](noisy.given[rows], probs[rows])
    np.testing.assert_allclose(moved.label_quality, plain.label_quality[rows], atol=1e-4)
    assert (moved.is_issue != plain.is_issue[rows]).sum() <= 1


def test_the_cleanlab_detector_is_cleanlabs_rule():
    noisy, probs = world()
    ours = detectors.cleanlab_rule(noisy.given, probs)
    assert (ours.is_issue == find_label_issues(noisy.given, probs, n_jobs=1)).all()


def test_given_differs_flags_exactly_where_the_prediction_differs():
    noisy, probs = world()
    issues = detectors.given_differs(noisy.given, probs)
    assert (issues.is_issue == (probs.argmax(axis=1) != noisy.given)).all()


@pytest.mark.parametrize("kind", ["symmetric", "pair"])
def test_the_posterior_knows_where_labels_go(kind):
    noisy, probs = world(n=20_000, rate=0.2, kind=kind, sharpness=5)
    f1 = {
        name: scoring.score(detect(noisy.given, probs), noisy).f1.value
        for name, detect in detectors.DETECTORS.items()
    }
    assert f1["posterior"] >= max(f1.values()) - 0.002
    assert f1["posterior"] > f1["given-differs"]


def test_the_stated_probability_is_the_observed_one():
    noisy, probs = world(n=40_000, rate=0.2, sharpness=3)
    issues = detectors.posterior(noisy.given, probs)
    bins = np.minimum(9, (10 * issues.p_error).astype(int))
    gaps = np.bincount(bins, issues.p_error - noisy.flipped, minlength=10)
    assert np.abs(gaps).sum() / len(bins) < 0.02
    assert issues.p_error.sum() == pytest.approx(noisy.flipped.sum(), rel=0.05)


def test_the_posterior_is_bayes_rule():
    """With T known and no sharpening to do, the posterior is one line of arithmetic."""
    noisy, probs = world(n=5000, rate=0.2, sharpness=5)
    issues = detectors.posterior(noisy.given, probs)
    T = detectors.transition_matrix(detectors.estimate_joint(noisy.given, probs))
    temperature = detectors.fit_temperature(noisy.given, np.log(probs.astype(float)), T)
    for row in range(50):
        c = probs[row].astype(float) ** (1 / temperature)
        c /= c.sum()
        joint = c * T[:, noisy.given[row]]
        assert issues.label_quality[row] == pytest.approx((joint / joint.sum())[noisy.given[row]], rel=1e-6)


def test_clean_labels_raise_few_flags():
    noisy, probs = world(rate=0, sharpness=8)
    assert detectors.posterior(noisy.given, probs).is_issue.mean() < 0.02

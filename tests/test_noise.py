import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import audit
from audit import noise

labelled = st.integers(2, 12).flatmap(
    lambda k: st.tuples(st.just(k), st.lists(st.integers(0, k - 1), min_size=1, max_size=300))
)


@given(labelled, st.floats(0, 1), st.sampled_from(sorted(noise.NOISE_KINDS)), st.integers(0, 2**32))
def test_exactly_the_asked_share_changes_and_none_to_itself(case, rate, kind, seed):
    k, labels = case
    original = np.array(labels)
    before = original.copy()
    noisy = noise.inject(original, rate, kind, k=k, rng=np.random.default_rng(seed))
    assert noisy.flipped.sum() == round(rate * len(labels))
    assert (noisy.true == before).all()
    assert (original == before).all()
    assert ((noisy.given >= 0) & (noisy.given < k)).all()


@given(st.integers(0, 2**32))
def test_the_same_seed_changes_the_same_labels(seed):
    labels = np.arange(200) % 7
    first, second = (noise.inject(labels, 0.3, rng=np.random.default_rng(seed)).given for _ in range(2))
    assert (first == second).all()


@given(st.integers(2, 20), st.floats(0, 1), st.sampled_from(sorted(noise.NOISE_KINDS)))
def test_transition_matrices_are_stochastic_with_the_rate_off_the_diagonal(k, rate, kind):
    T = noise.noise_kind(kind)(k, rate)
    np.testing.assert_allclose(T.sum(axis=1), 1)
    np.testing.assert_allclose(np.diag(T), 1 - rate)
    assert (T >= 0).all()


@pytest.mark.parametrize("kind", sorted(noise.NOISE_KINDS))
def test_the_realised_matrix_is_within_sampling_error_of_the_asked_one(kind):
    k, n, rate = 5, 50_000, 0.3
    noisy = noise.inject(np.arange(n) % k, rate, kind, rng=np.random.default_rng(1))
    counts = np.zeros((k, k))
    np.add.at(counts, (noisy.true, noisy.given), 1)
    T = noise.noise_kind(kind)(k, rate)
    realised = counts / counts.sum(axis=1, keepdims=True)
    error = np.sqrt(T * (1 - T) / (n / k))
    assert (np.abs(realised - T) <= 5 * error + 1e-12).all()


def test_pair_noise_goes_to_the_next_class_only():
    noisy = noise.inject(np.arange(100) % 4, 0.5, "pair", rng=np.random.default_rng(0))
    assert (noisy.given[noisy.flipped] == (noisy.true[noisy.flipped] + 1) % 4).all()


@pytest.mark.parametrize(
    ("rate", "kind", "labels", "message"),
    [
        (1.5, "symmetric", [0, 1], "the noise rate must be a share from 0 to 1, found 1.5"),
        (0.5, "sideways", [0, 1], "--noise-kind must be one of symmetric, pair, found 'sideways'"),
        (0.5, "symmetric", [0, 0], "label noise needs two classes or more, found 1"),
    ],
)
def test_what_cannot_be_injected_is_refused(rate, kind, labels, message):
    with pytest.raises(audit.ConfigError) as caught:
        audit.inject(labels, rate, kind, rng=np.random.default_rng(0))
    assert str(caught.value) == message

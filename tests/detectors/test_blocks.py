"""What is said of all rows is the same in one block or in many, of an array or of a mapped file."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import audit
from audit import detectors
from audit.detectors import Evidence, blocks
from audit.detectors.error_curve import worth_flagging
from audit.detectors.scoring import score
from audit.detectors.survey import survey
from audit.types import NoisyLabels

IN_BLOCKS = [
    name for name in detectors.DETECTORS if name not in detectors.WHOLE and name not in detectors.BESIDE
]


def world(n, k, seed=0):
    rng = np.random.default_rng(seed)
    true = rng.integers(0, k, n)
    noisy = np.where(rng.random(n) < 0.1, (true + rng.integers(1, k, n)) % k, true)
    logits = rng.normal(size=(n, k)) + 5 * np.eye(k)[true]
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return NoisyLabels(noisy, true), (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("name", IN_BLOCKS)
@pytest.mark.parametrize("k", [4, 150])
def test_blocks_of_any_size_give_the_same(monkeypatch, name, k):
    labels, probs = world(1500, k)
    whole = detectors.DETECTORS[name](Evidence(labels.noisy, probs))
    monkeypatch.setattr(blocks, "BLOCK_ENTRIES", 7 * k + 1)
    parts = detectors.DETECTORS[name](Evidence(labels.noisy, probs))
    assert (parts.is_issue == whole.is_issue).all()
    np.testing.assert_allclose(parts.label_quality, whole.label_quality, atol=1e-5)
    np.testing.assert_allclose(parts.p_error, whole.p_error, atol=1e-5)
    assert (parts.suggested == whole.suggested).mean() > 0.999  # equal probabilities have no order


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_mapped_file_is_judged_as_the_array_is(tmp_path, dtype):
    labels, probs = world(5000, 6)
    np.save(tmp_path / "p.npy", probs.astype(dtype))
    mapped = np.load(tmp_path / "p.npy", mmap_mode="r")
    one = audit.find_issues(labels.noisy, mapped)
    other = audit.find_issues(labels.noisy, np.array(mapped))
    assert one.is_issue.any()
    for field in ("is_issue", "label_quality", "p_error", "suggested"):
        np.testing.assert_array_equal(getattr(one, field), getattr(other, field))


def test_a_table_larger_than_memory_is_never_in_memory(tmp_path, monkeypatch):
    n, k = 200_000, 40
    labels, probs = world(n, k)
    np.save(tmp_path / "p.npy", probs.astype(np.float16))
    mapped = np.load(tmp_path / "p.npy", mmap_mode="r")
    monkeypatch.setattr(blocks, "SAMPLE_ROWS", 3000)
    monkeypatch.setattr(blocks, "BLOCK_ENTRIES", 50_000)
    audit.find_issues(labels.noisy[:100], probs[:100])  # imports
    tracemalloc.start()
    issues = audit.find_issues(labels.noisy, mapped)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < probs.nbytes
    assert score(issues, labels).f1.value > 0.98


@pytest.mark.parametrize("truth", ["process", "consensus"])
def test_a_sample_teaches_what_all_rows_teach(monkeypatch, truth):
    labels, probs = world(60_000, 6)
    f1 = []
    for rows in (60_000, 20_000):
        monkeypatch.setattr(blocks, "SAMPLE_ROWS", rows)
        f1.append(score(audit.find_issues(labels.noisy, probs, truth=truth), labels).f1.value)
    assert f1[1] == pytest.approx(f1[0], abs=0.001)


def test_detectors_that_need_all_probabilities_at_once_are_left_out_where_these_are_too_many(monkeypatch):
    labels, probs = world(100, 3)
    monkeypatch.setattr(detectors, "MOST_WHOLE", 299)
    evidence = Evidence(labels.noisy, probs)
    assert detectors.available(evidence) == IN_BLOCKS
    with pytest.raises(audit.ConfigError) as caught:
        audit.find_issues(labels.noisy, probs, detector="cleanlab")
    assert str(caught.value) == (
        "detector 'cleanlab' needs all probabilities in memory at once, at most 299, found 300; use 'consensus'"
    )
    run = audit.detect(None, labels.noisy, pred_probs=probs)
    assert set(run.record.scores.detectors) == set(IN_BLOCKS)
    assert any(note.startswith("not compared: cleanlab, ") for note in run.record.data["notes"])


tables = arrays(
    np.float32,
    st.tuples(st.integers(1, 130), st.integers(1, 30)),
    elements=st.sampled_from([0, 0.25, 0.5, 1]),
)


@given(tables, st.sampled_from("CF"))
def test_the_greatest_of_each_column_is_the_first_of_the_equal_ones(values, order):
    values = np.asarray(values, order=order)
    assert blocks.greatest(values).tolist() == values.argmax(axis=0).tolist()


@given(
    arrays(np.float64, st.integers(0, 60), elements=st.one_of(st.floats(0, 1), st.sampled_from([0, 0.5, 1])))
)
def test_flags_have_the_greatest_expected_f1_of_all_lists(p_error):
    flagged = worth_flagging(p_error)
    in_order = -np.sort(-p_error)
    lengths = np.arange(1, len(p_error) + 1)
    expected = 2 * np.cumsum(in_order) / (lengths + p_error.sum()) if p_error.sum() > 0 else np.zeros(1)
    reached = 2 * p_error[flagged].sum() / max(flagged.sum() + p_error.sum(), 1e-300)
    assert reached == pytest.approx(expected.max())
    assert not flagged.any() or p_error[flagged].min() >= p_error[~flagged].max(initial=0)


numbers = arrays(
    np.float64,
    st.tuples(st.integers(1, 40), st.integers(1, 6)),
    elements=st.one_of(st.floats(-2, 2), st.just(np.nan)),
)


@given(numbers, st.integers(1, 50))
def test_a_survey_in_blocks_sees_what_a_look_at_the_whole_sees(values, entries):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_ENTRIES", entries)
        seen = survey(values)
    sums = values.sum(axis=1)
    off = ~(np.abs(sums - 1) <= 1e-3)
    gaps = np.isnan(values).any(axis=1)
    np.testing.assert_allclose(seen.low, values.min(axis=0))
    np.testing.assert_allclose(seen.high, values.max(axis=0))
    np.testing.assert_allclose(seen.sums, [sums[0], sums.min(), sums.max()], atol=1e-12)
    assert (seen.off.count, seen.gaps.count) == (off.sum(), gaps.sum())
    if off.any():
        assert seen.off.first == off.argmax()
        np.testing.assert_allclose(seen.sum_of_off, sums[off.argmax()], atol=1e-12)
    if gaps.any():
        assert seen.gaps.first == gaps.argmax()

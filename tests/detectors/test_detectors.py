import numpy as np
import pytest
from cleanlab.filter import find_label_issues as cleanlab_issues
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.naive_bayes import GaussianNB

import audit
from audit import detectors, noise
from audit.detectors import Evidence, class_dependent, instance_dependent, label_model, scoring
from audit.detectors.transition import destinations, noise_rate, transition_matrix
from audit.types import NoisyLabels

ALWAYS = [name for name in detectors.DETECTORS if name not in detectors.BESIDE]


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def world(n=3000, k=4, rate=0.15, kind="symmetric", sharpness=4.0, seed=0, T=None):
    """Noisy labels, and probabilities as a good network trained on them would give them."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, k, n)
    T = noise.noise_kind(kind)(k, rate) if T is None else T
    injected = audit.inject(true, None, "matrix", k=k, rng=rng, matrix=T)
    logits = rng.normal(size=(n, k)) + sharpness * np.eye(k)[true]
    return injected, (softmax(logits) @ T).astype(np.float32)


def learned_noise(n=20_000, k=5, rate=0.2, seed=0, learned=0.25):
    """Noise that depends on the example, of which the network has learned a part, as instance noise is."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, k, n)
    target = (true + rng.integers(1, k, n)) % k  # where this very example would go
    given_labels = np.where(rng.random(n) < rate, target, true)
    seen = np.clip(rng.normal(learned, 0.1, n), 0, 0.49)[:, None]
    probs = (1 - seen) * np.eye(k)[true] + seen * np.eye(k)[target]
    logits = np.log(0.97 * probs + 0.03 / k) + 0.3 * rng.normal(size=(n, k))
    return NoisyLabels(given_labels, true), softmax(logits).astype(np.float32)


def resembling(n=40_000, k=5, rate=0.4, seed=0):
    """Classes that are clear but for a few rows; a third of the wrong labels go where the example resembles."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, k, n)
    likeness = softmax(np.where(np.eye(k, dtype=bool)[true], -np.inf, 1.5 * rng.normal(size=(n, k))))
    follows = (rng.random((n, 1)) > np.cumsum(likeness, axis=1)).sum(axis=1)
    target, other = (true + rng.integers(1, k, (2, n))) % k
    target = np.where(rng.random(n) < 0.3, follows, target)
    injected = NoisyLabels(np.where(rng.random(n) < rate, target, true), true)
    seen, between = rng.uniform([0, 0.3], [0.06, 1], (n, 2)).T[..., None]
    clear = (1 - seen) * np.eye(k)[true] + seen * likeness
    doubt = between * np.eye(k)[true] + (1 - between) * np.eye(k)[other]
    c = np.where(rng.random((n, 1)) < 0.05, 0.99 * doubt + 0.01 / k, clear)
    return injected, c.astype(np.float32)


def random_matrix(k, seed):
    """A sparse matrix in which every class has its own rate and one or two favourite targets."""
    rng = np.random.default_rng(seed)
    T = np.eye(k)
    for label in range(k):
        rate = rng.uniform(0, 0.4)
        targets = rng.choice([other for other in range(k) if other != label], 2, replace=False)
        T[label, label] = 1 - rate
        T[label, targets] = rate * np.array([0.8, 0.2])
    return T


@pytest.mark.parametrize("name", sorted(ALWAYS))
@given(seed=st.integers(0, 2**32), k=st.integers(2, 6), rate=st.floats(0, 0.4))
@settings(max_examples=6, deadline=None)
def test_every_detector_says_something_sound_of_every_row(name, seed, k, rate):
    injected, probs = world(n=120, k=k, rate=rate, seed=seed)
    issues = audit.find_issues(injected.noisy, probs, detector=name)
    assert issues.is_issue.shape == issues.label_quality.shape == (120,)
    assert issues.is_issue.dtype == bool
    assert (issues.suggested != injected.noisy).all()
    for scores in (issues.label_quality, issues.p_error):
        assert np.isfinite(scores).all()
        assert ((scores >= 0) & (scores <= 1)).all()
    ranked = issues.label_quality[issues.ranking]
    assert len(ranked) == issues.is_issue.sum()
    assert (np.diff(ranked) >= 0).all()


@pytest.mark.parametrize("name", sorted(ALWAYS))
@given(seed=st.integers(0, 2**32))
@settings(max_examples=4, deadline=None)
def test_the_order_of_the_rows_does_not_matter(name, seed):
    injected, probs = world(n=400, seed=seed)
    rows = np.random.default_rng(seed).permutation(400)
    plain = audit.find_issues(injected.noisy, probs, detector=name)
    moved = audit.find_issues(injected.noisy[rows], probs[rows], detector=name)
    np.testing.assert_allclose(moved.label_quality, plain.label_quality[rows], atol=5e-3)
    assert (moved.is_issue != plain.is_issue[rows]).sum() <= 2


@given(st.integers(0, 2**32), st.permutations(range(5)))
@settings(max_examples=10, deadline=None)
def test_what_the_classes_are_called_does_not_matter(seed, order):
    injected, probs = world(n=4000, k=5, rate=0.2, kind="pair", seed=seed)
    order = np.array(order)
    plain = audit.find_issues(injected.noisy, probs, truth="process")
    renamed = audit.find_issues(np.argsort(order)[injected.noisy], probs[:, order], truth="process")
    assert np.abs(renamed.p_error - plain.p_error).max() < 0.05
    assert (renamed.is_issue != plain.is_issue).mean() < 0.001


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("cleanlab", "prune_by_noise_rate"),
        ("cleanlab-class", "prune_by_class"),
        ("cleanlab-both", "both"),
        ("cleanlab-confident", "confident_learning"),
        ("cleanlab-margin", "low_normalized_margin"),
        ("cleanlab-confidence", "low_self_confidence"),
        ("given-differs", "predicted_neq_given"),
    ],
)
def test_the_cleanlab_detectors_are_cleanlabs_rules(name, rule):
    injected, probs = world()
    theirs = cleanlab_issues(injected.noisy, probs, filter_by=rule, n_jobs=1)
    assert theirs.any()
    assert (audit.find_issues(injected.noisy, probs, detector=name).is_issue == theirs).all()


def test_margins_flag_the_rows_of_lowest_margin():
    injected, probs = world()
    margins = np.where(injected.flipped, -1.0, 1.0) + np.linspace(0, 0.1, len(probs))
    evidence = Evidence(injected.noisy, probs, margins.astype(np.float32))
    issues = detectors.DETECTORS["margins"](evidence)
    assert issues.is_issue.sum() == evidence.issue_count
    assert margins[issues.is_issue].max() <= margins[~issues.is_issue].min()
    assert "margins" in detectors.available(evidence)
    assert "margins" not in detectors.available(Evidence(injected.noisy, probs))


def f1_of_all(injected, probs):
    evidence = Evidence(injected.noisy, probs)
    return {
        name: scoring.score(detectors.DETECTORS[name](evidence), injected).f1.value
        for name in detectors.available(evidence)
    }


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("kind", "rate"), [("symmetric", 0.2), ("pair", 0.2), ("pair", 0.45)])
def test_the_posterior_beats_every_cleanlab_rule(kind, rate, seed):
    injected, probs = world(n=20_000, k=6, rate=rate, kind=kind, sharpness=5, seed=seed)
    f1 = f1_of_all(injected, probs)
    assert f1["posterior"] >= max(v for name, v in f1.items() if name.startswith("cleanlab"))
    assert f1["posterior"] >= max(f1.values()) - 0.005


@pytest.mark.parametrize("seed", range(4))
def test_the_posterior_beats_every_cleanlab_rule_on_any_class_dependent_noise(seed):
    injected, probs = world(n=20_000, k=6, sharpness=5, seed=seed, T=random_matrix(6, seed))
    f1 = f1_of_all(injected, probs)
    assert f1["posterior"] > max(v for name, v in f1.items() if name.startswith("cleanlab"))


@pytest.mark.parametrize("model", [LogisticRegression(), GaussianNB()])
@pytest.mark.parametrize(("seed", "dense"), [(1, False), (3, True)])
def test_the_posterior_beats_every_cleanlab_rule_on_probabilities_of_models_that_learn_little(
    model, seed, dense
):
    k, rng = 6, np.random.default_rng(seed)
    shape = {"n_features": 20, "n_informative": 12, "n_redundant": 4, "n_classes": k}
    X, true = make_classification(8000, **shape, class_sep=1.5, flip_y=0, random_state=seed)
    T = 0.55 * np.eye(k) + 0.45 * rng.dirichlet(np.ones(k), k) if dense else random_matrix(k, seed)
    injected = audit.inject(true, None, "matrix", k=k, rng=rng, matrix=T)
    probs = cross_val_predict(model, X, injected.noisy, method="predict_proba")
    f1 = f1_of_all(injected, probs)
    assert f1["posterior"] > max(v for name, v in f1.items() if name.startswith("cleanlab"))


@given(sharpness=st.floats(0.3, 4), seed=st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_the_scale_that_makes_probabilities_what_they_were_is_found(sharpness, seed):
    k, rng = 4, np.random.default_rng(seed)
    c, T = rng.dirichlet(np.full(k, 0.1), 10_000), random_matrix(k, seed)
    c = c[
        rng.random(len(c)) < (1 + c.argmax(axis=1)) / k
    ]  # of the last class four times as many as of the first
    true = (c.cumsum(axis=1) < rng.random((len(c), 1))).sum(axis=1).clip(max=k - 1)
    labels = (T[true].cumsum(axis=1) < rng.random((len(c), 1))).sum(axis=1).clip(max=k - 1)
    logs = sharpness * np.log(np.maximum(c, 1e-9)).T
    scale = instance_dependent._matching_scale(logs, float((labels != true).mean()), T, labels)
    assert scale * sharpness == pytest.approx(1, abs=0.35)


@pytest.mark.parametrize("seed", range(3))
def test_learned_noise_is_not_taken_for_ambiguity(seed):
    injected, probs = learned_noise(seed=seed)
    issues = audit.find_issues(injected.noisy, probs, truth="process")
    assert issues.p_error.sum() == pytest.approx(injected.flipped.sum(), rel=0.06)
    assert scoring.score(issues, injected).f1.value > 0.9


def test_noise_by_the_class_alone_is_undone_by_bayes_rule():
    injected, probs = world(n=2000, rate=0.2, sharpness=5)
    by_class, _ = both_explanations(injected.noisy, probs)
    for row in range(50):
        g = injected.noisy[row]
        joint = [by_class.p_true[t, row] * by_class.T[t, g] for t in range(4)]
        assert by_class.p_classes[g, row] == pytest.approx(joint[g] / sum(joint))
    issues = detectors.posterior(Evidence(injected.noisy, probs))
    np.testing.assert_allclose(issues.p_error, 1 - issues.label_quality, atol=1e-12)


def test_where_the_labels_cannot_tell_both_models_apart_the_posterior_is_between_them():
    injected, probs = resembling(n=300, seed=1)
    by_class, by_example = both_explanations(injected.noisy, probs)
    rows = np.arange(300)
    one, other = (1 - each.p_classes[injected.noisy, rows] for each in (by_class, by_example))
    p_error = detectors.posterior(Evidence(injected.noisy, probs)).p_error
    (weight,), *_ = np.linalg.lstsq((one - other)[:, None], p_error - other)
    assert 0.05 < weight < 0.95
    np.testing.assert_allclose(p_error, weight * one + (1 - weight) * other, atol=1e-6)
    exchanged = label_model.p_better(by_example, by_class)
    assert exchanged == pytest.approx(1 - weight, abs=1e-3)  # weights are rounded


@pytest.mark.parametrize("kind", ["symmetric", "pair"])
def test_the_transition_matrix_is_found(kind):
    injected, probs = world(n=60_000, rate=0.3, kind=kind, sharpness=6)
    found = Evidence(injected.noisy, probs).label_model
    np.testing.assert_allclose(found.T, noise.noise_kind(kind)(4, 0.3), atol=0.02)
    np.testing.assert_allclose(found.T.sum(axis=1), 1)
    low, high = found.transition_interval()
    assert ((low <= found.T) & (high >= found.T)).all()


def test_the_stated_probability_is_the_observed_one():
    injected, probs = world(n=40_000, rate=0.2, sharpness=3)
    issues = audit.find_issues(injected.noisy, probs, truth="process")
    bins = np.minimum(9, (10 * issues.p_error).astype(int))
    gaps = np.bincount(bins, issues.p_error - injected.flipped, minlength=10)
    assert np.abs(gaps).sum() / len(bins) < 0.02
    assert issues.p_error.sum() == pytest.approx(injected.flipped.sum(), rel=0.05)


@pytest.mark.parametrize(("kind", "rate"), [("symmetric", 0.1), ("pair", 0.3), ("symmetric", 0.02)])
def test_the_interval_of_the_noise_rate_covers(kind, rate):
    held = 0
    for seed in range(40):
        injected, probs = world(n=4000, rate=rate, kind=kind, sharpness=7, seed=seed)
        evidence = Evidence(injected.noisy, probs)
        value, low, high = evidence.label_model.noise_interval(detectors.posterior(evidence).p_error)
        assert low <= value <= high < rate + 0.05
        held += low <= injected.rate <= high
    assert held >= 36


def test_the_intervals_of_the_transition_matrix_cover():
    held = []
    for seed in range(20):
        injected, probs = world(n=8000, rate=0.2, sharpness=8, seed=seed)
        low, high = Evidence(injected.noisy, probs).label_model.transition_interval()
        T = noise.noise_kind("symmetric")(4, 0.2)
        held += list(((low <= T) & (high >= T)).ravel())
    assert np.mean(held) > 0.9


def test_one_default_says_what_wrong_means():
    injected, probs = world(rate=0.3)
    unsaid = audit.find_issues(injected.noisy, probs)
    said = audit.find_issues(injected.noisy, probs, truth=audit.Config().detection.truth)
    other = audit.find_issues(injected.noisy, probs, truth="process")
    assert (unsaid.label_quality == said.label_quality).all()
    assert (unsaid.label_quality != other.label_quality).any()


def test_consensus_flags_the_worst_of_the_rows_whose_prediction_differs():
    injected, probs = world()
    issues = audit.find_issues(injected.noisy, probs, truth="consensus")
    differs = probs.argmax(axis=1) != injected.noisy
    assert not (issues.is_issue & ~differs).any()
    changed = audit.find_issues(injected.noisy, probs, truth="process").is_issue
    assert (issues.is_issue >= (changed & differs)).all()
    left_out = differs & ~issues.is_issue
    others = issues.is_issue & ~changed
    assert issues.p_error[others].min(initial=1) >= issues.p_error[left_out].max(initial=0)
    assert (issues.suggested[issues.is_issue] == probs.argmax(axis=1)[issues.is_issue]).all()


def test_annotators_errors_are_found_best_in_the_sense_of_consensus():
    """People who err where examples are hard: the label is drawn from what the example looks like."""
    rng = np.random.default_rng(0)
    looks = softmax(rng.normal(size=(20_000, 5)) * 0.8 + 3.5 * np.eye(5)[rng.integers(0, 5, 20_000)])
    most = looks.argmax(axis=1)
    labels = (rng.random(20_000)[:, None] > looks.cumsum(axis=1)).sum(axis=1).clip(max=4)
    people, probs = (
        NoisyLabels(labels, most),
        softmax(np.log(looks) * 0.8 + 0.3 * rng.normal(size=looks.shape)),
    )
    f1 = f1_of_all(people, probs.astype(np.float32))
    assert f1["consensus"] >= max(v for name, v in f1.items() if name.startswith("cleanlab"))
    assert f1["consensus"] > f1["posterior"]


@pytest.mark.filterwarnings("ignore:pred_probs agree")  # as they do: nothing is wrong here
def test_clean_labels_raise_few_flags():
    injected, probs = world(rate=0, sharpness=8)
    assert audit.find_issues(injected.noisy, probs, truth="process").is_issue.mean() < 0.02


def test_a_class_that_nobody_believes_in_and_one_that_nobody_gave():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 300)
    probs = np.zeros((300, 5), np.float32)
    probs[np.arange(300), labels % 2] = 1
    for name in ALWAYS:
        assert np.isfinite(audit.find_issues(labels, probs, detector=name).p_error).all()


@pytest.mark.parametrize(
    ("labels", "probs", "settings", "message"),
    [
        ([0, 1], [[0.5, 0.5]], {}, "pred_probs has 1 rows for 2 labels, expected as many, in the same order; predict each labelled row once"),
        ([], np.zeros((0, 3)), {}, "labels have shape (0,), expected (n,): one label for each row of pred_probs"),
        ([0, 2, 3], [[0.5, 0.5]] * 3, {}, "labels have 3 classes ('0', '2', '3'), expected 2, one for each column, or integers 0 to 1; leave out labels of the other classes, or add what is missing"),
        (["a", "b", "NA"], [[0.5, 0.5]] * 3, {}, "labels have 3 classes ('NA', 'a', 'b'), expected 2, one for each column, or integers 0 to 1; if 'NA' means \"no label\", leave it out with --missing NA (in Python missing='NA')"),
        ([0, 1], [[0.5, 0.5]] * 2, {"truth": "gospel"}, "--truth must be one of process, consensus, found 'gospel'"),
        ([0, 1], [[0.5, 0.5]] * 2, {"detector": "margins"}, "detector 'margins' reads the training; use one that probabilities suffice for"),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_is_refused_in_one_line(labels, probs, settings, message):
    with pytest.raises(audit.AuditError) as caught:
        audit.find_issues(np.array(labels), np.array(probs), **settings)
    assert str(caught.value) == message


def test_labels_are_counted_on_the_surer_half_of_each_class():
    p_true = np.array([[0.95, 0.05]] * 30 + [[0.6, 0.4]] * 10 + [[0.2, 0.8]] * 10 + [[0.3, 0.7]] * 10).T
    labels = np.array([0] * 25 + [1] * 35)
    counts = instance_dependent.count_on_surest(p_true, labels)
    assert counts.tolist() == [[25, 5], [0, 10]]  # all that are equally sure


def ambiguous_probabilities(n, k, rng):
    """True labels drawn from class probabilities in which half of the rows lie between two neighbouring classes."""
    first = rng.integers(0, k, n)
    share = np.where(rng.random(n) < 0.5, rng.uniform(0.5, 1, n), 1.0)[:, None]
    c = share * np.eye(k)[first] + (1 - share) * np.eye(k)[first ^ 1]
    c = 0.995 * c + 0.005 / k
    return c, (c.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)


def noisy_ambiguity(n, k, kind, rate, seed):
    """Such probabilities, T of the noise, and labels drawn from both."""
    rng = np.random.default_rng(seed)
    c, true = ambiguous_probabilities(n, k, rng)
    return c, noise.noise_kind(kind)(k, rate), audit.inject(true, rate, kind, rng=rng).noisy


@pytest.mark.parametrize("rate", [0.1, 0.3])
def test_ambiguity_is_not_taken_for_noise(rate):
    c, T, given = noisy_ambiguity(20_000, 6, "symmetric", rate, seed=0)
    found = Evidence(given, (c @ T).astype(np.float32)).label_model
    assert rate - 0.03 < found.noise_rate < rate + 0.01


def off_by(n, seed, monkeypatch=None):
    """How far p_true is from the true one where a network mistakes one class of each two for the other."""
    if monkeypatch:
        monkeypatch.setattr(class_dependent, "MOST_MAPPED", 0)
    c, T, given = noisy_ambiguity(n, 6, "symmetric", 0.1, seed)
    bias = np.where(np.arange(6) % 2, 1.5, 0.0)
    said = softmax(np.log(c) + bias) @ T
    return np.abs(Evidence(given, said.astype(np.float32)).p_true - c).mean()


def test_what_a_network_mistakes_for_something_else_is_learnt_from_many_rows_in_doubt(monkeypatch):
    assert off_by(20_000, 0) < 0.6 * off_by(20_000, 0, monkeypatch)


@pytest.mark.parametrize("seed", range(3))
def test_few_rows_in_doubt_do_no_harm(monkeypatch, seed):
    free = off_by(300, seed)
    assert free < 1.1 * off_by(300, seed, monkeypatch)


def both_explanations(given, probs):
    """How the class alone, and the example as well, explain the given labels."""
    evidence = Evidence(given, probs)
    log_probs = np.log(np.maximum(probs.T.astype(float), label_model.LEAST_PROB))
    guess, _ = transition_matrix(len(given) * evidence.joint.T)
    rows = np.random.default_rng(0).permutation(len(given))[: label_model.MOST_ROWS]
    return class_dependent.fit(log_probs, given, guess, rows), instance_dependent.fit(log_probs, given, rows)


@pytest.mark.parametrize("seed", range(3))
def test_wrong_labels_that_go_where_their_example_resembles_are_found_though_not_all_are_counted(seed):
    """The likelihood prefers noise that depends on the class here, which counts a sixth too few (decision 0018)."""
    injected, probs = resembling(seed=seed)
    model = Evidence(injected.noisy, probs).label_model
    assert injected.rate - 0.07 < model.noise_rate < injected.rate
    assert scoring.score(audit.find_issues(injected.noisy, probs, truth="process"), injected).f1.value > 0.985
    _, by_example = both_explanations(injected.noisy, probs)
    rate = noise_rate(by_example.p_true.mean(axis=1), by_example.T)
    assert rate == pytest.approx(injected.rate, abs=0.003)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    ("kind", "rate", "n"),
    [("symmetric", 0.1, 2000), ("symmetric", 0.4, 2000), ("symmetric", 0.1, 20_000), ("pair", 0.4, 20_000)],
)
def test_labels_of_ambiguous_rows_are_no_resemblance(kind, rate, n, seed):
    c, T, given = noisy_ambiguity(n, 6, kind, rate, seed)
    by_class, by_example = both_explanations(given, (c @ T).astype(np.float32))
    assert by_class.merit > by_example.merit


@pytest.mark.parametrize(("kind", "rate"), [("symmetric", 0.4), ("pair", 0.4)])
def test_a_label_of_which_the_model_is_in_doubt_is_not_surely_wrong(kind, rate):
    c, T, given = noisy_ambiguity(20_000, 6, kind, rate, seed=2)
    evidence = Evidence(given, (c @ T).astype(np.float32))
    flagged, sure = detectors.posterior(evidence), detectors.surely_wrong(evidence)
    assert not (sure.is_issue & ~flagged.is_issue).any()
    assert (sure.is_issue == (flagged.label_quality < 0.1)).all()
    assert (flagged.is_issue & ~sure.is_issue).sum() > 100


def test_where_most_flagged_labels_of_a_class_are_in_doubt_all_of_them_count_as_surely_wrong():
    """As classes 5 and 6 of MNIST with 40 % asymmetric noise, whose wrong labels networks learn."""
    labels = np.repeat([0, 1, 2], 20)
    quality = np.concatenate(
        [[0.05] * 8 + [0.2] * 2, [0.9] * 10, [0.05] * 3 + [0.4] * 7, [0.9] * 10, [1.0] * 20]
    )
    evidence = Evidence(labels, np.full((60, 3), 1 / 3, np.float32))
    evidence.__dict__["posterior_issues"] = evidence.issues(quality < 0.5, quality)
    flags = detectors.surely_wrong(evidence).is_issue
    assert [int(flags[labels == label].sum()) for label in range(3)] == [8, 10, 0]


counts_of_classes = st.integers(2, 8).flatmap(
    lambda k: arrays(np.float64, (k, k), elements=st.floats(0, 1000).map(lambda x: round(x, 3)))
)


@given(counts=counts_of_classes)
@settings(deadline=None)
def test_destinations_are_shares_of_other_classes_and_no_more_parameters_than_these(counts):
    shares, parameters = destinations(counts)
    k = len(counts)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert (np.diag(shares) == 0).all()
    assert (shares >= 0).all()
    assert -1e-9 <= parameters <= k * (k - 2) + 1e-9
    T, _ = transition_matrix(counts)
    np.testing.assert_allclose(T.sum(axis=1), 1)
    assert ((T >= 0) & (T <= 1)).all()


def test_few_counts_of_many_classes_are_evened_out_and_many_of_few_are_kept():
    rng = np.random.default_rng(0)
    even = np.full((80, 80), 1 / 79)
    even[np.diag_indices(80)] = 0
    drawn = np.stack([rng.multinomial(15, each) for each in even]).astype(float)
    shares, parameters = destinations(drawn)
    np.testing.assert_allclose(shares, even, atol=0.01)
    assert parameters < 0.05 * np.count_nonzero(drawn)
    to_next = 1000.0 * np.roll(np.eye(5), 1, axis=1)
    shares, parameters = destinations(to_next)
    np.testing.assert_allclose(shares, np.roll(np.eye(5), 1, axis=1), atol=0.01)
    assert parameters < 1


def test_wrong_labels_among_many_classes_of_few_rows_are_found():
    """Each class has twelve wrong labels, too few to say where they go."""
    injected, probs = world(n=80 * 120, k=80, rate=0.1, sharpness=6.5)
    issues = audit.find_issues(injected.noisy, probs, truth="process")
    assert issues.is_issue.sum() == pytest.approx(injected.flipped.sum(), rel=0.05)
    f1 = f1_of_all(injected, probs)
    assert f1["posterior"] > max(v for name, v in f1.items() if name.startswith("cleanlab"))
    found = issues.label_quality.argsort()[: injected.flipped.sum()]
    assert injected.flipped[found].mean() > 0.95

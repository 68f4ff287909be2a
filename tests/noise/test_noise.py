import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import audit
from audit import datasets, noise
from audit.noise import from_examples, transitions
from audit.settings.detect import Config
from audit.types import largest_remainder

ALIKE = ("symmetric", "scramble", "pair", "confusion")  # one rate for every class
BY_CLASS = ("stratified", "asymmetric", "map", "matrix")
EXACT = (*ALIKE, *BY_CLASS)
BERNOULLI = tuple(kind for kind in noise.NOISE_KINDS if kind != "stratified")
NINE_IN_TEN = np.full((4, 4), 0.1 / 3) + (0.9 - 0.1 / 3) * np.eye(4)

seeds = st.integers(0, 2**32)
labelled = st.integers(2, 12).flatmap(
    lambda k: st.tuples(st.just(k), st.lists(st.integers(0, k - 1), min_size=1, max_size=300))
)


def arguments(kind, k, n, rate, seed):
    """What `inject` needs for this kind: a rate or a matrix, a map, examples."""
    rng = np.random.default_rng([seed, 1])
    if kind == "matrix":
        return {"rate": None, "matrix": rng.dirichlet(np.full(k, 0.4), size=k)}
    more = {
        "map": {"class_map": {i: (i + 1) % k for i in range(0, k, 2)}},
        "confusion": {"X": rng.normal(size=(n, 3))},
        "instance": {"X": rng.integers(0, 255, (n, 2, 3), dtype=np.uint8)},
    }
    return {"rate": rate, **more.get(kind, {})}


def injected_of(kind, k, labels, rate, seed, **options):
    return noise.inject(
        labels,
        kind=kind,
        k=k,
        rng=np.random.default_rng(seed),
        **arguments(kind, k, len(labels), rate, seed),
        **options,
    )


def suits(kind, k):
    return kind != "asymmetric" or k == 10


# What holds for every kind


@given(labelled, st.floats(0, 1), st.sampled_from(noise.NOISE_KINDS), seeds)
def test_the_original_is_untouched_and_every_label_is_a_class(case, rate, kind, seed):
    k, labels = case
    assume(suits(kind, k))
    original = np.array(labels)
    injected = injected_of(kind, k, original, rate, seed)
    assert (original == labels).all()
    assert (injected.original == labels).all()
    assert ((injected.noisy >= 0) & (injected.noisy < k)).all()
    np.testing.assert_allclose(injected.transition.sum(axis=1), 1)
    assert injected.transition.shape == (k, k)
    assert (injected.transition >= 0).all()


@given(labelled, st.floats(0, 1), st.sampled_from(noise.NOISE_KINDS), seeds)
def test_the_same_seed_changes_the_same_labels(case, rate, kind, seed):
    k, labels = case
    assume(suits(kind, k))
    first, second = (injected_of(kind, k, labels, rate, seed) for _ in range(2))
    assert (first.noisy == second.noisy).all()
    assert (first.transition == second.transition).all()


@given(labelled, st.floats(0, 1), st.sampled_from(ALIKE), seeds)
def test_exactly_the_asked_share_changes_where_all_classes_are_alike(case, rate, kind, seed):
    k, labels = case
    injected = injected_of(kind, k, labels, rate, seed)
    assert injected.flipped.sum() == round(rate * len(labels))
    assert injected.expected == pytest.approx(rate)


@given(labelled, st.floats(0, 1), st.sampled_from(BY_CLASS), seeds)
def test_exact_counts_by_class_where_classes_differ(case, rate, kind, seed):
    k, labels = case
    assume(suits(kind, k))
    injected = injected_of(kind, k, labels, rate, seed)
    expected = (1 - np.diag(injected.transition)) * np.bincount(labels, minlength=k)
    changed = np.bincount(injected.original[injected.flipped], minlength=k)
    assert (np.abs(changed - expected) < 1 + 1e-9).all()
    assert abs(changed.sum() - expected.sum()) <= 0.5 + 1e-9
    assert injected.expected * len(labels) == pytest.approx(expected.sum(), abs=1e-8)


@given(labelled, st.floats(0, 1), seeds)
def test_stratified_changes_the_asked_share_of_each_class(case, rate, seed):
    k, labels = case
    injected = injected_of("stratified", k, labels, rate, seed)
    counts = np.bincount(labels, minlength=k)
    expected, changed = rate * counts, np.bincount(injected.original[injected.flipped], minlength=k)
    assert changed.sum() == round(rate * len(labels))
    rounded_up = changed > np.floor(expected)
    fraction = expected - np.floor(expected)
    assert fraction[rounded_up].min(initial=1) >= fraction[~rounded_up].max(initial=0)


@given(st.lists(st.floats(0, 50), min_size=1, max_size=20))
def test_largest_remainders_add_up(expected):
    expected = np.array(expected)
    total = round(float(expected.sum()))
    whole = largest_remainder(expected, total)
    assert whole.sum() == total
    assert (np.abs(whole - expected) < 1).all()


@given(labelled, st.floats(0, 1), st.sampled_from(("symmetric", "stratified")), seeds)
def test_inclusive_draws_the_asked_share_and_some_keep_their_label(case, rate, kind, seed):
    k, labels = case
    injected = injected_of(kind, k, labels, rate, seed, inclusive=True)
    assert injected.flipped.sum() <= round(rate * len(labels))
    assert injected.expected == pytest.approx(rate * (k - 1) / k)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        *((kind, {}) for kind in noise.NOISE_KINDS),
        *((kind, {"sampling": "bernoulli"}) for kind in BERNOULLI),
        ("symmetric", {"inclusive": True}),
        ("stratified", {"inclusive": True}),
        ("symmetric", {"inclusive": True, "sampling": "bernoulli"}),
    ],
)
def test_the_realised_matrix_is_within_sampling_error_of_the_one_drawn_from(kind, options):
    k, n = 10, 60_000
    labels = np.random.default_rng(0).integers(0, k - 1, n)  # the last class is not there
    injected = injected_of(kind, k, labels, 0.3, 5, **options)
    counts = np.zeros((k, k))
    np.add.at(counts, (injected.original, injected.noisy), 1)
    rows = counts.sum(axis=1)
    T = injected.transition[rows > 0]
    realised, rows = counts[rows > 0] / rows[rows > 0, None], rows[rows > 0, None]
    assert (np.abs(realised - T) <= 5 * np.sqrt(T * (1 - T) / rows) + 1.001 / rows).all()
    assert injected.rate == pytest.approx(injected.expected, abs=5 * np.sqrt(0.25 / n))


@given(st.integers(2, 20), st.floats(0, 1), st.sampled_from(("symmetric", "stratified", "scramble", "pair")))
def test_matrices_by_rate_have_it_off_the_diagonal(k, rate, kind):
    T = noise.noise_kind(kind)(k, rate)
    np.testing.assert_allclose(T.sum(axis=1), 1)
    np.testing.assert_allclose(np.diag(T), 1 - rate)
    assert (T >= 0).all()


# What each kind is


def test_draws_stay_what_they_were():
    """Results published with one version can be made again with the next."""
    labels = np.arange(20) % 5
    symmetric = noise.inject(labels, 0.3, "symmetric", rng=np.random.default_rng(7)).noisy
    pair = noise.inject(labels, 0.3, "pair", rng=np.random.default_rng(7)).noisy
    assert symmetric.tolist() == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 2, 4, 2, 3, 1, 2, 4, 2, 0, 4]
    assert pair.tolist() == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 1, 2, 2, 3, 0, 1, 2, 2, 4, 4]


def test_pair_noise_goes_to_the_next_class_only():
    injected = noise.inject(np.arange(100) % 4, 0.5, "pair", rng=np.random.default_rng(0))
    assert (injected.noisy[injected.flipped] == (injected.original[injected.flipped] + 1) % 4).all()


@given(
    st.integers(2, 6), st.integers(1, 6), st.floats(0, 1), st.sampled_from(("symmetric", "scramble")), seeds
)
def test_more_classes_than_are_present_may_be_given(present, more, rate, kind, seed):
    labels = np.arange(60) % present
    injected = noise.inject(labels, rate, kind, k=present + more, rng=np.random.default_rng(seed))
    assert injected.flipped.sum() == round(rate * 60)
    assert injected.transition[0, -1] == pytest.approx(rate / (present + more - 1))


def test_absent_classes_are_reached():
    injected = noise.inject(np.zeros(500, dtype=int), 1, "scramble", k=4, rng=np.random.default_rng(0))
    assert set(injected.noisy) == {1, 2, 3}


@pytest.fixture(scope="module")
def digits():
    """The labels of MNIST."""
    return datasets.load(Config()).labels


def test_asymmetric_noise_on_mnist(digits):
    injected = noise.inject(digits, 0.4, "asymmetric", rng=np.random.default_rng(0))
    pairs = set(
        zip(
            injected.original[injected.flipped].tolist(),
            injected.noisy[injected.flipped].tolist(),
            strict=True,
        )
    )
    assert pairs == {(7, 1), (2, 7), (5, 6), (6, 5), (3, 8)}
    assert injected.rate == pytest.approx(0.4945 * 0.4, abs=1e-4)  # the share of these five digits


@given(seeds, st.integers(2, 6))
def test_confusion_rows_follow_what_a_nearest_mean_confuses(seed, k):
    from sklearn.model_selection import PredefinedSplit, cross_val_predict
    from sklearn.neighbors import NearestCentroid

    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(k).repeat(3), rng.integers(0, k, 60)])
    X = rng.normal(size=(len(labels), 2, 2)) + labels[:, None, None]
    third = from_examples._thirds(labels, k)
    flat = X.reshape(len(X), -1)
    predicted = cross_val_predict(NearestCentroid(), flat, labels, cv=PredefinedSplit(third))
    assert (from_examples.nearest_mean(X, labels, k) == predicted).all()
    counts = np.zeros((k, k))
    np.add.at(counts, (labels, predicted), 1)
    np.fill_diagonal(counts, 0)
    T = from_examples.confusion(X, labels, k, 0.3)
    np.testing.assert_allclose(np.diag(T), 0.7)
    for row, confused in zip(T - 0.7 * np.eye(k), counts, strict=True):
        total = confused.sum()
        wanted = 0.3 * confused / total if total else np.where(row == 0, 0, 0.3 / (k - 1))
        np.testing.assert_allclose(row, wanted)


def test_a_class_that_is_never_confused_goes_everywhere():
    labels = np.arange(30) % 3
    T = from_examples.confusion(labels[:, None] * 100, labels, 4, 0.3)
    np.testing.assert_allclose(T, transitions.symmetric(4, 0.3))


def test_instance_labels_follow_the_formula():
    n, k, rate = 60, 4, 0.3
    labels = np.arange(n) % k
    X = np.random.default_rng(0).integers(0, 9, (n, 2, 3)).astype(np.uint8)
    X[:, 0, 0] = 7  # a constant feature
    injected = noise.inject(labels, rate, "instance", X=X, rng=np.random.default_rng(3))

    rng = np.random.default_rng(3)
    q = rng.normal(rate, 0.1, n)
    while ((q < 0) | (q > 1)).any():
        q[(q < 0) | (q > 1)] = rng.normal(rate, 0.1, ((q < 0) | (q > 1)).sum())
    draws = rng.random(n)
    W = [rng.standard_normal((6, k)) for _ in range(k)]
    x = X.reshape(n, -1).astype(float)
    x = (x - x.mean(axis=0)) / np.where(x.std(axis=0) > 0, x.std(axis=0), 1)
    p = np.zeros((n, k))
    for i, y in enumerate(labels):
        scores = np.exp(x[i] @ W[y])
        scores[y] = 0
        p[i] = q[i] * scores / scores.sum()
        p[i, y] = 1 - q[i]
    assert injected.noisy.tolist() == [int(np.searchsorted(np.cumsum(p[i]), draws[i])) for i in range(n)]
    for y in range(k):
        np.testing.assert_allclose(injected.transition[y], p[labels == y].mean(axis=0))


def test_instance_noise_is_near_the_rate_and_the_chunks_do_not_matter(monkeypatch):
    labels = np.arange(20_000) % 5
    X = np.random.default_rng(0).normal(size=(20_000, 7)).astype(np.float32)
    whole = noise.inject(labels, 0.3, "instance", X=X, rng=np.random.default_rng(1))
    assert whole.rate == pytest.approx(0.3, abs=0.02)
    monkeypatch.setattr(from_examples, "CHUNK_BYTES", 7 * 8 * 100)
    parts = noise.inject(labels, 0.3, "instance", X=X, rng=np.random.default_rng(1))
    assert (whole.noisy == parts.noisy).all()


@pytest.mark.parametrize("kind", [kind for kind in noise.NOISE_KINDS if kind not in ("matrix", "asymmetric")])
def test_a_rate_of_nothing_changes_nothing(kind):
    injected = injected_of(kind, 3, np.arange(90) % 3, 0, 0)
    assert not injected.flipped.any()
    assert injected.expected == 0


# Published examples, on plain arrays


def test_a_tenth_drawn_anew_from_all_digits(digits):
    injected = noise.inject(digits, 0.1, inclusive=True, rng=np.random.default_rng(0))
    assert injected.flipped.sum() == pytest.approx(6300, abs=5 * np.sqrt(7000 * 0.09))


def test_each_label_with_a_probability(digits):
    injected = noise.inject(digits, 0.1, sampling="bernoulli", inclusive=True, rng=np.random.default_rng(0))
    assert injected.flipped.sum() == pytest.approx(6300, abs=5 * np.sqrt(70_000 * 0.09))


def test_independent_draws_scatter_as_a_binomial_does():
    labels = np.arange(400) % 4
    rngs = map(np.random.default_rng, range(300))
    counts = [noise.inject(labels, 0.5, sampling="bernoulli", rng=rng).flipped.sum() for rng in rngs]
    assert np.std(counts) == pytest.approx(10, rel=0.2)
    assert np.mean(counts) == pytest.approx(200, abs=3)


def test_a_map_at_rate_one_swaps_two_classes(digits):
    injected = noise.inject(digits, 1, "map", class_map={0: 1, 1: 0}, rng=np.random.default_rng(0))
    assert (injected.noisy == np.where(digits < 2, 1 - digits, digits)).all()


def test_a_tenth_of_each_class(digits):
    injected = noise.inject(digits, 0.1, "stratified", rng=np.random.default_rng(0))
    changed, counts = (np.bincount(labels, minlength=10) for labels in (digits[injected.flipped], digits))
    assert changed.sum() == 7000
    assert (np.abs(changed - counts / 10) < 1).all()


@pytest.mark.parametrize("tenths", range(11))
def test_scrambled_labels_all_change_up_to_the_last(tenths):
    labels = np.arange(1000) % 7
    injected = noise.inject(labels, tenths / 10, "scramble", k=10, rng=np.random.default_rng(tenths))
    assert injected.flipped.sum() == 100 * tenths
    assert (injected.noisy.max() > 6) == (tenths > 0)


# What is refused


@pytest.mark.parametrize(
    ("kind", "rate", "options", "message"),
    [
        ("symmetric", 1.5, {}, "the noise rate must be a share from 0 to 1, found 1.5"),
        ("symmetric", float("nan"), {}, "the noise rate must be a share from 0 to 1, found nan"),
        ("symmetric", None, {}, "noise kind symmetric needs a rate, a share from 0 to 1, found None"),
        ("sideways", 0.5, {}, "--noise-kind must be one of symmetric, stratified, scramble, pair, asymmetric, map, matrix, confusion, instance, found 'sideways'"),
        ("symmetric", 0.5, {"k": 1}, "label noise needs two classes or more, found 1"),
        ("symmetric", 0.5, {"k": 2}, "labels have 4 classes ('0', '1', '2', '3'), expected k = 2, or integers 0 to 1; leave out labels of the other classes, or add what is missing"),
        ("symmetric", 0.5, {"sampling": "often"}, "--sampling must be one of exact, bernoulli, found 'often'"),
        ("instance", 0.5, {"sampling": "exact"}, "--sampling must be bernoulli for --noise-kind instance, found 'exact': every label is drawn from its own probabilities; leave it out"),
        ("stratified", 0.5, {"sampling": "bernoulli"}, "--sampling must be exact for --noise-kind stratified, found 'bernoulli': it is an exact share of each class; leave it out or use --noise-kind symmetric"),
        ("scramble", 0.5, {"inclusive": True}, "--inclusive lets a drawn label keep its class, expected with --noise-kind symmetric or stratified, found scramble, whose changed labels all change; leave it out"),
        ("asymmetric", 0.5, {}, "noise kind asymmetric is about ten digits (7→1, 2→7, 5↔6, 3→8) and needs exactly 10 classes, found 4; use the noise kind map and name your own pairs"),
        ("map", 0.5, {}, "--noise-kind map needs a map; give one, as in --noise-map 0:1,1:0 (in Python class_map={0: 1, 1: 0})"),
        ("pair", 0.5, {"class_map": {0: 1}}, "--noise-map belongs to --noise-kind map, found pair; leave one out"),
        ("map", 0.5, {"class_map": {}}, "the map of classes is empty, expected pairs such as {0: 1, 1: 0}"),
        ("map", 0.5, {"class_map": {0: 4}}, "the map of classes must name classes 0 to 3, found 4"),
        ("map", 0.5, {"class_map": {"0": 1}}, "the map of classes must name classes 0 to 3, found '0'"),
        ("map", 0.5, {"class_map": {2: 2}}, "the map of classes sends class 2 to itself, expected another class; leave it out"),
        ("matrix", None, {}, "--noise-kind matrix needs a matrix; give one, as in --noise-matrix T.npy (in Python matrix=T)"),
        ("pair", 0.5, {"matrix": NINE_IN_TEN}, "--noise-matrix belongs to --noise-kind matrix, found pair; leave one out"),
        ("matrix", 0.1, {"matrix": NINE_IN_TEN}, "noise kind matrix takes no rate, since its matrix gives it; expected None, found 0.1"),
        ("matrix", None, {"matrix": NINE_IN_TEN[:3]}, "the noise matrix has shape (3, 4), expected (4, 4): a row and a column for each class"),
        ("matrix", None, {"matrix": NINE_IN_TEN * 1.001}, "row 0 of the noise matrix sums to 1.001, expected 1; T[i, j] is the probability that class i is given the label j"),
        ("matrix", None, {"matrix": NINE_IN_TEN - 0.1 * np.eye(4)[1]}, "the noise matrix has T[0, 1] = -0.0666667, expected a probability from 0 to 1"),
        ("matrix", None, {"matrix": NINE_IN_TEN * np.nan}, "the noise matrix has T[0, 0] = nan, expected a probability from 0 to 1"),
        ("matrix", None, {"matrix": [["a"]]}, "the noise matrix must hold numbers, 4 rows of 4"),
        ("confusion", 0.5, {}, "noise kind confusion reads the examples as well as their labels; give them as X"),
        ("instance", 0.5, {}, "noise kind instance reads the examples as well as their labels; give them as X"),
        ("instance", 0.5, {"X": np.zeros((3, 2))}, "X has 3 rows but there are 8 labels, expected one for each row"),
        ("instance", 0.5, {"X": np.array(["a"] * 8)}, "X has dtype <U1 and shape (8,), expected numbers (n, …)"),
        ("instance", 0.5, {"X": np.full((8, 2), np.nan)}, "X holds values that are NaN, infinite or too large to square, expected finite numbers; leave out such rows or use numpy.nan_to_num"),
        ("confusion", 0.5, {"X": np.full((8, 2), 1e300)}, "X holds values that are NaN, infinite or too large to square, expected finite numbers; leave out such rows or use numpy.nan_to_num"),
    ],
)  # fmt: skip
def test_what_cannot_be_injected_is_refused(kind, rate, options, message):
    with pytest.raises(audit.AuditError) as caught:
        audit.inject([0, 1, 2, 3] * 2, rate, kind, rng=np.random.default_rng(0), **options)
    assert str(caught.value) == message


@pytest.mark.parametrize("labels", [[[0.5, 0.5]], [0.5, 1.5], [[0], [1, 2]]])
def test_what_is_no_class_for_each_row_is_refused(labels):
    with pytest.raises(audit.DataError, match="expected classes: integers, strings or booleans"):
        audit.inject(labels, 0.1, rng=np.random.default_rng(0))


FORMS = {
    "strings": lambda y: np.array(["cat", "dog", "owl"])[y],
    "from 1": lambda y: y + 1,
    "floats": lambda y: y + 1.0,
    "categories": lambda y: pd.Series(pd.Categorical(np.array(["cat", "dog", "owl"])[y])),
    "gaps": lambda y: (10 * y).tolist(),
}


@pytest.mark.parametrize("form", FORMS)
def test_labels_of_any_form_are_flipped_as_their_codes_are_and_keep_their_form(form):
    y = np.random.default_rng(0).integers(0, 3, 200)
    codes = audit.inject(y, 0.2, "pair", rng=np.random.default_rng(1))
    injected = audit.inject(FORMS[form](y), 0.2, "pair", rng=np.random.default_rng(1))
    assert injected.original.tolist() == list(FORMS[form](y))
    assert injected.noisy.tolist() == list(FORMS[form](codes.noisy))
    assert (injected.flipped == codes.flipped).all()
    assert (injected.rate, injected.expected) == (codes.rate, codes.expected)


def test_missing_labels_stay_missing_and_maps_name_the_labels():
    y = np.array(["cat", "NA", "dog", ""] * 50)
    rng = np.random.default_rng(0)
    injected = audit.inject(y, 1, "map", class_map={"cat": "dog"}, missing="NA", rng=rng)
    assert injected.noisy.tolist() == ["dog", None, "dog", None] * 50
    assert injected.original.tolist() == ["cat", None, "dog", None] * 50
    assert injected.flipped.sum() == 50


def test_only_kinds_by_rate_have_a_matrix_without_data():
    with pytest.raises(audit.ConfigError, match="found 'instance'"):
        noise.noise_kind("instance")

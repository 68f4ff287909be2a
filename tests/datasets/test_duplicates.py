"""Which rows are the same example twice, to the byte or all but."""

import io

import numpy as np
import pytest
from conftest import striped_images
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from audit.datasets.duplicates import Duplicates, find_duplicates, search
from audit.datasets.duplicates.near_embeddings import near_embeddings
from audit.training import folds as folding
from audit.types import as_texts


def pictures(n, side=28, channels=1, seed=0):
    """Smooth images of pale colours, no two alike, on a black border."""
    rng = np.random.default_rng(seed)
    waves = rng.normal(size=(n, 6, 6, 1)) + 0.15 * rng.normal(size=(n, 6, 6, channels))
    angles = np.pi * np.outer(np.arange(6), np.arange(side) + 0.5) / side
    X = np.einsum("nijc,ih,jw->nhwc", waves, np.cos(angles), np.cos(angles))
    X = np.clip(127 + 60 * X / X.std(axis=(1, 2, 3), keepdims=True), 0, 255)
    X[:, [0, 1, -2, -1]] = X[:, :, [0, 1, -2, -1]] = 0
    return X.round().astype(np.uint8)


def encoded(image):
    buffer = io.BytesIO()
    Image.fromarray(image.squeeze()).save(buffer, "JPEG", quality=90, subsampling=0)
    return np.asarray(Image.open(buffer)).reshape(image.shape)


def stray(image, rng):
    image = image.copy()
    image[rng.integers(0, len(image), 2), rng.integers(0, len(image), 2)] = 255
    return image


COPIES = {
    "shifted": lambda image, rng: np.roll(image, rng.integers(-1, 2, 2), (0, 1)),
    "encoded again": lambda image, rng: encoded(image),
    "brighter": lambda image, rng: (image * 0.9 + 20).astype(np.uint8),
    "of less contrast": lambda image, rng: (image * 0.8).astype(np.uint8),
    "with stray pixels": stray,
    "noisy": lambda image, rng: np.clip(image + rng.normal(0, 4, image.shape), 0, 255).astype(np.uint8),
}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("copy", COPIES)
def test_a_copy_that_is_all_but_the_same_is_found(copy, channels):
    X, rng = pictures(120, channels=channels), np.random.default_rng(1)
    copies = np.stack([COPIES[copy](image, rng) for image in X[:40]])
    found = find_duplicates(np.concatenate([X, copies]))
    assert (found.groups[:40] == found.groups[120:]).all()
    assert len(np.unique(found.groups)) == 120


def test_different_digits_are_no_duplicates():
    from sklearn.datasets import load_digits

    X = load_digits().images[..., None]
    found = find_duplicates(X)
    assert len(np.unique(found.exact)) == len(X)
    assert len(found.near) == 0


def test_exact_duplicates_form_a_group_of_their_own():
    X, _ = striped_images(50)
    X[40], X[41] = X[3], X[3]
    found = find_duplicates(X)
    assert found.exact[40] == found.exact[41] == found.exact[3]
    assert len(np.unique(found.exact)) == 48


@given(st.integers(0, 99), st.integers(1, 4))
@settings(max_examples=15)
def test_the_order_of_the_rows_changes_nothing(seed, channels):
    rng = np.random.default_rng(seed)
    X = pictures(60, channels=channels, seed=seed)
    X[40:] = [np.roll(image, (1, 0), (0, 1)) for image in X[:20]]
    order = rng.permutation(60)
    groups, shuffled = find_duplicates(X).groups, find_duplicates(X[order]).groups
    assert ((groups[order][:, None] == groups[order]) == (shuffled[:, None] == shuffled)).all()


@given(st.integers(0, 99), st.integers(4, 40))
@settings(max_examples=20)
def test_rows_of_features_are_near_when_rounded_and_not_when_drawn_anew(seed, d):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(200, d)) * 10.0 ** rng.integers(-3, 4, d)
    X[3, 1] = np.nan
    spread = np.nanstd(X, axis=0)
    X[100:] = X[:100] + rng.uniform(-0.0005, 0.0005, (100, d)) * spread
    found = find_duplicates(X)
    assert (found.groups[:100] == found.groups[100:]).all()
    assert len(np.unique(found.groups)) == 100


@given(st.integers(0, 99))
@settings(max_examples=20)
def test_a_group_is_held_together_by_pairs_within_the_tolerance(seed):
    rng = np.random.default_rng(seed)
    X = np.repeat(rng.normal(size=(40, 5)), 3, axis=0) + rng.normal(0, 0.003, (120, 5))
    found = find_duplicates(X)
    a, b = found.near.T
    assert (np.abs(X[a] - X[b]) <= 0.01 * X.std(axis=0)).all()
    assert (Duplicates.of(found.exact, found.near).groups == found.groups).all()


def test_numbers_of_one_or_two_columns_are_near_by_chance_only():
    rng = np.random.default_rng(0)
    for d in (1, 2):
        assert len(find_duplicates(rng.normal(size=(500, d))).near) == 0


def test_what_changes_little_by_little_is_no_heap_of_copies():
    steps = np.linspace(0, 1, 120)[:, None, None, None]
    first, last = pictures(2).astype(float)
    film = (first * (1 - steps) + last * steps).round().astype(np.uint8)
    assert len(find_duplicates(film).near) == 0
    apart = find_duplicates(np.concatenate([film[:12], pictures(200, seed=5)]))
    assert len(np.unique(apart.groups[:12])) == 1


def test_blank_images_and_data_without_examples_have_no_near_duplicates():
    blank = np.stack([np.full((20, 20, 1), value, np.uint8) for value in range(30)])
    assert len(np.unique(find_duplicates(blank).groups)) == 30
    assert len(np.unique(find_duplicates(np.empty((7, 0))).groups)) == 7
    one = find_duplicates(pictures(1))
    assert one.groups.tolist() == [0]


def test_near_duplicates_share_a_fold():
    X = pictures(90)
    X[60:] = [np.roll(image, (0, 1), (0, 1)) for image in X[:30]]
    fold = folding.assign_folds(np.arange(90) % 3, find_duplicates(X).groups, 5, 0)
    assert (fold[:30] == fold[60:]).all()


@given(st.lists(st.integers(0, 2), min_size=1, max_size=30), st.integers(0, 99))
def test_conflicts_are_rows_with_a_duplicate_of_another_label_and_only_they(labels, seed):
    labels, rng = np.array(labels), np.random.default_rng(seed)
    _, first, exact = np.unique(rng.integers(0, 8, len(labels)), return_index=True, return_inverse=True)
    near = rng.choice(first, (2, 2))
    found = Duplicates.of(exact, near)
    conflicts = found.conflicts(labels)
    rows, groups = conflicts.rows, conflicts.groups
    touching = (exact[:, None] == exact) | [
        [{exact[i], exact[j]} in [set(pair) for pair in exact[near].tolist()] for j in range(len(labels))]
        for i in range(len(labels))
    ]
    differ = labels[:, None] != labels
    same = exact[:, None] == exact
    linked = np.array([(touching[i][:, None] & differ & touching[i]).any() for i in range(len(labels))])
    assert set(np.flatnonzero((same & differ).any(axis=1))) <= set(rows[~conflicts.near])
    assert set(np.flatnonzero((touching & differ).any(axis=1))) <= set(rows) <= set(np.flatnonzero(linked))
    assert (groups == found.groups[rows]).all()
    assert (np.diff(groups) >= 0).all()


EXAMPLES = {
    "images": pictures(120),
    "small images": pictures(120, side=8),
    "features": np.random.default_rng(0).normal(size=(120, 5)),
    "texts": as_texts([f"number {number} of a hundred and twenty" for number in range(120)]),
}


@pytest.mark.parametrize("kind", [*EXAMPLES, "embeddings"])
def test_a_search_tells_how_far_it_is_and_that_it_is_done(kind, monkeypatch):
    monkeypatch.setattr(search, "QUERIED_TOGETHER", 50)
    heard = []
    if kind == "embeddings":
        near_embeddings(EXAMPLES["features"], np.arange(120), lambda *counts: heard.append(counts))
    else:
        find_duplicates(EXAMPLES[kind], counted=lambda *counts: heard.append(counts))
    assert len(heard) >= 3
    assert heard == sorted(heard)
    assert {total for _, total in heard} == {120}
    assert heard[-1] == (120, 120)

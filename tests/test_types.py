import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from audit.types import Seeds, children, evenly, evenly_at_most, evenly_spaced

lengths = st.integers(0, 5000)
numbers = st.integers(1, 600)


@given(lengths, numbers)
def test_evenly_takes_at_least_as_many_as_asked_and_less_than_twice_as_many(n, least):
    taken = evenly(np.arange(n), least)
    assert min(least, n) <= len(taken) <= 2 * least - 1
    assert (np.diff(taken, 2) == 0).all()
    assert taken[:1].tolist() == [0][:n]


@given(lengths, numbers)
def test_evenly_at_most_takes_more_than_half_of_what_it_may(n, most):
    taken = evenly_at_most(np.arange(n), most)
    assert len(taken) <= most
    assert 2 * len(taken) > min(most, n) or n == 0
    assert (np.diff(taken, 2) == 0).all()
    assert taken[:1].tolist() == [0][:n]


@given(lengths, numbers)
def test_evenly_spaced_rows_are_exactly_as_many_as_asked_from_the_first_to_the_last(n, count):
    taken = evenly_spaced(n, count)
    assert len(taken) == len(set(taken.tolist())) == min(count, n)
    gaps = np.diff(taken)
    assert np.ptp(gaps) <= 1 if len(gaps) else len(taken) <= 1
    assert taken[:1].tolist() == [0][:n]
    assert len(taken) < 2 or taken[-1] == n - 1


def test_evenly_copies_nothing():
    X = np.zeros((1000, 3))
    assert np.shares_memory(evenly(X, 10), X)


@given(st.integers(0, 2**32), st.integers(0, 9), st.integers(0, 9))
def test_the_children_of_a_seed_do_not_depend_on_what_was_spawned_before(seed, count, before):
    fresh, used = (np.random.SeedSequence(seed, spawn_key=(3,)) for _ in range(2))
    used.spawn(before)
    ours = children(used, count)
    theirs = fresh.spawn(count)
    assert [child.generate_state(4).tolist() for child in ours] == [
        child.generate_state(4).tolist() for child in theirs
    ]


@given(st.integers(0, 2**32), st.integers(1, 9))
def test_kinds_are_named_from_one_seed_whatever_was_planted_before(seed, folds):
    fresh, used = Seeds.of(seed), Seeds.of(seed)
    planted = children(used.planting, folds)
    used.planting.spawn(2)
    states = [child.generate_state(4).tolist() for child in (*planted, used.kind_classifier(folds))]
    assert states[-1] == fresh.kind_classifier(folds).generate_state(4).tolist()
    assert states[-1] not in states[:-1]

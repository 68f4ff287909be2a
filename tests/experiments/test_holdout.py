import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import ConfigError
from audit.experiments.holdout import hold_out


@given(st.integers(20, 300), st.integers(2, 6), st.floats(0.05, 0.8), st.integers(0, 99))
def test_parts_share_no_row_and_no_copy_and_every_class_keeps_its_share(n, k, share, seed):
    rng = np.random.default_rng(seed)
    labels, groups = rng.integers(0, k, n), rng.integers(0, n, n)
    try:
        parts = hold_out(labels, groups, share, None, rng)
    except ConfigError as error:  # each of the few rows left may be a copy of one that was drawn
        assert re.search(r"and their copies leave 0 to train on", str(error))
        return
    assert len(parts.test) == round(share * n)
    assert not set(groups[parts.test]) & set(groups[parts.train])
    assert (np.diff(parts.train) > 0).all()
    assert (np.diff(parts.test) > 0).all()
    wanted = np.bincount(labels, minlength=k) * len(parts.test) / n
    assert (np.abs(np.bincount(labels[parts.test], minlength=k) - wanted) <= 1).all()


@given(st.integers(1, 60), st.integers(1, 40))
def test_numbers_of_rows_are_exact(test, train):
    labels = np.arange(100) % 3
    parts = hold_out(labels, np.arange(100), test, train, np.random.default_rng(0))
    assert (len(parts.test), len(parts.train)) == (test, train)
    again = hold_out(labels, np.arange(100), test, train, np.random.default_rng(0))
    assert (again.test == parts.test).all()


@pytest.mark.parametrize(("test", "train"), [(0, None), (-1, None), (2.5, None), (float("nan"), None), (100, None), (50, 51), (0.001, None)])  # fmt: skip
def test_sizes_that_cannot_be_are_refused(test, train):
    with pytest.raises(ConfigError, match="--test-size"):
        hold_out(np.arange(100) % 3, np.arange(100), test, train, np.random.default_rng(0))

"""A model of frames does not get the column that gives the label away, whatever holds the rows."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from audit import datasets

ROWS = 200


def with_giveaway():
    """A frame with two measurements and the label in other words."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, ROWS)
    measured = rng.normal(size=(ROWS, 2)) + y[:, None]
    names = np.array(["ant", "bee", "cat"])[y]
    return pd.DataFrame({"size": measured[:, 0], "weight": measured[:, 1], "label_name": names}), y


@pytest.mark.parametrize(
    "form", [lambda frame: frame, lambda frame: frame.to_numpy(dtype=object)], ids=["frame", "objects"]
)
def test_what_is_left_out_of_the_numbers_is_left_out_of_what_the_model_gets(form):
    frame, y = with_giveaway()
    dataset = datasets.from_arrays(form(frame), y)
    assert dataset.X.shape == (ROWS, 2)
    given = dataset.as_given.examples
    assert given.shape == (ROWS, 2)
    assert not np.isin(np.asarray(given, dtype=str), ["ant", "bee", "cat"]).any()


def test_what_is_left_out_of_a_sparse_matrix_is_left_out_of_what_the_model_gets():
    frame, y = with_giveaway()
    table = np.column_stack([frame["size"], frame["weight"], y])
    dataset = datasets.from_arrays(csr_array(table), y)
    assert dataset.X.shape == (ROWS, 2)
    np.testing.assert_array_equal(dataset.as_given.examples.toarray(), table[:, :2])

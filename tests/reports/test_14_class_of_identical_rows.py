"""A class whose rows are copies of one example is learnt and judged: its copies are in all folds."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import audit
from audit import datasets
from audit.datasets.duplicates import find_duplicates
from audit.pipeline.held_together import held_together

rng = np.random.default_rng(0)
ILL = rng.normal(3, 1, (80, 6)).round(3)
ROWS = np.vstack([ILL, np.zeros((60, 6))])
LABELS = np.array(["ill"] * 80 + ["healthy"] * 60)


@pytest.mark.parametrize("noise", [0, 0.1])
def test_healthy_rows_without_a_symptom_are_no_suspects(noise):
    run = audit.detect(ROWS, LABELS, noise=noise, preset="fast")
    assert len(run.suspects()) < 8
    assert "class 'healthy': " in run.record.data["notes"][0]
    assert "copies of 1 example; they are spread over the folds" in run.record.data["notes"][0]


def test_the_line_is_in_the_preview(run_audit, tmp_path):
    pd.DataFrame(ROWS).assign(label=LABELS).to_csv(tmp_path / "t.csv", index=False)
    done = run_audit("detect", "t.csv", "--noise", "0", "--dry-run", check=0)
    assert "class 'healthy': 60 rows of 60 are copies of 1 example" in done.stdout


@settings(max_examples=25)
@given(st.integers(2, 30), st.integers(0, 30), st.integers(2, 5))
def test_every_class_of_two_rows_is_in_every_training_set(copies, others, folds):
    X = np.vstack([np.zeros((copies, 3)), np.random.default_rng(0).normal(5, 1, (others + 40, 3))])
    y = np.repeat([0, 0, 1], [copies, others, 40])
    dataset = datasets.from_arrays(X, y)
    held = held_together(dataset, dataset.labels, find_duplicates(X), folds)
    from audit.training.folds import assign_folds

    fold = assign_folds(dataset.labels, held.groups, folds, seed=0)
    assert all((dataset.labels[fold != each] == 0).any() for each in range(folds))


def test_copies_of_a_few_examples_are_spread_too():
    X = np.vstack([np.repeat(np.eye(3), 20, axis=0), np.random.default_rng(0).normal(5, 1, (100, 3))])
    y = np.repeat([0, 1], [60, 100])
    dataset = datasets.from_arrays(X, y)
    (note,) = held_together(dataset, dataset.labels, find_duplicates(X), 5).notes
    assert note.startswith("class '0': 60 rows of 60 are copies of 3 examples; they are spread")


def test_copies_that_do_not_make_up_a_class_stay_together():
    X = np.vstack([np.zeros((20, 3)), np.random.default_rng(0).normal(5, 1, (100, 3))])
    dataset = datasets.from_arrays(X, np.arange(120) % 2)
    duplicates = find_duplicates(X)
    held = held_together(dataset, dataset.labels, duplicates, 5)
    assert (held.groups == duplicates.groups).all()
    assert held.notes == ()

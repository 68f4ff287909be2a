"""The columns of probabilities are in the order of the classes: numbers as numbers, rare classes aside."""

import numpy as np
import pandas as pd
import pytest

import audit
from audit import datasets
from audit.settings.detect import Config


def world(n=600, k=12, rare=3, seed=0):
    """Labels 0..k-1, of which class 7 has few rows, and probabilities that know them; 30 labels are wrong."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, k, n)
    true[true == 7] = 6
    true[:rare] = 7
    probs = np.full((n, k), 0.02)
    probs[np.arange(n), true] = 1
    probs *= rng.gamma(4, 1, (n, k))
    probs /= probs.sum(axis=1, keepdims=True)
    y = true.copy()
    wrong = rng.choice(np.arange(rare, n), 30, replace=False)
    y[wrong] = (y[wrong] + 2) % k
    return y, probs


def written(path, labels):
    rng = np.random.default_rng(1)
    pd.DataFrame({"f": rng.normal(size=len(labels)), "label": labels}).to_csv(path, index=False)
    return datasets.load(Config.of(data=str(path)))


@pytest.mark.parametrize("rare", [20, 3])
def test_whole_floats_of_a_table_are_numbers_in_their_order(tmp_path, rare):
    y, _ = world(rare=rare)
    labels = pd.Series(y, dtype=float)
    labels[rare + 1] = np.nan  # so that pandas writes 10.0
    dataset = written(tmp_path / "t.csv", labels)
    assert dataset.class_names == tuple(map(str, range(12)))
    assert dataset.labels.tolist() == np.delete(y, rare + 1).tolist()


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["10", "9.0", "10.0", "9"], ("9", "10")),
        (["0.5", "10.5", "2.5", "0.5"], ("0.5", "2.5", "10.5")),
        (["10,0", "9,0", "9,0", "10,0"], ("9", "10")),
        (["-1.0", "1.0", "-1.0", "0.0"], ("-1", "0", "1")),
        (["007", "10", "9", "9"], ("007", "10", "9")),
        (["v10", "v9", "v9", "v10"], ("v10", "v9")),
    ],
)
def test_texts_that_are_numbers_are_sorted_as_such_and_others_as_texts(tmp_path, labels, names):
    assert written(tmp_path / "t.csv", labels * 10).class_names == names


@pytest.mark.parametrize("rare", [20, 4, 1, 0])
def test_a_rare_class_does_not_hide_another_order(rare):
    y, probs = world(rare=rare)
    as_texts = np.argsort(np.argsort([str(i) for i in range(12)]))  # the column of each class
    moved = np.empty_like(probs)
    moved[:, as_texts] = probs
    with pytest.raises(audit.DataError, match="are in another order than the classes") as caught:
        audit.find_issues(y, moved)
    order = eval(str(caught.value).rpartition("pred_probs[:, ")[2].removesuffix("]"))  # noqa: S307
    assert (np.array(order) == as_texts)[np.bincount(y, minlength=12) >= 5].all()
    assert sorted(order) == list(range(12))
    audit.find_issues(y, probs)


def test_two_columns_that_look_exchanged_get_a_line():
    y, probs = world(n=900)
    exchanged = probs[:, [0, 2, 1, *range(3, 12)]]
    with pytest.warns(UserWarning, match=r"may be in another order .* column 2 '1', column 1 '2' stand for"):
        audit.find_issues(y, exchanged)


@pytest.mark.parametrize("seed", range(5))
def test_labels_that_are_often_wrong_are_no_other_order(seed):
    rng = np.random.default_rng(seed)
    y, probs = world(n=400, k=12, rare=20, seed=seed)
    noisy = np.where(rng.random(400) < 0.5, rng.integers(0, 12, 400), y)
    audit.find_issues(noisy, probs)


def test_agreement_near_chance_gets_a_line_and_a_weak_model_none():
    rng = np.random.default_rng(0)
    y, probs = world()
    with pytest.warns(
        UserWarning, match=r"the model tells the classes hardly apart, or rows are in another order"
    ):
        audit.find_issues(y, probs[rng.permutation(600)])
    weak = 0.3 * probs + 0.7 * rng.dirichlet(np.full(12, 0.3), 600)
    audit.find_issues(y, weak)

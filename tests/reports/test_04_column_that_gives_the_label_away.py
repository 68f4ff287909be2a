"""Columns from which the given label can be told, wrong labels too, are left out by name, or warned of."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import audit
from audit import datasets
from audit.settings.detect import Config

ROWS = 600
NAMES = np.array(["ash", "fir", "oak"])
rng = np.random.default_rng(0)
TRUE = rng.integers(0, 3, ROWS)
WRONG = rng.choice(ROWS, 36, replace=False)
GIVEN = TRUE.copy()
GIVEN[WRONG] = (GIVEN[WRONG] + 1) % 3
MEASURED = np.eye(3)[TRUE] @ rng.normal(0, 1.2, (3, 6)) + rng.normal(0, 0.6, (ROWS, 6))


def numbers_of_rows(start, step):
    """Row numbers that were given class by class."""
    numbers = np.empty(ROWS)
    numbers[np.argsort(GIVEN, kind="stable")] = start + step * np.arange(ROWS)
    return numbers


def rows_per_value(values_of_class):
    """Values that each belong to one class, in no order."""
    codes = rng.permutation(3 * values_of_class)
    return codes[GIVEN * values_of_class + rng.integers(0, values_of_class, ROWS)]


LEAKS = {
    "label_name": NAMES[GIVEN],
    "code": np.array([7, 3, 5])[GIVEN],
    "sample": numbers_of_rows(10_001, 1),
    "time": numbers_of_rows(1.6e9, 3571) + rng.random(ROWS),
    "invoice": numbers_of_rows(1e6, 977),
    "score": GIVEN + rng.normal(0, 0.05, ROWS),
    "subspecies": np.char.add(NAMES[GIVEN], rng.integers(0, 4, ROWS).astype(str)),
    "batch": rows_per_value(20),
    "verified": np.where(rng.random(ROWS) < 0.5, NAMES[GIVEN], None),
    "before": np.where(np.arange(ROWS) < 5, "oak", NAMES[GIVEN]),
}


def load(columns, y=GIVEN, **settings):
    frame = pd.DataFrame(MEASURED, columns=[f"m{i}" for i in range(6)]).assign(**columns)
    return datasets.from_arrays(frame, y, config=Config.of(**settings))


@pytest.mark.parametrize("name", LEAKS)
def test_a_column_that_gives_the_label_away_is_left_out_by_name(name):
    dataset = load({name: LEAKS[name]})
    assert dataset.feature_names == ("m0", "m1", "m2", "m3", "m4", "m5")
    (line,) = dataset.cautions
    assert line.startswith(f"column '{name}' is left out: it") or "each of its" in line
    assert line.endswith(f"--keep-columns {name} keeps it")
    kept = load({name: LEAKS[name]}, keep_columns=name)
    assert len(kept.feature_names) > 6
    assert f"column '{name}' stays" in kept.cautions[0]
    assert kept.fingerprint != dataset.fingerprint


ONE_CLASS = {
    "is_fir": (GIVEN == 1) * 1,
    "missing": np.where(GIVEN == 1, np.nan, rng.normal(size=ROWS)),
    "group of classes": np.where(GIVEN == 1, "wild", "pet"),
}


@pytest.mark.parametrize("name", ONE_CLASS)
def test_a_column_that_tells_one_class_from_the_others_gets_a_caution(name):
    dataset = load({name: ONE_CLASS[name]})
    (line,) = dataset.cautions
    assert line.startswith(f"column {name!r} alone tells class '1' from the others in 100 % of the rows")


def test_the_name_of_a_column_may_hold_an_equals_sign():
    dataset = load({"m0 = m1": NAMES[GIVEN]})
    assert dataset.feature_names == ("m0", "m1", "m2", "m3", "m4", "m5")
    assert "column 'm0 = m1' is left out" in dataset.cautions[0]


def test_a_search_that_fails_costs_no_run(monkeypatch):
    def fail(*_):
        raise ValueError("no trees")

    monkeypatch.setattr("audit.datasets.giveaways.findings", fail)
    assert load({}).cautions == (
        "missing: the search for columns that give the label away (ValueError: no trees)",
    )


def test_a_model_that_wants_a_column_which_was_left_out_is_told_so():
    model = make_pipeline(ColumnTransformer([("n", OneHotEncoder(), ["label_name"])]), LogisticRegression())
    frame = pd.DataFrame(MEASURED, columns=[f"m{i}" for i in range(6)]).assign(label_name=NAMES[GIVEN])
    with pytest.raises(audit.DataError, match=r"columns were left out before.*--keep-columns NAME keeps"):
        audit.detect(frame, GIVEN, model=model, preset="fast")


def test_a_column_for_each_class_is_left_out():
    dataset = load({f"is_{name}": i == GIVEN for i, name in enumerate(NAMES)})
    assert dataset.feature_names == ("m0", "m1", "m2", "m3", "m4", "m5")
    (line,) = dataset.cautions
    assert line.startswith("3 columns ('is_ash', 'is_fir', 'is_oak') are left out: together they say")


def test_row_numbers_that_say_nothing_of_the_label_are_left_out_too():
    dataset = load({"number": rng.permutation(ROWS) + 5})
    assert "it numbers the rows, with 600 different values" in dataset.cautions[0]


def test_a_column_beside_nothing_that_tells_the_label_stays_with_a_warning():
    score = np.where(TRUE > 0, rng.uniform(1, 2, ROWS), rng.uniform(-2, -1, ROWS))
    X = np.column_stack([rng.normal(size=(ROWS, 4)), score])
    dataset = datasets.from_arrays(X, TRUE > 0)
    assert dataset.X.shape[1] == 5
    assert dataset.cautions[0].startswith("column '4' alone tells 100 % of the labels, all other columns")


def test_where_every_column_would_go_all_stay():
    dataset = datasets.from_arrays(np.arange(60)[:, None], np.arange(60) // 30)
    assert dataset.X.shape == (60, 1)
    assert dataset.cautions[0].startswith("column '0' stays, although it numbers the rows")


@pytest.mark.parametrize("load_bundled", [load_breast_cancer, load_digits, load_iris, load_wine])
def test_honest_columns_stay_and_nothing_is_said(load_bundled):
    X, y = load_bundled(return_X_y=True)
    for rows in (np.arange(len(y)), np.flatnonzero(y < 2)):  # two classes of iris are plain to see
        dataset = datasets.from_arrays(X[rows], y[rows])
        assert dataset.X.shape[1] == X.shape[1]
        assert dataset.cautions == ()


def test_an_older_version_of_the_labels_is_warned_of():
    before = np.where(np.arange(ROWS) % 50 == 0, 1 - (GIVEN > 0), GIVEN > 0)
    dataset = load({"before": before}, GIVEN > 0)
    (line,) = dataset.cautions
    assert line.startswith("column 'before' alone tells 9")
    assert "if it was made from the label, errors in the label are in the column too" in line


def test_a_strong_test_result_stays_and_nothing_is_said():
    ill = rng.random(ROWS) < 0.4
    result = np.where(rng.random(ROWS) < 0.95, ill, ~ill)
    X = np.column_stack([rng.normal(size=(ROWS, 4)) + ill[:, None] * 0.5, result])
    dataset = datasets.from_arrays(X, ill)
    assert dataset.X.shape[1] == 5
    assert dataset.cautions == ()


def test_digits_of_mnist_have_no_pixel_that_tells():
    assert datasets.load(Config.of("mnist:test", limit=1500)).cautions == ()


def bordered(what):
    """Digits with a class in the border, in a stamp on one class, or nowhere."""
    X, y = load_digits(return_X_y=True)
    images = np.kron(X.reshape(-1, 8, 8), np.ones((2, 2)))[:900]
    y = y[:900]
    if what == "border":
        images[:, 0] = images[:, :, -1] = y[:, None]
    if what == "stamp":
        images[y == 3, 12:15, 1:4] = 17
    return images, y


@pytest.mark.parametrize(("what", "told"), [("border", "the label"), ("stamp", "the class '3' from the")])
def test_a_border_or_a_stamp_in_images_is_warned_of(what, told):
    (line,) = datasets.from_arrays(*bordered(what)).cautions
    assert line.startswith("the pixel in row ")
    assert f"alone tells {told}" in line
    assert datasets.from_arrays(*bordered("nowhere")).cautions == ()


def test_errors_are_found_that_the_column_would_hide_and_the_page_says_why(run_audit, tmp_path):
    frame = pd.DataFrame(MEASURED.round(4)).assign(label_name=NAMES[GIVEN], label=GIVEN)
    frame.to_csv(tmp_path / "t.csv", index=False)
    done = run_audit(
        "detect", "t.csv", "--preset", "fast", "--noise", "0", "--quiet", "--out", "run", check=0
    )
    assert "caution: column 'label_name' is left out: it says the label in other words" in done.stdout
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    first_screen = page.partition('id="answer"')[2].partition("</section>")[0]
    assert "column &#39;label_name&#39; is left out" in first_screen
    run = audit.load_run(tmp_path / "run")
    found = run.suspects()["id"].astype(int)
    assert np.isin(WRONG, found).mean() > 0.6
    run_audit("apply", "run", "--accept-above", "0.9", "--out", "corrected", check=0)  # rows are as read

"""Every message that a person can meet: provoked, compared as a whole line, and listed in docs/errors.md."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import striped_images

import audit
from audit import datasets
from audit.config import Config
from audit.run import load_run

PAGE = (Path(__file__).parents[1] / "docs" / "errors.md").read_text(encoding="utf-8")
X, y = striped_images(60)
flat = X.reshape(60, -1).astype(float)
rng = np.random.default_rng(0)
probs = rng.dirichlet(np.ones(4), 60)


def detect(*arguments, **settings):
    return lambda: audit.detect(*arguments, **settings)


def load(**settings):
    return lambda: datasets.load(Config(**settings))


def ready(labels, probabilities):
    return lambda: audit.find_issues(labels, probabilities)


def table(text, **settings):
    def provoke():
        Path("t.csv").write_text(text, encoding="utf-8")
        datasets.load(Config(data="t.csv", **settings))

    return provoke


def saved(**arrays):
    def provoke():
        np.savez("a.npz", **arrays)
        datasets.load(Config(data="a.npz"))

    return provoke


def folder(*names):
    def provoke():
        for name in names:
            Path("tree", name).parent.mkdir(parents=True, exist_ok=True)
            Path("tree", name).write_bytes(b"no image")
        Path("tree").mkdir(exist_ok=True)
        datasets.load(Config(data="tree"))

    return provoke


with_nan = X.astype(float)
with_nan[2, 0, 0] = np.nan
CASES = {
    # settings
    "--noise must be a share from 0 to 1, found 1.5; 10 % is 0.1": detect(X, y, noise=1.5),
    "--folds must be a whole number of 2 or more, found 1": detect(X, y, folds=1),
    "--preset must be fast, default or thorough, found 'odd'": detect(X, y, preset="odd"),
    "--report-mb must be megabytes, 0.5 or more, found 0.1; 5 is the default": detect(X, y, report_mb=0.1),
    "unknown setting 'colour'; expected one of data, X, y, x_name, y_name, label_column, path_column, skip_broken, limit, min_class_size, noise, noise_kind, noise_map, noise_matrix, sampling, inclusive, possible_values, seed, folds, preset, rounds, repeats, model, balance, pred_probs, epochs, augment, detector, truth, jobs, device, report_mb, out": detect(X, y, colour="blue"),
    "--X needs --y: the examples and their labels, both as .npy files": load(X=Path("X.npy")),
    "found both 'digits' and --X; give one data set or the other": load(data="digits", X=Path("a"), y=Path("b")),
    "--noise needs a model that is trained on the noisy labels, and --pred-probs has none; leave one of them out": load(pred_probs=Path("p.npy"), noise=0.1),
    "--truth must be consensus or process, found 'gospel'": detect(X, y, truth="gospel"),
    "--noise-kind map needs a map: --noise-map 0:1,1:0 (class_map={0: 1, 1: 0})": detect(X, y, noise_kind="map"),
    # data sets
    "'nothing' is no data set: expected mnist, mnist:train, mnist:test, digits, wine, breast_cancer, openml:NAME, a file that ends in .npz, .h5, .hdf5, .csv, .csv.gz, .tsv, .parquet, a folder of images, or --X and --y; audit datasets lists them": load(data="nothing"),
    "none.npz does not exist (looked in HERE); check the path": load(data="none.npz"),
    "a.npz holds foo; expected arrays named X and y or images and labels or x and y or data and labels or data and target, or give --x-name and --y-name": saved(foo=1),
    "t.csv has the columns a, b, expected one called label, labels, y, target, class; name the labels with --label-column": table("a,b\n1,2\n"),
    "t.csv has the columns a, b, not 'c'; check --label-column": table("a,b\n1,2\n", label_column="c"),
    "t.csv has no columns of features beside the labels; add numbers or categories": table("y\nu\nv\n"),
    "t.csv has two columns called 'a', expected different names; rename one": table("a,a,y\n1,2,3\n"),
    "tree holds no images in 0 subfolders, expected a subfolder of images for each of two or more classes, or IDX files; move the images into folders named by their class": folder(),
    "tree/a/1.png cannot be read as an image (cannot identify image file '1.png'), as 2 of 2 files; use --skip-broken to leave them out, or mend them": folder("a/1.png", "b/1.png"),
    # examples
    "y has 59 entries but X has 60 rows; there must be one label for each row, in the same order": detect(X, y[1:]),
    "X has shape (60,), expected images (n, h, w), (n, h, w, c) or (n, c, h, w), or features (n, d); reshape it": detect(flat[:, 0], y),
    "X holds images of 4 x 4 pixels (shape (60, 4, 4, 1)), expected 8 x 8 or more; scale them up, or give numbers that are no pixels as features (n, d)": detect(X[:, :4, :4], y),
    "X has NaN or infinite pixels, first in row 2; expected finite numbers; leave out such rows or use numpy.nan_to_num": detect(with_nan, y),
    "X has infinite values, first in row 0; expected finite numbers or NaN for a missing one; replace them or leave out such rows": detect(np.full((60, 3), np.inf), y),
    # labels
    "y must hold two classes or more, found only '0'; there is nothing to confuse": detect(X, 0 * y),
    "1 classes of y have one example, such as '9'; expected two or more of each, so that one is judged by others; use --min-class-size 2, which leaves such classes out, or add examples": detect(X, np.where(np.arange(60) == 5, 9, y % 2)),
    "y has 1 classes of 40 examples or more, expected two or more; lower --min-class-size or add examples": detect(X, (np.arange(60) < 45).astype(int), min_class_size=40),
    "y holds 60 different measurements such as 0.5 (row 0), expected classes: integers, strings or booleans, one for each row; a regression target cannot be audited; if these are classes, give them as strings": detect(X, np.arange(60) + 0.5),
    "y has shape (60, 4), expected classes: integers, strings or booleans, one for each row, or one-hot rows with exactly one 1, but row 0 is [0.25, 0.25, 0.25, 0.25]; soft labels are not audited: give the most probable class of each row (argmax)": detect(X, np.full((60, 4), 0.25)),
    "the largest class has 3 distinct examples, expected as many as the 5 folds; use --folds 3": detect(X[:6], [0, 0, 0, 1, 1, 1], noise=0),
    # models
    "--model 'forest' is no model; expected auto, cnn, linear, boosting or package.module:build": detect(X, y, model="forest"),
    "--model cnn reads images, found features of shape (60, 144); use linear or boosting": detect(flat, y, model="cnn"),
    "sample_weight must be finite numbers of 0 or more, and not all 0": detect(X, y, sample_weight=0 * y),
    # probabilities
    "pred_probs has values from -3 to 3, expected 0 to 1: they look like logits; apply softmax: scipy.special.softmax(pred_probs, axis=1)": ready([0, 1], [[3.0, -3.0], [1.0, 2.0]]),
    "row 1 of pred_probs sums to 1.4, expected 1, as in all (1 of 2 rows do not); predict such rows again, or leave them out with their labels": ready([0, 1], [[0.5, 0.5], [0.5, 0.9]]),
    "pred_probs has 59 rows for 60 labels, expected as many, in the same order; predict each labelled row once": ready(y, probs[1:]),
    "every row of pred_probs sums to 100, expected 1; divide by it: pred_probs / 100": ready(y, 100 * probs),
    "the columns of pred_probs are in another order than the classes ('0', '1', '2', '3'), expected the same: the likeliest class is the given label in 0.0 % of rows, but in 100.0 % if column 1 '0', column 2 '1', column 3 '2', column 0 '3' stand for these classes; reorder them: pred_probs[:, [1, 2, 3, 0]]": ready(y, np.eye(4)[(y + 1) % 4]),
    # runs
    "nowhere is no folder, expected a run made by audit detect; check the path": lambda: load_run("nowhere"),
}  # fmt: skip


@pytest.mark.parametrize("message", CASES)
def test_every_mistake_has_its_line_and_every_line_its_place_on_the_page(message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(audit.AuditError) as caught:
        CASES[message]()
    assert str(caught.value).replace(str(tmp_path), "HERE") == message
    assert f"`{message}`" in PAGE


def test_the_page_lists_no_line_that_is_not_provoked_here():
    lines = [row.split("`")[1] for row in PAGE.splitlines() if row.startswith("| `")]
    assert sorted(lines) == sorted(CASES)


def test_a_series_with_another_index_is_taken_by_position():
    frame = pd.DataFrame({"a": np.arange(60.0), "kind": y}, index=np.arange(100, 160))
    assert datasets.from_arrays(frame, "kind").ids.tolist() == list(range(60))

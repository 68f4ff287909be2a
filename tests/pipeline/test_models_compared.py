"""What `--model auto` stands for: measured on one fold of a sample."""

import json

import numpy as np
import pytest

from audit.events import Silent
from audit.pipeline import model_choice
from audit.settings.training import TrainingSettings
from audit.types import LabeledDataset


class Listening(Silent):
    def __init__(self):
        self.notes = []

    def note(self, text):
        self.notes.append(text)


def dataset(X, labels, **more):
    names = tuple("abcdefghij"[: labels.max() + 1])
    n = len(labels)
    return LabeledDataset("d", X, labels, names, np.arange(n), np.arange(n), "print", **more)


def chosen(data, labels=None, **settings):
    listener = Listening()
    labels = data.labels if labels is None else labels
    seed = np.random.SeedSequence(0)
    choice = model_choice.choose("auto", data, labels, TrainingSettings(**settings), seed, listener)
    return choice, listener.notes


def checkerboard(n=1200):
    """Classes that no linear model tells apart, and trees do."""
    X = np.random.default_rng(0).uniform(-1, 1, (n, 4))
    return dataset(X, (X[:, 0] * X[:, 1] > 0).astype(np.int64))


def straight(n=1200):
    """Classes on both sides of a plane, with a fifth of the labels at random."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(n, 6))
    noise = rng.random(n) < 0.2
    return dataset(X, np.where(noise, rng.integers(0, 2, n), X.sum(axis=1) > 0).astype(np.int64))


def test_trees_are_taken_where_no_line_divides_the_classes():
    choice, notes = chosen(checkerboard())
    assert choice.model == "boosting"
    assert choice.note.startswith(
        "--model auto takes boosting: mean log-likelihood of 240 held-out labels after training on 960 rows: "
    )
    assert ", linear -0.69" in choice.note
    assert choice.note.endswith("; the likeliest")
    assert notes[-1].startswith(f"{choice.note}; comparing took ")


def test_the_simplest_is_taken_where_nothing_is_surely_better():
    choice, _ = chosen(straight())
    assert choice.model == "linear"
    assert ", boosting -0." in choice.note
    assert choice.note.endswith("; no other is surely likelier")


def test_the_labels_that_models_are_trained_on_decide():
    data = checkerboard()
    choice, _ = chosen(data, labels=np.random.default_rng(2).integers(0, 2, len(data.labels)))
    assert choice.model == "linear"


@pytest.mark.parametrize("model", ["boosting", "linear", "ridge"])
def test_a_named_model_is_not_compared(model):
    data = straight()
    listener = Listening()
    seed = np.random.SeedSequence(0)
    choice = model_choice.choose(model, data, data.labels, TrainingSettings(), seed, listener)
    assert (choice.model, choice.dataset, choice.note, listener.notes) == (model, data, "", [])


def test_images_and_texts_have_one_model_each():
    images = dataset(np.zeros((40, 9, 9, 1), np.uint8), np.arange(40) % 2)
    choice, notes = chosen(images)
    assert (choice.model, notes) == ("cnn", [])


def test_no_group_is_on_both_sides():
    data = checkerboard()
    groups = np.arange(len(data.labels)) // 60
    labels = np.random.default_rng(3).integers(0, 2, groups.max() + 1)[groups]
    X = np.random.default_rng(4).normal(size=(groups.max() + 1, 4))[groups] + 1e-3 * data.X
    apart, _ = chosen(dataset(X, labels, groups=groups))
    assert apart.model == "linear"  # nothing can be learned of other groups
    together, _ = chosen(dataset(X, labels))
    assert together.model == "boosting"  # which knows the group of a held-out row again


def test_the_latest_rows_are_held_out_of_data_in_order():
    data = checkerboard()
    flipped = np.arange(len(data.labels)) >= 960
    labels = np.where(flipped, 1 - data.labels, data.labels)
    order = np.arange(len(labels))
    in_order, _ = chosen(dataset(data.X, labels, order=order))
    assert in_order.model == "linear"  # trees of the past are all wrong about the future
    assert chosen(dataset(data.X, labels))[0].model == "boosting"


def test_a_model_that_fails_is_not_taken():
    data = straight(60)
    one_class = np.zeros(60, np.int64)
    one_class[0] = 1
    choice, _ = chosen(data, labels=one_class)
    assert choice.model in ("linear", "boosting")


def test_of_embedded_images_the_network_is_compared_too():
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 2, 300)
    images = rng.integers(0, 50, (300, 9, 9, 1)).astype(np.uint8)
    images[labels == 1, 2:4] += 2
    told = dataset(images, labels).embedded_as(
        (labels[:, None] + 2 * rng.normal(size=(300, 8))).astype(np.float32), None
    )
    taken, _ = chosen(told)
    assert (taken.model, taken.dataset) == ("ridge", told)
    assert all(f", {name} " in taken.note for name in ("boosting", "cnn"))
    images[labels == 1, 2:4] += 150
    useless = dataset(images, labels).embedded_as(rng.normal(size=(300, 8)).astype(np.float32), None)
    taken, _ = chosen(useless)
    assert (taken.model, taken.dataset) == ("cnn", useless.shown)


def test_equal_settings_choose_alike():
    assert chosen(checkerboard())[0].note == chosen(checkerboard())[0].note


def test_a_run_says_and_keeps_what_was_chosen(tmp_path, run_audit):
    table = tmp_path / "squares.csv"
    data = checkerboard(600)
    lines = [",".join(map(str, [*row, "ab"[label]])) for row, label in zip(data.X, data.labels, strict=True)]
    table.write_text("\n".join(["w,x,y,z,label", *lines]), encoding="utf-8")
    err = run_audit("detect", "squares.csv", "--noise", "0.1", "--out", "run", "--rounds", "1").stderr
    assert err.count("--model auto takes boosting: mean log-likelihood of 120 held-out labels after") == 1
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["data"]["model"] == "boosting"
    assert any(note.startswith("--model auto takes boosting: ") for note in manifest["data"]["notes"])

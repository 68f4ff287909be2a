"""The noise kinds as a user asks for them: by names of classes, files and flags."""

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import striped_images
from hypothesis import given
from hypothesis import strategies as st

import audit
from audit import noise
from audit.datasets import from_arrays
from audit.noise import options
from audit.noise.options import ConfiguredNoise
from audit.runs.folder import RunFolder
from audit.settings.detect import Config
from audit.types import Seeds

PAGE = Path(__file__).parents[2] / "docs" / "noise.md"
T = np.full((4, 4), 0.05) + 0.8 * np.eye(4)


def named(*names, labels=None):
    labels = range(len(names)) if labels is None else labels
    return from_arrays(np.zeros((2 * len(labels), 8, 8)), np.array(names)[list(labels) * 2])


# Names, files, keys


@given(st.sets(st.integers(-30, 30), min_size=2), st.sets(st.integers(-30, 30)))
def test_further_classes_are_sorted_in_as_numbers(present, more):
    labels = sorted(present) * 2
    dataset = from_arrays(np.zeros((len(labels), 8, 8)), labels)
    wide = options.with_classes(dataset, [str(c) for c in present | more])
    assert wide.class_names == tuple(str(c) for c in sorted(present | more))
    assert [int(wide.class_names[label]) for label in wide.labels] == labels
    assert wide.fingerprint == dataset.fingerprint


def test_further_names_are_sorted_in_as_text():
    wide = options.with_classes(named("cat", "owl"), ["owl", "ant", "cat", "bee"])
    assert wide.class_names == ("ant", "bee", "cat", "owl")
    assert wide.labels.tolist() == [2, 3, 2, 3]


def test_a_class_of_the_data_that_is_no_possible_value_is_refused():
    with pytest.raises(audit.ConfigError) as caught:
        options.with_classes(named("cat", "owl"), ["cat", "dog"])
    assert (
        str(caught.value) == "--possible-values lacks 'owl', which the labels contain; found cat, dog; add it"
    )


def test_a_map_is_read_by_name():
    assert options.map_in("owl:cat, cat : dog", ("cat", "dog", "owl")) == {2: 0, 0: 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cat", "--noise-map must be pairs of classes such as 0:1,1:0, found 'cat'"),
        ("cat:dog:owl", "--noise-map must be pairs of classes such as 0:1,1:0, found 'cat:dog:owl'"),
        ("cat:cow", "--noise-map names 'cow', expected classes of the data: cat, dog, owl"),
        ("cat:dog,cat:owl", "--noise-map sends the class 'cat' to two classes, expected one; leave one out"),
        ("cat:cat", "--noise-map sends the class 'cat' to itself, expected another; leave it out"),
    ],
)
def test_a_map_that_cannot_be_is_refused(text, message):
    with pytest.raises(audit.ConfigError) as caught:
        options.map_in(text, ("cat", "dog", "owl"))
    assert str(caught.value) == message


@pytest.mark.parametrize("name", ["T.npy", "T.csv"])
def test_a_matrix_is_read_from_a_file(tmp_path, name):
    path = tmp_path / name
    np.save(path, T) if name == "T.npy" else np.savetxt(path, T, delimiter=",")
    dataset = named("a", "b", "c", "d", labels=list(range(4)) * 250)
    config = Config.of(noise_kind="matrix", noise_matrix=path)
    _, injected = ConfiguredNoise.of(config).inject_into(dataset, np.random.default_rng(0))
    np.testing.assert_allclose(injected.transition, T)
    assert injected.flipped.sum() == 300


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("T.txt", b"", "--noise-matrix must be a .npy or .csv file, found "),
        ("T.csv", b"", r"holds no matrix of numbers \(the file is empty\); expected one row for each class"),
        ("T.csv", b"a,b\n1,2\n", r"holds no matrix of numbers \(could not convert string 'a'"),
        ("T.csv", b"1,0\n1\n", r"holds no matrix of numbers \("),
        ("T.npy", b"PK\x03\x04", r"holds no matrix of numbers \("),
    ],
)
def test_a_file_that_holds_no_matrix_is_refused(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(audit.ConfigError, match=message):
        ConfiguredNoise.of(Config.of(noise_kind="matrix", noise_matrix=tmp_path / name))


def key_settings(config):
    return ConfiguredNoise.of(config).key_settings(config)


def test_a_matrix_decides_the_key_by_its_content(tmp_path):
    for name, matrix in (("T.npy", T), ("same.npy", T), ("other.npy", T[::-1])):
        np.save(tmp_path / name, matrix)
    first, same, other = (
        key_settings(Config.of(noise_kind="matrix", noise_matrix=tmp_path / name))
        for name in ("T.npy", "same.npy", "other.npy")
    )
    assert first == same != other


@pytest.mark.parametrize("kind", noise.NOISE_KINDS)
def test_every_kind_ends_in_a_report_and_comes_back(tmp_path, kind):
    classes = 10 if kind == "asymmetric" else 4
    X, y = striped_images(30 * classes, classes=classes, side=22 if classes == 10 else 12)
    if kind != "asymmetric":  # which is for images of digits; features are trained on in less time
        X = X.reshape(len(X), -1)
    np.save(tmp_path / "T.npy", T)
    more = {"map": {"noise_map": "0:1,3:2"}, "matrix": {"noise_matrix": tmp_path / "T.npy"}}.get(kind, {})
    rate = {} if kind == "matrix" else {"noise": 0.3}
    run = audit.detect(X, y, noise_kind=kind, epochs=1, folds=2, out=tmp_path / "run", **rate, **more)
    back = RunFolder(tmp_path / "run").load_record()
    assert (back.labels.transition == run.record.labels.transition).all()
    figures = back.scores.noise
    assert figures.requested == (None if kind == "matrix" else 0.3)
    assert figures.expected == run.record.labels.expected
    assert figures.realised == run.record.labels.rate
    assert (tmp_path / "run" / "report.html").stat().st_size > 10_000


# Each documented command, as a user runs it


@pytest.fixture
def ask(run_audit, tmp_path):
    """Run `audit detect` with these words on 200 rows of features; gives the labels and the scores."""

    def run(words, k=4):
        X, y = striped_images(200)
        np.savez(tmp_path / "data.npz", X=X.reshape(200, -1), y=y)
        quick = ("--epochs", "1", "--folds", "2", "--out", "run", "--quiet")
        run_audit("detect", "data.npz", *words.split(), *quick, check=0)
        with np.load(tmp_path / "run" / "labels.npz") as file:
            labels = dict(file)
        assert labels["transition"].shape == (k, k)
        assert not PAGE.exists() or f"audit detect {words}\n" in PAGE.read_text(encoding="utf-8")
        return (
            labels["true"],
            labels["given"],
            json.loads((tmp_path / "run" / "scores.json").read_text(encoding="utf-8")),
        )

    return run


def again(true, *arguments, **settings):
    """What `inject` gives with the seed of the run."""
    return audit.inject(true, *arguments, rng=np.random.default_rng(Seeds.of(0).noise), **settings).noisy


def test_the_command_that_draws_a_tenth_anew(ask):
    true, given_labels, scores = ask("--noise 0.1 --inclusive")
    assert 0 < (true != given_labels).sum() < 20
    assert (given_labels == again(true, 0.1, inclusive=True)).all()
    assert scores["noise"]["requested"] == 0.1
    assert scores["noise"]["expected"] == pytest.approx(0.075)


def test_the_command_that_draws_each_label_with_a_probability(ask):
    true, given_labels, _ = ask("--noise 0.1 --sampling bernoulli --inclusive")
    assert (true != given_labels).any()
    assert (given_labels == again(true, 0.1, sampling="bernoulli", inclusive=True)).all()


def test_the_command_that_swaps_two_classes(ask):
    true, given_labels, scores = ask("--noise-kind map --noise-map 0:1,1:0 --noise 1")
    assert (given_labels == np.where(true < 2, 1 - true, true)).all()
    assert scores["noise"]["expected"] == scores["noise"]["realised"] == (true < 2).mean()


def test_the_command_that_changes_a_tenth_of_each_class(ask):
    true, given_labels, _ = ask("--noise-kind stratified --noise 0.1")
    changed, counts = np.bincount(true[true != given_labels], minlength=4), np.bincount(true)
    assert changed.sum() == 20
    assert (np.abs(changed - counts / 10) < 1).all()
    assert (given_labels == again(true, 0.1, "stratified")).all()


def test_the_command_that_scrambles_half_into_more_classes(ask):
    true, given_labels, _ = ask(
        "--noise-kind scramble --noise 0.5 --possible-values 0,1,2,3,4,5,6,7,8,9,10,11", k=12
    )
    assert (true != given_labels).sum() == 100
    assert set(given_labels) == set(range(12))
    assert set(true) == {0, 1, 2, 3}
    assert (given_labels == again(true, 0.5, "scramble", k=12)).all()


def test_the_command_with_a_matrix_repeats_itself(run_audit, tmp_path):
    import shlex

    X, y = striped_images(120)
    np.savez(tmp_path / "data.npz", X=X.reshape(120, -1), y=y)
    np.savetxt(tmp_path / "T.csv", T, delimiter=",")
    command = "detect data.npz --noise-kind matrix --noise-matrix T.csv --epochs 1 --folds 2"
    run_audit(*command.split(), check=0)
    folder = tmp_path / "reports" / "data-matrix-s0"
    repeat = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["repeat"]
    (tmp_path / "T.csv").rename(tmp_path / "elsewhere.csv")
    again = run_audit(*shlex.split(repeat.replace("T.csv", "elsewhere.csv"))[1:], check=0)
    assert "reusing the finished run in reports/data-matrix-s0" in again.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--noise 0.1 --noise-kind matrix", "--noise must be left out with --noise-kind matrix, whose matrix gives the rate, found 0.1"),
        ("--noise-kind matrix --noise-matrix none.npy", "--noise-matrix none.npy cannot be read (No such file or directory); check the path"),
        ("--noise-kind map", "--noise-kind map needs a map; give one, as in --noise-map 0:1,1:0 (in Python class_map={0: 1, 1: 0})"),
        ("--possible-values 0,1", "--possible-values belongs to --noise-kind scramble, found symmetric; leave one out"),
        ("digits --noise-kind scramble --possible-values 0,1", "--possible-values lacks '2', which the labels contain; found 0, 1; add it"),
    ],
)  # fmt: skip
def test_a_mistake_gets_one_line(run_audit, words, message):
    assert run_audit("detect", *words.split(), check=2).stderr == f"audit: {message}\n"

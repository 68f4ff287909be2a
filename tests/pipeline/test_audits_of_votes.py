"""An audit with several people's labels: what it keeps, what noise does to votes, and what the report shows."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import audit
from audit.datasets import from_arrays
from audit.datasets.majority import majority
from audit.noise.options import ConfiguredNoise
from audit.settings.detect import Config

rng = np.random.default_rng(0)
n = 120
truth = np.arange(n) % 3
X = rng.normal(size=(n, 4)) + 2 * truth[:, None]
NAMES = np.array(["<b>cat</b>", "dog", "=eel"])
SAID = np.where(rng.random((n, 4)) < 0.75, truth[:, None], rng.integers(0, 3, (n, 4)))
GIVEN = rng.random((n, 4)) < 0.8
GIVEN[5] = False
WIDE = pd.DataFrame(np.where(GIVEN, NAMES[SAID], None), columns=["ada", "<i>bob</i>", "cy", "=dan"])
SETTINGS = {"model": "linear", "preset": "fast", "folds": 3, "jobs": 1}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("votes") / "run"
    return audit.detect(X, annotations=WIDE, noise=0.15, out=out, **SETTINGS), out


def test_a_run_comes_back_with_its_votes_and_what_was_said_of_them(run):
    made, out = run
    back = audit.load_run(out).record
    for name in ("rows", "annotators", "labels"):
        assert getattr(back.votes, name).tolist() == getattr(made.record.votes, name).tolist()
    assert back.votes.names == made.record.votes.names
    for name, values in vars(made.record.vote_quality).items():
        assert getattr(back.vote_quality, name).tolist() == values.tolist()
    assert back.noisy_votes.tolist() == made.record.noisy_votes.tolist()
    pd.testing.assert_frame_equal(audit.load_run(out).annotators, made.annotators)


def test_votes_decide_the_key_of_a_run(run):
    made, _ = run
    keys = {made.record.stages["issues"]["key"]}
    same = audit.detect(X, annotations=WIDE[WIDE.columns[::-1]], noise=0.15, **SETTINGS).record
    assert same.stages["issues"]["key"] in keys
    assert same.suspects.p_error.tolist() == made.record.suspects.p_error.tolist()
    other = WIDE.copy()
    other.iloc[0, 0] = "dog" if other.iloc[0, 0] != "dog" else "=eel"
    for changed in (other, WIDE.rename(columns={"cy": "zoe"})):
        keys.add(audit.detect(X, annotations=changed, noise=0.15, **SETTINGS).record.stages["issues"]["key"])
    assert len(keys) == 3


def test_the_list_finds_wrong_majorities(run):
    record = run[0].record
    wrong = NAMES[truth[record.rows]] != np.array(record.class_names)[record.labels.original]
    assert wrong.sum() > 3
    assert record.suspects.p_error[wrong].mean() > 4 * record.suspects.p_error[~wrong].mean()
    assert record.scores.detector == "votes"


def test_flipped_labels_are_those_whose_majority_flipped_votes_changed(run):
    record = run[0].record
    votes, flipped = record.votes, record.votes.labels != record.noisy_votes
    assert flipped.sum() == round(0.15 * len(flipped))
    touched = np.isin(np.arange(len(record.ids)), votes.rows[flipped])
    assert not record.labels.flipped[~touched].any()
    assert record.injected
    assert any("labels of single people flipped" in note for note in record.data["notes"])


@pytest.mark.parametrize("kind", ["pair", "instance", "confusion"])
def test_every_kind_of_noise_flips_votes(kind):
    dataset = from_arrays(X, annotations=WIDE)
    noise = ConfiguredNoise.of(Config.of(noise=0.3, noise_kind=kind))
    same, labels = noise.inject_into(dataset, np.random.default_rng(0))
    assert same is dataset
    assert 0 < (labels.votes.labels != dataset.votes.labels).mean() < 0.6
    k = len(dataset.class_names)
    after = majority(labels.votes, len(dataset.labels), k)
    assert (labels.noisy[labels.flipped] == after[labels.flipped]).all()


def test_without_noise_no_vote_is_changed():
    dataset = from_arrays(X, annotations=WIDE)
    _, labels = ConfiguredNoise.of(Config.of(noise=0)).inject_into(dataset, np.random.default_rng(0))
    assert not labels.flipped.any()
    assert labels.votes.labels.tolist() == dataset.votes.labels.tolist()


def test_the_tables_hold_every_row_vote_and_person(run):
    made, out = run
    record = made.record
    for name in ("annotators.csv", "consensus.csv", "votes.csv", "one_more.csv"):
        assert name in (out / "manifest.json").read_text(encoding="utf-8")
    assert len(made.annotators) == 4
    assert made.annotators["labels"].sum() == len(made.votes) == GIVEN.sum()
    assert len(made.consensus) == len(record.ids)
    one_more = made.one_more
    assert sorted(one_more["id"].astype(int)) == list(range(n))
    assert one_more["score"].is_monotonic_increasing
    issues = made.issues
    suspects = issues[issues["list"] == "suspect"]
    row = int(suspects["id"].iloc[0])
    counts = WIDE.iloc[row].value_counts()
    assert set(suspects["votes"].iloc[0].split(", ")) == {f"{c} × {label}" for label, c in counts.items()}
    text = (out / "annotators.csv").read_text(encoding="utf-8")
    assert "'=dan" in text


def test_the_report_shows_votes_and_annotators_as_text(run):
    page = (run[1] / "report.html").read_text(encoding="utf-8")
    assert 'id="annotators"' in page
    assert re.search(r'<p class="votes evidence"[^>]*>\d\u00a0×\u00a0', page)
    assert "<i>bob</i>" not in page
    assert "&lt;i&gt;bob&lt;/i&gt;" in page
    assert "One more person should look" in page


def test_a_damaged_file_of_votes_is_named_and_made_again(run):
    out = run[1]
    whole = (out / "votes.npz").read_bytes()
    (out / "votes.npz").write_bytes(whole[:-3])
    with pytest.raises(audit.RunError, match=r"votes\.npz is damaged"):
        audit.load_run(out)
    again = audit.detect(X, annotations=WIDE, noise=0.15, out=out, **SETTINGS)
    assert (out / "votes.npz").read_bytes() == whole
    assert again.record.noisy_votes.tolist() == run[0].record.noisy_votes.tolist()


def test_labels_that_are_given_are_judged_by_the_votes():
    y = truth.copy()
    y[:8] = (y[:8] + 1) % 3
    said = pd.DataFrame(np.where(GIVEN, SAID, -1), columns=list("abcd"))
    record = audit.detect(X, y, annotations=said, noise=0, **SETTINGS).record
    assert record.labels.original.tolist() == y.tolist()
    wrong = y != truth
    assert record.suspects.p_error[wrong].min() > np.median(record.suspects.p_error[~wrong])
    assert record.suspects.is_issue[wrong].mean() > 0.8


def test_the_command_reads_audits_corrects_and_exports(tmp_path, run_audit):
    np.save(tmp_path / "X.npy", X)
    WIDE.to_csv(tmp_path / "votes.csv", index=False)
    command = ["detect", "--X", "X.npy", "--annotations", "votes.csv", "--noise", "0", "--model", "linear"]
    command += ["--preset", "fast", "--folds", "3", "--jobs", "1", "--out", "run"]
    run_audit(*command, check=0)
    again = run_audit(*command, check=0)
    assert "reusing the finished run" in again.stderr
    run_audit("report", "run", check=0)
    record = audit.load_run(tmp_path / "run").record
    (tmp_path / "moved").mkdir()
    for name in ("X.npy", "votes.csv"):
        Path(tmp_path / name).rename(tmp_path / "moved" / name)
    done = run_audit("apply", "run", "--accept-above", "0.8", "--data", "moved", "--out", "fixed", check=0)
    assert "fixed/labels.npy" in done.stdout
    labels = np.load(tmp_path / "fixed" / "labels.npy")
    expected = np.array(record.class_names)[record.labels.original]
    changed = record.suspects.is_issue & (record.suspects.p_error >= 0.8)
    assert changed.any()
    expected[changed] = np.array(record.class_names)[record.suspects.suggested[changed]]
    assert labels[record.rows].tolist() == expected.tolist()
    exported = run_audit("export", "run", "--format", "csv", check=0).stdout
    assert exported.splitlines()[0].endswith(",hash,votes")


def test_a_run_without_votes_says_so():
    run = audit.detect(None, truth, pred_probs=np.eye(3)[truth] * 0.7 + 0.1)
    with pytest.raises(audit.RunError, match="no labels of several people"):
        _ = run.annotators

"""The data of a run changes while it is audited: nothing is kept under the key of what it was."""

import itertools
import os
import shutil

import numpy as np
import pandas as pd
import pytest
from conftest import EXHAUSTIVE, striped_images

import audit
from audit.datasets import lazy_rows, unchanged
from audit.pipeline import detect, request
from audit.training.models import tabular

X, y = striped_images(60)
NAMES = np.array(list("abcd"))


def pair(folder):
    np.save(folder / "X.npy", X.reshape(60, -1))
    np.save(folder / "y.npy", y)
    return ["--X", "X.npy", "--y", "y.npy"], ["X.npy", "y.npy"]


def archive(folder):
    np.savez(folder / "d.npz", X=X.reshape(60, -1), y=y)
    return ["d.npz"], ["d.npz"]


def hdf5(folder):
    h5py = pytest.importorskip("h5py")
    with h5py.File(folder / "d.h5", "w") as file:
        file["X"], file["y"] = X.reshape(60, -1), y
    return ["d.h5"], ["d.h5"]


def table(folder):
    frame = pd.DataFrame(X.reshape(60, -1)[:, ::7].astype(float))
    frame.columns = [f"c{i}" for i in range(frame.shape[1])]
    frame.assign(label=NAMES[y]).to_csv(folder / "t.csv", index=False)
    return ["t.csv"], ["t.csv"]


def tree(folder):
    from PIL import Image

    for i in range(60):
        path = folder / "tree" / NAMES[y[i]] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(X[i, ..., 0]).save(path)
    return ["tree"], ["tree/a/" + next((folder / "tree" / "a").iterdir()).name]


def records(folder):
    frame = pd.DataFrame(X.reshape(60, -1)[:, ::7].astype(float)).assign(label=NAMES[y])
    frame.to_json(folder / "t.jsonl", orient="records", lines=True)
    return ["t.jsonl"], ["t.jsonl"]


def packed(folder):
    arguments, _ = tree(folder)
    shutil.make_archive(str(folder / "p"), "zip", folder / "tree")
    shutil.rmtree(folder / arguments[0])
    return ["p.zip"], ["p.zip"]


def shards(folder):
    tree(folder)
    (folder / "shards").mkdir()
    for label in NAMES[:2]:
        shutil.make_archive(str(folder / "shards" / label), "tar", folder / "tree", label)
    return ["shards"], ["shards/a.tar"]


def flipped(path):
    """Change the byte in the middle in place."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut_short(path):
    os.truncate(path, path.stat().st_size // 2)


def replaced(path):
    shutil.copy(path, path.with_suffix(".new"))
    flipped(path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)


def gone(path):
    path.unlink()


@pytest.fixture
def when_trained(monkeypatch):
    """Have something done when a number of models have been trained; in this process."""

    def do(action, at):
        built = []
        build = tabular.build_linear

        def counting(training):
            built.append(training)
            if len(built) == at:
                action()
            return build(training)

        monkeypatch.setattr(tabular, "build_linear", counting)

    return do


EVERY_CHANGE = itertools.product([pair, archive, hdf5, table, tree], [flipped, cut_short, replaced, gone])
SOME_CHANGES = [(pair, flipped), (archive, cut_short), (hdf5, replaced), (table, gone), (tree, replaced)]
OF_PACKED = [(records, replaced), (packed, replaced), (shards, gone)]
OTHERS = [each for each in EVERY_CHANGE if each not in SOME_CHANGES]


@pytest.mark.parametrize(
    ("form", "change"),
    [*SOME_CHANGES, *OF_PACKED, *(pytest.param(*each, marks=EXHAUSTIVE) for each in OTHERS)],
)
def test_a_source_that_changes_in_a_run_is_told_and_the_run_is_not_kept(
    form, change, run_audit, tmp_path, when_trained
):
    arguments, paths = form(tmp_path)
    command = ["detect", *arguments, "--model", "linear", "--folds", "2", "--preset", "fast", "--out", "run"]
    when_trained(lambda: change(tmp_path / paths[0]), 1)
    done = run_audit(*command, "--quiet", check=2)
    assert len(done.stderr.splitlines()) == 1
    assert " changed while it was audited, expected the same data until the end; " in done.stderr
    assert not (tmp_path / "run" / "pred_probs.npy").exists()
    assert not (tmp_path / "run" / "report.html").exists()


def test_a_mapped_file_that_was_changed_and_put_back_spoils_the_folds_of_that_time(
    run_audit, tmp_path, monkeypatch, when_trained
):
    monkeypatch.setattr(unchanged, "LAZY_BYTES", 1)
    monkeypatch.setattr(lazy_rows, "LAZY_BYTES", 1)
    arguments, (path, _) = pair(tmp_path)
    command = ["detect", *arguments, "--model", "linear", "--folds", "3", "--preset", "fast", "--out"]
    path = tmp_path / path
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns

    def changed_and_put_back():
        flipped(path)
        flipped(path)
        os.utime(path, ns=times)

    when_trained(changed_and_put_back, 2)
    done = run_audit(*command, "run", "--quiet", check=2)
    assert done.stderr.startswith("audit: X.npy changed while it was audited")
    assert [each.name for each in (tmp_path / "run" / "folds" / "round-1").iterdir()] == ["0.npz"]
    assert "reusing 1 of 3 folds" in run_audit(*command, "run", check=0).stderr
    run_audit(*command, "whole", check=0)
    for name in ("pred_probs.npy", "issues.csv"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_source_that_is_only_touched_is_the_same(run_audit, tmp_path, when_trained):
    arguments, paths = table(tmp_path)
    when_trained((tmp_path / paths[0]).touch, 1)
    run_audit("detect", *arguments, "--model", "linear", "--folds", "2", "--out", "run", check=0)


def test_small_mapped_files_are_read_once(run_audit, tmp_path, when_trained):
    """Nobody can cut short what is in memory, which would end the process without a line."""
    arguments, _ = pair(tmp_path)
    when_trained(lambda: os.truncate(tmp_path / "X.npy", 0), 1)
    command = ["detect", *arguments, "--model", "linear", "--folds", "2", "--preset", "fast", "--out", "run"]
    assert run_audit(*command, check=2).stderr.count("X.npy changed while it was audited") == 1


@pytest.mark.parametrize("failure", [None, audit.DataError("p.npy has 9 bytes where a worker reads it")])
def test_probabilities_that_are_judged_in_their_file_must_stay_what_they_were(tmp_path, monkeypatch, failure):
    monkeypatch.setattr(request, "LAZY_BYTES", 1)
    probs = np.full((60, 4), 0.05)
    probs[np.arange(60), y] = 0.85
    np.save(tmp_path / "p.npy", probs)
    judge = detect.judge.judge

    def judged_while_it_changes(*arguments):
        found = judge(*arguments)
        replaced(tmp_path / "p.npy")
        if failure:
            raise failure
        return found

    monkeypatch.setattr(detect.judge, "judge", judged_while_it_changes)
    with pytest.raises(audit.DataError, match=r"p\.npy changed while it was audited"):
        audit.detect(y=y, pred_probs=np.load(tmp_path / "p.npy", mmap_mode="r"))

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import audit
from audit.events import Silent
from audit.pipeline.detect import detect_spec
from audit.runs.folder import RunFolder, load_record
from audit.runs.folds import FoldCheckpoints
from audit.runs.stages import Stage
from audit.settings.detect import Config
from audit.types import FeatureValue, FoldResult, Thumbnails

result = FoldResult(
    fold=0,
    rows=np.array([1, 3]),
    pred_probs=np.array([[0.25, 0.75], [1, 0]], np.float32),
    trained=np.array([0, 2]),
    margins=np.array([1.5, -0.5], np.float32),
    losses=(0.5, 0.25),
    seconds=1.5,
    device="cpu",
)


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    folder = RunFolder(tmp_path)
    folder.write_text("a.txt", "before")

    def half(file):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(
        audit.RunError, match=r"cannot write .*a\.txt \(No space left on device\); finished folds are kept"
    ):
        folder.write("a.txt", half)
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
def test_a_full_disk_is_said_in_one_line():
    with pytest.raises(audit.RunError, match="cannot write") as caught:
        RunFolder(Path("/dev/full")).write_text("x", "y")
    assert "\n" not in str(caught.value)


def test_folds_come_back_as_they_were_and_only_under_their_key(tmp_path):
    shelf = FoldCheckpoints(RunFolder(tmp_path), "key")
    shelf.save_fold("round-1", result)
    (back,) = shelf.load_folds("round-1", 5)
    assert back.pred_probs.tobytes() == result.pred_probs.tobytes()
    assert (back.trained.tolist(), back.margins.tolist()) == ([0, 2], [1.5, -0.5])
    assert (back.rows.tolist(), back.losses, back.seconds, back.device) == ([1, 3], (0.5, 0.25), 1.5, "cpu")
    assert FoldCheckpoints(RunFolder(tmp_path), "another key").load_folds("round-1", 5) == []
    assert shelf.load_folds("round-2", 5) == []


@given(st.binary(max_size=300))
def test_a_damaged_fold_counts_as_not_there(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("damaged")
    (path / "folds" / "round-1").mkdir(parents=True)
    (path / "folds" / "round-1" / "0.npz").write_bytes(content)
    assert FoldCheckpoints(RunFolder(path), "key").load_folds("round-1", 1) == []


def test_nothing_pickled_is_ever_read(tmp_path):
    (tmp_path / "folds" / "round-1").mkdir(parents=True)
    content = {"key": np.array("key"), "rows": np.array([print], dtype=object)}
    np.savez(tmp_path / "folds" / "round-1" / "0.npz", **content)
    assert FoldCheckpoints(RunFolder(tmp_path), "key").load_folds("round-1", 1) == []


def test_a_key_depends_on_the_settings_and_on_the_step_before():
    base = Stage("folds", {"epochs": 3, "seed": 0}, "upstream")
    same = Stage("folds", {"seed": 0, "epochs": 3}, "upstream")
    others = [
        Stage("folds", {"epochs": 4, "seed": 0}, "upstream"),
        Stage("folds", {"epochs": 3, "seed": 0}, "elsewhere"),
        Stage("folds", {"epochs": 3, "seed": 0}, "upstream", version=2),
    ]
    assert base.key == same.key
    assert len({base.key, *(other.key for other in others)}) == 4


def test_a_run_comes_back_as_it_was_saved(finished_run):
    run, path = finished_run
    back = RunFolder(path).load_record()
    assert back.probs.pred_probs.tobytes() == run.record.probs.pred_probs.tobytes()
    assert (back.labels.noisy == run.record.labels.noisy).all()
    assert (back.labels.original == run.record.labels.original).all()
    assert (back.issues.ranking == run.record.issues.ranking).all()
    assert back.class_names == run.record.class_names
    assert back.scores == run.record.scores
    written = json.loads((path / "scores.json").read_text(encoding="utf-8"))
    assert json.dumps(written) == json.dumps(back.scores.to_json())


feature_names = st.text(st.sampled_from("a\t\n\r\0\u2028\"'=<[,\\ "), max_size=8) | st.text(max_size=8)
figures = st.sampled_from(["1", "-0.5", "1e-05", "12,345", "nan"])


@given(
    st.lists(
        st.lists(st.builds(FeatureValue, feature_names, figures, figures, figures), max_size=4), max_size=4
    )
)
def test_features_of_any_name_come_back_from_the_folder(tmp_path_factory, finished_run, rows):
    features = tuple(map(tuple, rows))
    none = np.empty((len(rows), 0, 0, 1), np.uint8)
    kept = Thumbnails(np.arange(len(rows)), none, features, np.full((len(rows), 2), -1))
    folder = RunFolder(tmp_path_factory.mktemp("named"))
    folder.save_record(replace(finished_run[0].record, thumbnails=kept))
    assert folder.load_record().thumbnails.unusual == features


def test_a_folder_with_other_things_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("ten years of work")
    with (
        pytest.raises(audit.RunError, match=r"holds other files \(thesis.txt …\) and no run"),
        RunFolder.locked(tmp_path),
    ):
        pass
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_unfinished_or_missing_run_is_said(tmp_path, run_audit):
    assert "is not a folder, expected a run" in run_audit("report", tmp_path / "none", check=2).stderr
    with RunFolder.locked(tmp_path / "new"):
        pass
    assert "holds no finished run" in run_audit("report", tmp_path / "new", check=2).stderr


def test_two_runs_never_share_a_folder(tmp_path):
    hold = f"""
import time
from pathlib import Path
from audit.runs.folds import FoldCheckpoints
from audit.events import Silent
from audit.pipeline.detect import detect_spec
from audit.runs.folder import RunFolder, load_record
with RunFolder.locked(Path({os.fspath(tmp_path / "run")!r})):
    print("held", flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", hold], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        with (
            pytest.raises(audit.RunError, match="another run is writing to"),
            RunFolder.locked(tmp_path / "run"),
        ):
            pass
        other.kill()
    with RunFolder.locked(tmp_path / "run"):
        pass  # a killed run leaves no lock behind


@given(first=st.integers(-(2**40), 2**40))
@settings(max_examples=10, deadline=None)
def test_a_run_with_ids_of_any_sign_is_read_again(tmp_path_factory, first):
    rows = np.arange(40)
    folder = tmp_path_factory.mktemp("ids")
    frame = pd.DataFrame({"id": first + rows, "a": rows % 7 / 7, "b": rows % 3 / 3, "label": rows % 2})
    frame.to_csv(folder / "t.csv", index=False)
    np.save(folder / "p.npy", np.random.default_rng(0).dirichlet(np.ones(2), 40))
    config = Config.of(data=str(folder / "t.csv"), pred_probs=folder / "p.npy", noise=0.0, out=folder / "run")
    detect_spec(config, Silent())
    assert load_record(folder / "run").ids.tolist() == (first + rows).tolist()

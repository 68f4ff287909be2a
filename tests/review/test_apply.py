import copy
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pytest
from conftest import posix
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from reviewing import document, finished, write

import audit
from audit.review import apply, folder
from audit.review.decisions import parse_decisions, read_decisions
from audit.runs.tables import csv_rows

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs" / "decisions.schema.json").read_text(encoding="utf-8")
)
N = 60
X = np.random.default_rng(0).normal(size=(N, 3))
y = (np.arange(N) % 3).astype(np.int16)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a pair of .npy files and a finished run on them, made from there."""
    base = tmp_path_factory.mktemp("made")
    np.save(base / "X.npy", X)
    np.save(base / "y.npy", y)
    former = Path.cwd()
    os.chdir(base)
    try:
        return base, finished("run", X=Path("X.npy"), y=Path("y.npy"))
    finally:
        os.chdir(former)


@pytest.fixture
def own(made, here):
    """A copy of that folder, to spoil, as the current one."""
    base, record = made
    for name in ("X.npy", "y.npy"):
        shutil.copy(base / name, here)
    shutil.copytree(base / "run", here / "run")
    moved = json.loads((here / "run" / "manifest.json").read_text(encoding="utf-8"))
    moved["data"]["folder"] = str(here)
    (here / "run" / "manifest.json").write_text(json.dumps(moved), encoding="utf-8")
    return record


def entries(path):
    return [row for _, row in csv_rows(Path(path) / "corrected.csv")[1]]


def refused(*arguments, **settings):
    """The line with which apply refuses; nothing is written."""
    with pytest.raises(audit.AuditError) as caught:
        apply.apply(*arguments, out="refused", **settings)
    assert not Path("refused").exists()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_review_becomes_labels_and_goes_back(own, run_audit, here):
    before = (here / "y.npy").read_bytes()
    actions = {0: ("relabel", "1"), 6: ("relabel", "0"), 7: "keep", 12: "ambiguous", 18: "drop"}
    write(document(own, actions))
    done = run_audit("apply", "run", "decisions.json", "--out", "fixed", check=0)
    assert "2 kept, 1 relabelled, 1 ambiguous, 1 dropped" in done.stdout
    expected = y.copy()
    expected[0] = 1
    new = np.load("fixed/y.npy")
    assert new.dtype == np.int16
    assert (new == expected).all()
    assert np.flatnonzero(~np.load("fixed/keep.npy")).tolist() == [18]
    record = entries("fixed")
    assert [(r["id"], r["row"], r["before"], r["after"], r["action"]) for r in record] == [
        ("0", "0", "0", "1", "relabel"),
        ("6", "6", "0", "0", "keep"),  # relabelled to what it was
        ("7", "7", "1", "1", "keep"),
        ("12", "12", "0", "0", "ambiguous"),
        ("18", "18", "0", "", "drop"),
    ]
    assert {(r["reviewer"], r["source"], r["time"]) for r in record} == {
        ("Ada", "person", "2026-11-21T11:58:03.120Z")
    }
    assert all(re.fullmatch("[0-9a-f]{16}", r["hash"]) for r in record)
    assert (here / "y.npy").read_bytes() == before

    done = run_audit("revert", "fixed", check=0)
    assert "fixed/y.npy" in done.stdout
    assert (here / "fixed" / "y.npy").read_bytes() == before
    assert not (here / "fixed" / "keep.npy").exists()
    assert entries("fixed") == record
    assert run_audit("revert", "fixed", check=0).stdout == done.stdout  # twice is once
    run_audit("apply", "run", "decisions.json", "--out", "fixed", check=0)
    assert (np.load("fixed/y.npy") == expected).all()


actions = st.one_of(
    st.sampled_from(["keep", "ambiguous", "drop"]), st.tuples(st.just("relabel"), st.sampled_from("012"))
)


@given(st.dictionaries(st.integers(0, N - 1), actions))
def test_exactly_the_relabelled_rows_change_and_revert_restores_every_byte(made, tmp_path_factory, decisions):
    base, record = made
    out = tmp_path_factory.mktemp("out") / "fixed"
    path = write(document(record, decisions), out.with_name("d.json"))
    applied = apply.apply(base / "run", path, out=out)
    expected = y.copy()
    for row, action in decisions.items():
        if isinstance(action, tuple):
            expected[row] = int(action[1])
    assert (np.load(out / "y.npy") == expected).all()
    assert applied.counts["relabelled"] == (expected != y).sum()
    assert sum(applied.counts.values()) == len(decisions)
    apply.revert(out)
    assert (out / "y.npy").read_bytes() == (base / "y.npy").read_bytes()


BAR = 0.25


def test_suggestions_above_a_bar_are_accepted_and_marked_but_a_person_wins(own, run_audit):
    suspects = own.suspects.ranking[own.suspects.p_error[own.suspects.ranking] >= BAR].tolist()
    assert len(suspects) > 3
    kept, other = suspects[:2]
    write(document(own, {kept: "keep", other: "drop"}))
    done = run_audit("apply", "run", "decisions.json", "--accept-above", BAR, "--out", "a", check=0)
    assert (
        f"{len(suspects) - 2} relabelled ({len(suspects) - 2} of them accepted without review)" in done.stdout
    )
    new = np.load("a/y.npy")
    assert new[kept] == y[kept]
    assert new[other] == y[other]
    assert np.flatnonzero(new != y).tolist() == sorted(suspects[2:])
    assert (new[suspects[2:]] == own.suspects.suggested[suspects[2:]]).all()
    blind = [r for r in entries("a") if r["source"] != "person"]
    assert {(r["source"], r["reviewer"], r["action"]) for r in blind} == {
        (f"accepted above {BAR}", "", "relabel")
    }
    alone = apply.apply("run", accept_above=BAR, out="b")
    assert alone.counts["accepted_without_review"] == len(suspects)


FRAME = pd.DataFrame({"a": X[:, 0], "kind": np.array(["cat", "dog, big", "Ελ"])[y], "b": X[:, 1]})


def test_every_form_of_source_is_corrected_and_reverted(here):
    """A table, a tree of images and labels that are in no file, from a run on them to reverted labels."""
    FRAME.to_csv("t.csv", index=False)
    record = finished("run-csv", data="t.csv", label_column="kind")
    path = write(document(record, {1: ("relabel", "cat"), 2: "drop"}))
    apply.apply("run-csv", path, out="csv")
    lines = Path("t.csv").read_text(encoding="utf-8").splitlines()
    new = Path("csv/t.csv").read_text(encoding="utf-8").splitlines()
    assert new == [*lines[:2], lines[2].replace('"dog, big"', "cat"), *lines[4:]]
    apply.revert("csv")
    assert Path("csv/t.csv").read_bytes() == Path("t.csv").read_bytes()

    for row, name in enumerate(FRAME["kind"]):
        Path("photos", name).mkdir(parents=True, exist_ok=True)
        image = np.random.default_rng(row).integers(0, 255, (9, 9), dtype=np.uint8)
        Image.fromarray(image).save(Path("photos", name, f"{row // 3}.png"))
    record = finished("run-tree", data="photos")
    first = [str(each) for each in record.ids[:2]]
    path = write(document(record, {0: ("relabel", "Ελ"), 1: "drop"}))
    apply.apply("run-tree", path, out="tree")
    plan = Path("tree/moves.csv").read_text(encoding="utf-8").splitlines()
    assert plan == ["from,to", f"{first[0]},Ελ/0-from-cat.png", f"{first[1]},../photos-dropped/{first[1]}"]
    apply.revert("tree")
    back = Path("tree/moves.csv").read_text(encoding="utf-8").splitlines()
    assert back == ["from,to", f"Ελ/0-from-cat.png,{first[0]}", f"../photos-dropped/{first[1]},{first[1]}"]

    record = finished("run-digits", data="digits")
    assert apply.apply("run-digits", write(document(record, {0: ("relabel", "7")})), out="digits").compared
    labels = np.load("digits/labels.npy")
    assert labels.dtype.kind == "i"
    assert (labels != record.labels.original).nonzero()[0].tolist() == [0]
    apply.revert("digits")
    assert (np.load("digits/labels.npy") == record.labels.original).all()


@pytest.mark.parametrize("labels", ["int", "text"])
def test_a_run_on_arrays_in_python_has_labels_of_its_own(here, run_audit, labels):
    own = y if labels == "int" else np.array(["u", "v", "w"])[y]
    with_gaps = pd.Series(own, dtype=object)
    with_gaps[5] = None
    probs = np.full((N, 3), 0.1)
    probs[np.arange(N), y] = 0.8
    run = audit.detect(X, with_gaps, pred_probs=probs, out="run")
    names = run.record.class_names
    write(document(run.record, {0: ("relabel", names[1]), 5: "drop"}))
    done = run_audit("apply", "run", "decisions.json", check=0)
    assert (
        "the run was made from arrays and has no source, so the labels of the run itself were corrected"
        in done.stdout
    )
    new, rows = np.load("corrected/labels.npy"), np.load("corrected/rows.npy")
    assert rows.tolist() == [row for row in range(N) if row != 5]
    expected = own[rows]
    expected[0] = own[1]
    assert new.tolist() == expected.tolist()
    assert np.flatnonzero(~np.load("corrected/keep.npy")).tolist() == [5]
    assert entries("corrected")[1]["row"] == "6"
    assert "made of arrays in Python" in refused("run", "decisions.json", data="X.npy")


def test_a_sample_corrects_the_rows_of_the_whole_file(here):
    np.save("X.npy", X)
    np.save("y.npy", y)
    record = finished("run", X=Path("X.npy"), y=Path("y.npy"), limit=20)
    row = 7
    place = int(record.rows[row])
    to = record.class_names[(record.labels.original[row] + 1) % 3]
    apply.apply("run", write(document(record, {row: ("relabel", to)})), out="out")
    new = np.load("out/y.npy")
    assert np.flatnonzero(new != y).tolist() == [place]
    assert str(new[place]) == to
    assert entries("out")[0]["row"] == str(place)


def test_what_changed_in_the_source_is_refused_by_name(own):
    path = write(document(own, {3: "keep", 4: "drop", 8: "keep"}))
    changed = X.copy()
    changed[4] += 1
    np.save("X.npy", changed)
    labels = y.copy()
    labels[8] = 0
    np.save("y.npy", labels)
    assert refused("run", path) == (
        "X.npy has changed since the run, in 2 of 3 decided rows: the example of 4 has changed, 8 is labelled "
        "'0' and was '2'; audit it again, or take these decisions out"
    )
    np.save("X.npy", X[:6])
    np.save("y.npy", y[:6])
    assert "in 1 of 3 decided rows: 8 is gone" in refused("run", path)
    np.save("X.npy", X.astype(np.float32))
    np.save("y.npy", y)
    assert "type float32, the run saw (3,) and float64" in refused("run", path)


def test_a_source_that_grew_elsewhere_is_corrected_where_the_rows_are_now(here):
    FRAME.assign(id=np.arange(N) + 500).to_csv("t.csv", index=False)
    record = finished("run", data="t.csv", label_column="kind")
    path = write(document(record, {3: ("relabel", "Ελ")}))
    grown = pd.concat([FRAME.assign(id=np.arange(N) + 100)[:5], FRAME.assign(id=np.arange(N) + 500)])
    grown.to_csv("t.csv", index=False)
    apply.apply("run", path, out="out")
    new = pd.read_csv("out/t.csv")
    assert np.flatnonzero(new["kind"].to_numpy() != grown["kind"].to_numpy()).tolist() == [8]
    assert entries("out")[0]["row"] == "8"


def test_the_source_is_found_from_anywhere_or_where_it_is_said_to_be(made, here):
    base, record = made
    path = write(document(record, {0: ("relabel", "1")}))
    apply.apply(base / "run", path, out="out")  # from another folder than the run's
    assert np.load("out/y.npy")[0] == 1
    shutil.copytree(base / "run", "run")
    manifest = json.loads(Path("run/manifest.json").read_text(encoding="utf-8"))
    manifest["data"]["folder"] = str(here / "gone")
    Path("run/manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert refused("run", path) == (
        f"{here}/gone/X.npy, which the run audited, is not there; say where it is now with --data FOLDER"
    )
    apply.apply("run", path, out="there", data=base)
    assert np.load("there/y.npy")[0] == 1


def test_decisions_that_do_not_fit_are_refused_with_nothing_written(own):
    fine = document(own, {0: ("relabel", "1"), 4: "keep"})
    key = own.stages["issues"]["key"]

    def with_entry(**values):
        changed = copy.deepcopy(fine)
        changed["decisions"][1].update(values)
        return changed

    cases = {
        "decisions.json is about the data set 'y' with the fingerprint 000000000000…": {**fine, "fingerprint": "0" * 64, "data": "y"},
        f"was made on another run of the same data (111111111111…, expected {key[:12]}…)": {**fine, "run": "1" * 64},
        "has the classes ['0', '1'], the run has ['0', '1', '2']": {**fine, "class_names": ["0", "1"]},
        "decisions[1] of decisions.json names row 60, expected 0 to 59": with_entry(row=60, id="60"),
        "decisions[1] of decisions.json gives row 4 the id '5', but in the run it is '4'": with_entry(id="5"),
        "has '9' as label, expected a class of the run: '0, 1, 2'": with_entry(action="relabel", label="9"),
        "has '9' as suggested, expected a class": with_entry(suggested="9"),
        "says that row 4 was labelled '2', but in the run it was '1'": with_entry(given="2"),
        "decides twice on row 0 (decisions[0] and decisions[1])": with_entry(row=0, id="0", given="0"),
    }  # fmt: skip
    for expected, wrong in cases.items():
        line = refused("run", write(wrong))
        assert expected in line
        assert "/" not in line.replace("decisions.json", "")


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 2), st.floats(), st.text(max_size=3), st.just([]), st.just({})
)


@st.composite
def documents(draw):
    """A document that fits the schema, in which one thing may be something else or missing."""
    entry = {
        "id": "0",
        "row": 0,
        "given": "0",
        "suggested": "1",
        "action": draw(st.sampled_from(["keep", "relabel", "ambiguous", "drop", "remove"])),
        "label": draw(st.sampled_from([None, "1"])),
        "note": "",
        "time": "",
    }
    whole = {
        "format": "label-audit decisions",
        "version": 1,
        **dict.fromkeys(("run", "fingerprint", "data", "reviewer", "exported"), "x"),
        "class_names": draw(st.sampled_from([["0", "1"], ["0"], ["0", "0"], [0, 1], "01"])),
        "decisions": draw(st.sampled_from([[entry], [], [1], {}])),
        "more": 1,
    }
    part = draw(st.sampled_from([whole, entry]))
    name = draw(st.sampled_from([None, *part]))
    if name is not None:
        if draw(st.booleans()):
            del part[name]
        else:
            part[name] = draw(scalars)
    return whole


@given(documents())
def test_the_reader_and_the_published_schema_say_the_same(made, content):
    errors = list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(content))
    try:
        parse_decisions(content, "d.json")
        refused = False
    except audit.AuditError as error:
        refused = True
        assert "\n" not in str(error)
    assert refused == bool(errors)


def test_the_schema_is_one_and_what_tests_export_fits_it(made):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    _, record = made
    jsonschema.validate(document(record, {0: ("relabel", "1"), 1: "drop"}), SCHEMA)


@given(st.binary(max_size=60))
def test_anything_but_decisions_gets_one_line(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("d") / "d.json"
    path.write_bytes(content)
    with pytest.raises(audit.AuditError) as caught:
        read_decisions(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["[" * 10_000, '{"format": "\\ud800"}', "9" * 5000, "NaN"])
def test_odd_json_gets_one_line(here, content):
    Path("d.json").write_text(content)
    with pytest.raises(audit.AuditError, match=r"d\.json"):
        read_decisions(Path("d.json"))


def test_no_folder_of_something_else_is_written_to(own, here):
    path = write(document(own, {0: ("relabel", "1")}))
    (here / "thesis").mkdir()
    (here / "thesis" / "a.txt").write_text("ten years of work")
    for out, line in (
        ("thesis", r"thesis holds other files \(a.txt …\)"),
        ("run", "run holds other files"),
        (".", "holds other files"),
        ("y.npy", "y.npy is a file"),
    ):
        with pytest.raises(audit.AuditError, match=line):
            apply.apply("run", path, out=out)
    assert sorted(p.name for p in (here / "thesis").iterdir()) == ["a.txt"]
    apply.apply("run", path, out="mine")
    provenance = json.loads((here / "mine" / "provenance.json").read_text(encoding="utf-8"))
    (here / "mine" / "provenance.json").write_text(json.dumps({**provenance, "fingerprint": "0"}))
    with pytest.raises(audit.AuditError, match="mine holds corrected labels of other data"):
        apply.apply("run", path, out="mine")


def test_what_a_person_edited_or_added_since_stays(own, here):
    path = write(document(own, {0: ("relabel", "1")}))
    apply.apply("run", path, out="out")
    (here / "out" / "notes.txt").write_text("mine")
    apply.apply("run", path, out="out")
    apply.revert("out")
    assert (here / "out" / "notes.txt").read_text(encoding="utf-8") == "mine"
    edited = np.load("out/y.npy")
    edited[1] = 2
    np.save("out/y.npy", edited)
    with pytest.raises(
        audit.AuditError, match=r"out[/\\]y\.npy was not written by audit apply, or has changed"
    ):
        apply.apply("run", path, out="out")
    assert (np.load("out/y.npy") == edited).all()
    assert sorted(p.name for p in (here / "out").iterdir() if p.name[0] != ".") == [
        "before", "corrected.csv", "notes.txt", "provenance.json", "y.npy"
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["y.npy", "before/y.npy", "corrected.csv"])
@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_bytes(b"mine")])
def test_nothing_goes_back_from_a_folder_that_was_edited(own, here, name, spoil):
    apply.apply("run", write(document(own, {0: ("relabel", "1")})), out="out")
    spoil(here / "out" / name)
    before = {p: p.read_bytes() for p in (here / "out").rglob("*") if p.is_file()}
    if name == "y.npy" and not (here / "out" / name).exists():
        apply.revert("out")  # what is restored may be gone
        assert (here / "out" / name).read_bytes() == (here / "y.npy").read_bytes()
        return
    with pytest.raises(
        audit.AuditError, match=rf"out[/\\]{name} (is missing or|was not written .* or) has changed"
    ):
        apply.revert("out")
    assert {p: p.read_bytes() for p in (here / "out").rglob("*") if p.is_file()} == before


def test_a_full_disk_leaves_nothing_half_written(own, here, monkeypatch):
    path = write(document(own, {0: ("relabel", "1")}))
    save = np.save

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    assert "cannot write refused (No space left on device); nothing was changed" in refused("run", path)
    monkeypatch.setattr(np, "save", save)
    apply.apply("run", path, out="out")
    before = {p.name: p.read_bytes() for p in (here / "out").iterdir() if p.is_file()}
    monkeypatch.setattr(np, "save", full)
    with pytest.raises(audit.AuditError, match="nothing was changed"):
        apply.apply("run", write(document(own, {0: "keep"})), out="out")
    assert {p.name: p.read_bytes() for p in (here / "out").iterdir() if p.is_file()} == before


@posix
def test_two_never_write_one_folder_and_a_killed_one_leaves_no_half(own, here):
    path = write(document(own, {0: ("relabel", "1")}))
    hold = """
import sys, time
from pathlib import Path
from audit.review import folder
with folder.filled(Path("out"), sys.argv[1]) as (stage, finish):
    (stage / "y.npy").write_bytes(b"half")
    print("held", flush=True)
    time.sleep(60)
"""
    command = [sys.executable, "-c", hold, own.data["fingerprint"]]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(audit.AuditError, match="out is being written to; wait for it"):
            apply.apply("run", path, out="out")
        other.send_signal(signal.SIGKILL)
    with pytest.raises(audit.AuditError, match="out holds no corrected labels"):
        apply.revert("out")
    apply.apply("run", path, out="out")
    assert np.load("out/y.npy")[0] == 1
    assert not (here / "out" / ".new").exists()


def test_a_folder_that_was_not_written_to_its_end_says_so(own, here):
    path = write(document(own, {0: ("relabel", "1")}))
    apply.apply("run", path, out="out")
    provenance = json.loads((here / "out" / "provenance.json").read_text(encoding="utf-8"))
    (here / "out" / "provenance.json").write_text(json.dumps({**provenance, "state": "unfinished"}))
    (here / "out" / "y.npy").unlink()
    with pytest.raises(
        audit.AuditError, match="not written to its end; run audit apply again with --out out"
    ):
        apply.revert("out")
    apply.apply("run", path, out="out")
    assert folder.read_provenance(here / "out")["state"] == "applied"


def test_hostile_names_stay_what_they_are(here):
    names = np.array(["</script><img src=x onerror=alert(1)>", '=cmd|"/c calc"!A0', "a,b\nc"])
    np.savez("d.npz", X=X, y=names[y])
    record = finished("run", data="d.npz")
    actions = {0: ("relabel", names[1]), 1: ("relabel", names[2])}
    made = document(record, actions, reviewer='Ada "Ελ", </td>')
    made["decisions"][0]["note"] = "a\nb"
    apply.apply("run", write(made), out="out")
    with np.load("out/d.npz") as new:
        assert new["y"][:3].tolist() == [names[1], names[2], names[2]]
    assert [r["after"] for r in entries("out")] == [names[1], names[2]]
    assert entries("out")[0]["reviewer"] == 'Ada "Ελ", </td>'


def test_a_class_that_no_row_has_is_refused(here):
    np.save("X.npy", X)
    np.save("y.npy", y)
    record = finished("run", X=Path("X.npy"), y=Path("y.npy"))
    path = write(document(record, {0: ("relabel", "2")}))
    np.save("y.npy", np.where(y == 2, 1, y))
    assert "0 is relabelled to '2', a class that no row has" in refused("run", path)


def test_settings_that_cannot_be(own):
    assert refused("run").startswith("there is nothing to apply")
    assert refused("run", accept_above=95).startswith(
        "--accept-above must be a share above 0 and up to 1, found 95"
    )
    assert refused("run", accept_above=float("nan")).startswith("--accept-above must be")


def test_settings_of_detect_in_files_and_environment_are_none_of_apply(own, run_audit, here):
    (here / "audit.toml").write_text('folds = 10\ndata = "elsewhere.npz"\nout = "run"\n')
    write(document(own, {0: ("relabel", "1")}))
    run_audit("apply", "run", "decisions.json", check=0, AUDIT_OUT="run", AUDIT_DATA="elsewhere.npz")
    assert np.load("corrected/y.npy")[0] == 1
    run_audit("report", "run", check=0)
    assert "elsewhere.npz does not exist" in run_audit("detect", check=2).stderr


def test_apply_and_revert_load_neither_torch_nor_cleanlab(made, here):
    base, record = made
    write(document(record, {0: ("relabel", "1")}))
    code = (
        "import sys\n"
        "from audit.cli import app\n"
        f"app(['apply', {str(base / 'run')!r}, 'decisions.json'], result_action='return_value')\n"
        "app(['revert', 'corrected'], result_action='return_value')\n"
        "slow = {'torch', 'skorch', 'cleanlab', 'matplotlib'} & set(sys.modules)\n"
        "sys.exit(f'loaded {slow}' if slow else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

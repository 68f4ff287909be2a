"""What a folder holds is known by its content, and what is damaged in it is named and made again."""

import hashlib
import io
import json
import os
import re
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from conftest import EXHAUSTIVE, posix
from faults import Stopped, stopped_at
from hypothesis import given
from hypothesis import strategies as st

import audit
from audit.events import Silent
from audit.pipeline import run as pipeline
from audit.report import page
from audit.runs.arrays import archive_of, array_in, arrays_in
from audit.runs.folder import RunFolder
from audit.runs.manifest import sealed

rng = np.random.default_rng(0)
y = np.repeat([0, 1, 2], 20)
X = rng.normal(size=(60, 4)) + 3 * y[:, None]
y[:4] = 1
PROBS = rng.dirichlet(np.ones(3), 60)


class Notes(Silent):
    def __init__(self):
        self.lines = []

    def note(self, text):
        self.lines.append(text)


@pytest.fixture(scope="module", autouse=True)
def short_pages():
    """A page and a plot that hold the figures which they are drawn from, and take no time."""
    with pytest.MonkeyPatch.context() as here:
        here.setattr(page, "plot_names", lambda record: ["plot"])
        here.setattr(page, "plot", lambda record, _: repr(record.scores).encode())
        here.setattr(page, "render", lambda record, _: repr((record.scores, record.folds)))
        yield


def ready(seed=0):
    """A run on ready probabilities, with parts, in the current folder."""
    notes = Notes()
    probs = np.random.default_rng(seed).dirichlet(np.ones(3), 60)
    audit.detect(X, y, pred_probs=probs, split=np.arange(60) % 2, kinds_of="all", out="run", listener=notes)
    return notes.lines


def trained(seed=0):
    """A run that trains two folds, in the current folder."""
    notes = Notes()
    settings = {"model": "linear", "folds": 2, "preset": "fast", "jobs": 1, "controls": 2}
    audit.detect(X, y, noise=0.1, seed=seed, out="run", listener=notes, **settings)
    return notes.lines


def content(folder="run"):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in Path(folder).rglob("*") if p.is_file() and p.name != ".lock"}  # fmt: skip


def made(base, detect):
    former = Path.cwd()
    os.chdir(base)
    try:
        detect(seed=1)
        other = content()
        shutil.rmtree("run")
        detect()
        shutil.copytree("run", "kept")
        return base, content(), other
    finally:
        os.chdir(former)


@pytest.fixture(scope="module")
def on_probabilities(tmp_path_factory):
    return made(tmp_path_factory.mktemp("ready"), ready)


@pytest.fixture(scope="module")
def on_folds(tmp_path_factory):
    return made(tmp_path_factory.mktemp("trained"), trained)


def flipped(whole):
    bits = np.random.default_rng(len(whole))
    spoilt = bytearray(whole)
    spoilt[bits.integers(len(whole))] ^= 1 << bits.integers(8)
    return bytes(spoilt)


DAMAGES = {
    "removed": lambda whole, other: None,
    "empty": lambda whole, other: b"",
    "cut": lambda whole, other: whole[: len(whole) // 2],
    "flipped": lambda whole, other: flipped(whole),
    "swapped": lambda whole, other: other,
}


def spoil(path, damage, whole, other):
    spoilt = DAMAGES[damage](whole, other)
    if spoilt is None:
        path.unlink()
    else:
        path.write_bytes(spoilt)


def heals(made, detect, name, damage):
    """Damage a file, run the same call again, and compare every byte; returns the notes."""
    base, whole, other = made
    shutil.rmtree(base / "run")
    shutil.copytree(base / "kept", base / "run")
    spoil(base / "run" / name, damage, whole[name], other.get(name, b"other"))
    with pytest.MonkeyPatch.context() as here:
        here.chdir(base)
        lines = detect()
        assert content() == whole, (name, damage)
    return lines


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_file_of_a_run_is_made_again_to_the_same_bytes(on_probabilities, damage):
    steps = {
        "labels.npz": "noise",
        "pred_probs.npy": "folds",
        "issues.csv": "report",
        "report.html": "report",
    }
    for name, whole in on_probabilities[1].items():
        if damage == "swapped" and on_probabilities[2].get(name) == whole:
            continue
        lines = heals(on_probabilities, ready, name, damage)
        if name == "manifest.json" and damage == "swapped":
            continue  # it is the sound manifest of a run with other settings, and they are named
        if name != ".label-audit":
            assert any(line.startswith(f"{name} is ") for line in lines), (name, damage, lines)
        if name in steps:
            assert any(line.endswith(f"the step {steps[name]} is made again") for line in lines)


def test_only_the_fold_that_is_damaged_is_trained_again(on_folds):
    for damage in DAMAGES:
        lines = heals(on_folds, trained, "folds/round-1/0.npz", damage)
        assert "round-1: reusing 1 of 2 folds, trained before" in lines
    for name in ("pred_probs.npy", "suspects.npz", "scores.json", "manifest.json", ".label-audit"):
        lines = heals(on_folds, trained, name, "flipped")
        reused = "reusing the finished run in run: same data, same settings"
        assert {"round-1: reusing 2 of 2 folds, trained before", reused} & set(lines)


@pytest.mark.parametrize("damage", DAMAGES)
def test_no_reader_takes_a_damaged_file_for_a_run(on_probabilities, tmp_path, damage):
    _, whole, other = on_probabilities
    shutil.copytree(on_probabilities[0] / "kept", tmp_path / "run")
    tables = {"issues.csv", "issues.parquet", "kinds.csv", "shared.csv"}
    report = {*tables, "report.html", "plots/plot.png", ".label-audit"}
    for name in whole.keys() - report:
        if name == "manifest.json" and damage == "removed":
            continue  # then there is no finished run
        if damage == "swapped" and other[name] == whole[name]:
            continue
        path = tmp_path / "run" / name
        spoil(path, damage, whole[name], other[name])
        with pytest.raises(audit.RunError) as caught:
            audit.load_run(tmp_path / "run")
        line = str(caught.value)
        assert "\n" not in line
        named = name if (name, damage) != ("manifest.json", "swapped") else ""
        assert named in line
        assert f"audit detect with the settings of the run and --out {tmp_path / 'run'} makes" in line
        path.write_bytes(whole[name])
    audit.load_run(tmp_path / "run")


FOREIGN = {
    "a web app": (b'{"name": "my web app"}', "holds a manifest.json of something else and no run"),
    "no JSON": (b"{", "holds a manifest.json that cannot be read"),
    "a list": (b"[]", "holds a manifest.json that cannot be read (no JSON object)"),
    "format 4": (b'{"format": 4, "stages": {}}', "holds a run of another format (4, expected 6)"),
    "format 5": (b'{"format": 5, "stages": {}, "kind": "run"}', "holds a run of another format (5, expected 6)"),
    "format 7": (b'{"product": "label-audit", "format": 7}', "holds a run of another format (7, expected 6)"),
}  # fmt: skip


@pytest.mark.parametrize("name", FOREIGN)
def test_a_folder_of_something_else_is_left_alone(tmp_path, run_audit, name):
    manifest, line = FOREIGN[name]
    for folder in ("app", "marked"):
        (tmp_path / folder).mkdir()
        for file in ("report.html", "issues.csv", "index.js"):
            (tmp_path / folder / file).write_text("mine")
        (tmp_path / folder / "manifest.json").write_bytes(manifest)
    before = content(tmp_path / "app")
    for command in ("detect", "sweep", "impact"):
        done = run_audit(command, "wine", "--out", "app", check=2)
        assert done.stderr.startswith(f"audit: app {line}")
        assert done.stderr.endswith("; choose a new folder with --out\n")
        assert len(done.stderr.splitlines()) == 1
    for command in (["report", "app"], ["export", "app", "--format", "csv"], ["diff", "app", "app"]):
        assert f"app {line}" in run_audit(*command, check=2).stderr
    assert content(tmp_path / "app") == before


def test_a_run_that_was_killed_before_its_first_fold_is_known_again(tmp_path):
    with RunFolder.locked(tmp_path / "run"):
        pass
    whole = content(tmp_path / "run")
    for left in ([], [".label-audit"], ["manifest.json"], [".label-audit", "manifest.json"]):
        shutil.rmtree(tmp_path / "run")
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / ".manifest.json.x.part").write_bytes(b"half")
        for name in left:
            (tmp_path / "run" / name).write_bytes(whole[name])
        with RunFolder.locked(tmp_path / "run"):
            pass
        assert content(tmp_path / "run") == whole


def test_a_folder_of_one_kind_is_no_other(tmp_path):
    with RunFolder.locked(tmp_path / "s", "sweep"):
        pass
    with (
        pytest.raises(audit.RunError, match="holds a sweep, expected a run"),
        RunFolder.locked(tmp_path / "s"),
    ):
        pass
    with pytest.raises(audit.RunError, match="holds a sweep, expected a run"):
        audit.load_run(tmp_path / "s")


@posix
def test_nothing_is_written_through_a_link_in_the_folder(on_probabilities, tmp_path):
    shutil.copytree(on_probabilities[0] / "kept", tmp_path / "run")
    (tmp_path / "elsewhere").mkdir()
    shutil.rmtree(tmp_path / "run" / "plots")
    (tmp_path / "run" / "plots").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(audit.RunError, match="is a link out of"):
        pipeline.draw_report(tmp_path / "run")
    assert list((tmp_path / "elsewhere").iterdir()) == []


# Arrays


small = st.lists(st.integers(-5, 5), max_size=4).map(lambda values: np.array(values, np.int64))


@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), small, max_size=3))
def test_arrays_come_back_from_their_archive_and_numpy_reads_it_too(arrays):
    packed = archive_of(arrays)
    back = arrays_in(packed)
    with np.load(io.BytesIO(packed), allow_pickle=False) as read:
        for each in (back, read):
            assert set(each) == set(arrays)
            assert all((each[name] == array).all() for name, array in arrays.items())


@given(st.data())
def test_one_bit_of_an_archive_is_never_missed(data):
    packed = bytearray(archive_of({"a": np.arange(3), "b": np.array("text")}))
    packed[data.draw(st.integers(0, len(packed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(ValueError, match="checksum"):
        arrays_in(bytes(packed))


def header(shape, descr="<f8"):
    """The header of an .npy without any values."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})
    return file.getvalue()


@pytest.mark.parametrize(
    "lie",
    [
        header((10**13,)),
        header((10**13,), "<U0"),
        header((2**40, 2**40)),
        header((1,), "|O") + b"x",
        b"\x93NUMPY\x01\x00\x64\x00" + b"(" * 99 + b"\n",
        header((2,), "<U1") + b"\xff\xff\xff\x7f" * 2,
        b"",
    ],
)
def test_an_array_whose_header_lies_is_refused_before_it_is_made(lie):
    with pytest.raises(ValueError, match=r"\w"):
        array_in(lie)


def test_an_archive_that_unpacks_to_far_more_is_refused_before_it_is_unpacked():
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", header((25_000_000,)) + bytes(200_000_000))
    whole = bomb.getvalue()
    signed = whole[:-2] + (64).to_bytes(2, "little") + hashlib.sha256(whole).hexdigest().encode()
    with pytest.raises(ValueError, match="unpacks to far more"):
        arrays_in(signed)


def test_a_manifest_of_ours_may_move_with_its_data_and_nothing_else(tmp_path):
    document = sealed("run", {"stages": {}, "data": {"folder": "/here", "name": "x"}})
    for change, sound in (({"folder": "/there"}, True), ({"name": "y"}, False)):
        changed = {**document, "data": {**document["data"], **change}}
        (tmp_path / "manifest.json").write_text(json.dumps(changed))
        assert bool(RunFolder(tmp_path).manifest()) == sound


# Stops


def some(number):
    return number % 17 == 0


def others(number):
    return not some(number)


@pytest.mark.parametrize(
    "these",
    [some, pytest.param(others, marks=EXHAUSTIVE)],
    ids=["some moments", "all others"],
)
@pytest.mark.parametrize("finished", [False, True], ids=["a new run", "a damaged run"])
def test_a_full_disk_at_any_moment_costs_one_line_and_the_run_resumes(tmp_path, monkeypatch, these, finished):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("audit.events.time.perf_counter", lambda: 0.0)

    def begin():
        shutil.rmtree("run", ignore_errors=True)
        if finished:
            shutil.copytree("damaged", "run")

    if finished:
        ready()
        Path("run/issues.npz").unlink()
        Path("run").rename("damaged")
    begin()
    with stopped_at(10**9) as count:
        ready()
    whole = content()
    for number in filter(these, range(count[0])):
        begin()
        with stopped_at(number), pytest.raises(audit.RunError) as caught:
            ready()
        assert re.fullmatch(r"cannot write run\S* \(No space left on device\); [^\n]*", str(caught.value))
        assert not [name for name in content() if ".part" in name]
        ready()
        assert content() == whole
        begin()
        with stopped_at(number, Stopped), pytest.raises(Stopped):
            ready()
        ready()
        assert content() == whole

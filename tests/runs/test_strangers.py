"""Run folders that somebody made to break whoever reads them, checksums and all: a result, or one line."""

import json
import shutil
import warnings
from datetime import date
from functools import partial

import numpy as np
import pytest
from conftest import EXHAUSTIVE
from mutated_json import mutated_json

import audit
from audit.events import Silent
from audit.experiments.diff import diff
from audit.pipeline.run import draw_report
from audit.report import page
from audit.review.apply import apply
from audit.review.estimate import estimate
from audit.review.export import FORMATS, export
from audit.runs.arrays import archive_of, array_in, arrays_in
from audit.runs.files import digest
from audit.runs.folder import load_record
from audit.runs.gates import Gates
from audit.runs.manifest import sealed
from audit.settings.gates import Limits

TODAY = date(2026, 1, 1)


@pytest.fixture(scope="module", autouse=True)
def short_pages():
    with pytest.MonkeyPatch.context() as here:
        here.setattr(page, "plot_names", lambda record: [])
        here.setattr(page, "render", lambda record, _: "page")
        yield


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A finished run with everything that a run folder may hold but texts."""
    rng = np.random.default_rng(0)
    y = np.repeat(["a", "b", "c"], 20).astype(object)
    X = rng.normal(size=(60, 4)) + 3 * np.repeat([0, 1, 2], 20)[:, None]
    X[5] = X[40]
    y[[7, 9]] = None
    votes = np.where(rng.random((60, 3)) < 0.8, y[:, None], "c")
    path = tmp_path_factory.mktemp("stranger") / "run"
    audit.detect(
        X, y, noise=0.2, model="linear", folds=2, preset="fast", jobs=1, controls=2, kinds_of="all",
        split=np.arange(60) % 2, out=path, annotations=votes,
    )  # fmt: skip
    return path


def mutated_array(array, rng):
    """The array with another type, shape or value."""
    forms = {
        0: lambda: array.astype(
            rng.choice(["f8", "f2", "i1", "u1", "c8", "U3", "S2", "?", "M8[s]"]), casting="unsafe"
        ),
        1: lambda: array[: len(array) // 2] if array.ndim else array,
        2: lambda: np.concatenate([array, array]) if array.ndim else array,
        3: lambda: array[..., None],
        4: lambda: array.ravel()[:0],
        5: lambda: np.array(array.T),
    }
    array = np.array(array)
    kind = rng.integers(len(forms) + 3)
    if kind in forms:
        with np.errstate(all="ignore"):
            return forms[kind]()
    flat = array.ravel()
    if len(flat) and array.dtype.kind in "iuf":
        values = [-1, 0, 1, 59, 60, 10**9, 2**62]
        if array.dtype.kind == "f":
            values += [np.nan, np.inf, -0.5, 1.5]
        with np.errstate(all="ignore"):
            flat[rng.integers(len(flat))] = np.array(values[rng.integers(len(values))]).astype(array.dtype)
    elif len(flat) and array.dtype.kind == "U":
        flat[rng.integers(len(flat))] = "[[1, 2], {}"
    return array


def resigned(path, changes):
    """Write files of a folder anew, and its manifest with their checksums."""
    manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
    for name, content in changes.items():
        if content is None:
            (path / name).unlink()
            manifest["files"].pop(name)
        else:
            (path / name).write_bytes(content)
            manifest["files"][name] = digest(content)
    write_manifest(path, manifest)


def write_manifest(path, manifest):
    if isinstance(manifest, dict):
        about = {
            name: value
            for name, value in manifest.items()
            if name not in {"product", "kind", "format", "sha256"}
        }
        manifest = {**sealed("run", about)}
    (path / "manifest.json").write_text(json.dumps(manifest))


def read_in_every_way(path, base):
    """What the commands read of a run folder; the lines of those that refuse it."""
    lines = []

    def attempt(read):
        try:
            read()
        except audit.AuditError as error:
            assert "\n" not in str(error)
            lines.append(str(error))

    def load():
        record = load_record(path)
        run = audit.load_run(path)
        attempt(run._repr_html_)
        attempt(partial(estimate, record, {0: True, 1: False}))
        for form in FORMATS:
            attempt(partial(export, record, form))
        attempt(partial(diff, base, path))
        attempt(partial(diff, path, base))
        gates = Gates(Limits(fail_over=0.5, fail_under=0.5, baseline=base), load_record(base), ())
        attempt(partial(gates.check, record, TODAY))
        attempt(partial(apply, path, accept_above=0.1, out=path / "new"))
        attempt(partial(draw_report, path, None, Silent()))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        attempt(load)
    return lines


def copied(base, tmp_path):
    path = tmp_path / "run"
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(base, path, ignore=shutil.ignore_patterns("folds", "plots"))
    return path


# Each number is the seed of one change; the quick tests make the first twenty.
NUMBERS = [range(20), pytest.param(range(20, 60), marks=EXHAUSTIVE)]


@pytest.mark.parametrize("numbers", NUMBERS)
@pytest.mark.parametrize("name", ["manifest.json", "scores.json"])
def test_a_mutated_document_is_a_result_or_one_line(base, tmp_path, name, numbers):
    document = json.loads((base / name).read_text(encoding="utf-8"))
    for number in numbers:
        rng = np.random.default_rng([1, number])
        path = copied(base, tmp_path)
        changed = mutated_json(document, rng)
        if name == "manifest.json":
            write_manifest(path, changed)
        else:
            resigned(path, {name: json.dumps(changed).encode()})
        read_in_every_way(path, base)


@pytest.mark.parametrize("numbers", NUMBERS)
def test_a_mutated_array_is_a_result_or_one_line(base, tmp_path, numbers):
    files = sorted(each.name for each in base.iterdir() if each.suffix in {".npz", ".npy"})
    for number in numbers:
        rng = np.random.default_rng([2, number])
        path = copied(base, tmp_path)
        name = files[rng.integers(len(files))]
        content = (base / name).read_bytes()
        if name.endswith(".npy"):
            array = mutated_array(array_in(content), rng)
            np.save(path / name, array)
            changed = (path / name).read_bytes()
        else:
            arrays = arrays_in(content)
            key = sorted(arrays)[rng.integers(len(arrays))]
            if rng.random() < 0.1:
                del arrays[key]
            else:
                arrays[key] = mutated_array(arrays[key], rng)
            changed = archive_of(arrays)
        resigned(path, {name: changed})
        read_in_every_way(path, base)


def test_a_file_that_a_manifest_does_not_list_is_no_part_of_the_run(base, tmp_path):
    for name in [each.name for each in base.iterdir() if each.suffix in {".npz", ".npy", ".json"}]:
        if name == "manifest.json":
            continue
        path = copied(base, tmp_path)
        resigned(path, {name: None})
        read_in_every_way(path, base)

"""Every reader of files, with small valid files for it."""

import faulthandler
import gzip
import io
import json
import os
import shutil
import signal
import sys
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from cyclopts import CycloptsError
from fuzz.mutations import mutated
from PIL import Image

import audit
from audit import datasets
from audit.cli.app import SettingsFile
from audit.datasets import probe
from audit.detectors import pred_probs
from audit.noise import transitions
from audit.review.annotated import read_reviews
from audit.review.decisions import check_decisions
from audit.review.estimate import checked_labels
from audit.review.export import export
from audit.runs.gates import read_accepted
from audit.settings.detect import Config

N = 12
RNG = np.random.default_rng(0)
LABELS = np.arange(N) % 2
FEATURES = RNG.normal(size=(N, 2)).round(2) + LABELS[:, None]
IMAGES = RNG.integers(0, 255, (N, 8, 8), dtype=np.uint8)
TRIED = ("hdf5", "parquet", "parquet-images")  # in a process of their own
PATIENCE = 20  # seconds for one file
PROBS = np.eye(2)[LABELS] * 0.8 + 0.1


@dataclass(frozen=True)
class Reader:
    """A reader of files of one form."""

    suffix: str  # of the name of the file
    seeds: Callable[["Place"], list[bytes]]  # valid files
    read: Callable[["Place", Path], Any]


class Place:
    """A folder to read files in, and a run whose decisions are read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._record = None
        self.seeds: dict[str, list[bytes]] = {}  # by the name of the reader
        self.X = folder / "examples.npy"
        self.y = folder / "labels.npy"
        np.save(self.X, FEATURES)
        np.save(self.y, LABELS)
        self.images = folder / "images-idx3"
        self.images.write_bytes(idx(IMAGES))
        for label in "ab":
            (folder / "tree" / label).mkdir(parents=True)
            for i in range(2):
                Image.fromarray(IMAGES[i]).save(folder / "tree" / label / f"{i}.png")

    @property
    def record(self):
        """A finished run on images."""
        if self._record is None:
            from reviewing import finished

            np.savez(self.folder / "run.npz", X=IMAGES, y=LABELS)
            self._record = finished(self.folder / "run", data=str(self.folder / "run.npz"))
        return self._record


def load(**settings):
    return datasets.load_as_read(Config.of(**settings))


def as_bytes(save, *arguments, **named):
    file = io.BytesIO()
    save(file, *arguments, **named)
    return file.getvalue()


def npy(*arrays):
    return lambda _: [as_bytes(np.save, array) for array in arrays]


def table(**settings):
    frame = pd.DataFrame(FEATURES, columns=["a", "b"]).assign(label=LABELS, word=["x", "y z"] * (N // 2))
    return frame.to_csv(index=False, **settings).encode()


def idx(array):
    head = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    return head + array.astype(np.uint8).tobytes()


def archives(_):
    packed = as_bytes(np.savez_compressed, X=FEATURES, y=LABELS)
    members = {f"{name}.npy": as_bytes(np.save, array) for name, array in (("X", FEATURES), ("y", LABELS))}
    found = [packed]
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", method) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        found.append(file.getvalue())
    return found


def hdf5(place):
    import h5py

    path = place.folder / "seed.h5"
    with h5py.File(path, "w") as file:
        file["X"] = FEATURES
        file.create_dataset("y", data=[b"a", b"b"] * (N // 2), dtype=h5py.string_dtype())
    first = path.read_bytes()
    with h5py.File(path, "w") as file:
        file.create_dataset("X", data=FEATURES, chunks=(4, 2), compression="gzip")
        file["y"] = LABELS
    return [first, path.read_bytes()]


def read_hdf5(_, path):
    dataset = load(data=str(path))
    return dataset.X[:]


def parquet(_):
    frame = pd.DataFrame(FEATURES, columns=["a", "b"]).assign(label=["x", "y"] * (N // 2))
    return [
        as_bytes(lambda file, each=each: frame.to_parquet(file, compression=each))
        for each in ("snappy", "gzip")
    ]


def records():
    return [
        {"a": a, "b": b, "of": {"word": "x y"}, "more": [1, {"c": None}], "label": label}
        for (a, b), label in zip(FEATURES.tolist(), LABELS.tolist(), strict=True)
    ]


def lines():
    return "".join(json.dumps(record) + "\n" for record in records()).encode()


def parquet_of_images(_):
    import pyarrow as pa
    from pyarrow import parquet

    held = [{"bytes": png(image), "path": f"{i}.png"} for i, image in enumerate(IMAGES)]
    names = {"info": {"features": {"label": {"names": ["a", "b"], "_type": "ClassLabel"}}}}
    table = pa.table({"image": held, "label": LABELS}).replace_schema_metadata(
        {"huggingface": json.dumps(names)}
    )
    return [as_bytes(lambda file: parquet.write_table(table, file))]


def png(image):
    return as_bytes(Image.fromarray(image).save, format="PNG")


def zipped(files, method=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def zips(_):
    tree = {f"photos/{'ab'[label]}/{i}.png": png(IMAGES[i]) for i, label in enumerate(LABELS)}
    return [
        zipped({"t.csv": table(), "__MACOSX/t.csv": b"x"}),
        zipped({"t.jsonl": lines()}, zipfile.ZIP_STORED),
        zipped(tree, zipfile.ZIP_STORED),
        zipped(tree),
    ]


def tarred(files, mode="w", form=tarfile.USTAR_FORMAT):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode, format=form) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


def samples():
    with_class = {f"{i}.cls": str(label).encode() for i, label in enumerate(LABELS)}
    with_record = {f"d/{i}.json": json.dumps(record).encode() for i, record in enumerate(records())}
    pngs = {f"{i}.png": png(image) for i, image in enumerate(IMAGES)}
    return pngs | with_class, {f"d/{name}": each for name, each in pngs.items()} | with_record


def tars(_):
    by_class, by_record = samples()
    long = {f"{'long' * 40}/{name}": each for name, each in by_class.items()}
    return [
        tarred(by_class),
        tarred(by_record, form=tarfile.PAX_FORMAT),
        tarred(long, form=tarfile.GNU_FORMAT),
    ]


def sparse_archives(_):
    from scipy import sparse

    matrices = (sparse.csr_array(FEATURES), sparse.csc_array(FEATURES), sparse.coo_array(FEATURES))
    found = [as_bytes(sparse.save_npz, each, compressed=False) for each in matrices]
    return [*found, as_bytes(sparse.save_npz, matrices[0])]


def images(_):
    formats = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
    deep = as_bytes(lambda file: Image.fromarray(IMAGES[0].astype(np.uint16) * 200).save(file, format="PNG"))
    return [deep, *(as_bytes(lambda f, e=e: Image.fromarray(IMAGES[0]).save(f, format=e)) for e in formats)]


def read_tree(place, path):
    shutil.copyfile(path, place.folder / "tree" / "a" / "0.png")
    return load(data=str(place.folder / "tree"))


def read_probabilities(_, path):
    return pred_probs.checked(LABELS, datasets.read_probabilities(path))


def read_matrix(_, path):
    return transitions.checked(transitions.read_matrix(path)[0], 2)


def decisions(place):
    from reviewing import document

    rows = place.record.suspects.ranking.tolist()
    actions = {row: ("relabel", place.record.class_names[0]) if row % 2 else "keep" for row in rows}
    return [json.dumps(document(place.record, actions)).encode()]


def read_decisions(place, path):
    for review in read_reviews(path, place.record):
        check_decisions(review, place.record, str(path))
    read_reviews(path)


def label_studio(place):
    tasks = json.loads(export(place.record, "label-studio"))
    for task in tasks:
        result = {"type": "choices", "value": {"choices": [place.record.class_names[0]]}}
        task["annotations"] = [{"completed_by": 3, "created_at": "2026", "result": [result]}]
    smallest = [{**each["data"], "label": "0", "annotator": 1, "image": ""} for each in tasks]
    return [json.dumps(tasks).encode(), json.dumps(smallest).encode()]


def cvat(place):
    return [export(place.record, "cvat").replace('source="file"', 'source="manual"').encode()]


def cvat_archive(place):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("annotations.xml", cvat(place)[0])
    return [file.getvalue()]


def read_cvat(place, path):
    return [check_decisions(each, place.record, str(path)) for each in read_reviews(path, place.record)]


TOML = b"""# settings
noise = 0.1
folds = 5
"model" = 'auto'
keep-columns = "a,b"
[tool.audit]
limit = 100
map = true
missing = '''NA,-1'''
x = {a = 1, b = [1, 2.5, "c"]}
[[tool.other]]
day = 2026-01-01T00:00:00Z
"""

READERS = {
    "npy": Reader(".npy", npy(FEATURES, IMAGES, FEATURES.astype(np.float16)), lambda p, f: load(X=f, y=p.y)),
    "npy-labels": Reader(
        ".npy",
        npy(LABELS, LABELS.astype(str), LABELS.astype("S3"), np.eye(2)[LABELS], LABELS.astype("M8[D]")),
        lambda p, f: load(X=p.X, y=f),
    ),
    "npz": Reader(".npz", archives, lambda _, f: load(data=str(f))),
    "idx": Reader("-idx", lambda _: [idx(LABELS)], lambda p, f: load(X=p.images, y=f)),
    "idx.gz": Reader("-idx.gz", lambda _: [gzip.compress(idx(LABELS))], lambda p, f: load(X=p.images, y=f)),
    "csv": Reader(".csv", lambda _: [table(), table(sep=";", decimal=",")], lambda _, f: load(data=str(f))),
    "csv.gz": Reader(".csv.gz", lambda _: [gzip.compress(table())], lambda _, f: load(data=str(f))),
    "tsv": Reader(".tsv", lambda _: [table(sep="\t")], lambda _, f: load(data=str(f))),
    "parquet": Reader(".parquet", parquet, lambda _, f: load(data=str(f))),
    "hdf5": Reader(".h5", hdf5, read_hdf5),
    "tree": Reader(".png", images, read_tree),
    "probabilities-npy": Reader(".npy", npy(PROBS, PROBS.astype(np.float32)), read_probabilities),
    "probabilities-npz": Reader(".npz", lambda _: [as_bytes(np.savez, PROBS)], read_probabilities),
    "probabilities-csv": Reader(
        ".csv", lambda _: [pd.DataFrame(PROBS).to_csv(index=False).encode()], read_probabilities
    ),
    "matrix-npy": Reader(".npy", npy(np.eye(2)), read_matrix),
    "matrix-csv": Reader(".csv", lambda _: [b"0.9,0.1\n0.2,0.8\n"], read_matrix),
    "decisions": Reader(".json", decisions, read_decisions),
    "label-studio": Reader(".json", label_studio, read_decisions),
    "cvat": Reader(".xml", cvat, read_cvat),
    "cvat-zip": Reader(".zip", cvat_archive, read_cvat),
    "settings": Reader(".toml", lambda _: [TOML], lambda _, f: SettingsFile(f).config),
    "accepted": Reader(
        ".csv",
        lambda _: [b'id,given,reason,expires,hash\n1,0,seen,2030-01-31,\n\'=2,1,"a, b",2030-01-31,00ff\n'],
        lambda _, f: read_accepted(f),
    ),
    "truth": Reader(
        ".csv", lambda _: [b"id,label\n1,0\n2,1\n3,1.0\n"], lambda p, f: checked_labels(f, p.record)
    ),
    "jsonl": Reader(".jsonl", lambda _: [lines()], lambda _, f: load(data=str(f))),
    "json": Reader(
        ".json", lambda _: [json.dumps(records(), indent=1).encode()], lambda _, f: load(data=str(f))
    ),
    "jsonl.gz": Reader(".jsonl.gz", lambda _: [gzip.compress(lines())], lambda _, f: load(data=str(f))),
    "parquet-images": Reader(".parquet", parquet_of_images, lambda _, f: load(data=str(f))),
    "zip": Reader(".zip", zips, lambda _, f: load(data=str(f))),
    "tar": Reader(".tar", tars, lambda _, f: load(data=str(f))),
    "tar.gz": Reader(".tar.gz", lambda _: [tarred(samples()[0], "w:gz")], lambda _, f: load(data=str(f))),
    "sparse": Reader(".npz", sparse_archives, lambda p, f: load(X=f, y=p.y)),
    "npy-bfloat16": Reader(
        ".npy",
        lambda _: [as_bytes(np.save, FEATURES.astype("<f2").view("V2"))],
        lambda p, f: load(X=f, y=p.y),
    ),
}


def fuzz(name: str, place: Place, seed: int, numbers: range) -> list[str]:
    """Read as many mutated files by the reader of this name; a line for each that ends in neither way.

    A valid value or one line: anything else is a fault of the product.
    """
    if name not in TRIED or sys.platform != "linux":
        return [fault for number in numbers for fault in fuzz_one(name, place, seed, number)]
    faults = []
    while numbers:
        done, found, broke = _untried(name, place, seed, numbers)
        faults += found
        if broke:  # now as the product reads it
            faults += fuzz_one(name, place, seed, numbers[done])
            done += 1
        numbers = numbers[done:]
    return faults


def fuzz_one(name: str, place: Place, seed: int, number: int) -> list[str]:
    """Read one mutated file; a line where it ends in neither way."""
    reader = READERS[name]
    if name not in place.seeds:
        place.seeds[name] = reader.seeds(place)
    seeds = place.seeds[name]
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(list(READERS).index(name), number)))
    path = place.folder / f"file{reader.suffix}"
    path.write_bytes(mutated(seeds[rng.integers(len(seeds))], rng))
    what = f"{name} --seed {seed} --first {number}"
    try:
        reader.read(place, path)
    except (audit.AuditError, CycloptsError) as error:
        if len(str(error).splitlines()) != 1:
            return [f"{what}: more than one line: {error!r}"[:500]]
    except Exception as error:  # noqa: BLE001  the faults that are looked for
        return [f"{what}: {type(error).__name__}: {error}"[:500]]
    return []


def _untried(name: str, place: Place, seed: int, numbers: range) -> tuple[int, list[str], bool]:
    """Read files in one process of its own, instead of one for each file, which takes ten times as long.

    Returns how many it read, what it found, and whether the next one broke it.
    """
    reading_end, writing_end = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading_end)
        probe.tried = lambda *_: None
        faulthandler.disable()
        for number in numbers:
            signal.alarm(PATIENCE)
            found = fuzz_one(name, place, seed, number)
            os.write(writing_end, (json.dumps(found) + "\n").encode())
        os._exit(0)
    os.close(writing_end)
    with os.fdopen(reading_end, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    _, status = os.waitpid(child, 0)
    return len(lines), [fault for line in lines for fault in line], status != 0

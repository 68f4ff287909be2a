"""The same rows in whatever file people have them: tables, archives and shards give what a plain form gives."""

import gzip
import io
import json
import tarfile
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from reviewing import document, finished, write

import audit
from audit import datasets
from audit.datasets import from_arrays
from audit.settings.data import DataSettings
from audit.settings.detect import Config

N = 30
RNG = np.random.default_rng(0)
Y = np.arange(N) % 3
NAMES = ("cat", "dog", "eel")
FRAME = pd.DataFrame(RNG.normal(size=(N, 3)).round(3), columns=list("abc")).assign(
    word=np.array(["x", "y"])[RNG.integers(0, 2, N)],
    label=np.array(NAMES)[Y],
    patient=np.arange(N) // 2,
    day=[f"2030-01-{1 + i % 28:02d}" for i in range(N)],
)
ASKED = {"group_column": "patient", "order_column": "day"}


def encoded(i):
    """A picture whose size depends on its number."""
    pixels = np.random.default_rng(i).integers(0, 255, (9 + i % 4, 12 - i % 3, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


PICTURES = [encoded(i) for i in range(N)]
FILES = {f"{NAMES[label]}/{i:02d}.png": PICTURES[i] for i, label in enumerate(Y)}


def zipped(files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def tarred(files, mode="w"):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


def csv(**settings):
    return FRAME.to_csv(index=False, **settings).encode()


def records(**settings):
    return FRAME.to_json(orient="records", double_precision=15, **settings).encode()


def parquet():
    file = io.BytesIO()
    FRAME.to_parquet(file)
    return file.getvalue()


TABLES = {
    "t.csv": csv,
    "t.csv.gz": lambda: gzip.compress(csv()),
    "t.tsv.gz": lambda: gzip.compress(csv(sep="\t")),
    "t.csv.zip": lambda: zipped({"in/t.csv": csv(), "__MACOSX/in/._t.csv": b"\0", "README.txt": b"read"}),
    "t.zip": lambda: zipped({"t.ndjson": records(lines=True)}),
    "t.jsonl": lambda: records(lines=True),
    "t.ndjson.gz": lambda: gzip.compress(records(lines=True)),
    "t.json": lambda: records(indent=2),
    "t.parquet": parquet,
}


def samples(*, record):
    """The files of a WebDataset, of which each sample has a class or a record beside its picture."""
    files = {}
    for i in range(N):
        files[f"{i:04d}.png"] = PICTURES[i]
        fields = {"label": NAMES[Y[i]], "patient": i // 2, "day": FRAME.day[i], "of": {"size": 1}}
        files[f"{i:04d}." + ("json" if record else "cls")] = (
            json.dumps(fields).encode() if record else f"{Y[i]}\n".encode()
        )
    return files


def made(folder, name, content):
    path = folder / name
    path.write_bytes(content)
    return str(path)


def opened(data, **settings):
    return datasets.open_source(DataSettings(data=data, **settings))


def loaded(data, **settings):
    return datasets.load_as_read(Config.of(data=data, **settings))


def refused(data, **settings):
    with pytest.raises(audit.DataError) as caught:
        loaded(data, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_the_same_in_every_form(name, tmp_path):
    found = loaded(made(tmp_path, name, TABLES[name]()), **ASKED)
    plain = from_arrays(FRAME, "label", groups="patient", order="day")
    assert np.array_equal(found.X, plain.X)
    assert [found.class_names[i] for i in found.labels] == FRAME.label.tolist()
    assert np.array_equal(found.groups, plain.groups)
    assert np.array_equal(found.order, plain.order)
    assert found.feature_names == plain.feature_names


@pytest.fixture
def plain_tree(tmp_path):
    """The pictures in a folder for each class."""
    for name, content in FILES.items():
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return loaded(str(tmp_path / "tree"))


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("p.zip", zipped),
        ("p.tar", tarred),
        ("p.tar.gz", lambda files: tarred(files, "w:gz")),
        ("p.tgz", lambda files: tarred(files, "w:gz")),
    ],
)
@pytest.mark.parametrize("top", ["", "photos/", "a/photos/"])
def test_packed_images_are_those_of_the_folder(name, pack, top, plain_tree, tmp_path):
    files = {top + each: content for each, content in FILES.items()}
    hidden = {"__MACOSX/._x.png": b"", ".DS_Store": b""} if name == "p.zip" else {"._x.png": b""}
    found = loaded(made(tmp_path, name, pack(files | hidden | {f"{top}README.txt": b"read"})))
    assert np.array_equal(found.X, plain_tree.X)
    assert found.ids.tolist() == plain_tree.ids.tolist()
    assert np.array_equal(found.labels, plain_tree.labels)
    assert found.class_names == plain_tree.class_names


def test_parts_in_an_archive_are_parts(tmp_path):
    parts = ["train"] * 18 + ["test"] * 12
    files = {f"{part}/{name}": each for part, (name, each) in zip(parts, FILES.items(), strict=True)}
    found = loaded(made(tmp_path, "p.zip", zipped(files)))
    assert sorted(found.part.tolist()) == sorted(parts)
    assert found.class_names == NAMES


@pytest.mark.parametrize("ending", ["tar", "tar.gz"])
def test_a_webdataset_has_its_labels_beside_the_images(ending, plain_tree, tmp_path):
    mode = "w:gz" if ending == "tar.gz" else "w"
    found = loaded(made(tmp_path, f"s.{ending}", tarred(samples(record=False), mode)))
    order = np.argsort([int(name.partition("/")[2][:2]) for name in plain_tree.ids])
    assert np.array_equal(found.X, plain_tree.X[order])
    assert found.labels.tolist() == Y.tolist()
    assert found.class_names == ("0", "1", "2")
    assert found.ids.tolist() == [f"{i:04d}.png" for i in range(N)]


def test_shards_in_a_folder_are_one_data_set(tmp_path):
    files = list(samples(record=True).items())
    (tmp_path / "shards").mkdir()
    for shard in range(3):
        part = dict(files[20 * shard : 20 * shard + 20])
        made(tmp_path / "shards", f"{shard}.tar", tarred(part))
    found = loaded(str(tmp_path / "shards"), **ASKED)
    whole = loaded(made(tmp_path, "whole.tar", tarred(dict(files))), **ASKED)
    assert np.array_equal(found.X, whole.X)
    assert found.groups.tolist() == (np.arange(N) // 2).tolist()
    assert np.array_equal(found.order, whole.order)
    assert [found.class_names[i] for i in found.labels] == FRAME.label.tolist()
    assert "instead of of.size" in found.notes[0]


def test_other_files_of_samples_are_left_out_and_texts_may_be_labels(tmp_path):
    files = {f"{i}.jpg": PICTURES[i] for i in range(N)} | {f"{i}.seg.png": PICTURES[0] for i in range(9)}
    files |= {f"{i}.txt": NAMES[Y[i]].encode() for i in range(N)} | {"README.txt": b"read", "0.npy": b""}
    path = made(tmp_path, "s.tar", tarred(files))
    found = loaded(path)
    assert [found.class_names[i] for i in found.labels] == FRAME.label.tolist()
    assert "column 'jpg' holds images, which are audited instead of seg.png" in found.notes[1]
    assert found.notes[0] == "1 sample without an image left out"
    assert len(loaded(path, path_column="seg.png", skip_broken=True).X) == 9


def huggingface_parquet(folder, labels=Y, **fields):
    import pyarrow as pa
    from pyarrow import parquet

    held = [{"bytes": each, "path": f"{i}.png"} for i, each in enumerate(PICTURES)]
    info = {"info": {"features": {"label": {"names": NAMES, "_type": "ClassLabel"}}}}
    table = pa.table({"image": held, "label": pa.array(labels, pa.int64()), **fields})
    parquet.write_table(
        table.replace_schema_metadata({"huggingface": json.dumps(info)}), folder / "d.parquet"
    )
    return str(folder / "d.parquet")


def test_images_in_a_column_of_parquet_are_those_of_files(plain_tree, tmp_path):
    labels = [-1, *Y[1:]]
    path = huggingface_parquet(tmp_path, labels, patient=np.arange(N) // 2, mask=[b"\x89PNG"] * N)
    found = loaded(path, group_column="patient")
    assert found.class_names == NAMES
    assert found.ids.tolist() == [f"{i}.png" for i in range(1, N)]
    assert len(found.unlabelled.ids) == 1
    assert len(np.unique(found.groups)) == 15
    by_number = np.argsort([int(name.partition("/")[2][:2]) for name in plain_tree.ids])
    assert np.array_equal(found.X, plain_tree.X[by_number][1:])
    assert "column 'image' holds images, which are audited instead of mask" in found.notes[0]


def test_images_in_columns_of_frames_and_data_sets(tmp_path, monkeypatch):
    import datasets as hugging_face

    monkeypatch.chdir(tmp_path)
    for i, content in enumerate(PICTURES):
        made(tmp_path, f"{i}.png", content)
    paths = [f"{i}.png" for i in range(N)]
    held = [{"bytes": each, "path": None} for each in PICTURES]
    features = hugging_face.Features(
        {
            "image": hugging_face.Image(decode=False),
            "label": hugging_face.ClassLabel(names=list(NAMES)),
            "patient": hugging_face.Value("int64"),
        }
    )
    columns = {"label": Y.tolist(), "patient": (np.arange(N) // 2).tolist()}
    undecoded = hugging_face.Dataset.from_dict({"image": held, **columns}, features=features)
    forms = [
        (undecoded, None),
        (undecoded.cast_column("image", hugging_face.Image()), None),
        (hugging_face.Dataset.from_dict({"image": PICTURES, **columns}), "label"),
        (hugging_face.Dataset.from_dict({"image": paths, **columns}), "label"),
        (pd.DataFrame({"image": PICTURES, **columns}), "label"),
        (pd.DataFrame({"image": held, **columns}), "label"),
        (pd.DataFrame({"file": paths, **columns}), "label"),
        (
            hugging_face.DatasetDict({"a": undecoded.select(range(9)), "b": undecoded.select(range(9, N))}),
            None,
        ),
    ]
    found = [from_arrays(X, y, groups="patient") for X, y in forms]
    for each in found:
        assert np.array_equal(each.X, found[0].X)
        assert each.labels.tolist() == Y.tolist()
        assert each.groups.tolist() == (np.arange(N) // 2).tolist()
    assert found[0].class_names == found[-1].class_names == NAMES
    assert found[-1].part.tolist() == ["a"] * 9 + ["b"] * (N - 9)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.zip", lambda: zipped({"a.csv": csv(), "b.json": b"[]"}), "holds a.csv, b.json, expected one table that ends in .csv, .tsv, .jsonl, .ndjson or .json, or images in folders of their classes; unpack it and give the file that you mean"),
        ("t.zip", lambda: zipped({"a.pdf": b""}), "holds a.pdf, expected one table that ends in .csv, .tsv, .jsonl, .ndjson or .json, or images in folders of their classes; unpack it and give the file that you mean"),
        ("t.zip", lambda: zipped({"../a.png": PICTURES[0]}), "has the entry '../a.png', which leads out of it; pack it again"),
        ("t.zip", lambda: zipped({f"{c}/a.png": bytes(105_000_000) for c in "ab"}), "bytes and unpacks to 210,000,000 or more, expected "),
        ("t.zip", lambda: b"PK", "cannot be read as a zip archive (File is not a zip file); write or copy it again"),
        ("t.csv.zip", lambda: zipped({"a.csv": b"a,label\n" + b"0,1\n" * 8_000_000}), "bytes and unpacks to"),
        ("t.tar", lambda: tarred({"a.pdf": b""}), "has no images and no samples with labels, expected images beside files of the same name that end in .cls, .json or .txt, or in folders of their classes; check the archive"),
        ("t.tar", lambda: tarred(FILES)[:9000], "cannot be read as a tar archive (eel/08.png has "),
        ("t.tar", lambda: tarred(FILES)[:1024] + b"x" * 5000, "cannot be read as a tar archive (it is damaged after "),
        ("t.tar", lambda: tarred({"a.png": b"", "a.json": b"[1]"}), "has the sample 'a', which cannot be read (its .json holds no object); correct it"),
        ("t.tar.gz", lambda: gzip.compress(bytes(210_000_000)), "bytes and unpacks to"),
        ("t.jsonl", lambda: b'{"a": 1, "label": 0}\n{"a": 2,', 'cannot be read as JSON (Expecting property name enclosed in double quotes: line 2 column 9 (char 29)), expected a list of records, or a record in each line; save it so, for example with pandas.DataFrame.to_json(orient="records")'),
        ("t.json", lambda: b'{"a": [1, 2], "label": [0, 1]}', "cannot be read as JSON (it holds one object, with a, label), expected a list of records"),
        ("t.jsonl", lambda: b"\n\n", "cannot be read as JSON (it has no records), expected a list of records"),
        ("t.json", lambda: b"[1, 2]", "cannot be read as JSON (record 0 is not an object but 1), expected a list of records"),
        ("t.jsonl", lambda: "".join(f'{{"{i}": 1}}\n' for i in range(8000)).encode(), "bytes and unpacks to 512,000,000 or more"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_one_line(name, content, message, tmp_path):
    path = made(tmp_path, name, content())
    assert message in refused(path).removeprefix(path)


def test_links_and_devices_in_archives_are_not_followed(tmp_path):
    made(tmp_path, "secret.png", PICTURES[0])
    with tarfile.open(tmp_path / "t.tar", "w") as archive:
        for name, kind in (
            ("cat/x.png", tarfile.SYMTYPE),
            ("dog/x.png", tarfile.LNKTYPE),
            ("eel/x.png", tarfile.CHRTYPE),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, str(tmp_path / "secret.png")
            archive.addfile(info)
        for name, content in FILES.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    assert len(loaded(str(tmp_path / "t.tar")).ids) == N
    assert sorted(each.name for each in tmp_path.iterdir()) == ["secret.png", "t.tar"]


def test_objects_in_records_are_read_one_level_deep(tmp_path):
    rows = [{"of": {"a": i, "deep": {"x": 1}}, "tags": ["x"], "label": i % 2} for i in range(12)]
    path = made(tmp_path, "t.jsonl", "\n".join(map(json.dumps, rows)).encode())
    found = opened(path)
    assert found.feature_names == ("of.a",)
    assert found.notes[0] == "fields of objects, read as columns: of.a, of.deep"
    assert "'of.deep' (neither numbers nor texts), 'tags' (neither numbers nor texts)" in found.notes[1]


@pytest.mark.parametrize("name", ["t.jsonl", "p.zip"])
def test_a_run_and_its_corrections(name, run_audit, tmp_path):
    made(tmp_path, name, TABLES[name]() if name in TABLES else zipped(FILES))
    shown = run_audit("detect", name, "--dry-run", check=0).stdout
    assert "30" in shown
    assert "cat 10, dog 10, eel 10" in shown
    record = finished(tmp_path / "run", data=str(tmp_path / name))
    row = int(record.suspects.ranking[0])
    new = "eel" if record.class_names[record.labels.original[row]] != "eel" else "cat"
    write(document(record, {row: ("relabel", new)}), tmp_path / "decisions.json")
    out = run_audit("apply", "run", "decisions.json", "--data", name, check=0).stdout
    if name == "p.zip":
        assert "the source is not written anew in its own form; labels.npy holds" in out
        assert np.load(tmp_path / "corrected" / "labels.npy")[row] == new
    else:
        before = (tmp_path / name).read_bytes().splitlines()
        after = (tmp_path / "corrected" / name).read_bytes().splitlines()
        assert [i for i in range(N) if before[i] != after[i]] == [row]
        assert json.loads(after[row]) == {**json.loads(before[row]), "label": new}
    run_audit("revert", "corrected", check=0)

"""Corrected labels in every form of source: read again they are right, all else is as it was, and they go back."""

import csv
import gzip
import io
import json
import shutil
import struct
import zipfile
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image
from pyarrow import parquet

import audit
from audit import datasets
from audit.datasets import probe
from audit.datasets.reread import reread
from audit.datasets.source import LabelPlace
from audit.review.writers import forms
from audit.review.writers.change import BEFORE, Change
from audit.settings.data import DataSettings

NAMES = ["cat", "dog, big", 'a "b"', "Ελ"]
N = 9
X = np.arange(2.0 * N).reshape(N, 2)


def npy(folder, codes, y):
    np.save(folder / "X.npy", X)
    np.save(folder / "y.npy", y)
    return DataSettings(X=folder / "X.npy", y=folder / "y.npy"), folder / "y.npy"


def as_int16(codes):
    return np.array(codes, np.int16) * 3 - 2


def npz(folder, codes, y):
    np.savez_compressed(folder / "d.npz", more=np.arange(3), X=X, y=y)
    return DataSettings(data=str(folder / "d.npz")), folder / "d.npz"


def hdf5(folder, codes, y):
    with h5py.File(folder / "d.h5", "w") as file:
        file["X"] = X
        file["in/y"] = [NAMES[code] for code in codes]
        file["in/y"].attrs["who"] = "Ada"
    return DataSettings(data=str(folder / "d.h5"), x_name="X", y_name="in/y"), folder / "d.h5"


def idx_bytes(array):
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def idx(folder, codes, y):
    images = np.zeros((N, 8, 8), np.uint8)
    for part, rows, pack in (("train", slice(5), bytes), ("t10k", slice(5, None), gzip.compress)):
        end = ".gz" if pack is gzip.compress else ""
        labels = np.array(codes, np.uint8)[rows]
        (folder / f"{part}-images-idx3-ubyte{end}").write_bytes(pack(idx_bytes(images[rows])))
        (folder / f"{part}-labels-idx1-ubyte{end}").write_bytes(pack(idx_bytes(labels)))
    return DataSettings(data=str(folder)), folder / "train-labels-idx1-ubyte"


def parquet_table(folder, codes, y):
    labels = pa.array([NAMES[code] for code in codes]).dictionary_encode()
    table = pa.table({"a": X[:, 0], "kind": labels, "t": [f"text {i}" for i in range(N)]})
    table = table.replace_schema_metadata({"who": "Ada"})
    parquet.write_table(table, folder / "d.parquet", compression="gzip", row_group_size=4)
    return DataSettings(data=str(folder / "d.parquet"), label_column="kind"), folder / "d.parquet"


def text_table(folder, codes, y):
    frame = pd.DataFrame({"a": X[:, 0], "label": [NAMES[code] for code in codes], "b": X[:, 1]})
    frame.to_csv(folder / "d.csv.gz", index=False)
    return DataSettings(data=str(folder / "d.csv.gz")), folder / "d.csv.gz"


def json_lines(folder, codes, y):
    rows = [{"a": X[i, 0], "kind": {"name": NAMES[code]}, "b": X[i, 1]} for i, code in enumerate(codes)]
    text = "".join(json.dumps(row, ensure_ascii=bool(i % 2)) + "\n" for i, row in enumerate(rows))
    (folder / "d.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    return DataSettings(data=str(folder / "d.jsonl.gz"), label_column="kind.name"), folder / "d.jsonl.gz"


FORMS = {
    "npy-int16": (npy, as_int16),
    "npy-big-endian": (npy, lambda codes: np.array(codes, ">i4")),
    "npy-text": (npy, lambda codes: np.array(NAMES)[codes]),
    "npy-bytes": (npy, lambda codes: np.array(["a", "bc", "d", "e"]).astype("S2")[codes]),
    "npy-one-hot": (npy, lambda codes: np.eye(4, dtype=np.float32, order="F")[codes]),
    "npy-column": (npy, lambda codes: np.array(codes)[:, None]),
    "npz": (npz, as_int16),
    "hdf5": (hdf5, None),
    "idx": (idx, None),
    "parquet": (parquet_table, None),
    "csv.gz": (text_table, None),
    "jsonl.gz": (json_lines, None),
}
codes_lists = st.lists(st.integers(0, 3), min_size=N, max_size=N).filter(
    lambda codes: len(set(codes)) > 1 and min(map(codes.count, set(codes))) > 1
)
targets = st.lists(st.integers(0, 99), min_size=N, max_size=N)
drops = st.lists(st.booleans(), min_size=N, max_size=N).filter(lambda flags: sum(flags) < N - 2)


def change_of(again, wanted, dropped):
    """Every row takes the label of the first row of some class, or keeps its own where 99 is wanted."""
    n = len(again.codes)
    first = [int(np.flatnonzero(again.codes == code)[0]) for code in np.unique(again.codes)]
    donors = np.array([i if w % 5 == 4 else first[w % len(first)] for i, w in enumerate(wanted[:n])])
    return Change(donors, np.array(dropped[:n]), again.codes, again.class_names, again.ids)


def names_in(config):
    again = reread(datasets.open_source(config))
    return [again.class_names[code] for code in again.codes]


@pytest.fixture(scope="module", autouse=True)
def untried():
    """HDF5 and Parquet files of our own are read without a process that tries them first."""
    with pytest.MonkeyPatch.context() as here:
        here.setattr(probe, "tried", lambda *_: None)
        yield


@pytest.mark.parametrize("form", FORMS)
@given(codes=codes_lists, wanted=targets, dropped=drops)
def test_what_is_written_reads_as_corrected_and_goes_back_byte_for_byte(
    form, codes, wanted, dropped, tmp_path_factory
):
    build, labels = FORMS[form]
    folder = tmp_path_factory.mktemp("form")
    source, out, back = (folder / name for name in ("source", "out", "back"))
    for each in (source, out, back):
        each.mkdir()
    config, kept_in = build(source, codes, labels(codes) if labels else None)
    before = {path.name: path.read_bytes() for path in source.iterdir()}
    opened = datasets.open_source(config)
    again = reread(opened)
    change = change_of(again, wanted, dropped)
    assert opened.place is not None
    forms.write(opened.place, change, out)

    assert {path.name: path.read_bytes() for path in source.iterdir()} == before  # never the source
    table = form in ("parquet", "csv.gz", "jsonl.gz")
    expected = [name for name, gone in zip(change.names, change.dropped, strict=True) if not (table and gone)]
    if len(set(expected)) > 1:  # else no loader takes them
        assert read_again(form, config, source, out) == expected
    if not table and change.dropped.any():
        assert (np.load(out / "keep.npy") == ~change.dropped).all()
    forms.restore(opened.place.form, opened.place.name, out, back)
    assert same(form, kept_in, back / kept_in.name)


def read_again(form, config, source, out):
    """The labels that the corrected files hold, by the loader that read the source."""
    if form.startswith("npy"):
        return names_in(replace(config, y=out / "y.npy"))
    if form == "hdf5":  # labels alone
        with h5py.File(out / "d.h5") as file, h5py.File(source / "d.h5") as first:
            assert list(file) == ["in"]
            assert dict(file["in/y"].attrs) == {"who": "Ada"}
            assert file["in/y"].dtype == first["in/y"].dtype
            return [text.decode() for text in file["in/y"][:]]
    if form == "idx":
        for path in source.glob("*images*"):
            shutil.copy(path, out)
        return names_in(DataSettings(data=str(out)))
    return names_in(replace(config, data=str(out / Path(config.data).name)))


def same(form, source, restored):
    if form == "npz":  # the labels to the byte, the other arrays as arrays
        with zipfile.ZipFile(source) as a, zipfile.ZipFile(restored) as b:
            return a.namelist() == b.namelist() and all(a.read(n) == b.read(n) for n in a.namelist())
    if form == "hdf5":
        with h5py.File(source) as a, h5py.File(restored) as b:
            return a["in/y"][:].tolist() == b["in/y"][:].tolist()
    return source.read_bytes() == restored.read_bytes()


def test_arrays_keep_their_type_and_their_neighbours(tmp_path):
    config, path = npz(tmp_path, None, as_int16([0, 0, 1, 1, 2, 2, 3, 3, 3]))
    opened = datasets.open_source(config)
    (tmp_path / "out").mkdir()
    forms.write(opened.place, change_of(reread(opened), [0] * N, [False] * N), tmp_path / "out")
    with np.load(path) as a, np.load(tmp_path / "out" / "d.npz") as b:
        assert a.files == b.files
        assert a["y"].dtype == b["y"].dtype
        assert (b["y"] == -2).all()
        assert (a["X"] == b["X"]).all()
        assert (a["more"] == b["more"]).all()
    assert not (tmp_path / "out" / "keep.npy").exists()


cells = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters='",;\n\t'), max_size=8)


@given(
    codes=codes_lists,
    wanted=targets,
    dropped=drops,
    notes=st.lists(cells, min_size=N, max_size=N),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC]),
    end=st.sampled_from(["\n", "\r\n"]),
    last=st.booleans(),
    mark=st.sampled_from(["", "\ufeff"]),
    suffix=st.sampled_from([".csv", ".tsv"]),
)
def test_of_a_table_as_text_only_label_fields_change(
    codes, wanted, dropped, notes, quoting, end, last, mark, suffix, tmp_path_factory
):
    folder = tmp_path_factory.mktemp("text")
    (folder / "out").mkdir()
    separator = "\t" if suffix == ".tsv" else ","

    def table(names, gone=(), *, whole):
        text = io.StringIO(newline="")
        writer = csv.writer(text, quoting=quoting, lineterminator=end, delimiter=separator)
        rows = [(note, name, i / 2) for i, (note, name) in enumerate(zip(notes, names, strict=True))]
        writer.writerows([("note", "label", "a"), *(row for i, row in enumerate(rows) if i not in gone)])
        return (mark + (text.getvalue() if whole else text.getvalue().removesuffix(end))).encode()

    path = folder / f"d{suffix}"
    path.write_bytes(table([NAMES[code] for code in codes], whole=last))
    try:
        opened = datasets.open_source(DataSettings(data=str(path)))
    except audit.DataError:
        opened = None  # a text that no reader takes
    assume(opened)
    change = change_of(reread(opened), wanted, dropped)
    forms.write(opened.place, change, folder / "out")
    gone = np.flatnonzero(change.dropped).tolist()
    expected = table(change.names, gone, whole=last or N - 1 in gone)
    assert (folder / "out" / path.name).read_bytes() == expected


@given(
    codes=codes_lists,
    wanted=targets,
    dropped=drops,
    notes=st.lists(st.text(max_size=9), min_size=N, max_size=N),
    indent=st.sampled_from([None, 1, "\t"]),
    escaped=st.booleans(),
    spaces=st.text(" \t\r\n", max_size=3),
    mark=st.sampled_from(["", "\ufeff"]),
    as_list=st.booleans(),
)
@settings(max_examples=40)
def test_of_records_only_labels_change(
    codes, wanted, dropped, notes, indent, escaped, spaces, mark, as_list, tmp_path_factory
):
    folder = tmp_path_factory.mktemp("json")
    (folder / "out").mkdir()

    def text(names, gone=()):
        rows = [
            json.dumps({"a": note, "label": name, "}": [{"label": 1}]}, indent=indent, ensure_ascii=escaped)
            for i, (note, name) in enumerate(zip(notes, names, strict=True))
            if i not in gone
        ]
        if as_list:
            return mark + spaces + "[" + spaces + f"{spaces},\n{spaces}".join(rows) + spaces + "]" + spaces
        return mark + "".join(f"{row}{spaces}\n" for row in rows)

    path = folder / "d.json"
    path.write_text(text([NAMES[code] for code in codes]), encoding="utf-8", newline="")
    opened = datasets.open_source(DataSettings(data=str(path)))
    change = change_of(reread(opened), wanted, dropped)
    forms.write(opened.place, change, folder / "out")
    found = (folder / "out" / path.name).read_bytes().decode()
    if not change.dropped.any():
        assert found == text(change.names)
    else:  # spaces beside records that are gone may go, too
        assert found.split() == text(change.names, np.flatnonzero(change.dropped)).split()


def test_parquet_keeps_types_metadata_compression_and_groups(tmp_path):
    config, path = parquet_table(tmp_path, [0, 0, 1, 1, 2, 2, 3, 3, 3], None)
    opened = datasets.open_source(config)
    (tmp_path / "out").mkdir()
    change = change_of(reread(opened), [0] * N, [True, *[False] * (N - 1)])
    forms.write(opened.place, change, tmp_path / "out")
    first, new = parquet.ParquetFile(path), parquet.ParquetFile(tmp_path / "out" / "d.parquet")
    assert first.schema_arrow.equals(new.schema_arrow, check_metadata=True)
    assert new.metadata.row_group(0).column(0).compression == "GZIP"
    assert new.metadata.row_group(0).num_rows == 4
    assert new.read(["a", "t"]).equals(first.read(["a", "t"]).slice(1))


def test_parquet_of_images_keeps_each_column_as_it_is_stored(tmp_path):
    held = [{"bytes": b"\x89PNG" + bytes([i]), "path": None} for i in range(N)]
    table = pa.table({"image": held, "label": [0, 1] * 4 + [1]}).replace_schema_metadata({"who": "Ada"})
    stored = {"image.bytes": "NONE", "image.path": "SNAPPY", "label": "GZIP"}
    parquet.write_table(table, tmp_path / "d.parquet", compression=stored)
    (tmp_path / "out").mkdir()
    change = Change.none(np.array([0, 1] * 4 + [1]), ("0", "1"), np.arange(N).astype(str))
    change = change.with_donors(np.array([1, *range(1, N)]), np.arange(N) == 2)
    forms.write(LabelPlace("parquet", (tmp_path / "d.parquet",), "label"), change, tmp_path / "out")
    new = parquet.ParquetFile(tmp_path / "out" / "d.parquet")
    assert new.read().column("image").to_pylist() == [*held[:2], *held[3:]]
    assert new.read().column("label").to_pylist() == [1, 1, 1, 0, 1, 0, 1, 1]
    assert new.schema_arrow.equals(table.schema, check_metadata=True)
    ways = [new.metadata.row_group(0).column(i).compression for i in range(3)]
    assert ways == ["UNCOMPRESSED", "SNAPPY", "GZIP"]


def tree(folder, paths):
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8)).save(folder / path)
    return DataSettings(data=str(folder))


def carried_out(folder, plan):
    with plan.open(encoding="utf-8", newline="") as file:
        moves = list(csv.DictReader(file))
    for move in moves:
        target = folder / move["to"]
        target.parent.mkdir(parents=True, exist_ok=True)
        assert not target.exists()
        (folder / move["from"]).rename(target)


def files_below(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


names = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zs"], exclude_characters="/\\\0"), min_size=1, max_size=3
)


@given(data=st.data())
def test_moves_of_a_tree_lose_no_file_and_go_back(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tree")
    classes = data.draw(st.lists(names.map("c".__add__), min_size=2, max_size=3, unique_by=str.casefold))
    stems = data.draw(st.lists(names.map("i".__add__), min_size=2, max_size=4, unique_by=str.casefold))
    paths = [f"{c}/{s}.png" for c in classes for s in stems]
    config = tree(folder / "photos", paths)
    opened = datasets.open_source(config)
    again = reread(opened)
    n = len(paths)
    wanted = data.draw(st.lists(st.integers(0, 99), min_size=n, max_size=n))
    dropped = data.draw(st.lists(st.booleans(), min_size=n, max_size=n))
    change = change_of(again, wanted, dropped)
    (folder / "out").mkdir()
    forms.write(opened.place, change, folder / "out")
    before = files_below(folder / "photos")
    assert before == sorted(paths)  # nothing is moved here
    carried_out(folder / "photos", folder / "out" / "moves.csv")
    there = files_below(folder / "photos")
    kept = ~change.dropped
    assert len(there) == kept.sum()
    assert sorted(path.split("/")[0] for path in there) == sorted(np.array(change.names)[kept].tolist())
    carried_out(folder / "photos", folder / "out" / BEFORE / "moves.csv")
    assert files_below(folder / "photos") == before


def block(start):
    """The Python block of docs/review.md that begins so."""
    page = (Path(__file__).parents[2] / "docs" / "review.md").read_text(encoding="utf-8")
    (found,) = (text for text in page.split("```") if text.startswith(f"python\n{start}"))
    return found.removeprefix("python\n")


def test_the_documented_way_to_move_images_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = tree(tmp_path / "photos", ["-a b/$(x)'\".png", "-a b/2.png", "c/2.png"])
    (tmp_path / "corrected").mkdir()
    opened = datasets.open_source(config)
    change = change_of(reread(opened), [1, 1, 4], [False, False, True])
    forms.write(opened.place, change, tmp_path / "corrected")
    exec(block("import csv"), {})  # noqa: S102
    assert files_below(tmp_path / "photos") == ["c/$(x)'\".png", "c/2-from--a b.png"]
    assert files_below(tmp_path / "photos-dropped") == ["c/2.png"]


def test_the_documented_way_to_put_labels_into_an_hdf5_file_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "corrected").mkdir()
    with h5py.File("data.h5", "w") as file:
        file["X"], file["y"] = X, np.arange(N) % 2
    opened = datasets.open_source(DataSettings(data="data.h5"))
    forms.write(opened.place, change_of(reread(opened), [0] * N, [False] * N), tmp_path / "corrected")
    opened.X.dataset.file.close()
    exec(block("import h5py"), {})  # noqa: S102
    with h5py.File("data.h5") as file:
        assert not file["y"][:].any()
        assert (file["X"][:] == X).all()


def test_no_move_goes_to_a_file_that_was_left_out(tmp_path):
    config = replace(tree(tmp_path / "photos", ["a/1.png", "a/2.png", "b/3.png"]), skip_broken=True)
    (tmp_path / "photos" / "b" / "1.png").write_bytes(b"broken")
    opened = datasets.open_source(config)
    again = reread(opened)
    (tmp_path / "out").mkdir()
    forms.write(opened.place, change_of(again, [1, 4, 4], [False] * 3), tmp_path / "out")
    assert (tmp_path / "out" / "moves.csv").read_text(encoding="utf-8") == "from,to\na/1.png,b/1-from-a.png\n"


def test_a_csv_that_cannot_be_changed_alone_is_refused(tmp_path):
    config, _ = text_table(tmp_path, [0, 0, 1, 1, 2, 2, 3, 3, 3], None)
    opened = datasets.open_source(config)
    again = reread(opened)
    (tmp_path / "out").mkdir()
    change = replace(change_of(again, [0] * N, [False] * N), codes=again.codes[::-1])  # as if read otherwise
    with pytest.raises(audit.AuditError, match="does not let its column 'label' be changed alone"):
        forms.write(opened.place, change, tmp_path / "out")


@pytest.mark.parametrize("name", ["corrected.csv", "keep.npy"])
def test_a_source_called_like_a_file_of_ours_is_called_otherwise(name, tmp_path):
    (tmp_path / "out").mkdir()
    if name.endswith("csv"):
        (tmp_path / name).write_text("a,label\n" + "".join(f"{i},{'uv'[i % 2]}\n" for i in range(N)))
        config = DataSettings(data=str(tmp_path / name))
    else:
        np.save(tmp_path / "X.npy", X)
        np.save(tmp_path / name, np.arange(N) % 2)
        config = DataSettings(X=tmp_path / "X.npy", y=tmp_path / name)
    opened = datasets.open_source(config)
    forms.write(
        opened.place, change_of(reread(opened), [0] * N, [True, *[False] * (N - 1)]), tmp_path / "out"
    )
    assert (tmp_path / "out" / f"labels-{name}").exists()

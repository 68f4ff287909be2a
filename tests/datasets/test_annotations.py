"""Several people's labels: every form of them comes to the same votes, and their majority is the label."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import audit
from audit import datasets
from audit.datasets import from_arrays
from audit.datasets.labels import NO_LABEL
from audit.datasets.majority import majority
from audit.settings.detect import Config
from audit.types import Votes

rng = np.random.default_rng(0)
n = 40
truth = np.arange(n) % 3
X = rng.normal(size=(n, 4)) + truth[:, None]
TABLE = np.where(rng.random((n, 4)) < 0.8, truth[:, None], rng.integers(0, 3, (n, 4))).astype(float)
TABLE[rng.random((n, 4)) < 0.3] = np.nan
TABLE[7] = np.nan
WIDE = pd.DataFrame(TABLE, columns=["dora", "cy", "bob", "ada"])
LONG = WIDE.rename_axis("row").reset_index().melt("row", var_name="annotator", value_name="label").dropna()


def same(one, other):
    assert one.votes.names == other.votes.names
    for name in ("rows", "annotators", "labels"):
        assert getattr(one.votes, name).tolist() == getattr(other.votes, name).tolist()
    assert one.labels.tolist() == other.labels.tolist()
    assert one.class_names == other.class_names


@pytest.mark.parametrize(
    "form",
    [
        WIDE[["ada", "bob", "cy", "dora"]],
        WIDE.astype("Int64"),
        WIDE.fillna(-1).astype(int),
        WIDE.reset_index(names="id").sample(frac=1, random_state=0),
        WIDE.rename_axis("row"),
        LONG,
        LONG.sample(frac=1, random_state=1).astype({"label": int}),
        LONG.rename(columns={"row": "Task", "annotator": " worker_id ", "label": "answer"}),
        LONG.pivot_table(index="row", columns="annotator", values="label"),
        pl.DataFrame({name: WIDE[name].to_numpy() for name in WIDE}),
    ],
    ids=["other order", "nullable", "-1", "by id", "index", "long", "shuffled", "names", "pivot", "polars"],
)
def test_every_form_comes_to_the_same_votes(form):
    same(from_arrays(X, annotations=form), from_arrays(X, annotations=WIDE))


def test_an_array_has_the_same_votes_whatever_stands_for_a_gap():
    plain = from_arrays(X, annotations=TABLE)
    for form in (
        np.where(np.isnan(TABLE), -1, TABLE).astype(int),
        np.where(np.isnan(TABLE), None, TABLE.astype(object)),
        np.ma.masked_invalid(TABLE),
        TABLE.tolist(),
    ):
        same(from_arrays(X, annotations=form), plain)
    assert plain.votes.names == ("annotator 0", "annotator 1", "annotator 2", "annotator 3")


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet", ".csv.gz"])
@pytest.mark.parametrize("table", [WIDE, LONG], ids=["wide", "long"])
def test_a_file_is_read_as_the_frame_is(tmp_path, suffix, table):
    path = tmp_path / f"votes{suffix}"
    if suffix == ".parquet":
        table.to_parquet(path)
    else:
        table.to_csv(path, index=False, sep="\t" if suffix == ".tsv" else ",")
    same(from_arrays(X, annotations=path), from_arrays(X, annotations=WIDE))


def test_rows_without_a_vote_are_rows_without_a_label():
    dataset = from_arrays(X, annotations=WIDE)
    assert 7 not in dataset.rows
    assert dataset.unlabelled.ids.tolist() == [7]
    assert len(dataset.labels) == n - 1


def test_names_of_classes_and_of_people_are_in_natural_order():
    names = np.array(["10", "9", "cat"])
    votes = pd.DataFrame({f"annotator {i}": names[truth] for i in (10, 2)})
    dataset = from_arrays(X, annotations=votes)
    assert dataset.class_names == ("10", "9", "cat")
    assert dataset.votes.names == ("annotator 2", "annotator 10")
    numbers = pd.DataFrame({"a": (truth + 9).astype(str)})
    assert from_arrays(X, annotations=numbers).class_names == ("9", "10", "11")


def test_labels_that_are_given_stay_and_votes_stand_beside_them():
    y = np.array(["ant", "bee", "cat"])[(truth + 1) % 3]
    dataset = from_arrays(X, y, annotations=WIDE.replace({0: "ant", 1: "bee", 2: "eel"}))
    assert [dataset.class_names[label] for label in dataset.labels] == y.tolist()
    assert {dataset.class_names[label] for label in dataset.votes.labels} == {"ant", "bee"}
    assert any("classes that are not audited left out: eel" in note for note in dataset.notes)


def test_the_last_label_of_a_person_on_a_row_counts():
    again = pd.concat([LONG, LONG.iloc[[0]].assign(label=2), LONG.iloc[[5]]])
    dataset = from_arrays(X, annotations=again)
    row, who = LONG.iloc[0]["row"], LONG.iloc[0]["annotator"]
    place = dataset.rows.tolist().index(row)
    votes = dataset.votes
    mine = (votes.rows == place) & (votes.annotators == votes.names.index(who))
    assert votes.labels[mine].tolist() == [2]
    assert len(votes.rows) == len(LONG)
    changed = LONG.iloc[0]["label"] != 2
    assert any("different labels" in note for note in dataset.notes) == changed


def test_a_sample_keeps_the_votes_of_its_rows():
    whole = from_arrays(X, annotations=WIDE)
    part = from_arrays(X, annotations=WIDE, config=Config.of(limit=12))
    for place, row in enumerate(part.rows.tolist()):
        of_whole = whole.votes.labels[whole.votes.rows == whole.rows.tolist().index(row)]
        assert part.votes.labels[part.votes.rows == place].tolist() == of_whole.tolist()


def test_rows_are_known_by_ids_by_names_of_files_or_by_numbers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame(X, columns=list("abcd"))
    frame.insert(0, "id", [f"r{i}" for i in range(n)])
    frame.to_csv("t.csv", index=False)
    LONG.to_csv("numbers.csv", index=False)
    LONG.assign(row="r" + LONG["row"].astype(str)).to_csv("ids.csv", index=False)
    read = [
        datasets.read_chosen(source, datasets.choose_rows(source, datasets.selection(Config.of())))
        for name in ("numbers.csv", "ids.csv")
        for source in [datasets.open_source(Config.of("t.csv", annotations=name).data)]
    ]
    same(*read)
    (tmp_path / "photos" / "b").mkdir(parents=True)
    for i in range(n):
        Image.fromarray(rng.integers(0, 255, (9, 9), np.uint8)).save(f"photos/{'b/' * (i % 2)}{i:03}.png")
    LONG.assign(row=[f"C:\\images\\{row:03}.png" for row in LONG["row"]]).to_csv("paths.csv", index=False)
    source = datasets.open_source(Config.of("photos", annotations="paths.csv").data)
    flat = datasets.read_chosen(source, datasets.choose_rows(source, datasets.selection(Config.of())))
    names = [f"{'b/' * (i % 2)}{i:03}.png" for i in range(n)]
    of_row = dict(zip(read[0].rows.tolist(), read[0].labels.tolist(), strict=True))
    assert [of_row[names.index(name)] for name in flat.ids.tolist()] == flat.labels.tolist()


votes_of_rows = st.lists(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=4, unique_by=lambda vote: vote[0]),
    min_size=1,
    max_size=12,
)


@given(votes_of_rows, st.permutations(range(4)))
def test_the_majority_is_a_most_frequent_class_and_knows_no_order_of_people(rows, order):
    entries = [(row, who, label) for row, each in enumerate(rows) for who, label in each]
    row, who, label = np.array(entries, dtype=np.int64).reshape(-1, 3).T
    names = [str(i) for i in range(4)]
    found = majority(Votes.of(row, who, label, names), len(rows), 3)
    for place, each in enumerate(rows):
        given_labels = [label for _, label in each]
        if not each:
            assert found[place] == NO_LABEL
        else:
            assert given_labels.count(found[place]) == max(map(given_labels.count, given_labels))
        if len(set(given_labels)) == 1:
            assert found[place] == given_labels[0]
    permuted = Votes.of(row, np.array(order)[who] if len(who) else who, label, names)
    assert majority(permuted, len(rows), 3).tolist() == found.tolist()


def test_ties_go_to_the_better_annotator():
    good = np.tile(truth, 3)
    bad = np.where(np.arange(3 * n) % 2, good, (good + 1) % 3)
    third = good.astype(float)
    third[::4] = np.nan
    table = np.stack([bad, good, third], axis=1)
    dataset = from_arrays(np.tile(X, (3, 1)), annotations=table)
    assert dataset.labels.tolist() == good.tolist()


def test_one_label_of_one_person_and_sixty_people_are_votes_too():
    alone = pd.DataFrame({"ann": truth})
    assert from_arrays(X, annotations=alone).labels.tolist() == truth.tolist()
    many = np.full((n, 60), np.nan)
    many[:, 0] = truth
    many[np.arange(60) % n, np.arange(60)] = truth[np.arange(60) % n]
    dataset = from_arrays(X, annotations=many)
    assert len(dataset.votes.names) == 60
    assert dataset.labels.tolist() == truth.tolist()


def test_without_examples_the_annotations_say_how_many_rows_there_are():
    probs = np.eye(3)[truth] * 0.7 + 0.1
    run = audit.detect(None, pred_probs=probs, annotations=TABLE)
    assert len(run.record.ids) == n - 1
    assert set(run.annotators["annotator"]) == {f"annotator {i}" for i in range(4)}

import csv
import io
import itertools
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

import audit
from audit.review import merge as merging
from audit.review.decisions import parse_decisions, read_decisions
from audit.runs import tables

ACTIONS = [
    ("keep", None),
    ("relabel", "0"),
    ("relabel", "1"),
    ("relabel", "2"),
    ("ambiguous", None),
    ("drop", None),
]


def doc(verdicts, reviewer, **changes):
    """A document of decisions {row: (action, label)} on a run whose every label is 0."""
    return {
        "format": "label-audit decisions",
        "version": 1,
        "run": "r",
        "fingerprint": "f",
        "data": "d",
        "reviewer": reviewer,
        "exported": f"2026-11-2{len(reviewer) % 10}T12:00:00Z",
        "class_names": ["0", "1", "2"],
        "decisions": [
            {
                "id": str(row),
                "row": row,
                "given": "0",
                "suggested": "1",
                "action": action,
                "label": label,
                "note": f"of {reviewer}",
                "time": f"2026-11-21T1{row % 10}:00:00Z",
            }
            for row, (action, label) in verdicts.items()
        ],
        **changes,
    }


def merge(*documents):
    names = [f"{i}.json" for i in range(len(documents))]
    return merging.merge(
        [parse_decisions(each, name) for each, name in zip(documents, names, strict=True)], names
    )


reviews = st.dictionaries(st.integers(0, 9), st.sampled_from(ACTIONS), max_size=10)


def plain(action):
    return "keep" if action in (("keep", None), ("relabel", "0")) else " to ".join(filter(None, action))


@given(st.lists(reviews, min_size=2, max_size=5))
def test_rows_go_in_if_all_agree_or_a_majority_of_three_does(given_by):
    merged = merge(*(doc(each, f"r{i}") for i, each in enumerate(given_by)))
    result = {each.row: each for each in merged.decisions.decisions}
    differ = {each.row: each for each in merged.disagreements}
    rows = set().union(*given_by)
    assert merged.rows == len(rows)
    for row in rows:
        votes = Counter(plain(each[row]) for each in given_by if row in each)
        (verdict, most), n = votes.most_common(1)[0], sum(votes.values())
        wins = most == n or (n >= 3 and most > n / 2)
        assert (row in result) == wins
        assert (row in differ) == (len(votes) > 1)
        if wins:
            assert result[row].verdict.replace("relabel to", "relabel to") == verdict
        if row in differ:
            assert differ[row].outcome == ("majority" if wins else "open")
            assert len(differ[row].verdicts) == n


@given(reviews, reviews)
def test_kappa_is_scikit_learns_and_does_not_depend_on_the_order(a, b):
    (pair,) = merge(doc(a, "A"), doc(b, "B")).pairs
    (other,) = merge(doc(b, "B"), doc(a, "A")).pairs
    both = sorted(set(a) & set(b))
    left, right = [plain(a[row]) for row in both], [plain(b[row]) for row in both]
    assert pair.rows == len(both)
    assert pair.agreed == other.agreed == sum(x == y for x, y in zip(left, right, strict=True))
    if len({*left, *right}) > 1:
        assert pair.kappa == pytest.approx(cohen_kappa_score(left, right))
        assert other.kappa == pytest.approx(pair.kappa)
    else:
        assert pair.kappa is None


@given(reviews)
def test_merging_with_oneself_changes_no_verdict(a):
    merged = merge(doc(a, "A"), doc(a, "B"))
    assert {each.row: each.verdict for each in merged.decisions.decisions} == {
        row: plain(action) for row, action in a.items()
    }
    assert not merged.disagreements
    assert merged.pairs[0].kappa in (None, 1.0)


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    verdicts = np.random.default_rng(0).integers(0, 6, (3, 12))
    for name, line in zip("abc", verdicts, strict=True):
        actions = {row: ACTIONS[v] for row, v in enumerate(line)}
        Path(f"{name}.json").write_text(json.dumps(doc(actions, {"c": ""}.get(name, name.upper()))))
    return tmp_path


def test_from_the_command_line(files, run_audit):
    done = run_audit(
        "merge", "a.json", "b.json", "c.json", "--out", "m.json", "--disagreements", "d.csv", check=0
    )
    merged = read_decisions(files / "m.json")
    assert merged.reviewer == "A, B, c"  # without a name the file's
    assert "Cohen's kappa" in done.stdout
    assert f"{len(merged.decisions)} of 12 rows merged into m.json" in done.stdout
    table = list(csv.DictReader(io.StringIO((files / "d.csv").read_text(encoding="utf-8"))))
    assert list(table[0]) == ["id", "row", "given", "A", "B", "c", "outcome"]
    run_audit("merge", "a.json", "b.json", "--out", "two.json", check=0)
    asked = run_audit("merge", "a.json", "b.json", "--out", "three.json", "--json", check=0)
    figures = json.loads(asked.stdout)
    assert figures["rows"] == 12
    assert figures["merged"] == len(read_decisions(files / "two.json").decisions)
    assert all(each["outcome"] == "open" for each in figures["disagreements"])
    assert figures["merged"] + len(figures["disagreements"]) == 12


def test_what_is_joined_keeps_the_latest_time_and_all_notes():
    a, b = doc({1: ("drop", None)}, "A"), doc({1: ("drop", None)}, "B")
    b["decisions"][0]["time"] = "2026-12-01T00:00:00Z"
    (one,) = merge(a, b).decisions.decisions
    assert one.note == "of A; of B"
    assert one.time == "2026-12-01T00:00:00Z"


def test_what_cannot_be_merged_is_refused(files, run_audit):
    def line(*arguments):
        return run_audit("merge", *arguments, check=2).stderr

    a = json.loads((files / "a.json").read_text(encoding="utf-8"))
    assert "found 1 files of decisions, expected two or more" in line("a.json", "--out", "x.json")
    assert "b.json exists; remove it, or choose another --out" in line("a.json", "b.json", "--out", "b.json")
    for change, what in (
        ({"run": "s"}, "another run"),
        ({"fingerprint": "g"}, "other data"),
        ({"class_names": ["0", "9"]}, "other classes"),
    ):
        (files / "z.json").write_text(json.dumps({**a, "reviewer": "Z", **change}))
        assert f"z.json is about {what} than a.json" in line("a.json", "z.json", "--out", "x.json")
    (files / "z.json").write_text(json.dumps(a))
    assert "a.json and z.json are both by 'A'" in line("a.json", "z.json", "--out", "x.json")
    a["reviewer"], a["decisions"][0]["given"] = "Z", "1"
    (files / "z.json").write_text(json.dumps(a))
    assert "decided on row 0 as '0' labelled '0', 'Z' as '0' labelled '1'" in line(
        "a.json", "z.json", "--out", "x.json"
    )
    assert not (files / "x.json").exists()


def test_a_merged_file_can_be_merged_and_read_again(files):
    merged = merging.merge_files([files / "a.json", files / "b.json"], files / "m.json")
    assert read_decisions(files / "m.json") == merged.decisions
    with pytest.raises(audit.AuditError):
        merging.merge_files([files / "m.json"], files / "n.json")
    names = list(itertools.chain(*(pair.reviewers for pair in merged.pairs)))
    assert names == ["A", "B"]


texts = st.text(st.sampled_from("aé,\"'\r\n\t =\0"), max_size=6) | st.sampled_from(
    ["nan", "NA", "None", "row"]
)


@given(st.lists(st.tuples(texts, st.integers(0, 99), texts, texts), max_size=5))
def test_the_table_of_disagreements_is_what_the_csv_module_writes_and_reads(lines):
    """Also for names that are empty, hold separators, or look like a missing value or another column."""
    pair = merging.ReviewerPair(("row", "B"), 0, 0, None)
    differ = [
        merging.Disagreement(name, row, label, (("row", verdict),), "open")
        for name, row, label, verdict in lines
    ]
    merged = merging.Merged(merge(doc({}, "A"), doc({}, "B")).decisions, (pair,), tuple(differ), len(lines))
    table = [["id", "row", "given", "row", "B", "outcome"]]
    table += [[name, str(row), label, verdict, "", "open"] for name, row, label, verdict in lines]
    found = merged.disagreements_csv()
    assert [
        [tables.plain(cell) for cell in line] for line in csv.reader(io.StringIO(found, newline=""))
    ] == table
    if not any(tables.is_formula(cell) or "\r" in cell for line in table for cell in line):
        expected = io.StringIO(newline="")
        csv.writer(expected, lineterminator="\n").writerows(table)
        assert found == expected.getvalue()

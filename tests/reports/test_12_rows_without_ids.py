"""A table without ids in continuous integration: rows are inserted, deleted, moved or changed."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import audit
from audit.runs.comparison import compare
from audit.runs.gates import Gates, read_accepted
from audit.runs.matching import KnownRows, match
from audit.settings.gates import Limits


@pytest.fixture(scope="module")
def table():
    """A table, its labels, and probabilities that doubt every tenth label."""
    rng = np.random.default_rng(0)
    y = np.arange(100) // 50
    doubted = np.where(np.arange(100) % 10 == 4, 1 - y, y)
    probs = np.where(np.arange(2) == doubted[:, None], 0.97, 0.03)
    return rng.normal(size=(100, 3)), np.array(["cat", "dog"])[y], probs


def audited(table, rows):
    X, y, probs = table
    return audit.detect(X[rows], y[rows], pred_probs=probs[rows]).record


def test_a_deleted_an_inserted_and_moved_rows_change_nothing_else(table):
    before = audited(table, np.arange(99))
    for rows in (np.arange(1, 99), np.r_[99, np.arange(99)], np.arange(99)[::-1]):
        found = compare(before, audited(table, rows))
        assert found.by_content
        assert found.counts == {"new": 0, "fixed": 0, "cleared": 0, "persisting": 10}
        assert (found.gone, found.added) == (int(len(rows) < 99), int(len(rows) > 99))
        assert found.relabelled == 0


def test_a_corrected_label_is_fixed_and_a_changed_example_keeps_its_number(table):
    X, y, probs = (each.copy() for each in table)
    y[4] = "dog"
    X[14] += 1
    found = compare(audited(table, np.arange(100)), audited((X, y, probs), np.arange(100)))
    assert found.counts["fixed"] == 1
    assert found.counts["persisting"] == 9
    assert (found.gone, found.added, found.relabelled) == (0, 0, 1)


def test_ids_that_count_from_one_are_only_numbers_too(table):
    before, now = (audited(table, np.arange(100)[first:]) for first in (0, 1))
    before, now = (replace(each, ids=each.ids + 1) for each in (before, now))
    assert compare(before, now).counts["persisting"] == 10


def test_rows_with_ids_are_known_by_these(table):
    record = audited(table, np.arange(100))
    named = replace(record, ids=np.array([f"row {i}" for i in range(100)]))
    other = replace(named, hashes=record.hashes[::-1])
    assert compare(named, other).relabelled == 0
    assert not compare(named, other).by_content


def test_labels_without_examples_are_known_by_their_numbers(table):
    _, y, probs = table
    first, second = (audit.detect(None, y[n:], pred_probs=probs[n:]).record for n in (0, 1))
    assert not compare(first, second).by_content


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 1)), min_size=2, max_size=30), st.randoms())
def test_a_shuffled_data_set_is_the_same_row_for_row(rows, random):
    def known(some):
        hashes = np.array([content for content, _ in some], dtype=np.uint64)
        return KnownRows(["0"] * len(some), hashes, [str(label) for _, label in some], numbered=True)

    shuffled = rows.copy()
    random.shuffle(shuffled)
    if len({content for content, _ in rows}) < 2:
        return
    found = match(known(rows), known(shuffled))
    assert sorted(found.tolist()) == list(range(len(rows)))
    assert [rows[place] for place in found] == shuffled


def test_an_accepted_suspect_is_known_by_its_hash(table, tmp_path):
    from datetime import date

    before = audited(table, np.arange(100))
    worst = int(before.suspects.ranking[0])
    path = tmp_path / "accepted.csv"
    line = f"{worst},{table[1][worst]},checked,2999-01-01,{before.hashes[worst]:016x}"
    path.write_text(f"id,given,reason,expires,hash\n{line}\n", encoding="utf-8")
    now = audited(table, np.arange(1, 100))
    gates = Gates(Limits(fail_over=0.1, accepted=path), None, read_accepted(path))
    results, notes = gates.check(now, date(2026, 1, 1))
    assert results[0].found == pytest.approx(9 / 99)
    assert notes == []


def test_a_gate_passes_when_a_line_is_deleted_and_apply_finds_its_rows(table, run_audit, tmp_path):
    X, y, probs = table
    frame = pd.DataFrame(X, columns=list("abc")).assign(label=y)
    frame.to_csv(tmp_path / "t.csv", index=False)
    np.save(tmp_path / "p.npy", probs)
    given = ("detect", "t.csv", "--pred-probs", "p.npy", "--quiet", "--out")
    run_audit(*given, "main", check=0)
    frame.iloc[1:].to_csv(tmp_path / "t.csv", index=False)
    np.save(tmp_path / "p.npy", probs[1:])
    run_audit(*given, "now", "--baseline", "main", "--max-new", "0", check=0)
    run_audit("apply", "main", "--accept-above", "0.01", "--out", "corrected", check=0)
    run_audit("apply", "now", "--accept-above", "0.01", "--out", "again", check=0)
    corrected, again = ((tmp_path / name / "t.csv").read_bytes() for name in ("corrected", "again"))
    assert corrected == again
    frame.assign(a=frame.a + 1).to_csv(tmp_path / "t.csv", index=False)
    line = run_audit("apply", "main", "--accept-above", "0.01", "--out", "third", check=2).stderr
    assert "has changed since the run, in 10 of 10 decided rows" in line

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reviewing import document, write

import audit
from audit.events import Silent
from audit.pipeline.run import load_run
from audit.report import page, sections, selection
from audit.review import apply, controls
from audit.types import Controls, Issues, NoisyLabels


def issues(flags):
    n = len(flags)
    return Issues(np.array(flags), np.linspace(0, 1, n), np.linspace(1, 0, n), np.zeros(n, np.int64))


rows = st.lists(st.tuples(*[st.booleans()] * 4), min_size=1, max_size=60)


@given(rows, st.integers(0, 20), st.integers(0, 99))
def test_controls_are_changed_ones_and_clean_ones_and_nothing_else(each, m, seed):
    flipped, flagged, suspect, torn = np.array(each).T
    labels = NoisyLabels(flipped.astype(np.int64), np.zeros(len(flipped), np.int64))
    drawn = [
        controls.choose(
            m, labels, (issues(flagged), issues(suspect)), np.flatnonzero(torn), np.random.default_rng(seed)
        )
        for _ in range(2)
    ]
    found = drawn[0]
    assert all((a == b).all() for a, b in zip(*(vars(d).values() for d in drawn), strict=True))
    free = ~suspect & ~torn
    injected, clean = found.rows[found.injected], found.rows[~found.injected]
    assert len(set(found.rows.tolist())) == len(found.rows)
    assert (flipped & free)[injected].all()
    assert (~flipped & ~flagged & free)[clean].all()
    assert len(injected) == min(m, (flipped & free).sum())
    assert len(clean) == min(m, (~flipped & ~flagged & free).sum())
    assert ((found.places >= 0) & (found.places < 1)).all()


@given(st.integers(0, 30), st.lists(st.floats(0, 0.999), max_size=10))
def test_the_queue_keeps_the_order_of_the_suspects_wherever_it_is_cut(n, places):
    hidden = Controls(100 + np.arange(len(places)), np.ones(len(places), bool), np.array(places))
    mixed, which = controls.mixed(np.arange(n), hidden)
    assert mixed[which < 0].tolist() == list(range(n))
    assert sorted(mixed[which >= 0].tolist()) == hidden.rows.tolist()
    assert (hidden.rows[which[which >= 0]] == mixed[which >= 0]).all()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run with eight changed and eight clean controls."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 300)
    X = rng.normal(0, 0.6, (300, 4)) + 2 * np.eye(3, 4)[y]
    path = tmp_path_factory.mktemp("controls") / "run"
    audit.detect(X, y, noise=0.1, model="linear", controls=8, out=path)
    return path


def test_a_run_keeps_its_controls_and_shows_them_unmarked_in_the_queue(run):
    record = load_run(run).record
    with np.load(run / "controls.npz") as kept:
        assert kept["rows"].shape == kept["injected"].shape == (16,)
        assert kept["injected"].sum() == 8
    hidden = dict(zip(record.controls.rows.tolist(), record.controls.injected.tolist(), strict=True))
    queue = selection.queue(record, 5)
    assert [row for row, _ in queue if row not in hidden] == record.suspects.ranking[:5].tolist()
    assert {row: not as_came for row, as_came in queue if row in hidden} == hidden
    cards = sections.report(record, 1000).suspects.cards
    assert {card.row for card in cards} >= set(hidden)
    assert all(card.true is None for card in cards)
    names = record.class_names
    for card in cards:
        label = record.labels.noisy if hidden.get(card.row) else record.labels.original
        assert card.given == names[label[card.row]] != card.suggested


def test_no_other_list_of_the_page_has_a_control(run):
    record = load_run(run).record
    content = sections.report(record, 1000)
    others = (content.found, content.missed, content.doubtful)
    listed = {card.row for grid in others for card in grid.cards}
    assert listed
    assert not listed & set(record.controls.rows.tolist())
    assert content.suspects.hidden == 0
    assert "</html>" in page.render(record)


def test_the_same_run_with_other_controls_trains_nothing_and_without_them_has_none(run):
    before = load_run(run).record
    notes = []

    class Listener(Silent):
        def note(self, text):
            notes.append(text)

    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 300)
    X = rng.normal(0, 0.6, (300, 4)) + 2 * np.eye(3, 4)[y]
    settings = {"noise": 0.1, "model": "linear", "out": run, "listener": Listener()}
    plain = audit.detect(X, y, **settings).record
    assert "issues: controls 8 → not given" in notes
    assert sum("reusing 5 of 5 folds" in note for note in notes) == 2
    assert not len(plain.controls.rows)
    assert not (run / "controls.npz").exists()
    assert (plain.labels.noisy == before.labels.noisy).all()
    again = audit.detect(X, y, controls=8, **settings).record
    assert (again.controls.rows == before.controls.rows).all()
    assert again.stages["issues"]["key"] == before.stages["issues"]["key"]


def test_apply_measures_the_reviewer_and_changes_no_control(run, tmp_path, monkeypatch, run_audit):
    monkeypatch.chdir(tmp_path)
    record = load_run(run).record
    hidden, injected = record.controls.rows.tolist(), record.controls.injected.tolist()
    changed = [row for row, of in zip(hidden, injected, strict=True) if of]
    clean = [row for row, of in zip(hidden, injected, strict=True) if not of]
    names, true = record.class_names, record.labels.original
    other = {row: names[(true[row] + 1) % 3] for row in hidden}
    actions = {
        **dict.fromkeys(changed[:3], "drop"),
        **dict.fromkeys(changed[3:5], "ambiguous"),
        changed[5]: ("relabel", names[true[changed[5]]]),
        **dict.fromkeys(changed[6:], "keep"),
        **{row: ("relabel", other[row]) for row in clean[:2]},
        clean[2]: "drop",
        clean[3]: "ambiguous",
        clean[4]: ("relabel", names[true[clean[4]]]),  # to the label that it has
        clean[5]: "keep",
    }
    applied = apply.apply(run, write(document(record, actions)), out="out")
    figures = applied.reviewer
    assert (figures.noticed, figures.injected, figures.spoilt, figures.clean) == (6, 8, 3, 6)
    assert set(applied.counts.values()) == {0}
    assert (np.load("out/labels.npy") == true).all()
    assert len((tmp_path / "out" / "corrected.csv").read_text(encoding="utf-8").splitlines()) == 1
    done = run_audit("apply", run, "decisions.json", "--out", "again", check=0)
    assert "hidden controls: 6 of 8 changed labels noticed: hit rate 75.0 % (40.9–92.9)" in done.stdout
    assert "hidden controls: 3 of 6 clean ones changed: false-fix rate 50.0 % (18.8–81.2)" in done.stdout
    asked = json.loads(run_audit("apply", run, "decisions.json", "--json", check=0).stdout)
    assert asked["controls"]["hit_rate"]["value"] == 0.75


def test_a_control_is_decided_on_by_the_label_that_its_card_shows(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    record = load_run(run).record
    row = int(record.controls.rows[record.controls.injected][0])
    wrong = document(record, {row: "keep"})
    wrong["decisions"][0]["given"] = record.class_names[record.labels.original[row]]
    with pytest.raises(audit.AuditError, match=f"says that row {row} was labelled"):
        apply.apply(run, write(wrong))


def test_a_run_with_fewer_rows_than_controls_takes_what_there_is():
    rng = np.random.default_rng(1)
    y = np.repeat([0, 1], 30)
    record = audit.detect(
        rng.normal(0, 0.5, (60, 2)) + y[:, None], y, noise=0.1, model="linear", controls=1000
    ).record
    assert record.controls.injected.sum() <= record.labels.flipped.sum() == 6
    assert len(record.controls.rows) < 60

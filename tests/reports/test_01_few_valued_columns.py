"""A table of yes/no and few-valued answers, in which most rows have ten copies; and steps that fail."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

import audit
from audit.kinds import kind_features, step
from audit.report import embedding_map, page, selection


def survey(n=240, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"sex": rng.choice(["f", "m"], n), "deck": rng.choice([1, 2, 3], n), "kin": rng.choice([0, 1], n)}
    )
    y = ((frame.sex == "f") & (frame.deck < 3)).to_numpy().astype(int)
    y[rng.choice(n, 12, replace=False)] ^= 1
    return frame, np.array(["lost", "saved"])[y]


def test_a_table_of_copies_is_audited_and_its_suspects_have_kinds():
    run = audit.detect(*survey(), noise=0, preset="fast", folds=3)
    assert len(run.suspects()) > 0
    assert run.record.kinds is not None
    assert not [note for note in run.record.data["notes"] if "missing" in note]


@given(st.integers(0, 3), st.floats(1e-6, 1e6), st.integers(0, 100))
@settings(max_examples=30)
def test_the_usual_distance_is_of_the_size_of_the_data(values, unit, seed):
    rng = np.random.default_rng(seed)
    rows = (unit * rng.integers(0, values + 1, (60, 2))).astype(np.float32)
    search = NearestNeighbors(n_neighbors=12, algorithm="brute").fit(rows)
    spacing = kind_features._spacing(search, rows)
    farthest = search.kneighbors(rows)[0].max()
    assert spacing > 0
    assert farthest / spacing < 100


def failing(*_, **__):
    raise ZeroDivisionError("by a scale\nof zero")


def test_kinds_and_cards_that_fail_cost_a_line_and_not_the_run(monkeypatch):
    monkeypatch.setattr(step, "fit_classifier", failing)
    monkeypatch.setattr(selection, "thumbnails", failing)
    run = audit.detect(*survey(), noise=0, preset="fast", folds=3)
    assert len(run.suspects()) > 0
    assert run.record.data["notes"][:-1] == [
        "missing: the kinds of suspects (ZeroDivisionError: by a scale of zero)",
        "missing: the examples on the cards (ZeroDivisionError: by a scale of zero)",
    ]
    assert run.record.data["notes"][-1].startswith("--model auto takes ")


@pytest.fixture(scope="module")
def ready():
    """A run by ready probabilities, which costs nothing."""
    frame, y = survey()
    sure = np.where(y == "lost", 0.9, 0.2)[:, None]
    return audit.detect(frame, y, pred_probs=np.hstack([sure, 1 - sure]), map=True)


def test_charts_that_fail_are_named_in_the_terminal_and_on_the_page(ready, tmp_path, monkeypatch):
    monkeypatch.setitem(page.CHARTS, "label-quality", (failing, "Label quality"))
    lines = []
    html = page.render(ready.record, lines.append)
    assert lines == [
        "missing: the map (the models tell no features of examples by which they could lie together)",
        "missing: the chart label-quality (ZeroDivisionError: by a scale of zero)",
    ]
    assert all(line in html for line in lines)
    ready.save(tmp_path / "run")
    assert not (tmp_path / "run" / "plots").exists()


def test_a_page_that_fails_leaves_the_tables(ready, tmp_path, monkeypatch):
    monkeypatch.setattr(page, "render", failing)
    report = ready.save(tmp_path / "run")
    assert not report.exists()
    assert (tmp_path / "run" / "issues.csv").exists()
    assert audit.load_run(tmp_path / "run").issues.equals(ready.issues)


@pytest.mark.parametrize("columns", [1, 3])
def test_a_map_of_rows_that_are_all_the_same_or_have_one_feature_is_drawn(ready, columns):
    from dataclasses import replace

    record = ready.record
    same = np.ones((len(record.ids), 3), np.float16)
    features = same if columns == 3 else np.arange(len(record.ids), dtype=np.float16)[:, None]
    with_features = replace(record, probs=replace(record.probs, features=features))
    _, places = embedding_map.places(with_features)
    assert np.isfinite(places).all()


def test_images_of_one_brightness_are_shown_black():
    assert (selection._to_bytes(np.full((2, 8, 8, 1), 0.0)) == 0).all()

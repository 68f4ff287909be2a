"""Kinds, duplicates, parts and the map in the report."""

import json
from dataclasses import replace

import browser
import numpy as np
import pytest
from conftest import striped_images

import audit
from audit.detectors.scores import KindFigures, PartFigures
from audit.pipeline.run import Run
from audit.report import embedding_map as data_map
from audit.report import kinds, page, sections
from audit.types import KINDS, Controls, Kinds

pytestmark = pytest.mark.usefixtures("pictures")

REASON = "between 3 and </script><img src=x onerror=alert(1)>: 0.48 / 0.47"


def in_two_parts():
    """Images, labels with forty wrong ones, parts, two pairs of near duplicates and one of exact ones."""
    X, y = striped_images(200, side=20)
    X = np.concatenate([X, np.roll(X[:2], 1, axis=1), X[2:3]])
    y = np.concatenate([y, (y[:3] + 1) % 4])
    probs = 0.8 * np.eye(4)[y] + 0.05
    y[50:90] = (y[50:90] + 1) % 4
    return X, y, np.where(np.arange(203) < 200, "train", "test"), probs


@pytest.fixture(scope="module")
def run():
    """An audit of them."""
    X, y, parts, probs = in_two_parts()
    return audit.detect(X, y, pred_probs=probs, split=parts)


@pytest.fixture(scope="module")
def named(run):
    """The same, with a kind for every suspect and features, as a model would give them."""
    record, rng = run.record, np.random.default_rng(0)
    rows = np.sort(record.suspects.ranking)
    probability = rng.dirichlet(np.ones(7), len(rows)).astype(np.float32)
    kinds = Kinds(rows, probability.argmax(axis=1), probability, np.full(len(rows), REASON))
    figures = KindFigures(
        suspects={},
        names=("mislabelled", "ambiguous"),
        confusion=((9, 1), (2, 6)),
    )
    features = rng.normal(size=(203, 8)).astype(np.float16)
    return replace(
        record,
        kinds=kinds,
        probs=replace(record.probs, features=features),
        scores=replace(record.scores, kinds=figures),
        config={**record.config, "map": True},
    )


def test_every_card_says_its_kind_its_reason_and_what_is_proposed(named):
    content = sections.report(named, 2000)
    for card in content.suspects.cards:
        place = np.flatnonzero(named.kinds.rows == card.row)[0]
        assert card.kind.name == KINDS[named.kinds.kind[place]]
        assert card.kind.reason == REASON
    assert sum(count for *_, count in content.kinds) == len(content.suspects.cards)
    html = page.render(named)
    assert "<img src=x" not in html
    assert html.count('class="kind evidence"') == len(content.suspects.cards)


def test_the_confusion_of_synthetic_rows_is_in_shares_of_each_line(named):
    proof = sections.report(named, 2000).proof
    assert [line for _, _, line, _ in proof.shares] == [(90, 10), (25, 75)]
    assert [planted for _, planted, _, _ in proof.shares] == [10, 8]


def test_a_blind_review_shows_no_kind(named):
    hidden = Controls(named.thumbnails.rows[:1], np.array([False]), np.array([0.5]))
    content = sections.report(replace(named, controls=hidden), 2000)
    assert all(card.kind is None for card in content.suspects.cards)
    assert content.kinds == ()


def test_a_run_without_kinds_has_neither_chips_nor_proof(run):
    html = page.render(run.record)
    assert 'class="kind evidence"' not in html
    assert "true kind" not in html


def test_conflicting_duplicates_come_after_the_suspects_with_both_images(run):
    content = sections.report(run.record, 2000)
    assert [[row for row, *_ in twins.shown] for twins in content.conflicts] == [[0, 200], [1, 201], [2, 202]]
    assert [twins.near for twins in content.conflicts] == [True, True, False]
    html = page.render(run.record)
    assert html.index("groups of duplicates have different labels</a>") < html.index('id="suspects"')
    assert html.index('id="suspects"') < html.index('id="twins"')
    for twins in content.conflicts:
        assert len({label for *_, label in twins.shown}) == 2
        for row, *_ in twins.shown:
            assert row in content.shown


def test_rows_that_stand_in_two_parts_are_counted_and_listed(run, tmp_path):
    test, train = run.record.scores.parts
    assert test == PartFigures("test", rows=3, shared=3, exact=1)
    assert train == PartFigures("train", rows=200, shared=3, exact=1)
    report = run.save(tmp_path / "run").read_text(encoding="utf-8")
    assert "test: 3 of 3 rows with a duplicate in another part, 1 of them exactly" in report
    lines = (tmp_path / "run" / "shared.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "id,part,given,twin_id,twin_part,twin_given,same"
    assert len(lines) == 7
    again = audit.load_run(tmp_path / "run").record
    assert (again.leaks.part == run.record.leaks.part).all()
    assert (again.leaks.twins == run.record.leaks.twins).all()
    json.loads((tmp_path / "run" / "scores.json").read_text(encoding="utf-8"))


def test_parts_that_are_given_as_such_are_audited_as_one_data_set(run):
    X, y, parts, probs = in_two_parts()
    rows = {part: parts == part for part in ("train", "test")}
    again = audit.detect(
        {part: X[here] for part, here in rows.items()},
        {part: y[here] for part, here in rows.items()},
        pred_probs=probs,
    )
    assert again.record.scores.parts == run.record.scores.parts
    assert again.record.data["fingerprint"] == run.record.data["fingerprint"]


def test_the_parts_of_a_table_are_named_by_a_column(run_audit, tmp_path):
    rows = [
        f"{i % 7},{i * 0.37 % 1:.4f},{i * 0.71 % 1:.4f},{'ab'[i % 2]},{'train' if i < 80 else 'test'}"
        for i in range(100)
    ]
    rows[90] = rows[10].replace("train", "test")
    (tmp_path / "t.csv").write_text("\n".join(["u,v,w,label,part", *rows]))
    done = run_audit("detect", "t.csv", "--split", "part", "--noise", "0", "--model", "linear", "-q", check=0)
    assert "test: 1 of 20 rows with a duplicate in another part, 1 of them exactly" in done.stdout
    assert "--split part" in (tmp_path / "reports" / "t-symmetric-0-s0" / "report.html").read_text(
        encoding="utf-8"
    )


def test_the_map_holds_every_suspect_and_is_drawn_in_both_forms(named, tmp_path):
    rows, at = data_map.places(named)
    assert set(named.suspects.ranking) <= set(rows)
    assert np.isfinite(at).all()
    assert len(np.unique(at, axis=0)) > len(rows) // 2
    assert page.plot(named, "map").startswith(b"\x89PNG")
    html = page.render(named)
    laid_out = data_map.on_page(named)
    assert {mark.row for mark in laid_out.marks} == set(named.suspects.ranking.tolist())
    assert all(0 < mark.x < laid_out.width and 0 < mark.y < laid_out.height for mark in laid_out.marks)
    assert sum(count for *_, count in laid_out.legend) == len(laid_out.marks)
    assert {name for *_, name in laid_out.names} <= set(map(data_map.shortened, named.class_names))
    shown = html.partition('id="map"')[2].partition("</section>")[0]
    assert shown.count("data-open-row") == len(laid_out.marks)
    saved = Run(named).save(tmp_path / "run")
    assert (saved.parent / "plots" / "map.png").stat().st_size > 1000


def test_a_mark_opens_its_card_a_line_shows_some_and_a_heading_sorts(named, tmp_path):
    saved = Run(named).save(tmp_path / "run")
    playwright, chromium = browser.start()
    try:
        page = chromium.new_page(viewport={"width": 1400, "height": 900})
        page.goto(saved.as_uri())
        mark = page.locator("#map a").first
        mark.dispatch_event("click")
        row = int(mark.get_attribute("data-open-row"))
        assert page.locator("#panel .id").first.inner_text() == f"#{named.ids[row]}"
        chart = page.locator("#map .chart")
        chart.scroll_into_view_if_needed()
        box = chart.bounding_box()
        page.mouse.move(box["x"] + 1, box["y"] + 1)
        page.mouse.down()
        for right, down in ((1, 0), (1, 1), (0, 1)):
            page.mouse.move(box["x"] + 1 + 700 * right, box["y"] + 1 + 460 * down)
        page.mouse.up()
        marks = page.locator("#map a").count()
        assert page.locator("#active li").inner_text().startswith(f"chosen on the map · {marks}")
        head = page.locator("#classes [data-sorts] th").nth(1)
        for order, falls in (("descending", True), ("ascending", False)):
            head.get_by_role("button").click()
            assert head.get_attribute("aria-sort") == order
            counts = page.locator("#classes [data-sorts] tbody td:nth-child(2)").all_inner_texts()
            assert list(map(int, counts)) == sorted(map(int, counts), reverse=falls)
    finally:
        chromium.close()
        playwright.stop()


def test_no_name_on_the_map_lies_on_another_or_beyond_an_edge():
    crowd = [
        (5.0 + 40 * i, 200.0, data_map.shortened(f"class number {i} with a long name")) for i in range(9)
    ]
    placed = list(data_map.apart(crowd))
    assert [name for *_, name in placed] == [name for *_, name in crowd]
    for i, (x, y, name) in enumerate(placed):
        half = data_map.LETTER * len(name) / 2
        assert half <= x <= data_map.WIDTH - half
        for other_x, other_y, _ in placed[:i]:
            assert abs(y - other_y) >= data_map.LINE or abs(x - other_x) >= 2 * half - 8
    assert len(list(data_map.apart(crowd[:1] * 9))) == 5


def test_names_from_right_to_left_do_not_turn_the_rest_of_a_reason():
    names = ("flower", "\u05db\u05dc\u05d1 \u05e9\u05de\u05d9\u05e8\u05d4")
    sentence = f"looks like {names[1]}: 0.96"
    assert kinds.isolated(sentence, names) == f"looks like \u2068{names[1]}\u2069: 0.96"
    assert kinds.isolated("looks like flower: 0.96", names) == "looks like flower: 0.96"

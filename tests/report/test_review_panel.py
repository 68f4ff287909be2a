"""The report as a person uses it: in a real browser, by keys and by mouse, with and without JavaScript."""

import itertools
import json
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import striped_images
from review_page import (
    accessibility_faults,
    browser,
    cards,
    change,
    choose_file,
    current,
    exported,
    open_filters,
    opened,
    press,
    report,
    run,
    said,
    until,
)

import audit
from audit.report import page as report_page
from audit.report import selection
from audit.report.kinds import kind_of_rows
from audit.report.page_data import PROPOSALS

pytestmark = pytest.mark.usefixtures("pictures")

SCRIPTS = Path(report_page.__file__).parent / "templates" / "script"


def proposed(run, row):
    """What the card of a row proposes: accept, keep, ambiguous or drop."""
    kind = kind_of_rows(run.record).get(row)
    return PROPOSALS[kind.action] if kind else "accept"


def as_record(run, entry):
    """What an entry of the file must agree with, from the run."""
    record, row = run.record, entry["row"]
    names = record.class_names
    return {
        "id": str(record.ids[row]),
        "given": names[record.labels.original[row]],
        "suggested": names[record.suspects.suggested[row]],
    }


def test_forty_suspects_by_the_keyboard_alone(run, report, opened):
    page, names = opened(report), run.record.class_names
    press(page, "j")
    wanted, class_keys = [], {"3": "3", "7": "7", names[2]: "1", names[3]: "2", names[4]: "4"}
    ranking = run.record.suspects.ranking
    for number, row in enumerate(ranking[:40].tolist()):
        given, suggested = names[run.record.labels.original[row]], names[run.record.suspects.suggested[row]]
        key, action, label = [
            ("Enter", "keep", None),
            ("y", *{"accept": ("relabel", suggested)}.get(proposed(run, row), (proposed(run, row), None))),
            ("a", "ambiguous", None),
            ("x", "drop", None),
            (class_keys[names[number % 5]], "relabel", names[number % 5]),
        ][number % 5 if number < 30 else 4]
        wanted.append((row, "keep", None) if label == given else (row, action, label))
        press(page, key)
    content = exported(page)
    record = run.record
    assert list(content) == [
        "format", "version", "run", "fingerprint", "data", "reviewer", "exported", "class_names", "decisions",
    ]  # fmt: skip
    assert (content["format"], content["version"]) == ("label-audit decisions", 1)
    assert content["run"] == record.stages["issues"]["key"]
    assert (content["fingerprint"], content["data"]) == (record.data["fingerprint"], record.data["name"])
    assert tuple(content["class_names"]) == names
    decisions = content["decisions"]
    assert [(each["row"], each["action"], each["label"]) for each in decisions] == wanted
    for entry in decisions:
        assert list(entry) == ["id", "row", "given", "suggested", "action", "label", "note", "time"]
        assert {name: entry[name] for name in ("id", "given", "suggested")} == as_record(run, entry)
        assert datetime.fromisoformat(entry["time"]) <= datetime.fromisoformat(content["exported"])
    assert page.locator("#reviewed").inner_text() == f"40 of {len(ranking)} reviewed"


@pytest.mark.exhaustive
def test_every_action_has_a_button(run, report, opened):
    page = opened(report)
    panel = page.get_by_role("complementary", name="Review")
    panel.locator("[data-act=keep]").click()
    change(page)
    panel.locator("[data-act=ambiguous]").click()
    panel.locator("[data-act=drop]").click()
    panel.get_by_role("group", name="Choose the class").get_by_role("button").nth(2).click()
    first = [each["action"] for each in exported(page)["decisions"]]
    assert first[:4] == ["keep", "relabel", "ambiguous", "drop"]
    assert len(first) == 5
    for _ in range(5):
        panel.get_by_role("button", name="Undo").click()
    assert exported(page)["decisions"] == []
    assert page.locator(".card.decided").count() == 0
    before = current(page)
    panel.get_by_role("button", name="Next").click()
    panel.get_by_role("button", name="Back").click()
    assert current(page) == before


@pytest.mark.exhaustive
def test_undoing_goes_back_step_by_step(run, report, opened):
    page = opened(report)
    press(page, "j", "a", "x", "k", "y", "u")
    assert [each["action"] for each in exported(page)["decisions"]] == ["ambiguous", "drop"]
    press(page, "u", "u", "u")
    assert said(page) == "There is nothing to undo."
    assert exported(page)["decisions"] == []


def test_a_decision_outlives_the_page(run, report, opened):
    page = opened(report)
    press(page, "j", "y", "n")
    page.keyboard.type("torn corner")
    press(page, "Enter", "x")
    open_filters(page)
    page.locator("#reviewer").fill("Ada")
    page.locator("#reviewer").blur()
    before = exported(page)
    page.reload()
    assert page.locator("#reviewed").inner_text().startswith("2 of")
    after = exported(page)
    assert after["decisions"] == before["decisions"]
    assert after["reviewer"] == before["reviewer"] == "Ada"
    assert [each["note"] for each in after["decisions"]] == ["", "torn corner"]
    press(page, "u")
    assert said(page).startswith("Undone: #")
    assert [each["note"] for each in exported(page)["decisions"]] == [""]


@pytest.mark.parametrize(
    "refuse",
    [
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('refused') }})",
        "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError') }",
        (
            "let n = 0; const set = Storage.prototype.setItem; Storage.prototype.setItem = function (...a) {"
            " if (n++) throw new DOMException('full', 'QuotaExceededError'); set.apply(this, a) }"
        ),
    ],
)
@pytest.mark.exhaustive
def test_a_browser_that_keeps_nothing_says_so_and_asks_before_it_leaves(report, opened, refuse):
    page = opened(report, script=refuse)
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.reload()
    assert not asked
    press(page, "j", "y")
    assert "Export them before you leave" in page.get_by_role("alert").inner_text()
    page.reload()
    assert asked == ["beforeunload"]
    press(page, "j", "y")
    assert len(exported(page)["decisions"]) == 1
    page.reload()
    assert asked == ["beforeunload"]


@pytest.mark.exhaustive
def test_import_takes_over_what_is_new_or_later(run, report, opened):
    page = opened(report)
    press(page, "j", "y", "y", "y")
    theirs = exported(page)
    first, second, third = theirs["decisions"]
    first |= {"action": "drop", "label": None, "time": "2999-01-01T00:00:00.000Z"}
    second |= {"action": "keep", "label": None, "time": "2001-01-01T00:00:00.000Z"}
    fourth = {**third, "row": int(run.record.suspects.ranking[5])}
    fourth |= {**as_record(run, fourth), "action": "ambiguous", "label": None}
    choose_file(page, {**theirs, "decisions": [first, second, third, fourth]})
    until(page, "#said", "theirs.json")
    assert said(page) == "theirs.json: 1 new, 1 newer than yours, 2 skipped."
    actions = {each["row"]: each["action"] for each in exported(page)["decisions"]}
    assert actions == {
        first["row"]: "drop",
        second["row"]: "relabel",
        third["row"]: "relabel",
        fourth["row"]: "ambiguous",
    }
    press(page, "u")
    assert len(exported(page)["decisions"]) == 3


BAD = {
    "it is not a file of label-audit decisions.": lambda file: "{",
    "it has version 2, expected 1.": lambda file: file | {"version": 2},
    "it was made with another run (abc of mnist)": lambda file: file | {"run": "abc", "data": "mnist"},
    "open it in the report that it was made in.": lambda file: file | {"fingerprint": "0"},
    "decision 1 has no row.": lambda file: file | {"decisions": [file["decisions"][0] | {"row": -1}]},
    "decision 1 has the action burn": lambda file: file | {"decisions": [file["decisions"][0] | {"action": "burn"}]},
    "decision 1 has the label dog": lambda file: file | {"decisions": [file["decisions"][0] | {"label": "dog"}]},
    "decision 1 has the label cat": lambda file: file | {"decisions": [file["decisions"][0] | {"action": "keep", "label": "cat"}]},
    "decision 1 is of 9999": lambda file: file | {"decisions": [file["decisions"][0] | {"id": "9999"}]},
    "decision 2 repeats a row.": lambda file: file | {"decisions": 2 * file["decisions"][:1]},
    "decision 1 lacks its id, labels, note or time": lambda file: file | {"decisions": [file["decisions"][0] | {"time": 5}]},
}  # fmt: skip


def test_a_file_that_does_not_fit_is_refused_in_one_line(report, opened):
    page = opened(report)
    press(page, "j", "y", "y")
    good = exported(page)
    press(page, "u", "u")
    for words, spoil in BAD.items():
        choose_file(page, spoil(good), name="<b>.json")
        until(page, "#warning", words)
        assert page.get_by_role("alert").inner_text().startswith("<b>.json was not imported: ")
    assert exported(page)["decisions"] == []


@pytest.mark.exhaustive
def test_two_tabs_see_each_others_decisions(report, opened):
    one = opened(report)
    two = one.context.new_page()
    two.goto(one.url)
    press(one, "j", "x")
    until(two, "#reviewed", "1 of")
    assert "was decided in another tab: dropped." in two.locator("#said").text_content()
    press(two, "j", "j", "a")
    until(one, "#reviewed", "2 of")
    assert exported(one)["decisions"] == exported(two)["decisions"]
    press(one, "u")
    until(two, "#reviewed", "1 of")
    one.reload()
    assert exported(one)["decisions"] == exported(two)["decisions"]


def test_filters_leave_what_they_say(run, report, opened):
    page, record = opened(report), run.record
    open_filters(page)
    names, ranking = record.class_names, record.suspects.ranking
    true, suggested = record.labels.original[ranking], record.suspects.suggested[ranking]
    page.locator("#tool-given").select_option(label=names[3])
    assert cards(page).count() == min(48, (true == 3).sum())
    assert set(cards(page).locator(".pair .given").all_text_contents()) == {names[3]}
    page.locator("#tool-suggested").select_option(label=names[2])
    assert cards(page).count() == ((true == 3) & (suggested == 2)).sum()
    page.locator("#tool-given").select_option("")
    page.locator("#tool-suggested").select_option("")
    page.locator("#find").fill(str(record.ids[ranking[4]]))
    assert str(record.ids[ranking[4]]) in "".join(cards(page).locator(".id").all_text_contents())
    page.locator("#find").fill("no such id")
    assert cards(page).count() == 0
    assert page.get_by_text("No card matches.").is_visible()
    page.locator("#find").fill("")
    press(page, "Tab")
    page.locator("#cards .card").first.click()
    press(page, "x", "a", "a")
    for show, words, count in (
        ("open", "Undecided", len(ranking) - 3),
        ("decided", "Decided", 3),
        ("drop", "Dropped", 1),
        ("ambiguous", "Ambiguous", 2),
    ):
        page.locator(f"[data-show={show}]").click()
        assert page.locator("[aria-pressed=true]").inner_text() == f"{words} {count}"
        assert cards(page).count() == min(48, count)


@pytest.mark.exhaustive
def test_orders_are_those_they_say(run, report, opened):
    page, record = opened(report), run.record
    ranking = record.suspects.ranking
    pairs = sorted(
        (record.labels.original[r], record.suspects.suggested[r], at) for at, r in enumerate(ranking)
    )
    for order, rows in (
        ("class pair", [ranking[at] for _, _, at in pairs]),
        ("id", sorted(ranking)),
        ("most suspicious", ranking),
    ):
        page.locator("#tool-sort").select_option(label=order)
        shown = [each.removeprefix("#") for each in cards(page).locator(".id").all_text_contents()]
        assert shown[:48] == [str(record.ids[row]) for row in rows[:48]]


@pytest.mark.exhaustive
def test_a_cell_of_the_matrix_and_a_class_filter_the_cards(run, report, opened):
    page, record = opened(report), run.record
    i, j = (
        int(labels[record.suspects.ranking[0]])
        for labels in (record.labels.original, record.suspects.suggested)
    )
    page.locator(f".matrix [data-given='{i}'][data-suggested='{j}'] button").click()
    both = (record.labels.original == i) & (record.suspects.suggested == j) & record.suspects.is_issue
    assert cards(page).count() == min(48, both.sum())
    page.locator(f".numbers [data-given='{i}'] button").click()
    assert cards(page).count() == min(48, ((record.labels.original == i) & record.suspects.is_issue).sum())


@pytest.mark.exhaustive
def test_one_decision_for_a_cell_shows_what_it_touches_first(run, report, opened):
    page = opened(report)
    page.locator("#cards .card").first.click()
    same = page.get_by_role("button", name="Decide all")
    count = int(re.search(r"\d+", same.inner_text())[0])
    same.click()
    dialog = page.get_by_role("dialog")
    assert dialog.get_by_role("listitem").count() == min(60, count)
    dialog.get_by_role("button", name="Cancel").click()
    assert exported(page)["decisions"] == []
    same.click()
    dialog.get_by_role("button", name="Change all to").click()
    decisions = exported(page)["decisions"]
    assert len(decisions) == count
    assert len({(each["given"], each["suggested"], each["label"]) for each in decisions}) == 1
    assert all(each["label"] == each["suggested"] for each in decisions)
    press(page, "u")
    assert exported(page)["decisions"] == []


@pytest.mark.exhaustive
def test_one_decision_for_several_selected_cards(run, report, opened):
    page = opened(report)
    press(page, "j", "v", "j", "j", "v")
    assert "2 selected" in page.locator("#marks").inner_text()
    press(page, "Escape")
    assert page.locator(".card.marked").count() == 0
    cards(page).nth(1).click()
    cards(page).nth(4).click(modifiers=["Shift"])
    press(page, "y")
    ranking = run.record.suspects.ranking
    assert sorted(each["row"] for each in exported(page)["decisions"]) == sorted(ranking[1:5])


@pytest.mark.exhaustive
def test_the_suggestion_can_be_hidden_until_a_card_is_decided(report, opened):
    page = opened(report)
    open_filters(page)
    page.get_by_label("Hide the suggestion").check()
    card, panel = cards(page).first, page.locator("#panel")
    card.click()
    for place in (card, panel):
        assert place.locator(".evidence").count() >= 3
        assert not any(each.is_visible() for each in place.locator(".evidence").all())
        assert place.locator(".pair .given").is_visible()
    assert not panel.locator(".is-suggested").count()
    assert not page.get_by_role("button", name="Decide all").is_visible()
    press(page, "y")
    assert page.get_by_role("dialog", name="Which class?").is_visible()  # no dead end
    press(page, "Escape")
    assert exported(page)["decisions"] == []
    press(page, "3", "k")
    for place in (card, panel):
        assert all(each.is_visible() for each in place.locator(".evidence").all())


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.exhaustive
def test_a_page_with_controls_shows_no_evidence_before_the_decision(
    run, tmp_path, opened, monkeypatch, script
):
    blind = report_page.sections.report
    monkeypatch.setattr(report_page.sections, "report", lambda *a: replace(blind(*a), blind=True))
    (tmp_path / "report.html").write_text(report_page.render(run.record), encoding="utf-8")
    page = opened(tmp_path / "report.html", java_script_enabled=script)
    assert not page.locator(".card .evidence:visible").count()
    for label in ("#tool-suggested", "#tool-sort", "#hide"):
        assert not page.locator(label).is_visible() or page.locator(label).is_disabled()
    if script:
        assert not page.locator(".matrix [data-suggested] button").count()
        press(page, "j")
        assert not page.locator("#panel .evidence:visible").count()
        assert "expect" not in page.locator("#panel").inner_text()
        press(page, "a")
        assert page.locator(".card.decided").count() == 1
        assert not page.locator(".evidence:visible").count()  # not even then


@pytest.mark.exhaustive
def test_keys_do_nothing_where_text_is_typed_or_they_are_off(report, opened):
    page = opened(report)
    press(page, "j")
    open_filters(page)
    page.locator("#reviewer").fill("")
    page.keyboard.type("xay?")
    press(page, "Escape")
    assert page.locator("#reviewer").input_value() == "xay?"
    press(page, "Control+a", "Alt+x")
    assert exported(page)["decisions"] == []
    press(page, "j", "?")
    page.get_by_label("Single keys decide").uncheck()
    page.get_by_role("button", name="Close").click()
    press(page, "x", "y")
    assert exported(page)["decisions"] == []


@pytest.mark.exhaustive
def test_a_key_far_from_the_panel_decides_nothing_yet(report, opened):
    page = opened(report)
    press(page, "x")
    assert said(page) == "Keys now apply to this card. Press again."
    assert exported(page)["decisions"] == []
    press(page, "x")
    assert len(exported(page)["decisions"]) == 1


@pytest.mark.exhaustive
def test_arrows_move_in_the_grid(report, opened):
    page = opened(report)
    press(page, "j")
    ids = [each.removeprefix("#") for each in cards(page).locator(".id").all_text_contents()]
    columns = page.evaluate(
        "getComputedStyle(document.getElementById('cards')).gridTemplateColumns.split(' ').length"
    )
    press(page, "ArrowRight", "ArrowDown")
    assert current(page) == ids[1 + columns]
    press(page, "ArrowLeft", "ArrowUp")
    assert current(page) == ids[0]


@pytest.mark.exhaustive
def test_without_javascript_all_of_it_can_be_read(run, report, opened):
    page = opened(report, java_script_enabled=False)
    count = len(run.record.suspects.ranking)
    assert cards(page).count() == min(48, count)
    page.locator("#rest summary").press("Enter")  # a click may meet a page that moves
    page.locator("#rest .card").last.wait_for()  # a busy browser takes its time
    assert page.locator(".card:visible").count() == count
    assert page.locator(".card .near:visible").count() >= 1
    assert page.locator(".matrix").is_visible()
    for gone in ("#panel", ".tools", ".head", "dialog"):
        assert not page.locator(gone).locator("visible=true").count()


@pytest.mark.exhaustive
def test_on_paper_the_cards_stand_without_the_panel(report, opened):
    page = opened(report)
    page.emulate_media(media="print")
    assert cards(page).count() == 48
    for gone in ("#panel", ".tools", "#more", ".head"):
        assert not page.locator(gone).is_visible()
    assert page.pdf().startswith(b"%PDF")


def test_hostile_names_stay_text_in_cards_panel_and_dialogs(run, report, opened):
    page = opened(report)
    hostile = run.record.class_names[2]
    open_filters(page)
    page.locator("#tool-given").select_option(label=hostile)
    cards(page).first.click()
    assert page.locator("#panel .pair .given").inner_text() == hostile
    press(page, "r")
    assert page.get_by_role("dialog").get_by_role("button", name=hostile).is_visible()
    press(page, "Escape")
    page.get_by_role("button", name="Decide all").click()
    press(page, "Escape")
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 2


@pytest.mark.exhaustive
def test_the_policy_blocks_a_script_that_is_not_ours(report, tmp_path, browser):
    text = Path(report).read_text(encoding="utf-8")
    evil = (
        "<script>document.title='taken'</script><b onclick=\"document.title='taken'\" style='color:red'>x</b>"
    )
    (tmp_path / "report.html").write_text(text.replace("<main>", f"<main>{evil}"), encoding="utf-8")
    page = browser.new_page()
    refused = []
    page.on("console", lambda message: refused.append(message.text))
    page.goto((tmp_path / "report.html").as_uri())
    page.locator("main > b").click()
    assert page.title().startswith("Label audit of")
    assert len([line for line in refused if "Content Security Policy" in line]) >= 2
    page.close()


@pytest.mark.exhaustive
def test_axe_finds_nothing_serious(finished_run, opened):
    page = opened(finished_run[1] / "report.html")
    press(page, "j", "x", "y", "v")
    for dialog in (None, "?", "r"):
        if dialog:
            press(page, "Escape", dialog)
        for width in (400, 1400):
            page.set_viewport_size({"width": width, "height": 900})
            assert accessibility_faults(page) == [], (dialog, width)


@pytest.mark.parametrize("width", [400, 700, 1100, 1400])
@pytest.mark.exhaustive
def test_no_part_is_wider_than_the_page(report, finished_run, opened, width):
    for path in (report, finished_run[1] / "report.html"):
        page = opened(path, viewport={"width": width, "height": 800})
        press(page, "j", "v", "j")
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def written(run, path):
    return run.save(path / "run")


@pytest.mark.exhaustive
def test_many_classes_are_chosen_by_search(tmp_path, opened):
    rng = np.random.default_rng(0)
    probs = rng.dirichlet(np.full(60, 0.05), 400)
    labels = np.array([f"class {i:03}" for i in range(60)])
    X = rng.integers(0, 256, (400, 8, 8)).astype(np.uint8)
    y = np.r_[np.arange(60), np.arange(60), probs.argmax(1)[120:]]
    run = audit.detect(X, labels[y], pred_probs=probs)
    page = opened(written(run, tmp_path))
    press(page, "j", "r")
    page.keyboard.type("s 037")
    press(page, "Enter", "1")
    first, second = exported(page)["decisions"]
    assert first["label"] in ("class 037", None)
    assert (first["action"] == "keep") == (first["given"] == "class 037")
    assert (second["label"] or second["given"]) == second["suggested"]


@pytest.mark.exhaustive
def test_a_key_right_after_a_class_is_picked_decides_the_next_card(report, opened):
    page = opened(report)
    press(page, "j", "r")
    page.evaluate("""() => {
        document.querySelector("#class-list button").click();
        document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "x", bubbles: true }));
    }""")
    first, second = exported(page)["decisions"]
    assert (first["action"], second["action"]) == ("relabel", "drop")
    assert page.evaluate("document.activeElement.matches('.card[aria-current]')")


@pytest.mark.exhaustive
def test_no_suspects_no_review_panel(tmp_path, opened):
    X, y = striped_images(80, classes=2)
    run = audit.detect(X, y, pred_probs=np.eye(2)[y])
    page = opened(written(run, tmp_path))
    assert page.locator("script").count() == 0
    assert page.get_by_text("None: every label agrees with what the models predict.").is_visible()


@pytest.mark.exhaustive
def test_feature_rows_show_a_table_on_the_panel(tmp_path, opened):
    X, y = striped_images(200, classes=3, side=8)
    frame = pd.DataFrame(X.reshape(200, -1)[:, ::7].astype(float)).add_prefix("pixel ")
    y[:20] = (y[:20] + 1) % 3
    page = opened(written(audit.detect(frame, y, noise=0.1, folds=2, model="linear"), tmp_path))
    press(page, "j")
    assert page.locator("#panel .values").is_visible()
    press(page, "y")
    assert exported(page)["decisions"][0]["action"] == "relabel"


@pytest.fixture(scope="module")
def crowded(tmp_path_factory):
    """More suspects than a page may hold."""
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 256, (5000, 12, 12)).astype(np.uint8), rng.integers(0, 10, 5000)
    run = audit.detect(X, y, pred_probs=rng.dirichlet(np.ones(10), 5000))
    assert len(run.suspects()) > selection.MOST_SUSPECTS
    return run, run.save(tmp_path_factory.mktemp("crowded") / "run")


def test_two_thousand_cards_fit_and_the_rest_is_said(crowded, opened):
    run, path = crowded
    assert path.stat().st_size <= 5e6
    page = opened(path)
    total = page.locator(".card").count()
    assert 1000 < total <= selection.MOST_SUSPECTS
    assert f"{len(run.suspects()) - total:,} more, less suspicious, are in issues.csv." in page.inner_text(
        "#suspects"
    )
    press(page, "j")
    for _ in range(60):
        press(page, "y")
    assert len(exported(page)["decisions"]) == 60
    assert cards(page).count() == 76
    page.get_by_role("button", name="Show").last.click()
    assert cards(page).count() == 124
    page.evaluate("run('bulk')")
    previews = page.get_by_role("dialog").get_by_role("listitem")
    assert previews.count() == 120
    page.get_by_role("dialog").get_by_role("button", name="Show 120 more").click()
    assert previews.count() == 240


def test_a_report_is_drawn_again_in_another_size(crowded, tmp_path, run_audit):
    folder = shutil.copytree(crowded[1].parent, tmp_path / "copy")
    whole = (folder / "report.html").read_text(encoding="utf-8").count('class="card"')
    run_audit("report", folder, "--report-mb", "1.5", check=0)
    small = (folder / "report.html").read_text(encoding="utf-8")
    assert 100 < small.count('class="card"') < whole
    assert len(small.encode()) <= 1.5e6
    refused = run_audit("report", folder, "--report-mb", "0", check=2)
    assert refused.stderr.strip() == (
        "audit: --report-mb must be megabytes, 0.5 or more, found 0.0; 5 is the default"
    )
    run_audit("report", folder, check=0)
    assert (folder / "report.html").read_text(encoding="utf-8").count('class="card"') == whole


@pytest.mark.exhaustive
def test_the_page_says_when_a_review_may_end(crowded, opened):
    page = opened(crowded[1])
    left = page.locator("#left")
    expected = r"[\d,]+ \([\d,]+ to [\d,]+\)"
    assert re.fullmatch(
        rf"About {expected} errors are expected in the [\d,]+ left, and {expected} in the next 50\.",
        left.text_content(),
    )
    page.locator("#stop-below").fill("50")
    assert not left.text_content().endswith("stop.")  # nobody has looked at anything yet
    cards(page).first.click()
    for _ in range(20):
        press(page, "Enter")
    assert "in the next 50: a reasonable place to stop." in left.text_content()


def test_the_page_and_the_command_expect_the_same_errors(crowded, opened, tmp_path):
    run, report = crowded
    page = opened(report)
    press(page, "j", "y", "y", "Enter", "a", "x", "Enter", "y")
    path = tmp_path / "decisions.json"
    path.write_text(json.dumps(exported(page)), encoding="utf-8")
    python = run.estimate(path)
    assert (python.decided, python.wrong) == (7, 4)
    in_page = page.evaluate(
        """() => {
            const open = cards.flatMap((_, i) => (decisionOf(i) ? [] : [knots[i]]));
            return [curve.expected(open, true), curve.expected(open.slice(0, NEXT), false)];
        }"""
    )
    for here, there in zip(in_page, (python.left, python.next.errors), strict=True):
        assert [here["value"], here["low"], here["high"]] == pytest.approx(
            [there.value, there.low, there.high], rel=1e-4
        )
    tile = page.locator("[data-first]").last
    of_all = python.expected[-1].errors
    assert tile.locator("span").text_content() == f"{of_all.value:,.0f}"
    assert tile.locator("small").text_content() == f"{of_all.low:,.0f} to {of_all.high:,.0f}"


@pytest.mark.exhaustive
def test_decisions_change_what_the_page_expects(report, opened):
    texts = []
    for key in ("Enter", "y"):
        page = opened(report)
        press(page, "j", *[key] * 10)
        texts.append(int(re.match(r"About (\d+)", page.locator("#left").text_content())[1]))
    kept, changed = texts
    assert kept < changed / 2


@pytest.mark.exhaustive
def test_a_random_sample_comes_first_when_it_is_asked_for(run, report, opened, tmp_path):
    page = opened(report)
    page.locator("#tool-sort").select_option("sample")
    shown = cards(page).locator(".id").all_text_contents()[:30]
    ranks = [[str(run.record.ids[row]) for row in run.record.suspects.ranking].index(i[1:]) for i in shown]
    parts = np.array_split(np.arange(len(run.record.suspects.ranking)), 30)
    assert sorted(rank in part for part, rank in zip(parts, sorted(ranks), strict=True)) == [True] * 30
    assert ranks != sorted(ranks)
    config = {**run.record.config, "sample": 12}
    sampled = tmp_path / "sampled.html"
    sampled.write_text(report_page.render(replace(run.record, config=config)), encoding="utf-8")
    assert opened(sampled).locator("#tool-sort").input_value() == "sample"


def test_the_script_is_small_and_typed():
    scripts = {each.name: each.read_text(encoding="utf-8") for each in SCRIPTS.iterdir()}
    assert sorted(scripts) == sorted(report_page.SCRIPTS)
    assert max(len(text.splitlines()) for text in scripts.values()) <= 200
    compiler = shutil.which("tsc")
    command = [compiler] if compiler else ["npx", "--yes", "--package", "typescript@5.9", "tsc"]
    if not compiler:
        if not shutil.which("npx"):
            pytest.skip("no TypeScript found to check the script: apt-get install npm")
        ready = subprocess.run(
            [*command, "--version"], capture_output=True, text=True, check=False, timeout=300
        )
        if ready.returncode:
            pytest.skip(f"npx cannot fetch TypeScript: {ready.stderr.strip()[-200:]}")
    settings = Path(__file__).parents[2] / "tsconfig.json"
    done = subprocess.run(
        [*command, "-p", settings], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_values_behind_the_page_keep_their_laws():
    node = shutil.which("node")
    if not node:
        pytest.skip("no node found to test the script: apt-get install nodejs")
    tests = sorted((Path(__file__).parent / "script").glob("*.test.js"))
    done = subprocess.run([node, "--test", *tests], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.exhaustive
def test_every_button_of_the_review_has_a_command(report, opened):
    page = opened(report)
    assert (
        page.evaluate(
            "[...document.querySelectorAll('[data-act]')].map((each) => each.dataset.act)"
            ".filter((act) => act !== 'relabel' && !COMMANDS.some(({ id }) => id === act))"
        )
        == []
    )
    keys = page.evaluate("COMMANDS.flatMap(({ keys }) => keys)")
    assert len(set(keys)) == len(keys)
    keys = page.evaluate("commandsHere().flatMap(({ keys }) => keys)")
    page.keyboard.press("?")
    listed = page.locator("#help tbody kbd").all_inner_texts()
    assert len(listed) == len(keys)


def test_decisions_of_the_page_become_labels_and_labels_as_they_came(run_audit, tmp_path, opened):
    X, y = striped_images(200)
    wrong = np.random.default_rng(2).choice(200, 12, replace=False)
    y[wrong] = (y[wrong] + 1) % 4
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", y)
    run_audit(
        "detect",
        "--X",
        "X.npy",
        "--y",
        "y.npy",
        "--noise",
        0.1,
        "--controls",
        5,
        "--epochs",
        3,
        "--out",
        "run",
        check=0,
    )
    run = audit.load_run(tmp_path / "run")
    page = opened(tmp_path / "run" / "report.html")
    queue = page.locator("#cards .card").count()
    press(page, "j", *["2", "Enter", "a"] * (queue // 3 + 1))
    document = exported(page)
    assert len(document["decisions"]) == queue == len(run.record.suspects.ranking) + 10
    (tmp_path / "d.json").write_text(json.dumps(document), encoding="utf-8")
    done = run_audit("apply", "run", "d.json", check=0)
    assert re.search(r"of 5 changed labels noticed: hit rate", done.stdout)
    hidden = set(run.record.controls.rows.tolist())
    expected = y.copy()
    for each in document["decisions"]:
        if each["action"] == "relabel" and each["row"] not in hidden:
            expected[each["row"]] = int(each["label"])
    assert (expected != y).any()
    assert (np.load(tmp_path / "corrected" / "y.npy") == expected).all()
    run_audit("revert", "corrected", check=0)
    assert (tmp_path / "corrected" / "y.npy").read_bytes() == (tmp_path / "y.npy").read_bytes()

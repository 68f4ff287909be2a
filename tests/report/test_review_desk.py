"""The review desk: nothing is decided by accident, nothing is lost, and nothing moves or gives a blind review away."""

import base64
import csv
import io
import json
import re
from dataclasses import replace
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
    holds,
    open_filters,
    opened,
    press,
    report,
    run,
    said,
    until,
)

import audit
from audit.report import cards as report_cards
from audit.report import page as report_page
from audit.report.kinds import ACTIONS, Kind
from audit.report.page_data import HIDDEN, HIDDEN_OF_CARDS
from audit.review.decisions import check_decisions, read_decisions
from audit.types import KINDS

pytestmark = pytest.mark.usefixtures("pictures")

HOLD = """key => { for (let i = 0; i < 25; i++) document.activeElement.dispatchEvent(
    new KeyboardEvent("keydown", { key, repeat: i > 0, bubbles: true, cancelable: true })) }"""


DONE = {  # what the first button says, and what it decides, by the action that a card proposes
    "change": ("Change to", "relabel"),
    "set aside": ("Set aside", "ambiguous"),
    "keep": ("Keep", "keep"),
    "drop": ("Drop", "drop"),
    "inspect": ("Inspect", None),
    "decide both": ("Decide both", None),
}


@pytest.fixture(scope="module")
def blind(run, tmp_path_factory):
    """The same run as if it had hidden controls."""
    path = tmp_path_factory.mktemp("blind") / "report.html"
    content = report_page.sections.report
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report_page.sections, "report", lambda *a: replace(content(*a), blind=True))
        path.write_text(report_page.render(run.record), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def worded(tmp_path_factory):
    """Thirty long class names, some from right to left."""
    rng = np.random.default_rng(0)
    names = np.sort(
        ["כלב שמירה", "قطة منزلية", *[f"a customer asks about part number {i:02}" for i in range(28)]]
    )
    y = rng.integers(0, 30, 300)
    seen = np.r_[y[:200], rng.integers(0, 30, 100)]
    probs = 0.6 * np.eye(30)[seen] + 0.4 * rng.dirichlet(np.ones(30), 300)
    X = pd.DataFrame({f"value {i}": rng.normal(size=300) for i in range(6)})
    found = audit.detect(X, names[y], pred_probs=probs)
    return found.save(tmp_path_factory.mktemp("worded") / "run")


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """Questions of one to four lines in twelve classes with long names, some from right to left."""
    rng = np.random.default_rng(0)
    names = np.sort(
        ["כלב שמירה, זכר גדול מאוד", *[f"a_customer_asks_about_part_number_{i:02}" for i in range(11)]]
    )
    y = rng.integers(0, 12, 240)
    seen = np.r_[y[:200], rng.integers(0, 12, 40)]
    probs = 0.95 * np.eye(12)[seen] + 0.05 * rng.dirichlet(np.ones(12), 240)
    X = [
        f"{names[seen[i]]} {'why has it not come yet and when will it ' * (1 + i % 4)} {i}?"
        for i in range(240)
    ]
    found = audit.detect(X, names[y], pred_probs=probs, embed=np.eye(12)[seen])
    return found.save(tmp_path_factory.mktemp("texts") / "run")


def from_menu(page, name):
    page.locator("#menu summary").click()
    page.locator("#menu").get_by_role("button", name=name).click()


@pytest.mark.exhaustive
def test_a_key_that_is_held_down_decides_once(report, opened):
    page = opened(report)
    press(page, "j")
    for key in ("y", "Enter", "x", "3"):
        before = len(exported(page)["decisions"])
        page.evaluate(HOLD, key)
        assert len(exported(page)["decisions"]) == before + 1
    page.evaluate(HOLD, "j")
    assert page.locator("#panel .at").text_content().startswith("30 of")


@pytest.mark.exhaustive
def test_undo_and_redo_have_the_usual_keys(report, opened):
    page = opened(report)
    press(page, "j", "a", "x", "Control+z", "Control+z")
    assert exported(page)["decisions"] == []
    press(page, "Control+Shift+Z", "Control+y")
    assert [each["action"] for each in exported(page)["decisions"]] == ["ambiguous", "drop"]
    press(page, "Control+y")
    assert said(page) == "There is nothing to do again."


def test_a_reload_keeps_notes_steps_filters_and_place(report, opened):
    page = opened(report)
    press(page, "j", "a", "x")
    open_filters(page)
    page.locator("#tool-given").select_option("1")
    cards(page).nth(3).click()
    press(page, "n")
    page.keyboard.type("torn corner")
    press(page, "Enter")
    here, order = current(page), page.locator("#matching").text_content()
    page.wait_for_url(re.compile(rf"given=1&card={here}$"))
    page.reload()
    assert (current(page), page.locator("#matching").text_content()) == (here, order)
    holds(page, "#note", "torn corner")
    press(page, "u", "u")
    assert exported(page)["decisions"] == []
    page.get_by_role("button", name="Clear all filters").click()
    press(page, "Control+y")
    assert len(exported(page)["decisions"]) == 1


@pytest.mark.exhaustive
def test_a_link_leads_to_a_card_far_down(report, opened):
    page = opened(report)
    press(page, "j", *["j"] * 60)
    here = current(page)
    page.wait_for_url(re.compile(rf"#view:card={here}$"))
    page.reload()
    assert current(page) == here
    assert page.locator("#panel .at").text_content().startswith("61 of")


@pytest.mark.exhaustive
def test_a_decision_can_be_cleared(report, opened):
    page = opened(report)
    press(page, "j", "a", "k", "Delete")
    assert said(page).startswith("Undecided again: #")
    isolated = page.locator("#said").text_content()
    assert "\u2068#" in isolated  # so that an id from right to left keeps its sign at its end
    assert exported(page)["decisions"] == []
    press(page, "u")
    assert len(exported(page)["decisions"]) == 1


@pytest.mark.exhaustive
def test_keys_work_on_after_a_click_elsewhere(report, opened):
    page = opened(report)
    press(page, "j")
    page.locator("[data-show=open]").click()
    press(page, "Enter")
    page.get_by_role("button", name="List", exact=True).click()
    press(page, "a")
    page.get_by_role("button", name="List", exact=True).click()
    page.locator(".matrix [data-suggested] button").first.click()
    press(page, "x")
    assert [each["action"] for each in exported(page)["decisions"]] == ["keep", "ambiguous", "drop"]


@pytest.mark.exhaustive
def test_deciding_all_takes_the_listed_cards_and_spares_some(report, opened):
    page = opened(report)
    press(page, "j")
    page.locator("#find").fill("1")
    page.get_by_role("button", name="Decide on all of these").click()
    dialog = page.get_by_role("dialog")
    listed = int(re.match(r"\d+", page.locator("#matching").text_content())[0])
    assert dialog.get_by_role("listitem").count() == listed
    dialog.get_by_role("checkbox").first.click()
    dialog.get_by_role("checkbox").nth(1).press("Space")
    assert dialog.get_by_role("heading").inner_text().startswith(f"{listed - 2} undecided")
    dialog.get_by_role("button", name="Drop all").click()
    made = exported(page)["decisions"]
    assert len(made) == listed - 2
    assert all("1" in each["id"] for each in made)
    press(page, "u")
    assert exported(page)["decisions"] == []


@pytest.mark.exhaustive
def test_all_above_a_chance_are_decided_at_once(report, opened):
    page = opened(report)
    press(page, "j")
    from_menu(page, "Decide all of the list")
    page.locator("#above").fill("70")
    likely = page.evaluate("data.cards.p_error.filter((p) => 100 * p >= 70).length")
    dialog = page.get_by_role("dialog")
    assert dialog.get_by_role("heading").inner_text().startswith(f"{likely} undecided")
    dialog.get_by_role("button", name="Do what each card proposes").click()
    assert len(exported(page)["decisions"]) == likely


@pytest.mark.exhaustive
def test_chips_say_what_is_filtered_and_take_it_away(run, report, opened):
    page = opened(report)
    ranking = run.record.suspects.ranking
    open_filters(page)
    page.locator("#tool-given").select_option(
        label=run.record.class_names[run.record.labels.original[ranking[0]]]
    )
    page.locator("#tool-from").fill("10")
    page.locator("#find").fill(f"#{run.record.ids[ranking[0]]}")
    chips = page.locator("#active li button")
    assert chips.count() == 3
    assert cards(page).count() >= 1
    for _ in range(3):
        chips.first.click()
    assert not page.locator("#active").is_visible()
    assert cards(page).count() == min(48, len(ranking))
    page.goto(f"{Path(report).as_uri()}#view:given=99&show=open&sort=evil")
    until(page, "#warning", "given 99, sort evil")
    assert page.locator("#active li").all_inner_texts() == [f"Undecided · {len(ranking)} ×"]
    chips.first.click()
    assert page.locator("[aria-pressed=true]").first.inner_text() == f"All {len(ranking)}"


@pytest.mark.exhaustive
def test_the_list_sorts_by_its_headings(run, report, opened):
    page = opened(report)
    page.get_by_role("button", name="List", exact=True).click()
    ids = [str(run.record.ids[row]) for row in run.record.suspects.ranking]
    lines = page.locator("#list tbody tr")
    head = page.locator("#list th").first
    for turned, state in ((False, "ascending"), (True, "descending")):
        head.get_by_role("button").click()
        shown = [each.removeprefix("#") for each in lines.locator("td:first-child").all_text_contents()]
        assert shown[:40] == sorted(ids, key=int, reverse=turned)[:40]
        assert head.get_attribute("aria-sort") == state
    lines.nth(2).click()
    press(page, "x")
    assert lines.nth(2).locator("td").last.inner_text() == "× dropped"


@pytest.mark.exhaustive
def test_similar_cards_come_alone_and_the_closest_first(report, opened):
    page = opened(report)
    press(page, "j")
    here = current(page)
    from_menu(page, "Find similar")
    assert cards(page).count() == 25
    assert cards(page).first.locator(".id").text_content() == f"#{here}"


@pytest.mark.parametrize("size", [(1366, 768), (1400, 900), (400, 850), (850, 400)])
@pytest.mark.exhaustive
def test_no_button_moves_from_card_to_card(report, worded, opened, size):
    for path in (report, worded):
        page = opened(path, viewport={"width": size[0], "height": size[1]})
        press(page, "j")
        places = set()
        for _ in range(12):
            boxes = page.evaluate(
                "[...panel.querySelectorAll('.answers button, .actions > button')]"
                ".map((each) => each.getBoundingClientRect()).map(({x, y, width, height}) => [x, y, width, height])"
            )
            places.add(tuple(map(tuple, np.round(boxes).tolist())))
            press(page, "j")
        assert len(places) == 1
        top, bottom, over = page.evaluate(
            "[panel.getBoundingClientRect().top, panel.getBoundingClientRect().bottom,"
            " panel.scrollHeight - panel.clientHeight]"
        )
        assert top >= -1
        assert bottom <= size[1] + 1
        assert over <= 0
        if size[0] < 900:
            assert top <= 8
        assert page.locator("#choices button").last.is_visible()
        cut = page.evaluate(
            "[...panel.querySelectorAll('.answers span, #said')].filter((each) => each.scrollHeight > each.clientHeight + 1)"
            ".length"
        )
        assert cut == 0


@pytest.mark.parametrize("size", [(1366, 768), (350, 700), (850, 400)])
@pytest.mark.exhaustive
def test_both_examples_of_a_text_can_be_read_on_the_desk(texts, opened, size):
    page = opened(texts, viewport={"width": size[0], "height": size[1]})
    press(page, "j")
    numbers = []  # of a class without a trusted text there is no example
    for _ in range(8):
        found = page.evaluate(
            "[...look.querySelectorAll('.near .text')].map((each) => [each.getBoundingClientRect().bottom,"
            " each.clientHeight, each.querySelector('b').offsetHeight, each.title.length])"
        )
        numbers.append(len(found))
        for bottom, height, head, title in found:
            assert bottom <= page.evaluate("look.getBoundingClientRect().bottom") + 1
            assert height >= 2 * head  # a line of the text at least
            assert title > 20
        own = page.evaluate("look.querySelector('.text').clientHeight")
        assert own >= 20
        assert page.evaluate("panel.getBoundingClientRect().bottom") <= size[1] + 1
        press(page, "j")
    assert numbers.count(2) > 4


@pytest.mark.exhaustive
def test_a_thumb_decides(report, opened):
    page = opened(report, viewport={"width": 400, "height": 850}, has_touch=True, is_mobile=True)
    press(page, "j")
    for button in page.locator(".answers button, .actions:not(.small-actions) button").all():
        assert button.bounding_box()["height"] >= 44
    swipe = """by => { const box = subject.getBoundingClientRect();
        const at = (kind, x) => subject.dispatchEvent(new PointerEvent(kind, { pointerType: "touch",
            isPrimary: true, bubbles: true, clientX: box.x + 180 + x, clientY: box.y + 90 }));
        at("pointerdown", 0); at("pointermove", by / 2); at("pointermove", by); at("pointerup", by) }"""
    for by in (-40, 40, -140, 140):
        page.evaluate(swipe, by)
    first, second = exported(page)["decisions"]
    proposal = page.evaluate("proposalOf(1)")
    assert first["action"] == "keep"
    assert second["action"] == {"accept": "relabel"}.get(proposal, proposal)
    page.get_by_role("button", name="Hide the summary").click()
    page.locator("#menu summary").click()
    note = page.get_by_label("Note")
    note.fill("torn")
    note.press("Enter")
    assert not page.locator("#sheet").is_visible()
    page.locator("#menu summary").click()
    page.get_by_role("button", name=re.compile("Decide all .* of ")).click()
    page.get_by_role("dialog").get_by_role("button", name="Keep all").click()
    page.evaluate("commit(undecided(), () => 'keep')")
    assert "torn" in [each["note"] for each in exported(page)["decisions"]]
    assert page.get_by_role("region", name=re.compile("All .* decided")).is_visible()
    assert page.evaluate("panel.getBoundingClientRect().bottom") <= 851


@pytest.mark.exhaustive
def test_a_blind_page_has_what_it_hides_in_one_sealed_block_alone(blind, opened):
    page = opened(blind, java_script_enabled=False)
    for telling in (".evidence", ".near", ".odds", ".p", "mark"):
        assert page.locator(f"#cards .card {telling}, #rest .card {telling}").count() == 0
    shown, sealed = (page.locator(f"#{name}").text_content() for name in ("data", "sealed"))
    hidden = json.loads(base64.b64decode(sealed))
    assert not set(HIDDEN) & set(json.loads(shown))
    assert set(json.loads(shown)["cards"]).isdisjoint(HIDDEN_OF_CARDS)
    assert set(hidden["data"]["cards"]) == set(HIDDEN_OF_CARDS)
    assert hidden["cards"].count('class="card"') == page.locator(".card").count()


def test_a_blind_review_stays_blind_until_it_is_ended(blind, opened):
    page = opened(blind)
    second_tab = page.context.new_page()
    second_tab.goto(Path(blind).as_uri())
    assert not second_tab.locator("#review .evidence:visible").count()
    total = page.locator(".card").count()
    press(page, "j", "a", "Enter", "k")
    assert not page.locator("#review .evidence:visible").count()
    words = page.locator("#review").inner_text() + cards(page).first.get_attribute("aria-label")
    for telling in ("%", "suggested", "expected", "mislabelled"):
        assert telling not in words.lower().replace("hide the suggestion", "")
    page.goto(f"{Path(blind).as_uri()}#view:kind=0&suggested=1&sort=chance")
    page.reload()
    assert cards(page).count() == min(48, total)
    before = exported(page)["decisions"]
    assert len(before) == 2
    asked = []
    page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.accept()))
    page.get_by_role("button", name="End the blind review").click()
    assert asked[0].startswith(f"{total - 2} of {total} cards are undecided. ")
    for tab in (page, second_tab):
        tab.locator("#panel .evidence:visible").first.wait_for()
        assert tab.locator("#cards .card .p:visible").count() == min(48, total)
        assert not tab.locator("img").count()  # the name of a class is one, if it were not text
        assert tab.locator("h1").inner_text() == "The blind review has ended."
        assert "stays hidden" not in tab.locator("#answer").inner_text()
        assert tab.locator("#tool-sort option:checked").inner_text() == "as reviewed"
        assert f"{total - 2} were never decided." in tab.locator("#left").text_content()
        deciding = "#panel .answers button, #choices button, #panel [data-act=undo], [data-act=bulk], [data-act=import]"
        assert tab.evaluate(f"[...document.querySelectorAll({deciding!r})].every((each) => each.disabled)")
    page.locator("#tool-sort").select_option("most suspicious")
    doubts = [
        int(each.removesuffix("\xa0%")) for each in page.locator("#cards .card:visible .p").all_inner_texts()
    ]
    assert doubts == sorted(doubts, reverse=True)
    page.locator("#tool-sort").select_option("as reviewed")
    press(page, "j", "x", "u", "n")
    page.locator("#note").type("late")
    assert exported(page)["decisions"] == before


@pytest.mark.exhaustive
def test_the_first_button_does_what_the_card_proposes_whatever_its_kind(run, opened, tmp_path, monkeypatch):
    kinds = {row: Kind(i % len(KINDS), 90, "a reason") for i, row in enumerate(run.record.suspects.ranking)}
    monkeypatch.setattr(report_cards, "kind_of_rows", lambda record: kinds)
    (tmp_path / "report.html").write_text(report_page.render(run.record), encoding="utf-8")
    page = opened(tmp_path / "report.html")
    press(page, "j")
    first = page.locator("[data-act=propose] span")
    wanted = []
    for number, action in enumerate(ACTIONS.values()):
        card = cards(page).nth(number)
        assert card.locator(".kind span").inner_text() == action
        words, decision = DONE[action]
        assert first.inner_text().startswith(words)
        press(page, "y")
        if decision:
            wanted.append(decision)
        else:
            assert page.locator("#large").is_visible()
            press(page, "y", "j")
            assert not page.locator("#large").is_visible()
    assert [each["action"] for each in exported(page)["decisions"]] == wanted
    page.evaluate("""() => { const row = document.createElement("p");
        [row.id, row.innerHTML] = ["twins", `<i data-row="${rows[4]}"><button class="decide">Decide</button></i>`];
        document.body.append(row) }""")
    cards(page).nth(4).click()
    press(page, "y")
    assert page.evaluate("document.activeElement.className") == "decide"
    from_menu(page, "Decide all of the list")
    page.get_by_role("dialog").get_by_role("button", name="Do what each card proposes").click()
    assert page.evaluate("undecided().map((i) => proposalOf(i))") == page.evaluate(
        "cards.map((_, i) => proposalOf(i)).filter((each) => each === 'inspect' || each === 'both')"
    )


@pytest.mark.exhaustive
def test_cards_have_names_and_states(run, report, opened):
    page = opened(report)
    press(page, "j")
    card, names, record = cards(page).first, run.record.class_names, run.record
    row = record.suspects.ranking[0]
    given, suggested = (
        re.escape(names[of[row]]) for of in (record.labels.original, record.suspects.suggested)
    )
    total = len(record.suspects.ranking)
    assert re.fullmatch(
        rf"given {given}, suggested {suggested}, \d+ % chance wrong, undecided, 1 of {total}",
        card.get_attribute("aria-label"),
    )
    said_by_tree = page.locator("#cards").aria_snapshot()
    assert f"undecided, 1 of {total}" in said_by_tree
    likely = page.evaluate("likely[0].slice(0, 2).map(([label, percent]) => [names[label], String(percent)])")
    odds = card.locator(".odds li").all()
    assert [[each.locator(part).inner_text() for part in ("bdi", "b")] for each in odds] == likely
    change(page)
    assert re.search(f"changed to {suggested}", card.get_attribute("aria-label"))
    page.emulate_media(forced_colors="active")
    seen = "(selector) => { const style = getComputedStyle(document.querySelector(selector));"
    assert page.evaluate(seen + "return style.outlineStyle }", ".card[aria-current]") == "solid"
    assert page.evaluate(seen + "return style.borderTopStyle }", "#progress") == "solid"
    page.emulate_media(forced_colors="none")
    press(page, "k")
    assert page.locator("#choices [aria-pressed=true].is-suggested").count() == 1
    assert page.locator(".actions [data-act=undo]").get_attribute("aria-keyshortcuts") == "u Control+z"
    press(page, "Tab")
    assert page.evaluate("panel.contains(document.activeElement)")


@pytest.mark.exhaustive
def test_long_names_can_be_told_apart_on_a_desk_that_shows_all_values(worded, opened):
    page = opened(worded, viewport={"width": 1366, "height": 768})
    press(page, "j")
    copies = set()
    for _ in range(5):
        choices = page.locator("#choices button")
        assert len(set(choices.locator("span").all_text_contents())) == choices.count() == 5
        assert page.locator("#choices .is-suggested").count() == 1
        assert page.evaluate(
            "[...choices.children].every((each) => each.ariaLabel.startsWith(names[Number(each.value)]))"
        )
        assert page.locator("#panel .values tbody tr").count() == 4
        assert len(set(page.locator("#panel .values th").all_text_contents())) == 7
        assert page.evaluate("look.scrollHeight <= look.clientHeight")
        copies.add(page.get_by_role("button", name="Copy id").bounding_box()["x"])
        press(page, "j")
    assert len(copies) == 1
    assert page.evaluate("/in the next/.test(left.textContent) === undecided().length > NEXT")
    page.evaluate(
        "(long) => { names[given[current]] = long; drawPanel() }", f"{'a customer asks ' * 9}at last"
    )
    keep = page.locator("#panel [data-act=keep]")
    assert keep.locator("span").inner_text() == "Keep a customer asks a custom…a customer asks at last"
    assert (
        keep.get_attribute("title")
        == keep.get_attribute("aria-label")
        == f"Keep {'a customer asks ' * 9}at last"
    )
    page.evaluate("(long) => { ids[current] = long; drawPanel() }", f"{'animals of the house/' * 9}im200.jpg")
    folders, name = page.locator("#panel .id span").all()
    assert name.inner_text() == "im200.jpg"
    assert name.evaluate("(each) => each.scrollWidth <= each.clientWidth")
    assert folders.evaluate("(each) => each.scrollWidth > each.clientWidth")
    page.set_viewport_size({"width": 1000, "height": 800})
    assert page.evaluate("look.scrollHeight <= look.clientHeight")


@pytest.mark.exhaustive
def test_photos_are_large_on_cards_and_on_a_desk_that_fits_the_window(tmp_path, opened):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 60)
    X = np.broadcast_to(80 * y[:, None, None, None] + 40, (60, 150, 200, 3)) + rng.integers(
        0, 9, (60, 150, 200, 3)
    )
    seen = np.r_[y[:40], rng.integers(0, 3, 20)]
    found = audit.detect(X.astype(np.uint8), y, pred_probs=0.6 * np.eye(3)[seen] + 0.4 / 3)
    page = opened(found.save(tmp_path / "run"), viewport={"width": 1366, "height": 768})
    press(page, "j")
    box = page.locator("#look > .own").bounding_box()
    assert min(box["width"], box["height"] * 4 / 3) >= 260
    assert page.evaluate("panel.getBoundingClientRect().bottom") <= 768
    card = cards(page).first
    assert card.locator(".look > .own").bounding_box()["width"] >= 150
    right = page.evaluate(
        "cards.slice(0, 5).map((each) => each.getBoundingClientRect().right"
        " - Math.max(...[...each.querySelectorAll('.near *')].map((one) => one.getBoundingClientRect().right)))"
    )
    assert min(right) >= 9


@pytest.mark.exhaustive
def test_a_finished_review_ends_with_a_summary(report, opened):
    page = opened(report)
    press(page, "j")
    from_menu(page, "Decide all of the list")
    page.get_by_role("dialog").get_by_role("button", name="Keep").click()
    end = page.get_by_role("region", name=re.compile(r"All \d+ cards are decided"))
    assert end.is_visible()
    assert f"audit apply {Path(report).parent} decisions.json --out corrected" in end.inner_text()
    with page.expect_download() as download:
        end.get_by_role("button", name="Save as CSV").click()
    table = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8"))))
    as_json = exported(page)["decisions"]
    wanted = [(each["id"], each["action"]) for each in as_json]
    assert [(each["id"], each["action"]) for each in table] == wanted


@pytest.mark.exhaustive
def test_a_second_reviewer_stands_beside(report, opened):
    page = opened(report)
    press(page, "j", "a", "x", "x")
    theirs = exported(page)
    theirs["reviewer"] = "Ada"
    theirs["decisions"][1]["action"] = "ambiguous"
    content = json.dumps(theirs).encode()
    with page.expect_file_chooser() as chooser:
        from_menu(page, "Compare with a second reviewer")
    chooser.value.set_files({"name": "ada.json", "mimeType": "application/json", "buffer": content})
    until(page, "#second", "You and Ada agree on 2 of 3 rows, kappa 0.40.")
    page.get_by_role("button", name="Only what differs").click()
    assert cards(page).count() == 1
    assert [each["action"] for each in exported(page)["decisions"]] == ["ambiguous", "drop", "drop"]


@pytest.mark.exhaustive
def test_a_refusal_is_in_sight(report, opened):
    page = opened(report)
    press(page, "j", *["j"] * 30)
    choose_file(page, "{")
    until(page, "#warning", "was not imported")
    assert 0 <= page.locator("#warning").bounding_box()["y"] <= 800


@pytest.mark.exhaustive
def test_a_card_can_be_enlarged(report, opened):
    page = opened(report)
    press(page, "j", "z")
    large = page.locator("#large .thumb").bounding_box()
    assert max(large["width"], large["height"]) > 500
    press(page, "z")
    assert not page.locator("#large").is_visible()
    press(page, "x")
    assert len(exported(page)["decisions"]) == 1


@pytest.mark.exhaustive
def test_axe_finds_nothing_serious_in_filters_list_and_summary(finished_run, opened):
    page = opened(finished_run[1] / "report.html")
    press(page, "j", "x")
    page.locator("#find").fill("1")
    press(page, "Escape")
    for state in ("Filters", "List", "Export", "More"):
        page.locator("button, summary").filter(has_text=re.compile(rf"^{state}")).first.click()
        assert accessibility_faults(page, target_size=True) == [], state


@pytest.mark.exhaustive
def test_false_alarms_without_a_card_are_decided_too(finished_run, opened, tmp_path, monkeypatch):
    found, content = finished_run[0], report_page.sections.report

    def with_one_card(*arguments):
        whole = content(*arguments)
        return replace(whole, suspects=replace(whole.suspects, cards=whole.suspects.cards[:1]))

    monkeypatch.setattr(report_page.sections, "report", with_one_card)
    (tmp_path / "report.html").write_text(report_page.render(found.record), encoding="utf-8")
    page = opened(tmp_path / "report.html")
    others = page.evaluate("data.others.row")
    assert others
    button = page.locator(f"[data-row='{others[0]}'] .decide").first
    button.click()
    page.get_by_role("dialog").get_by_role("button", name="Drop").click()
    assert button.inner_text() == "× dropped"
    made = exported(page)
    assert [(each["row"], each["action"]) for each in made["decisions"]] == [(others[0], "drop")]
    press(page, "j", "u")
    assert button.inner_text() == "Decide"
    press(page, "Control+y")
    path = tmp_path / "decisions.json"
    path.write_text(json.dumps(exported(page)), encoding="utf-8")
    check_decisions(read_decisions(path), found.record, "decisions.json")  # as audit apply does


def test_duplicates_with_different_labels_are_decided_too(tmp_path, opened):
    X, y = striped_images(200)
    X[100:105], y[100:105] = X[:5], (y[:5] + 1) % 4
    probs = 0.9 * np.eye(4)[y] + 0.025
    probs[50:60] = 0.9 * np.eye(4)[(y[50:60] + 1) % 4] + 0.025
    found = audit.detect(X, y, pred_probs=probs)
    page = opened(found.save(tmp_path / "run"))
    figures = page.locator("#twins [data-row]")
    rows = [int(each.get_attribute("data-row")) for each in figures.all()]
    for at in (0, 1):
        figures.nth(at).locator(".decide").click()
        page.get_by_role("dialog").get_by_role("button", name="Ambiguous" if at else "Keep").click()
    made = {each["row"]: each["action"] for each in exported(page)["decisions"]}
    assert made == {rows[0]: "keep", rows[1]: "ambiguous"}


@pytest.mark.exhaustive
def test_enter_in_the_dialog_for_many_cards_decides_nothing(report, opened):
    page = opened(report)
    press(page, "j")
    page.evaluate("run('bulk')")
    assert page.evaluate("document.activeElement.textContent") == "Cancel"
    page.locator("#above").fill("1")
    page.locator("#above").press("Enter")
    page.locator("#together-dialog input[type=checkbox]").first.press("Enter")
    assert page.locator("#together-dialog").is_visible()
    assert page.locator("#reviewed").inner_text().startswith("0 of ")


@pytest.mark.exhaustive
def test_a_note_on_a_decided_card_is_kept_letter_by_letter(report, opened):
    page = opened(report)
    press(page, "j", "a", "k", "n")
    page.keyboard.type("blurred")
    page.reload()
    (decision,) = exported(page)["decisions"]
    assert decision["note"] == "blurred"


@pytest.mark.exhaustive
def test_start_goes_to_the_first_card_and_the_next_key_decides(report, opened):
    for size in ((1366, 768), (390, 844)):
        page = opened(report, viewport={"width": size[0], "height": size[1]}, has_touch=size[0] < 500)
        page.locator("#start").click()
        desk = page.locator("#panel").bounding_box()
        assert desk["y"] >= 0
        assert desk["y"] + desk["height"] <= size[1] + 1
        first = current(page)
        press(page, "Enter")
        assert current(page) != first
        assert page.locator("#reviewed").inner_text().startswith("1 of")


@pytest.mark.exhaustive
def test_a_filter_set_far_down_brings_the_list_into_view(report, opened):
    page = opened(report)
    press(page, *["j"] * 45, "a")
    assert page.evaluate("scrollY") > 1500
    page.locator("[data-show=decided]").click()
    assert cards(page).count() == 1
    assert page.locator("#panel").bounding_box()["y"] >= 0
    press(page, "x")
    assert said(page).count("Keys now apply") == 0


@pytest.mark.exhaustive
def test_a_tap_on_the_card_below_a_desk_that_is_half_out_of_sight_brings_it_back(report, opened):
    page = opened(report, viewport={"width": 390, "height": 844}, has_touch=True)
    page.locator("#start").click()
    page.evaluate("scrollBy(0, 500)")
    assert page.locator("#panel").bounding_box()["y"] < 0
    page.locator(".card[aria-current]").dispatch_event("click")
    assert page.locator("#panel").bounding_box()["y"] >= 0


@pytest.mark.parametrize("kind", ["texts", "worded"])
@pytest.mark.exhaustive
def test_at_400_per_cent_the_desk_still_shows_the_example(kind, request, opened):
    page = opened(request.getfixturevalue(kind), viewport={"width": 341, "height": 192})
    press(page, "j", "j")
    assert page.locator("#look").bounding_box()["height"] > 30

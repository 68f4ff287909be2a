"""A report with a hundred suspects in a browser, and what a person does on its page."""

import json
import re
from pathlib import Path

import browser as browsers
import numpy as np
import pytest
from conftest import striped_images

import audit


@pytest.fixture(scope="module")
def browser():
    playwright, browser = browsers.start()
    yield browser
    browser.close()
    playwright.stop()


@pytest.fixture(scope="module")
def run():
    """A hundred suspects among five classes of images, one class and the name a piece of HTML."""
    rng = np.random.default_rng(1)
    X, y = striped_images(400, classes=5)
    probs = 0.7 * np.eye(5)[y] + 0.3 * rng.dirichlet(np.ones(5), 400)
    wrong = rng.choice(400, 100, replace=False)
    y[wrong] = (y[wrong] + rng.integers(1, 5, 100)) % 5
    names = np.array(["3", "7", "</script><img src=x onerror=alert(1)>", "cat", "Ελλάδα"])
    return audit.detect(X, names[y], pred_probs=probs, name="<b onmouseover=alert(2)>.png")


@pytest.fixture(scope="module")
def report(run, tmp_path_factory):
    return run.save(tmp_path_factory.mktemp("panel") / "run")


@pytest.fixture
def opened(browser):
    """Open a page in a fresh profile; any error in it fails the test."""
    contexts, errors = [], []

    def open_page(path, script=None, **options):
        context = browser.new_context(**{"viewport": {"width": 1400, "height": 900}, **options})
        context.set_default_timeout(browsers.PATIENCE)
        contexts.append(context)
        if script:
            context.add_init_script(script)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: message.type == "error" and errors.append(message.text))
        page.on("dialog", lambda dialog: dialog.type == "alert" and errors.append(dialog.message))
        page.goto(Path(path).as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not errors


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def exported(page):
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").dispatch_event("click")  # without scrolling to it
    return json.loads(Path(download.value.path()).read_text(encoding="utf-8"))


def said(page):
    return re.sub("[\u2068\u2069]", "", page.locator("#said").inner_text())


def cards(page):
    return page.locator("#cards .card:visible")


def current(page):
    return page.locator(".card[aria-current] .id").text_content().removeprefix("#")


def until(page, selector, text):
    """Wait for a text; Playwright's own waiting for a function is what the page's policy forbids."""
    page.locator(selector).filter(has_text=text).wait_for(state="attached")


def holds(page, selector, value):
    """Wait until a field holds a value."""
    from playwright.sync_api import expect  # the tests of the report are skipped without it

    expect(page.locator(selector)).to_have_value(value)


def choose_file(page, content, name="theirs.json"):
    text = content if isinstance(content, str) else json.dumps(content)
    with page.expect_file_chooser() as chooser:
        page.locator("#menu summary").click()
        page.get_by_role("button", name="Import").click()
    chooser.value.set_files({"name": name, "mimeType": "application/json", "buffer": text.encode()})


def change(page, times=1):
    """Take the suggested class, whatever the card proposes."""
    for _ in range(times):
        page.locator("#choices .is-suggested").click()


def open_filters(page):
    page.get_by_role("button", name="Filters", exact=True).click()


def accessibility_faults(page, *, target_size=False):
    """Each serious fault that axe finds as (rule, element), in light; in dark its colours alone are other.

    The sizes of what is pressed take axe as long as everything else.
    """
    sync = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python"
    )
    faults = []
    for scheme, options in (
        ("light", {"rules": {"target-size": {"enabled": target_size}}}),
        ("dark", {"runOnly": {"type": "rule", "values": ["color-contrast"]}}),
    ):
        page.emulate_media(color_scheme=scheme)
        found = sync.Axe().run(page, options=options).response["violations"]
        faults += [
            (scheme, each["id"], each["nodes"][0]["html"][:120])
            for each in found
            if each["impact"] in ("serious", "critical")
        ]
    return faults

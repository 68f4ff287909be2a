"""The page's style: contrasts, five sizes of text, and how the page lies on screens and on paper."""

import re
from pathlib import Path

import browser
import pytest

from audit.report.templating import text

THEMES = {
    "light": r":root \{(.*?)\}",
    "dark": r"prefers-color-scheme: dark\) \{\s*:root \{(.*?)\}",
    "print": r"@media print \{\s*:root \{(.*?)\}",
}


def colours(theme):
    """The colours of a theme by the names of their variables."""
    rules = re.search(THEMES[theme], text("style.css"), re.DOTALL)[1]
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", rules))


def luminance(colour):
    """The relative luminance of a colour, by WCAG."""
    shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    """The ratio of two colours' luminances, by WCAG."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", THEMES)
def test_borders_of_controls_and_text_can_be_told_from_the_ground(theme):
    found = colours(theme)
    for ground in ("page", "panel"):
        assert contrast(found["edge"], found[ground]) >= 3
        for ink in ("ink", "muted", "accent"):
            assert contrast(found[ink], found[ground]) >= 4.5
    assert contrast(found["on-tint"], found["tint"]) >= 4.5
    assert contrast(found["on-accent"], found["accent"]) >= 4.5


def test_paper_has_the_light_colours_whatever_the_screen_shows():
    assert colours("print") == colours("light")


def test_text_has_five_sizes():
    css = text("style.css") + text("review.css")
    sizes = re.findall(r"--font-\d: ([\d.]+)rem", css)
    assert [16 * float(size) for size in sizes] == [32, 20, 16, 14, 12]
    used = set(re.findall(r"font-size: ([^;}]+)", css))
    assert used <= {f"var(--font-{i})" for i in range(1, 6)} | {"inherit"}


def test_the_first_card_is_near_the_top_and_nothing_is_wider_than_the_screen(finished_run):
    playwright, chromium = browser.start()
    try:
        page = chromium.new_page()
        page.goto((Path(finished_run[1]) / "report.html").as_uri())
        for width, height in ((1400, 900), (1000, 800), (768, 1024), (400, 850), (320, 640)):
            page.set_viewport_size({"width": width, "height": height})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            if width >= 1000:
                assert page.evaluate("document.querySelector('#suspects .card').offsetTop") < 1.3 * height
            assert page.locator("nav a").first.is_visible()
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        assert page.evaluate("document.activeElement.getBoundingClientRect().top") >= 0
    finally:
        chromium.close()
        playwright.stop()

"""A browser to try pages in, found or visibly missing."""

import os
import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 120_000  # ms; with its usual 30 s, a page on a busy machine was once given up
HOW = "no browser found: apt-get install chromium, or playwright install chromium"


def start():
    """Chromium under Playwright, as (playwright, browser); skips the test where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    playwright = sync_api.sync_playwright().start()
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    try:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        return playwright, playwright.chromium.launch(executable_path=path, args=arguments)
    except sync_api.Error:
        playwright.stop()
        pytest.skip(HOW)

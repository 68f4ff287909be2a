"""How large and how quick a report is: bytes, first paint, and from a key to the next card, in Chromium.

    python benchmarks/report.py

Reports of examples with random labels and ready probabilities, so that nearly every row is a suspect: as many
cards as a page holds. Needs the extra `test` and a browser (apt-get install chromium). First paint is the
browser's own figure (first contentful paint), a page is ready when its scripts have run, a key's time is from
its event to the end of the frame that it changed. Writes benchmarks/results/report.json.
"""

import json
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from recipe import machine

import audit
from audit import datasets
from audit.settings.detect import Config

ROWS, LOADS, KEYS = 5000, 5, 200
TIMED = """() => {
  window.timed = [];
  const channel = new MessageChannel();
  let began = 0;
  channel.port1.onmessage = () => timed.push(performance.now() - began);
  addEventListener("keydown", (event) => {
    began = event.timeStamp;
    requestAnimationFrame(() => channel.port2.postMessage(null));
  }, true);
}"""


def kinds() -> dict[str, np.ndarray]:
    """Examples by name: digits, smooth colours with a camera's noise, features."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (ROWS, 8, 8, 3)).astype(np.uint8)
    smooth = np.stack([Image.fromarray(image).resize((64, 64), Image.Resampling.BICUBIC) for image in coarse])
    photographs = np.clip(smooth + rng.normal(scale=6, size=smooth.shape), 0, 255).astype(np.uint8)
    return {
        "MNIST, 28 x 28 grey": datasets.load(Config.of("mnist", limit=ROWS)).X,
        "like photographs, 64 x 64 colour": photographs,
        "30 features": rng.normal(size=(ROWS, 30)),
    }


def measured(path: Path) -> dict[str, Any]:
    """The figures of one report, in a fresh browser profile for each load."""
    from playwright.sync_api import sync_playwright

    paints, readies, keys = [], [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        for load in range(LOADS):
            page = browser.new_page(viewport={"width": 1400, "height": 900})
            page.goto(path.as_uri())
            page.wait_for_timeout(500)
            paints.append(
                page.evaluate("() => performance.getEntriesByName('first-contentful-paint')[0].startTime")
            )
            readies.append(
                page.evaluate("() => performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
            )
            if load == LOADS - 1:
                page.evaluate(TIMED)
                for number in range(KEYS):
                    page.keyboard.press("jyax"[number % 4])
                page.wait_for_timeout(200)
                keys = page.evaluate("() => timed")[1:]  # the first scrolls to the review panel
                cards = page.locator(".card").count()
            page.close()
        browser.close()
    return {
        "megabytes": path.stat().st_size / 1e6,
        "cards": cards,
        "first_paint_ms": {"median": statistics.median(paints), "worst": max(paints)},
        "ready_ms": {"median": statistics.median(readies), "worst": max(readies)},
        "key_to_card_ms": {
            "median": statistics.median(keys),
            "p95": float(np.quantile(keys, 0.95)),
            "worst": max(keys),
        },
    }


def main() -> None:
    """Draw each report and measure it."""
    rng = np.random.default_rng(1)
    y, probs = rng.integers(0, 10, ROWS), rng.dirichlet(np.ones(10), ROWS)
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, X in kinds().items():
            run = audit.detect(X, y, pred_probs=probs)
            start = time.perf_counter()
            path = run.save(Path(folder) / name)
            results[name] = {"seconds_to_write": time.perf_counter() - start, **measured(path)}
            print(name, json.dumps(results[name]), file=sys.stderr)
    document = {"machine": machine(), "suspects_about": int(0.9 * ROWS), "reports": results}
    target = Path(__file__).with_name("results") / "report.json"
    target.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()

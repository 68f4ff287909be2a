"""Guidelines of one's own: read before anything is trained, kept in the run, and shown beside the review."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import striped_images
from review_page import browser, current, opened, press, report, run

import audit
from audit.pipeline.run import draw_report, load_run
from audit.report import page as report_page

TEXT = "A 7 has a <b>bar</b>.\n\nשבע או אחת?\n" + "\n".join(f"Case {number}" for number in range(60))


@pytest.fixture
def guided(run, tmp_path):
    record = replace(run.record, data={**run.record.data, "guidelines": TEXT})
    path = tmp_path / "report.html"
    path.write_text(report_page.render(record), encoding="utf-8")
    return path


@pytest.mark.usefixtures("pictures")
def test_guidelines_are_read_beside_the_review_by_a_key(guided, opened):
    page = opened(guided)
    press(page, "j")
    before = current(page)
    press(page, ".")
    dialog = page.get_by_role("dialog")
    assert dialog.locator(".guidelines").inner_text() == TEXT
    close = dialog.get_by_role("button", name="Close")
    assert close.bounding_box()["y"] < 900
    press(page, "Escape")
    assert not dialog.is_visible()
    assert current(page) == before
    page.get_by_role("button", name="Guidelines", exact=True).first.click()
    assert dialog.is_visible()
    close.click()
    press(page, "?")
    assert "read the guidelines" in page.locator("#keys").inner_text()


@pytest.mark.usefixtures("pictures")
def test_guidelines_unfold_without_a_script(guided, opened):
    page = opened(guided, java_script_enabled=False)
    page.locator("#guidelines summary").click()
    assert page.locator("#guidelines .guidelines").inner_text() == TEXT


@pytest.mark.usefixtures("pictures")
def test_a_page_without_guidelines_says_nothing_of_them(report, opened):
    page = opened(report)
    press(page, "j", ".", "?")
    assert "guidelines" not in page.locator("#keys").inner_text()
    assert page.get_by_role("button", name="Guidelines").count() == 0


def test_a_run_keeps_its_guidelines_and_a_drawing_can_have_others(tmp_path):
    X, y = striped_images(60)
    probs = np.random.default_rng(0).dirichlet(np.ones(4), 60)
    first, second = tmp_path / "first.txt", tmp_path / "second.txt"
    first.write_bytes("\ufefffirst of all\r\n".encode())
    second.write_text("second thoughts", encoding="utf-8")
    folder = tmp_path / "run"
    audit.detect(X, y, pred_probs=probs, guidelines=first, out=folder)
    key = load_run(folder).record.stages
    first.unlink()
    assert ">first of all</div>" in draw_report(folder).read_text(encoding="utf-8")
    drawn = draw_report(folder, guidelines=second).read_text(encoding="utf-8")
    assert ">second thoughts</div>" in drawn
    assert "first of all" not in drawn
    again = audit.detect(X, y, pred_probs=probs, guidelines=second, out=folder)
    assert again.record.stages == key
    assert ">second thoughts</div>" in (folder / "report.html").read_text(encoding="utf-8")


def test_the_command_line_takes_guidelines(run, tmp_path, run_audit):
    folder = tmp_path / "run"
    run.save(folder)
    (tmp_path / "g.md").write_text("Look twice.", encoding="utf-8")
    run_audit("report", folder, "--guidelines", tmp_path / "g.md", check=0)
    assert ">Look twice.</div>" in (folder / "report.html").read_text(encoding="utf-8")
    refused = run_audit("report", folder, "--guidelines", Path("none.md"), check=2)
    assert refused.stderr.startswith("audit: none.md does not exist")

"""What a notebook, or a prompt, shows of a run."""

import html
import re

import numpy as np
import pytest
from conftest import striped_images

import audit


@pytest.fixture(scope="module")
def run():
    """An audit with twelve wrong labels and a hostile class name."""
    X, y = striped_images(120)
    probs = 0.8 * np.eye(4)[y] + 0.05
    y[:12] = (y[:12] + 1) % 4
    names = np.array(["<b>cat", "dog", "owl", "fox"])
    order = np.argsort(names)
    return audit.detect(X, names[y], pred_probs=probs[:, order])


def test_the_report_opens_in_a_frame_that_holds_all_of_it(run, tmp_path):
    frame = run.show(height=500)._repr_html_()
    assert re.match(r'<iframe title="label audit" style="[^"]*height: 500px[^"]*" srcdoc="', frame)
    inside = html.unescape(re.search(r'srcdoc="([^"]*)"', frame)[1])
    assert inside.startswith("<!doctype html>")
    assert "default-src 'none'" in html.unescape(inside)
    assert "MB" in repr(run.show())
    run.save(tmp_path / "run")
    (tmp_path / "run" / "report.html").write_text("<!doctype html>kept", encoding="utf-8")
    assert audit.load_run(tmp_path / "run").show().page == "<!doctype html>kept"


def test_a_run_says_what_it_found_the_worst_few_and_where_the_report_is(run, tmp_path):
    said = repr(run)
    assert said.startswith(f"{len(run.suspects())} of 120 labels") or "labels of" in said
    assert "no label was changed on purpose" in said
    assert said.count("\n") < 20
    run.save(tmp_path / "run")
    kept = audit.load_run(tmp_path / "run")
    assert str(tmp_path / "run" / "report.html") in repr(kept)
    shown = kept._repr_html_()
    assert "<b>cat" not in shown
    assert "&lt;b&gt;cat" in shown
    assert shown.count("<tr") <= 10
    assert "chance wrong" in shown


def test_a_blind_run_gives_no_suspect_away(tmp_path):
    X, y = striped_images(200)
    y[:10] = (y[:10] + 1) % 4
    run = audit.detect(X, y, noise=0.1, epochs=1, folds=2, kinds="none", controls=10)
    assert "suggested" not in repr(run)
    assert "plainly" not in run._repr_html_()

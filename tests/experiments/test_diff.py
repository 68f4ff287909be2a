import json
import re

import pytest
from conftest import striped_images

import audit
from audit.errors import RunError
from audit.experiments import diff
from audit.runs.comparison import STATUSES, compare


def features(n, seed=0):
    X, y = striped_images(n, seed=seed)
    return X.reshape(n, -1).astype(float), y


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two audits of the same rows: six wrong labels, then three of them put right and two new ones."""
    X, y = features(240)
    wrong = y.copy()
    wrong[:6] = (y[:6] + 1) % 4
    later = wrong.copy()
    later[:3] = y[:3]
    later[10:12] = (y[10:12] + 1) % 4
    folder = tmp_path_factory.mktemp("runs")
    before, now = (
        audit.detect(X, labels, noise=0, preset="fast", name="bars", out=folder / name)
        for labels, name in ((wrong, "before"), (later, "now"))
    )
    return folder, before.record, now.record


def test_a_run_differs_from_itself_in_nothing(runs):
    _, before, _ = runs
    found = compare(before, before)
    assert found.counts == {"new": 0, "fixed": 0, "cleared": 0, "persisting": len(before.suspects.ranking)}
    assert (found.suspects["rank_before"] == found.suspects["rank_now"]).all()
    assert (found.shared, found.gone, found.added, found.relabelled) == (240, 0, 0, 0)


def test_every_suspect_of_either_run_has_one_status(runs):
    _, before, now = runs
    found = compare(before, now)
    was, is_now = (set(map(str, r.ids[r.suspects.ranking])) for r in (before, now))
    by_status = {status: set(part["id"]) for status, part in found.suspects.groupby("status")}
    assert by_status.get("new", set()) == is_now - was
    assert by_status.get("persisting", set()) == is_now & was
    assert by_status.get("fixed", set()) | by_status.get("cleared", set()) == was - is_now
    assert {"0", "1", "2"} <= by_status["fixed"]
    assert {"10", "11"} <= by_status["new"]
    assert {"3", "4", "5"} <= by_status["persisting"]
    assert found.relabelled == 5


def test_the_other_way_round_new_and_gone_change_places(runs):
    _, before, now = runs
    there, back = compare(before, now).counts, compare(now, before).counts
    assert there["new"] == back["fixed"] + back["cleared"]
    assert there["persisting"] == back["persisting"]


def test_runs_on_other_data_are_refused(runs, tmp_path):
    _, before, _ = runs
    X, y = features(240, seed=9)
    other = audit.detect(X, y, noise=0, preset="fast").record
    with pytest.raises(RunError, match="same label on"):
        compare(before, other)
    narrow = audit.detect(X[:, :50], y, noise=0, preset="fast").record
    with pytest.raises(RunError, match="examples of shape 144 and 50"):
        compare(before, narrow)


def test_a_part_of_the_rows_is_compared_row_by_row(runs):
    _, before, _ = runs
    X, y = features(240)
    part = audit.detect(X, y, noise=0, preset="fast", limit=150).record
    found = compare(before, part)
    assert (found.shared, found.gone, found.added) == (150, 90, 0)
    ids = set(map(str, part.ids))
    gone = found.suspects[~found.suspects["id"].isin(ids)]
    assert set(gone["status"]) <= {"fixed"}
    rest = compare(before, audit.detect(X[60:], y[60:], noise=0, preset="fast").record)
    assert (rest.shared, rest.gone, rest.added) == (180, 60, 0)  # though they are numbered from 0 on


def test_the_table_the_document_and_the_page_agree(runs, run_audit, tmp_path):
    folder, before, now = runs
    text = run_audit("diff", folder / "before", folder / "now", "--html", "d.html", check=0).stdout
    counts = compare(before, now).counts
    assert text.startswith(f"{counts['new']} new suspects")
    document = json.loads(run_audit("diff", folder / "before", folder / "now", "--json", check=0).stdout)
    assert document["counts"] == counts
    assert len(document["suspects"]) == sum(counts.values())
    page = (tmp_path / "d.html").read_text(encoding="utf-8")
    for status, meaning in STATUSES.items():
        if counts[status]:
            assert f"{counts[status]} {status}: {meaning}" in page
            assert f"{counts[status]} {status}: {meaning}" in text


def test_hostile_names_stay_text(finished_run):
    _, path = finished_run
    _, findings = diff.diff(path, path)
    page = diff.render(findings)
    assert "<img" not in page
    assert "<script" not in page
    assert not re.search(r"<svg onload", page)
    assert "&lt;svg onload=alert(2)&gt;" in page

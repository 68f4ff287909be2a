"""What decisions say of the errors among all suspects."""

import json
from dataclasses import replace

import numpy as np
import pytest
import reviewing

import audit
from audit.detectors.error_curve import CurvePrior, doubt_of
from audit.review.decisions import parse_decisions
from audit.review.estimate import checked_labels, estimate, told_by


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    return reviewing.finished(tmp_path_factory.mktemp("estimate") / "run", data="digits", limit=600)


def estimated(record, actions):
    document = reviewing.document(record, actions)
    return estimate(record, told_by(parse_decisions(document, "d.json"), record, "d.json"))


def other_class(record, row):
    return record.class_names[record.suspects.suggested[row]]


def test_no_decision_leaves_what_the_run_says(record):
    figures = estimated(record, {})
    stated = [each.errors.value for each in record.scores.suspects.expected]
    assert [each.errors.value for each in figures.expected] == pytest.approx(stated)
    assert (figures.decided, figures.wrong) == (0, 0)


def test_every_decision_counts(record):
    rows = record.suspects.ranking[::4].tolist()
    before = estimated(record, {}).left.value / len(record.suspects.ranking)
    kept = estimated(record, dict.fromkeys(rows, "keep"))
    wrong = estimated(record, {row: ("relabel", other_class(record, row)) for row in rows})
    dropped = estimated(record, dict.fromkeys(rows, "drop"))
    unsure = estimated(record, dict.fromkeys(rows, "ambiguous"))
    left = len(record.suspects.ranking) - len(rows)
    assert kept.left.value / left < before < wrong.left.value / left
    assert dropped.left == wrong.left
    assert wrong.wrong == len(rows) == wrong.decided
    assert (unsure.wrong, unsure.decided) == (0, len(rows))
    assert unsure.left.value / left == pytest.approx(before, rel=0.2)


def test_decided_suspects_are_counted_and_not_expected(record):
    ranking = record.suspects.ranking.tolist()
    actions = dict.fromkeys(ranking[:10], "drop") | dict.fromkeys(ranking[10:], "keep")
    figures = estimated(record, actions)
    assert [each.errors.value for each in figures.expected] == pytest.approx([10] * len(figures.expected))
    assert figures.left.value == pytest.approx(0)
    assert figures.may_stop


def test_decisions_on_other_rows_say_nothing(record):
    others = np.flatnonzero(~record.suspects.is_issue)[:5].tolist()
    assert estimated(record, dict.fromkeys(others, "keep")) == estimated(record, {})


def test_a_run_without_a_curve_is_named(record):
    old = replace(record, scores=replace(record.scores, suspects=replace(record.scores.suspects, curve=None)))
    with pytest.raises(audit.AuditError, match="the run holds no curve of p_error"):
        estimated(old, {})


def test_the_command_prints_the_same(record, run_audit, tmp_path):
    folder = tmp_path / "run"
    audit.Run(record).save(folder)
    rows = record.suspects.ranking[:6].tolist()
    path = reviewing.write(reviewing.document(record, dict.fromkeys(rows, "keep")), tmp_path / "d.json")
    printed = json.loads(run_audit("estimate", folder, path, "--json", check=0).stdout)
    assert printed == audit.Run(record).estimate(path).to_json()
    lines = run_audit("estimate", folder, path, "--stop-below", "50", check=0).stdout.splitlines()
    assert lines[0] == f"6 of {len(record.suspects.ranking)} suspects decided, 0 of them wrong"
    assert any(line.endswith("fewer than 50: a reasonable place to stop") for line in lines)
    assert lines[-1].endswith("decided or checked labels were wrong")


def checked(record, rows, path, label=None):
    """A file that gives rows this label, or the one that they have."""
    names = record.class_names
    labels = [label or names[record.labels.original[row]] for row in rows]
    lines = [f"{record.ids[row]},{each}" for row, each in zip(rows, labels, strict=True)]
    path.write_text("\n".join(["id,label", *lines]), encoding="utf-8")
    return path


def test_verified_labels_tell_as_decisions_do(record, tmp_path):
    rows = record.suspects.ranking[:20].tolist()
    told = checked_labels(checked(record, rows, tmp_path / "right.csv"), record)
    assert told == dict.fromkeys(rows, False)
    assert estimate(record, told) == estimated(record, dict.fromkeys(rows, "keep"))
    wrong = checked_labels(checked(record, rows, tmp_path / "wrong.csv", record.class_names[0]), record)
    assert wrong == {row: bool(record.labels.original[row] != 0) for row in rows}
    bins = estimate(record, wrong).calibration
    assert sum(each.rows for each in bins) == len(rows)
    assert sum(each.rows * each.changed.value for each in bins) == pytest.approx(sum(wrong.values()))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id,name\n1,0\n", "{path} has the columns id, name, expected id and label; name them so in its first line"),
        ("id,label\nnobody,0\n", "line 2 of {path} has 'nobody' as id, expected one of the run; leave out rows that were not audited, and spell classes as the run does"),
        ("id,label\n{id},cat\n", "line 2 of {path} has 'cat' as label, expected one of the run; leave out rows that were not audited, and spell classes as the run does"),
    ],
)  # fmt: skip
def test_verified_labels_that_do_not_fit_are_refused_in_one_line(record, tmp_path, content, message):
    path = tmp_path / "labels.csv"
    path.write_text(content.format(id=record.ids[0]), encoding="utf-8")
    with pytest.raises(audit.AuditError) as caught:
        checked_labels(path, record)
    assert str(caught.value) == message.format(path=path)


@pytest.mark.parametrize("level", [-2.0, 0.0])
def test_thirty_sampled_decisions_narrow_the_interval_and_it_holds_the_truth(level):
    """Errors drawn from a curve that the prior thinks possible; one of each thirtieth of the list is decided."""
    rng = np.random.default_rng(0)
    doubt = np.sort(rng.normal(2.2, 1.5, 600))[::-1]
    prior = CurvePrior(level=-0.9, level_sd=1.0, log_slope=-0.3, log_slope_sd=0.4)
    before = prior.curve.expected(doubt)
    held = []
    widths = []
    for _ in range(200):
        wrong = rng.random(600) < 1 / (1 + np.exp(-(level + 0.7 * (doubt - 2.2))))
        sample = np.array([rng.choice(part) for part in np.array_split(np.arange(600), 30)])
        curve = prior.curve.updated(doubt[sample], wrong[sample])
        rest = np.delete(np.arange(600), sample)
        after = curve.expected(doubt[rest], known=int(wrong[sample].sum()))
        held.append(after.low <= wrong.sum() <= after.high)
        widths.append(after.high - after.low)
    assert np.mean(held) >= 0.9
    assert np.mean(widths) < 0.6 * (before.high - before.low)


def test_doubt_is_the_log_odds_against_the_label():
    assert doubt_of(np.array([0.5, 0.1, 0.0, 1.0])) == pytest.approx([0, np.log(9), 14, -14])

"""The first screen: how many labels look wrong, how sure that is, the worst ones, and the proof."""

import re
from dataclasses import replace

import numpy as np
import pytest
from conftest import striped_images

import audit
from audit.detectors.scores import ExpectedErrors
from audit.detectors.scoring import Estimate
from audit.report import facts, page, sections
from audit.report.first_screen import in_words
from audit.report.kinds import KINDS
from audit.types import Controls, Kinds
from audit.wording import doubted, share_of


@pytest.fixture(scope="module")
def record():
    """An audit of 200 rows, sixty of which have a wrong label, with a kind for every suspect."""
    X, y = striped_images(200)
    doubt = np.linspace(0.1, 0.9, 200)[:, None]
    probs = doubt * np.eye(4)[y] + (1 - doubt) / 4
    y[70:130] = (y[70:130] + 1) % 4
    found = audit.detect(X, y, pred_probs=probs).record
    rows = np.sort(found.suspects.ranking)
    probability = np.eye(7, dtype=np.float32)[np.arange(len(rows)) % 2]
    kinds = Kinds(rows, probability.argmax(axis=1), probability, np.full(len(rows), "why"))
    p_error = np.zeros(200)
    p_error[found.suspects.ranking] = np.linspace(0.9, 0.2, len(rows))
    return replace(found, kinds=kinds, suspects=replace(found.suspects, p_error=p_error))


def shown(record):
    """The HTML of the first screen."""
    return page.render(record).partition('id="answer"')[2].partition("</section>")[0]


def test_plain_and_doubtful_are_all_suspects_and_stand_in_the_headline(record):
    first = sections.report(record, 2000).first
    p_error, kind = record.suspects.p_error, dict(zip(record.kinds.rows, record.kinds.kind, strict=True))
    plain = [
        row for row in record.suspects.ranking if p_error[row] >= 0.5 and KINDS[kind[row]] == "mislabelled"
    ]
    assert first.plain == len(plain) > 8
    assert first.plain + first.doubtful == len(record.suspects.ranking)
    assert (
        first.headline
        == f"{len(plain)} of 200 labels look plainly wrong; {first.doubtful} more are doubtful."
    )
    assert [card.row for card in first.worst] == plain[:8]
    assert f"<em>{len(plain)}</em> of 200 labels" in shown(record)


def test_the_count_of_mislabelled_ones_says_how_many_of_them_are_plainly_wrong(record):
    sure = replace(record.suspects, p_error=np.full(200, 0.95))
    for changed in (record, replace(record, suspects=sure)):
        content = sections.report(changed, 2000)
        mislabelled = {name: count for _, name, _, count in content.kinds}["mislabelled"]
        said = f"{content.first.plain} with a chance of 50&nbsp;% or more, so plainly wrong"
        assert (said in page.render(changed)) == (content.first.plain < mislabelled)


def test_without_kinds_the_chance_alone_decides(record):
    first = sections.report(replace(record, kinds=None), 2000).first
    assert first.plain == (record.suspects.p_error[record.suspects.ranking] >= 0.5).sum()


def test_each_of_the_worst_opens_the_review_at_its_row(record):
    html = shown(record)
    first = sections.report(record, 2000).first
    rows = re.findall(r'href="#suspects" data-open-row="(\d+)"', html)
    assert list(map(int, rows)) == [card.row for card in first.worst]
    assert html.count('role="img"') == 8
    expected = record.scores.suspects.expected[-1]
    assert f'data-first="{expected.first}"' in html
    assert re.search(r"data-first.*?<span>[\d,]+</span>.*?<small>[\d,]+ to [\d,]+</small>", html)


def test_an_interval_of_nearly_everything_is_called_unknown(record):
    def with_errors(low, high):
        suspects = replace(record.scores.suspects, expected=(ExpectedErrors(60, Estimate(30.0, low, high)),))
        return replace(record, scores=replace(record.scores, suspects=suspects))

    assert "not known before somebody looks: review 20" in shown(with_errors(2.0, 58.0))
    assert "not known before somebody looks" not in shown(with_errors(25.0, 35.0))


def test_a_blind_review_begins_without_a_word_about_suspects(record):
    hidden = Controls(record.thumbnails.rows[:3], np.zeros(3, bool), np.array([0.1, 0.5, 0.9]))
    blind = replace(record, controls=hidden)
    html = shown(blind)
    first = sections.report(blind, 2000).first
    assert first.headline == f"{len(record.suspects.ranking) + 3} labels to review blind."
    assert first.worst == ()
    for told in ("data-open-row", "data-first", "plainly", "doubtful", "mislabelled", 'role="img"'):
        assert told not in html
    assert not re.search(rf"\b{len(record.suspects.ranking)}\b", html)
    whole = page.render(blind)
    assert f"{len(record.suspects.ranking)} suspects" not in whole
    body, seen = (
        re.sub(r"<(script|style)\b.*?</\1>", "", html, flags=re.DOTALL)
        for html in (whole, page.render(record))
    )
    for told in (
        'class="matrix"',
        'class="pairs"',
        "data-given=",
        "suspects</th>",
        "flagged</th>",
        "noise estimated",
    ):
        assert told in seen, told
        assert told not in body, told
    assert "plainly" not in " ".join(in_words(blind))


def test_the_proof_sets_likely_errors_of_the_data_apart():
    X, y = striped_images(240)
    y[:6] = (y[:6] + 1) % 4
    found = audit.detect(X, y, noise=0.1, epochs=1, folds=2, kinds="none").record
    proof = sections.report(found, 2000).first.proof
    apart = found.scores.likely_apart
    assert f"{100 * apart.precision.value:.1f} %" in proof or apart.precision.value in (0, 1)
    assert ("(real suspects set apart)" in proof) == (found.scores.suspects.likely > 0)


def test_nothing_measured_is_said_to_be_unchecked(record):
    assert "no label was changed on purpose" in shown(record)


@pytest.mark.parametrize(
    ("plain", "doubtful", "said"),
    [
        (82, 334, "82 of 70,000 labels look plainly wrong; 334 more are doubtful."),
        (1, 1, "1 of 70,000 labels looks plainly wrong; 1 more is doubtful."),
        (2, 0, "2 of 70,000 labels look plainly wrong."),
        (0, 5, "5 of 70,000 labels are doubtful; none looks plainly wrong."),
        (0, 0, "None of 70,000 labels looks wrong."),
    ],
)
def test_the_headline_reads_as_a_sentence(plain, doubtful, said):
    assert doubted(plain, doubtful, 70_000) == said


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (Estimate(0.0000259, 0.0, 0.000105), "2 of 70,000 (0 to 7)"),
        (Estimate(0.0992, 0.096, 0.102), "9.9 % (9.6–10.2)"),
        (Estimate(None), "–"),
    ],
)
def test_a_tiny_share_is_a_count(share, said):
    assert share_of(share, 70_000) == said


def test_parts_that_share_nothing_are_one_line_among_the_facts():
    X, y = striped_images(120)
    probs = 0.8 * np.eye(4)[y] + 0.05
    found = audit.detect(X, y, pred_probs=probs, split=np.arange(120) % 2).record
    content = sections.report(found, 2000)
    assert content.parts == ()
    assert "0 of 60 rows" in dict(facts.facts(found))["parts"]
    assert 'id="parts"' not in page.render(found)

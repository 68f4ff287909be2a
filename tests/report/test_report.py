import base64
import csv
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from conftest import striped_images
from hypothesis import given
from hypothesis import strategies as st

import audit
from audit import detectors
from audit.pipeline.run import Run
from audit.report import page, sections, selection, sprites
from audit.runs import tables
from audit.types import Thumbnails
from audit.wording import percent

pytestmark = pytest.mark.usefixtures("pictures")


class Page(HTMLParser):
    """The elements of a page, in order, and the text in each heading."""

    def __init__(self, path):
        super().__init__()
        self.source = path.read_text(encoding="utf-8")
        self.elements, self.text, self.headings = [], [], []
        self.feed(self.source)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag in ("h1", "h2", "h3"):
            self.headings.append("")

    def handle_data(self, data):
        self.text.append(data)
        if self.headings and self.lasttag in ("h1", "h2", "h3", "em"):
            self.headings[-1] += data

    def all(self, tag, **attributes):
        return [a for t, a in self.elements if t == tag and all(a.get(k) == v for k, v in attributes.items())]


@pytest.fixture(scope="module")
def report(finished_run):
    run, path = finished_run
    return run, Page(path / "report.html"), path


def test_sections_stand_in_the_agreed_order(report):
    _, page, _ = report
    assert [a["id"] for a in page.all("section")] == [
        "answer",
        "suspects",
        "classes",
        "good",
        "missed",
        "method",
    ]


def test_every_id_is_unique_and_every_link_resolves(report):
    _, page, _ = report
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    links = [v for _, a in page.elements for k, v in a.items() if k in ("href", "xlink:href")]
    assert links
    assert all(link[0] == "#" and link[1:] in ids for link in links)
    assert set(re.findall(r'url\("?#([^)"]+)', page.source)) <= set(ids)


def test_nothing_is_fetched_and_only_the_script_of_the_page_runs(report):
    _, page, _ = report
    assert page.all("script") == [{"type": "application/json", "id": "data"}, {}]
    assert not [a for _, a in page.elements if any(k == "style" or k.startswith("on") for k in a)]
    assert not [a for _, a in page.elements if "src" in a]
    assert set(re.findall(r"https?://[^\s\"'<)]+", page.source)) <= {
        "http://www.w3.org/1999/xlink",
        "http://www.w3.org/2000/svg",
    }


def test_the_policy_allows_the_stylesheet_and_the_script_and_nothing_else(report):
    _, page, _ = report
    policy = page.all("meta", **{"http-equiv": "Content-Security-Policy"})[0]["content"]
    inline = (re.search(rf"<{tag}>(.*?)</{tag}>", page.source, re.DOTALL)[1] for tag in ("style", "script"))
    css, script = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in inline)
    assert policy == (
        f"default-src 'none'; img-src data:; style-src 'sha256-{css}'; script-src 'sha256-{script}'"
    )


def test_hostile_names_stay_text(report):
    run, page, _ = report
    assert "<svg onload=alert(2)>" in "".join(page.text)
    hostile = "</script><img src=x onerror=alert(1)>"
    assert hostile in run.record.class_names
    assert hostile in "".join(page.text)
    assert not page.all("img")


def test_every_shown_card_has_its_own_image_cut_from_the_sheet(report):
    run, page, _ = report
    content = sections.report(run.record, selection.MOST_SUSPECTS)
    thumbs = [a for a in page.all("span") if a.get("class", "").startswith("thumb")]
    cards = sum(len(g.cards) for g in (content.suspects, content.missed, content.doubtful, content.found))
    cards += len(content.first.worst)
    assert len(thumbs) == cards + sum(row >= 0 for card in content.suspects.cards for row in card.near)
    assert all(re.fullmatch(r"thumb s\d+ c\d+ r\d+", a["class"]) and a["aria-label"] for a in thumbs)


@given(
    rows=st.integers(1, 150), height=st.integers(1, 12), width=st.integers(1, 12), c=st.sampled_from([1, 3])
)
def test_the_sprite_sheets_hold_the_very_pixels(rows, height, width, c):
    import io

    from PIL import Image

    images = np.random.default_rng(rows).integers(0, 256, (rows, height, width, c)).astype(np.uint8)
    kept = Thumbnails(10 * np.arange(rows), images, ((),) * rows, np.full((rows, 2), -1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sprites, "LINES", 2)  # else the second sheet would begin after 512 images
        sheet = sprites.sprite_sheet(kept, kept.rows.tolist())
    pngs = re.findall(r"base64,([^\"]+)", sheet.css)
    sheets = [np.asarray(Image.open(io.BytesIO(base64.b64decode(png)))) for png in pngs]
    for index, row in enumerate(kept.rows.tolist()):
        line, column = divmod(index, sprites.COLUMNS)
        assert sheet.cells[row] == f"s{line // 2} c{column} r{line % 2}"
        top, left = height * (line % 2), width * column
        cut = sheets[line // 2][top : top + height, left : left + width]
        assert (cut.reshape(height, width, c) == images[index]).all()


def test_the_sentence_says_what_was_counted(report):
    run, page, _ = report
    first = sections.report(run.record, selection.MOST_SUSPECTS).first
    assert page.headings[0].strip() == first.headline
    assert page.headings[1].startswith(f"{run.record.scores.suspects.natural} suspects")
    assert f"of {run.score['changed']} labels changed on purpose" in first.proof


def test_every_group_of_rows_is_what_it_says(report):
    run, _, _ = report
    issues, flipped = run.record.issues, run.record.labels.flipped
    assert set(selection.injected_and_found(issues, flipped)) == set(
        np.flatnonzero(issues.is_issue & flipped)
    )
    assert set(selection.injected_and_missed(issues, flipped)) == set(
        np.flatnonzero(~issues.is_issue & flipped)
    )
    assert set(selection.false_alarms(issues, flipped)) == set(np.flatnonzero(issues.is_issue & ~flipped))


def test_suspects_are_judged_by_the_original_labels(report):
    run, _, _ = report
    record = run.record
    assert (
        record.suspects.is_issue == (record.probs.pred_probs.argmax(axis=1) != record.labels.original)
    ).all()
    content = sections.report(record, selection.MOST_SUSPECTS)
    names = np.array(record.class_names)
    assert [card.given for card in content.suspects.cards] == list(
        names[record.labels.original[record.suspects.ranking]]
    )


def test_issues_csv_has_every_suspect_and_every_found_change_with_class_names(report):
    run, _, path = report
    table = pd.read_csv(path / "issues.csv")
    record = run.record
    assert list(table.columns) == [
        "rank",
        "id",
        "given",
        "suggested",
        "label_quality",
        "p_error",
        "list",
        "kind",
        "kind_probability",
        "reason",
        "injected",
        "fold",
    ]
    names, flipped = np.array(record.class_names), record.labels.flipped
    suspects, injected = table[table["list"] == "suspect"], table[table["list"] == "injected"]
    assert {0, 1, 2, 3, 4, 5} <= set(suspects["id"])
    assert suspects["rank"].max() < injected["rank"].min()
    for part, issues, labels, rows in (
        (suspects, record.suspects, record.labels.original, record.suspects.is_issue),
        (injected, record.issues, record.labels.noisy, record.issues.is_issue & flipped),
    ):
        assert set(part["id"]) == set(np.flatnonzero(rows))
        assert part["label_quality"].is_monotonic_increasing
        assert (part["given"] == names[labels[part["id"]]]).all()
        assert (part["suggested"] == names[issues.suggested[part["id"]]]).all()
    assert (table["injected"] == flipped[table["id"]]).all()
    assert len(run.suspects()) == len(suspects)
    with (path / "issues.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.reader(file))) == len(table) + 1


def test_issues_parquet_holds_the_table_as_it_is(report, tmp_path, monkeypatch):
    run, _, path = report
    pd.testing.assert_frame_equal(pd.read_parquet(path / "issues.parquet"), run.issues, check_dtype=False)
    odd = replace(run.record, class_names=("=1+1", "-2", "a\nb", "ש", *run.record.class_names[4:]))
    Run(odd).save(tmp_path / "run")
    back = pd.read_parquet(tmp_path / "run" / "issues.parquet")
    pd.testing.assert_frame_equal(back, Run(odd).issues, check_dtype=False)
    monkeypatch.setattr(tables, "find_spec", lambda _: None)
    Run(odd).save(tmp_path / "run")
    assert not (tmp_path / "run" / "issues.parquet").exists()
    assert "issues.parquet" not in json.loads((tmp_path / "run" / "manifest.json").read_text())["files"]


def test_scores_json_has_every_figure_with_its_interval(report):
    _, _, path = report
    scores = json.loads((path / "scores.json").read_text(encoding="utf-8"))
    for figures in (scores["detection"], *scores["detectors"].values()):
        for name in scores["definitions"]:
            figure = figures[name]
            assert set(figure) == {"value", "low", "high"}
            assert figure["value"] is None or figure["low"] <= figure["value"] <= figure["high"]
    assert set(detectors.DETECTORS) - {"votes"} == set(scores["detectors"])
    estimated = scores["noise"]["estimated"]
    assert 0 <= estimated["low"] <= estimated["value"] <= estimated["high"] <= 1
    for top in scores["suspects"]["expected"]:
        assert 0 <= top["errors"]["low"] <= top["errors"]["value"] <= top["errors"]["high"] <= top["first"]
    for way in scores["calibration"].values():
        assert sum(each["rows"] for each in way["bins"]) == scores["rows"]
    assert sum(each["natural_suspects"] for each in scores["classes"]) == scores["suspects"]["natural"]
    assert scores["noise"]["realised"] == pytest.approx(0.1)


def test_the_page_stays_within_its_budget_whatever_the_images(finished_run):
    run, _ = finished_run
    whole = page.render(run.record)
    megabytes = (len(whole.encode()) - 1) / 1e6
    smaller = page.render(replace(run.record, config={**run.record.config, "report_mb": megabytes}))
    assert len(smaller.encode()) <= 1e6 * megabytes
    assert 0 < smaller.count('class="card"') < whole.count('class="card"')
    assert "are in issues.csv" in smaller


def test_plots_are_pictures_and_carry_no_inline_style(report):
    _, page, path = report
    names = {"precision-recall.png", "reliability.png", "label-quality.png", "training-loss.png"}
    assert {p.name for p in (path / "plots").iterdir()} == names
    assert all(p.read_bytes().startswith(b"\x89PNG") for p in (path / "plots").iterdir())
    assert "var(--accent)" in page.source
    assert not re.search(r"#0[1-4]0[1-4]0[1-4]", page.source.partition("</style>")[1])


def test_without_noise_the_report_claims_no_score(tmp_path):
    X, y = striped_images(120)
    run = audit.detect(X.reshape(120, -1), y, noise=0)
    page = Page(run.save(tmp_path / "plain"))
    assert run.score is None
    assert "missed" not in [a["id"] for a in page.all("section")]
    assert "nobody knows how good this list is" in "".join(page.text)


def test_many_classes_and_many_suspects_still_fit_a_page(tmp_path):
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 256, (900, 16, 16, 3)).astype(np.uint8), np.arange(900) % 40
    run = audit.detect(X, y, noise=0.2, epochs=1, folds=2, detector="given-differs")
    assert len(run.suspects()) > 400
    path = run.save(tmp_path / "many")
    assert path.stat().st_size <= 5e6
    assert Page(path).all("table", **{"class": "matrix"})
    assert "the 15 classes that have most of them, and all others" in path.read_text(encoding="utf-8")
    classes = sections.report(run.record, 2000).classes
    assert len(classes.shown) + 1 == len(classes.matrix) == len(classes.matrix[0])
    assert sum(cell.count for line in classes.matrix for cell in line) == len(run.suspects())


@pytest.mark.parametrize(
    ("share", "text"),
    [(1.0, "100"), (0.99999, "99.9"), (0.0, "0"), (0.00001, "0.1"), (0.5, "50.0"), (None, "–")],
)
def test_formatting_never_flatters(share, text):
    assert percent(share) == text


@pytest.mark.parametrize(
    ("images", "low", "high"),
    [
        (np.linspace(0, 1, 64).reshape(1, 8, 8, 1), 0, 255),
        (np.linspace(-2, 2, 64).reshape(1, 8, 8, 1), 0, 255),
        (np.linspace(0, 16, 64).reshape(1, 8, 8, 1), 0, 255),
        (np.arange(64, dtype=np.uint8).reshape(1, 8, 8, 1), 0, 63),
        (np.eye(8, dtype=bool).reshape(1, 8, 8, 1), 0, 255),
    ],
)
def test_thumbnails_of_any_range_use_the_whole_range(images, low, high):
    from audit.datasets import from_arrays

    data = from_arrays(np.concatenate([images] * 4), np.array([0, 1, 0, 1]))
    small = selection.thumbnails(data, np.array([0]), data.labels, 1 - data.labels, np.ones(4, bool))
    assert (small.images.min(), small.images.max(), small.images.dtype) == (low, high, np.uint8)


def test_large_images_are_shown_small():
    from audit.datasets import from_arrays

    data = from_arrays(np.zeros((4, 300, 150, 3), np.uint8), np.array([0, 1, 0, 1]))
    small = selection.thumbnails(data, np.array([0, 1]), data.labels, 1 - data.labels, np.ones(4, bool))
    assert small.images.shape == (4, 64, 32, 3)  # the two and their neighbours


def test_features_are_shown_where_a_row_looks_least_like_its_class():
    from audit.datasets import from_arrays

    rng = np.random.default_rng(0)
    labels = np.arange(40) % 2
    X = np.stack([rng.normal(size=40), 10 * labels + rng.normal(size=40), np.full(40, np.nan)], axis=1)
    X[0, 1] = 10.5
    shown = selection.thumbnails(from_arrays(X, labels), np.array([0]), labels, 1 - labels, np.ones(40, bool))
    first = shown.unusual[0][0]
    assert (first.name, first.value) == ("feature 1", "10.5")
    assert abs(float(first.given_median)) < 1
    assert float(first.suggested_median) > 9
    assert shown.images.size == 0


def test_column_names_of_any_characters_reach_the_report(run_audit, tmp_path):
    """A tab or a line break in a name is text like any other, here and in what is exported."""
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    columns = {
        'height\tin "cm"\nor = so': labels + rng.normal(0, 0.3, 60),
        "colour\n<b>": np.where(rng.random(60) < 0.5, "dark\tred", "light\nblue"),
    }
    labels[:4] = 1 - labels[:4]
    pd.DataFrame({**columns, "label": labels}).to_csv(tmp_path / "t.csv", index=False)
    run_audit("detect", "t.csv", "--noise", "0", "--model", "linear", "-q", "--out", "run", check=0)
    shown = [
        a["title"] for a in Page(tmp_path / "run" / "report.html").all("th", scope="row") if "title" in a
    ]
    assert 'height\tin "cm"\nor = so' in shown
    assert {"colour\n<b> = dark\tred", "colour\n<b> = light\nblue"} & set(shown)
    run_audit("report", "run", check=0)
    run_audit("export", "run", "--format", "label-studio", "--out", "tasks.json", check=0)
    texts = [
        task["data"]["text"] for task in json.loads((tmp_path / "tasks.json").read_text(encoding="utf-8"))
    ]
    assert any('height\tin "cm"\nor = so' in text for text in texts)


def test_small_grids_of_a_table_show_the_values_that_are_unusual():
    rng = np.random.default_rng(0)
    labels = np.arange(120) % 2
    X = rng.normal(size=(120, 3)) + 2 * labels[:, None]
    run = audit.detect(X, labels, noise=0.2, model="linear", folds=2, kinds="none")
    card = sections.report(run.record, 2000).found.cards[0]
    missed = page.render(run.record).partition('id="missed"')[2].partition("</section>")[0]
    entry = missed.partition(f'<li data-row="{card.row}"')[2].partition("</li>")[0]
    for feature in card.values[:2]:  # noqa: PD011  no frame
        assert f"<bdi>{feature.name}</bdi> <b>{feature.value}</b>" in entry

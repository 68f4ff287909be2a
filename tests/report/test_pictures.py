"""Larger pictures of suspects, in the run folder and on the page."""

import base64
import io
import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image

import audit
from audit.errors import RunError
from audit.events import Silent
from audit.pipeline.detect import detect_spec
from audit.report import page, pictures, sections
from audit.report.templating import source_hash
from audit.runs.folder import RunFolder, load_record
from audit.types import LabeledDataset

HOSTILE = "javascript:alert(1)"


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """The folder of a run on forty photos of 400 x 300, three of them in the wrong folder."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    probs = {}
    for i in range(40):
        light = np.linspace(0, 120, 400)[None, :, None] + 100 * (i % 2) + rng.integers(0, 20, (300, 400, 3))
        label = ("day", HOSTILE)[(i % 2) ^ (i < 3)]
        path = folder / "data" / label / f"a b {i:02}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(light.astype(np.uint8)).save(path)
        probs[path] = 0.8 * np.eye(2)[i % 2] + 0.1
    np.save(folder / "probs.npy", [probs[path] for path in sorted(probs)])
    with pytest.MonkeyPatch.context() as here:
        here.chdir(folder)
        config = audit.Config.of(data="data", noise=0.0, kinds="none", pred_probs="probs.npy", out="run")
        detect_spec(config, Silent())
    return folder / "run"


def uris(html):
    """The larger pictures of a page, opened."""
    found = re.findall(r"\.p\d+\{background-image:url\(\"data:image/jpeg;base64,([^\"]+)\"\)\}", html)
    return [Image.open(io.BytesIO(base64.b64decode(each))) for each in found]


def test_suspects_are_shown_with_320_pixels_from_their_files(photos):
    record = load_record(photos)
    suspects = record.suspects.ranking.tolist()
    assert record.large.rows.tolist() == suspects
    assert record.thumbnails.images.shape[1:3] == (48, 64)
    shown = uris((photos / "report.html").read_text(encoding="utf-8"))
    assert [each.size for each in shown] == [(320, 240)] * len(suspects)
    html = page.render(record)
    assert all(f"thumb own p{row}" in html for row in suspects)


def test_pictures_come_after_what_is_painted_first_and_the_policy_allows_them(photos):
    html = page.render(load_record(photos))
    first, last = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    assert "background-image:url" in last
    assert html.index(last) > html.index("</footer>")
    assert f"style-src {source_hash(first)} {source_hash(last)};" in unescape(html)


def test_pictures_are_as_large_as_the_page_has_room_for(photos):
    record = load_record(photos)
    plain = len(page.render(replace(record, large=None)).encode())
    whole = len(page.render(record).encode())
    for share in (0.7, 0.4, 0.1, 0):
        limit = plain + share * (whole - plain)
        small = page.render(replace(record, config={**record.config, "report_mb": limit / 1e6}))
        assert len(small.encode()) <= limit
        assert small.count('class="card"') == len(record.suspects.ranking)
        assert max([max(each.size) for each in uris(small)], default=0) < 320


def test_files_are_linked_from_the_report_and_no_name_is_a_scheme(photos):
    record = load_record(photos)
    content = sections.report(record, 2000, pictures.links(record, photos))
    files = {card.row: card.file for card in content.suspects.cards}
    for row, url in files.items():
        assert url == "../data/" + quote(str(record.ids[row]))
    assert any("javascript%3Aalert" in url for url in files.values())
    unknown = replace(record, data={**record.data, "folder": None})
    assert pictures.links(unknown, photos) == {}


def test_pictures_stay_bounded(photos, monkeypatch):
    record = load_record(photos)
    assert len(record.large.content) < pictures.MOST_BYTES
    images = np.random.default_rng(0).integers(0, 256, (9, 200, 100, 3), dtype=np.uint8)
    data = LabeledDataset.__new__(LabeledDataset)
    for name, value in (("X", images), ("pictures", None)):
        object.__setattr__(data, name, value)
    monkeypatch.setattr(pictures, "MOST_KEPT", 4)
    kept = pictures.kept(data, np.arange(9))
    assert kept.rows.tolist() == [0, 1, 2, 3]
    monkeypatch.setattr(pictures, "MOST_BYTES", 2 * len(kept.of(0)) + 100)
    assert pictures.kept(data, np.arange(9)).rows.tolist() == [0, 1]
    assert Image.open(io.BytesIO(kept.of(3))).size == (100, 200)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda large: replace(large, ends=large.ends[::-1].copy()),
        lambda large: replace(large, content=large.content[:-1]),
        lambda large: replace(large, content=large.content.astype(np.uint16)),
        lambda large: replace(large, rows=large.rows + 1000),
    ],
)
def test_pictures_that_do_not_fit_together_are_refused(photos, tmp_path, spoil):
    record = load_record(photos)
    with RunFolder.locked(tmp_path / "run") as folder:
        folder.save_record(replace(record, large=spoil(record.large)))
    with pytest.raises(RunError, match=r"pictures\.npz is damaged"):
        load_record(tmp_path / "run")


def test_bytes_that_are_no_picture_cost_only_the_pictures(photos):
    record = load_record(photos)
    noise = np.zeros_like(record.large.content)
    lines = []
    html = page.render(replace(record, large=replace(record.large, content=noise)), lines.append)
    assert 'class="card"' in html
    assert not uris(html)
    assert any("larger pictures" in line for line in lines)


def test_a_run_without_large_pictures_has_no_such_file(tmp_path):
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    X = rng.integers(0, 256, (40, 12, 12, 1), dtype=np.uint8)
    audit.detect(X, y, pred_probs=np.eye(2)[y] * 0.8 + 0.1, out=tmp_path / "run")
    assert not Path(tmp_path / "run" / "pictures.npz").exists()
    assert load_record(tmp_path / "run").large is None

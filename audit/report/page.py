"""Put sections, charts and sprites into one HTML file that fetches nothing."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from audit.detectors.scores import DEFINITIONS
from audit.events import optional
from audit.report import charts, embedding_map, pictures, sections, selection
from audit.report.page_data import review_data, without_hidden
from audit.report.sprites import sprite_sheet
from audit.report.templating import source_hash, template, text
from audit.runs.folder import RunRecord

FIRST_CARDS = 48  # shown at once; the rest unfolds
CAUTION = 0.95  # of a page that was too large, when the next is made smaller in proportion
STYLES = ("style.css", "review.css")
SCRIPTS = (  # in this order one script
    "decisions.js",
    "store.js",
    "book.js",
    "estimate.js",
    "exports.js",
    "agreement.js",
    "pace.js",
    "similar.js",
    "bulk.js",
    "filters.js",
    "sealed.js",
    "names.js",
    "page.js",
    "cards.js",
    "grid.js",
    "list.js",
    "toolbar.js",
    "desk.js",
    "outlook.js",
    "deciding.js",
    "dialogs.js",
    "files.js",
    "summary.js",
    "others.js",
    "map.js",
    "sorting.js",
    "touch.js",
    "commands.js",
    "start.js",
)

CHARTS = {
    "precision-recall": (
        charts.precision_recall,
        "Precision against recall of the ranking, with the chosen cut",
    ),
    "reliability": (
        charts.reliability,
        "Share of labels that had been changed against the stated chance",
    ),
    "label-quality": (charts.confidence, "Share of labels over label quality"),
    "map": (embedding_map.draw, "Map of the data with the suspects"),
    "training-loss": (charts.training_losses, "Training loss of each fold over its epochs"),
}


def render(
    record: RunRecord, note: Callable[[str], object] = lambda _: None, folder: Path | None = None
) -> str:
    """Render the report as HTML, with as many suspects as fit the size that the settings allow.

    What room they leave goes to larger pictures of them. Files of images are linked from the folder of the
    report. Charts that cannot be drawn are left out; the page and `note` get a line that says so.
    """
    budget = int(record.config["report_mb"] * 1e6)
    svgs: dict[str, str] = {}
    missing = _without(record)
    for name, (draw, label) in _charts(record).items():
        with optional(f"the chart {name}", missing.append):
            if name == "map":
                svgs[name] = template("map.html.j2").render(map=embedding_map.on_page(record))
            else:
                svgs[name.replace("-", "_")] = charts.to_svg(charts.figure(draw, record, charts.PAGE), label)
    for line in missing:
        note(line)
    record = replace(record, data={**record.data, "notes": [*record.data["notes"], *missing]})
    files = {} if folder is None else pictures.links(record, folder)
    most = selection.MOST_SUSPECTS
    while True:
        report = sections.report(record, most, files)
        content = _html(record, report, svgs, {})
        size = len(content.encode())
        if size <= budget or not most:
            break
        most = int(CAUTION * min(most, len(record.suspects.ranking)) * budget / size)
    if record.large is None:
        return content
    room = CAUTION * (budget - size)
    larger: dict[int, str] = {}
    with optional("the larger pictures", note):
        larger = pictures.fitting(record.large, [card.row for card in report.suspects.cards], room)
    return _html(record, report, svgs, larger) if larger else content


def plot_names(record: RunRecord) -> list[str]:
    """The plots that this run has something to show in."""
    return list(_charts(record))


def plot(record: RunRecord, name: str) -> bytes:
    """Draw one of these as PNG."""
    draw, _ = CHARTS[name]
    return charts.to_png(charts.figure(draw, record, charts.PRINT))


def _charts(record: RunRecord) -> dict[str, tuple[charts.Draw, str]]:
    """How each of the plots is drawn, and what it shows in words."""
    losses = any(fold["losses"] for fold in record.folds)
    without = {
        "precision-recall": not record.injected,
        "reliability": not record.injected,
        "map": not record.config.get("map") or record.probs.features is None,
        "training-loss": not losses,
    }
    return {name: chart for name, chart in CHARTS.items() if not without.get(name)}


def _without(record: RunRecord) -> list[str]:
    """What the settings ask for and this run cannot show."""
    if record.config.get("map") and record.probs.features is None:
        return ["missing: the map (the models tell no features of examples by which they could lie together)"]
    return []


def _html(
    record: RunRecord, content: sections.Report, svgs: dict[str, str], larger: Mapping[int, str]
) -> str:
    with_images = record.thumbnails.images.shape[1] > 0
    sprites = sprite_sheet(record.thumbnails, content.shown if with_images else [])
    css = "\n".join([*map(text, STYLES), sprites.css])
    late = "\n".join(f'.p{row}{{background-image:url("{uri}")}}' for row, uri in larger.items())
    script = ""
    if content.suspects.cards:
        script = "\n".join(text(f"script/{name}") for name in SCRIPTS)
    styles = " ".join(map(source_hash, filter(None, (css, late))))
    data = review_data(record, content)
    hidden: dict[str, object] = {}
    if content.blind:
        data, hidden = without_hidden(data)
    policy = f"default-src 'none'; img-src data:; style-src {styles}; script-src {source_hash(script)}"
    return template("page.html.j2").render(
        report=content,
        cells=sprites.cells | {row: f"own p{row}" for row in larger},
        charts=svgs,
        css=css,
        late=late,
        script=script,
        data=data,
        hidden=hidden,
        policy=policy,
        first_cards=FIRST_CARDS,
        definitions=DEFINITIONS,
        in_words=sections.IN_WORDS,
    )

"""Put sections, charts and sprites into one HTML file that fetches nothing."""

import html
from collections.abc import Callable
from dataclasses import replace

from audit.detectors.scores import DEFINITIONS
from audit.events import optional
from audit.report import charts, embedding_map, sections, selection
from audit.report.page_data import review_data
from audit.report.sprites import sprite_sheet
from audit.report.templating import source_hash, template, text
from audit.runs.folder import RunRecord
from audit.wording import look_wrong, percent

FIRST_CARDS = 48  # shown at once; the rest unfolds
CAUTION = 0.95  # of a page that was too large, when the next is made smaller in proportion
STYLES = ("style.css", "review.css")
SCRIPTS = ("decisions.js", "estimate.js", "review.js")

CHARTS = {
    "precision-recall": (
        charts.precision_recall,
        "Precision against recall of the ranking, with the chosen cut",
    ),
    "reliability": (
        charts.reliability,
        "Share of labels that had been changed against the stated probability of error",
    ),
    "label-quality": (charts.confidence, "Number of labels over label quality"),
    "map": (embedding_map.draw, "Map of the data with the suspects"),
    "training-loss": (charts.training_losses, "Training loss of each fold over its epochs"),
}


def render(record: RunRecord, note: Callable[[str], object] = lambda _: None) -> str:
    """Render the report as HTML, with as many suspects as fit the size that the settings allow.

    Charts that cannot be drawn are left out; the page and `note` get a line that says so.
    """
    budget = int(record.config["report_mb"] * 1e6)
    svgs: dict[str, str] = {}
    missing = _without(record)
    for name, (draw, label) in _charts(record).items():
        with optional(f"the chart {name}", missing.append):
            svgs[name.replace("-", "_")] = charts.to_svg(charts.figure(draw, record, charts.PAGE), label)
    for line in missing:
        note(line)
    record = replace(record, data={**record.data, "notes": [*record.data["notes"], *missing]})
    most = selection.MOST_SUSPECTS
    while True:
        content = _html(record, most, svgs)
        size = len(content.encode())
        if size <= budget or not most:
            return content
        most = int(CAUTION * min(most, len(record.suspects.ranking)) * budget / size)


def plots(record: RunRecord, note: Callable[[str], object] = lambda _: None) -> dict[str, bytes]:
    """Draw the plots of the report as PNG, by name, without those that cannot be drawn."""
    drawn: dict[str, bytes] = {}
    for name, (draw, _) in _charts(record).items():
        with optional(f"the chart {name}", note):
            drawn[name] = charts.to_png(charts.figure(draw, record, charts.PRINT))
    return drawn


def sentence(record: RunRecord) -> str:
    """Say what the audit found, in one sentence of HTML."""
    name = html.escape(record.data["name"])
    suspects = look_wrong(int(record.suspects.is_issue.sum()))
    detection = record.scores.detection
    if detection is None:
        return (
            f"In {name} {suspects}; no label was changed on purpose, so the quality of this list was not "
            "measured."
        )
    return (
        f"Of {detection.score.changed:,} labels of {name} changed on purpose this audit found "
        f"{detection.score.tp:,}; of what it flagged, {percent(detection.score.precision.value)} % "
        f"had been changed. {suspects}."
    )


def _charts(record: RunRecord) -> dict[str, tuple[charts.Draw, str]]:
    """The plots that this run has something to show in."""
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


def _html(record: RunRecord, most_suspects: int, svgs: dict[str, str]) -> str:
    content = sections.report(record, most_suspects)
    with_images = record.thumbnails.images.shape[1] > 0
    sprites = sprite_sheet(record.thumbnails, content.shown if with_images else [])
    css = "\n".join(text(name) for name in STYLES) + sprites.css
    script = ""
    if content.suspects.cards:
        script = "\n".join(text(name) for name in SCRIPTS)
    policy = (
        f"default-src 'none'; img-src data:; style-src {source_hash(css)}; script-src {source_hash(script)}"
    )
    return template("page.html.j2").render(
        report=content,
        cells=sprites.cells,
        charts=svgs,
        css=css,
        script=script,
        data=review_data(record, content),
        policy=policy,
        first_cards=FIRST_CARDS,
        definitions=DEFINITIONS,
    )

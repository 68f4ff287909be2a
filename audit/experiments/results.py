"""Write the result of an experiment: tables, figures as JSON, plots and a page."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit.detectors.scoring import Estimate
from audit.pipeline.detect import PACKAGES
from audit.report.experiment_page import Findings, plots, render
from audit.runs.folder import RunFolder
from audit.runs.tables import csv_text
from audit.wording import percent

if TYPE_CHECKING:
    import pandas as pd

KINDS = {"training": "sweep", "detection": "sweep of detection", "impact": "impact"}


@dataclass(frozen=True, eq=False)
class Result:
    """A finished experiment."""

    name: str  # training, detection or impact
    findings: Findings
    tables: Mapping[str, "pd.DataFrame"]  # by the name of their file
    scores: Mapping[str, Any]  # the content of its JSON file
    settings: Mapping[str, Any]


def write(folder: RunFolder, result: Result) -> Path:
    """Write the tables, the scores and the plots, then the page and the manifest; returns the page's path."""
    for name, table in result.tables.items():
        folder.write_text(name, csv_text(table))
    folder.write_json(f"{kind_of(result.name).split()[0]}.json", result.scores)
    for name, content in plots(result.findings).items():
        folder.write(f"plots/{name}.png", content)
    beside = (*result.tables, f"{kind_of(result.name).split()[0]}.json")
    folder.write_text("report.html", render(replace(result.findings, files=beside)))
    folder.write_manifest(
        {
            "stages": {},
            "repeat": result.findings.facts[0][1],
            "settings": result.settings,
            "versions": versions(),
            "files": dict(sorted(folder.sums.items())),
        }
    )
    return folder.path / "report.html"


def kind_of(experiment: str) -> str:
    """The kind in the manifest of an experiment's folder; the two sweeps never share a folder."""
    return KINDS[experiment]


def versions() -> dict[str, str]:
    """The versions of everything that decides a result."""
    return {"python": platform.python_version(), **{package: version(package) for package in PACKAGES}}


def non_default(settings: Any) -> dict[str, Any]:
    """The settings of an experiment that are not the default, as its command gives them."""
    return {
        field.name: getattr(settings, field.name)
        for field in fields(settings)
        if getattr(settings, field.name) != field.default
    }


def in_percent(estimate: Estimate, seeds: int, digits: int = 1) -> str:
    """A share in per cent, with its interval where there are several seeds: 97.1 (96.8–97.4)."""
    if estimate.value is None:
        return "–"
    text = percent(estimate.value, digits)
    if seeds < 2:
        return text
    return f"{text} ({percent(estimate.low, digits)}–{percent(estimate.high, digits)})"


def in_points(estimate: Estimate, seeds: int, digits: int = 2) -> str:
    """A difference in percentage points, with its interval for several seeds: +0.31 (+0.10 to +0.52)."""
    if estimate.value is None:
        return "–"
    text = _points(estimate.value, digits)
    if seeds < 2:
        return text
    return f"{text} ({_points(estimate.low, digits)} to {_points(estimate.high, digits)})"


def _points(difference: float, digits: int) -> str:
    """A difference in percentage points, with its sign."""
    return f"{100 * difference:+.{digits}f}".replace("-", "−")

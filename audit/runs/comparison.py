"""Compare two runs: which suspects are gone, which are new, and how ranks and scores changed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from audit.detectors.scores import DetectionFigures
from audit.errors import RunError
from audit.runs.folder import RunRecord
from audit.runs.matching import NONE, KnownRows, known_by_content, match
from audit.types import Rows
from audit.wording import setting_changes

if TYPE_CHECKING:
    import pandas as pd

STATUSES = {
    "new": "a suspect now and not before",
    "fixed": "no longer a suspect: its label was changed, or the row is gone",
    "cleared": "no longer a suspect, with the same label as before",
    "persisting": "a suspect before and now",
}
LEAST_SHARED = 0.5  # of the smaller run's rows, and of their labels
DETECTION = ("precision", "recall", "f1", "average_precision")


@dataclass(frozen=True, eq=False)
class Comparison:
    """The suspects of two runs, matched row by row."""

    suspects: "pd.DataFrame"  # of either run, new ones first, each status by rank; figures _before and _now
    shared: int  # rows that both runs have
    relabelled: int  # of them with another label now
    gone: int  # rows of the first run alone
    added: int  # rows of the second alone
    settings: tuple[str, ...]  # that differ, as in noise 0.1 → 0
    scores: Mapping[str, tuple[float | None, float | None]]  # figures of both runs, None where not measured
    by_content: bool  # whether rows were matched by their examples, for want of ids

    @property
    def counts(self) -> dict[str, int]:
        """How many suspects have each status."""
        return {status: int((self.suspects["status"] == status).sum()) for status in STATUSES}


def compare(before: RunRecord, now: RunRecord) -> Comparison:
    """Compare the suspects among the original labels of two runs.

    Raises
    ------
    RunError
        When they are runs on different data: other shapes of examples, fewer than half of the smaller run's
        rows in both, or other labels on half or more of those.
    """
    names = f"{before.data['name']} and {now.data['name']}"
    _refuse_other_shapes(names, before, now)
    rows_before = KnownRows.of(before)
    rows_now = KnownRows.of(now)
    by_content = known_by_content(rows_before, rows_now)
    found = match(rows_before, rows_now)
    if by_content and len(before.ids) == len(now.ids):
        found = _with_edited(found)
    added = np.arange(len(before.ids), len(before.ids) + len(found))
    first = _figures_of_rows(before).add_suffix("_before")
    second = _figures_of_rows(now).set_index(np.where(found == NONE, added, found)).add_suffix("_now")
    both = first.join(second, how="inner")
    _refuse_other_rows(names, both, min(len(first), len(second)), "examples" if by_content else "ids")
    figures_before = _figures(before)
    return Comparison(
        suspects=_suspects_of_either(first.join(second, how="outer")),
        shared=len(both),
        relabelled=int((both["given_before"] != both["given_now"]).sum()),
        gone=len(first) - len(both),
        added=len(second) - len(both),
        settings=tuple(setting_changes(_settings(before), _settings(now))),
        scores={name: (figures_before[name], figure) for name, figure in _figures(now).items()},
        by_content=by_content,
    )


def _with_edited(found: Rows) -> Rows:
    """Match rows (n,) that are in neither other run to that of the same number: examples edited in place."""
    number = np.arange(len(found))
    edited = (found == NONE) & ~np.isin(number, found)
    return np.where(edited, number, found)


def _figures_of_rows(record: RunRecord) -> "pd.DataFrame":
    """The id, the labels and the figures of each row of a run, in their order."""
    import pandas as pd  # noqa: PLC0415  slow to import

    names = np.array(record.class_names)
    suspects = record.suspects
    rank = np.full(len(record.ids), np.nan)
    rank[suspects.ranking] = np.arange(1, len(suspects.ranking) + 1)
    return pd.DataFrame(
        {
            "id": [str(each) for each in record.ids.tolist()],
            "given": names[record.labels.original],
            "suggested": names[suspects.suggested],
            "rank": rank,
            "p_error": suspects.p_error,
        }
    )


def _suspects_of_either(rows: "pd.DataFrame") -> "pd.DataFrame":
    """The rows that are suspects in a run, with their status, sorted by status and rank."""
    suspects = rows[rows["rank_before"].notna() | rows["rank_now"].notna()].copy()
    was_suspect = suspects["rank_before"].notna()
    is_suspect = suspects["rank_now"].notna()
    same_label = suspects["given_before"] == suspects["given_now"]
    status = np.select(
        [was_suspect & is_suspect, is_suspect, same_label], ["persisting", "new", "cleared"], default="fixed"
    )
    suspects.insert(0, "status", status)
    order = {status: place for place, status in enumerate(STATUSES)}
    suspects["place"] = suspects["status"].map(order)
    suspects["rank"] = suspects["rank_now"].fillna(suspects["rank_before"])
    suspects = suspects.sort_values(["place", "rank"], kind="stable").drop(columns=["place", "rank"])
    suspects.insert(1, "id", suspects["id_now"].fillna(suspects["id_before"]))
    return suspects.drop(columns=["id_before", "id_now"]).reset_index(drop=True)


def _refuse_other_shapes(names: str, before: RunRecord, now: RunRecord) -> None:
    shape_before = before.data["shape"][1:]
    shape_now = now.data["shape"][1:]
    if shape_before != shape_now:
        raise RunError(
            f"the runs are on {names}, with examples of shape {_sides(shape_before)} and "
            f"{_sides(shape_now)}, expected the same data; compare two runs on the same data"
        )


def _refuse_other_rows(names: str, both: "pd.DataFrame", smaller: int, things: str) -> None:
    """Refuse runs that share too few ids or examples, or too few labels of these."""
    if len(both) < LEAST_SHARED * smaller:
        raise RunError(
            f"the runs are on {names} and share {len(both):,} of {smaller:,} {things}, expected half or "
            "more; compare two runs on the same data"
        )
    agreeing = int((both["given_before"] == both["given_now"]).sum())
    if agreeing <= LEAST_SHARED * len(both):
        raise RunError(
            f"the runs are on {names} and have the same label on {agreeing:,} of {len(both):,} shared "
            f"{things}, expected more than half; compare two runs on the same data"
        )


def _sides(shape: Sequence[int]) -> str:
    return " × ".join(map(str, shape))


def _settings(record: RunRecord) -> dict[str, Any]:
    """The settings that decide a run's result."""
    return {name: value for stage in record.stages.values() for name, value in stage["settings"].items()}


def _figures(record: RunRecord) -> dict[str, float | None]:
    """The figures of a run that two runs are compared by."""
    scores = record.scores
    suspects = scores.suspects

    return {
        "suspects": float(suspects.natural),
        "likely suspects": float(suspects.likely),
        "share of suspects": suspects.natural / max(1, scores.rows),
        "estimated natural noise": scores.noise.natural.value,
        "accuracy, given labels": scores.accuracy.given,
        "accuracy, true labels": scores.accuracy.true,
        **rate_values(scores.detection, DETECTION),
    }


def rate_values(detection: DetectionFigures | None, names: Iterable[str]) -> dict[str, float | None]:
    """These figures of how well changed labels were found; None where none were changed."""
    if detection is None:
        return dict.fromkeys(names)
    return {name: detection.rates[name].value for name in names}

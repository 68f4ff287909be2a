"""Two runs side by side: which suspects are gone, which are new, and how ranks and scores moved."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from audit.errors import RunError
from audit.runs.folder import RunRecord

if TYPE_CHECKING:
    import pandas as pd

STATUSES = {
    "new": "a suspect now and not before",
    "fixed": "no suspect any more: its label was changed, or the row is gone",
    "cleared": "no suspect any more, with the label that it had",
    "persisting": "a suspect before and now",
}
LEAST_SHARED = 0.5  # of the smaller run's rows, and of their labels


@dataclass(frozen=True, eq=False)
class Comparison:
    """What became of the suspects of one run in another, matched by the ids of rows."""

    suspects: "pd.DataFrame"  # of either run, new ones first, each status by rank; figures _before and _now
    shared: int  # rows that both runs have
    relabelled: int  # of them with another label now
    gone: int  # rows of the first run alone
    added: int  # rows of the second alone
    settings: tuple[str, ...]  # that differ, as «noise 0.1 → 0»
    scores: Mapping[str, tuple[float | None, float | None]]  # figures of both runs, None where not measured

    @property
    def counts(self) -> dict[str, int]:
        """How many suspects have each status."""
        return {status: int((self.suspects["status"] == status).sum()) for status in STATUSES}


def compare(before: RunRecord, now: RunRecord) -> Comparison:
    """Compare the suspects of two runs, of the labels as they came.

    Raises
    ------
    RunError
        When they are runs on different data: other shapes of examples, fewer than half of the smaller run's
        ids in both, or other labels on half of those and more.
    """
    first, second = _rows(before).add_suffix("_before"), _rows(now).add_suffix("_now")
    both = first.join(second, how="inner")
    _refuse_strangers(before, now, first, second, both)
    rows = first.join(second, how="outer")
    was, is_now = rows["rank_before"].notna(), rows["rank_now"].notna()
    suspects = rows[was | is_now].copy()
    was, is_now = was[suspects.index], is_now[suspects.index]
    same = suspects["given_before"] == suspects["given_now"]
    suspects.insert(
        0,
        "status",
        np.select([was & is_now, is_now, same], ["persisting", "new", "cleared"], default="fixed"),
    )
    order = {status: place for place, status in enumerate(STATUSES)}
    suspects["place"] = suspects["status"].map(order)
    suspects["rank"] = suspects["rank_now"].fillna(suspects["rank_before"])
    suspects = suspects.sort_values(["place", "rank"], kind="stable").drop(columns=["place", "rank"])
    suspects.insert(1, "id", suspects.index.get_level_values("id"))
    return Comparison(
        suspects=suspects.reset_index(drop=True),
        shared=len(both),
        relabelled=int((both["given_before"] != both["given_now"]).sum()),
        gone=len(first) - len(both),
        added=len(second) - len(both),
        settings=_differing(before, now),
        scores={name: (_figures(before)[name], _figures(now)[name]) for name in _figures(now)},
    )


def _rows(record: RunRecord) -> "pd.DataFrame":
    """Every row of a run under its id, the first, second, … of an id that stands there more than once."""
    import pandas as pd  # noqa: PLC0415  slow to import

    names, suspects = np.array(record.class_names), record.suspects
    rank = np.full(len(record.ids), np.nan)
    rank[suspects.ranking] = np.arange(1, len(suspects.ranking) + 1)
    table = pd.DataFrame(
        {
            "id": [str(each) for each in record.ids.tolist()],
            "given": names[record.labels.original],
            "suggested": names[suspects.suggested],
            "rank": rank,
            "p_error": suspects.p_error,
        }
    )
    table["copy"] = table.groupby("id").cumcount()
    return table.set_index(["id", "copy"])


def _refuse_strangers(
    before: RunRecord, now: RunRecord, first: "pd.DataFrame", second: "pd.DataFrame", both: "pd.DataFrame"
) -> None:
    names = f"{before.data['name']} and {now.data['name']}"
    shapes = before.data["shape"][1:], now.data["shape"][1:]
    if shapes[0] != shapes[1]:
        raise RunError(
            f"the runs are on {names}, with examples of shape {_sides(shapes[0])} and {_sides(shapes[1])}, "
            "expected the same data; compare two runs on the same data"
        )
    smaller = min(len(first), len(second))
    if len(both) < LEAST_SHARED * smaller:
        raise RunError(
            f"the runs are on {names} and share {len(both):,} of {smaller:,} ids, expected half or more; "
            "compare two runs on the same data"
        )
    agreeing = int((both["given_before"] == both["given_now"]).sum())
    if agreeing <= LEAST_SHARED * len(both):
        raise RunError(
            f"the runs are on {names} and have the same label on {agreeing:,} of {len(both):,} shared ids, "
            "expected more than half; compare two runs on the same data"
        )


def _sides(shape: list[int]) -> str:
    return " × ".join(map(str, shape))


def _differing(before: RunRecord, now: RunRecord) -> tuple[str, ...]:
    """The settings that decide a result and are not the same in both runs."""
    first, second = (
        {name: value for stage in record.stages.values() for name, value in stage["settings"].items()}
        for record in (before, now)
    )
    return tuple(
        f"{name} {first.get(name)} → {value}" for name, value in second.items() if first.get(name) != value
    )


def _figures(record: RunRecord) -> dict[str, float | None]:
    """The figures of a run that are worth comparing."""
    scores: Mapping[str, Any] = record.scores
    detection = scores["detection"] or {}
    return {
        "suspects": float(scores["suspects"]["natural"]),
        "likely suspects": float(scores["suspects"]["likely"]),
        "share of suspects": scores["suspects"]["natural"] / max(1, scores["rows"]),
        "estimated natural noise": scores["noise"]["natural"]["value"],
        "accuracy, given labels": scores["accuracy"]["given"],
        "accuracy, true labels": scores["accuracy"]["true"],
        **{
            name: detection[name]["value"] if detection else None
            for name in ("precision", "recall", "f1", "average_precision")
        },
    }

"""Gates: whether a run may pass, for machines that check labels at every change."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from audit.datasets.files import reading
from audit.datasets.labels.raw import class_called
from audit.errors import ConfigError, DataError
from audit.runs.comparison import Comparison, compare
from audit.runs.folder import RunRecord, load_record
from audit.runs.tables import csv_rows
from audit.settings.detect import Config, default_name
from audit.settings.gates import Limits
from audit.wording import count, some

COLUMNS = ("id", "given", "reason", "expires")
HASH = "hash"  # a column that a file of accepted suspects may have besides: what the example is known by
SHOWN_F1 = 10_000  # F1 is shown to four digits, rounded so that a failure never looks like a pass

Label = tuple[str, str]  # an id and its given label


@dataclass(frozen=True)
class GateResult:
    """What a run has against one limit."""

    gate: str  # its flag and limit
    limit: float
    found: float | None
    passed: bool
    why: str  # what was found and by how much it exceeds the limit

    def to_json(self) -> dict[str, Any]:
        """The result as JSON can hold it."""
        return {"gate": self.gate, "limit": self.limit, "found": self.found, "passed": self.passed}


@dataclass(frozen=True)
class Accepted:
    """A suspect that somebody looked at and accepted, until a day."""

    id: str
    given: str  # with another label it is another suspect
    reason: str
    expires: date
    hash: str = ""  # of its example, as `audit export --format csv` has it; else the row is known by its id

    def label(self, ids: Mapping[Label, str]) -> Label:
        """The id and the given label, with the id that its hash and label have now, where it has a hash."""
        if not self.hash:
            return self.id, self.given
        return ids.get((self.hash, self.given), self.hash), self.given


@dataclass(frozen=True, eq=False)
class Gates:
    """The limits of a run; made before the run, so that a mistake shows before anything slow."""

    limits: Limits
    baseline: RunRecord | None
    accepted: tuple[Accepted, ...]

    @classmethod
    def of(cls, limits: Limits, config: Config) -> "Gates":
        """Read the baseline and the accepted suspects that the limits name.

        Raises
        ------
        AuditError
            When the baseline is not a run or is this run's own folder, or the accepted file is unreadable.
        """
        if limits.fail_under is not None and config.noise.noise == 0:
            raise ConfigError(
                "--fail-under needs labels that were changed on purpose, found --noise 0; give a rate, such "
                "as --noise 0.1"
            )
        baseline = None
        if limits.baseline is not None:
            baseline = load_record(limits.baseline)
            out = config.run.out or Path("reports") / default_name(baseline.data["name"], config)
            if out.resolve() == limits.baseline.resolve():
                raise ConfigError(
                    f"--baseline {limits.baseline} is the folder that this run writes to, and would be "
                    "overwritten; choose another folder with --out"
                )
        accepted: tuple[Accepted, ...] = ()
        if limits.accepted is not None:
            accepted = read_accepted(limits.accepted)
        return cls(limits, baseline, accepted)

    def check(self, record: RunRecord, today: date) -> tuple[list[GateResult], list[str]]:
        """Hold a run against every limit; also returns notes on accepted suspects that are out of date."""
        suspects = [
            (str(record.ids[row]), record.class_names[record.labels.original[row]])
            for row in record.suspects.ranking
        ]
        hashes = [f"{record.hashes[row]:016x}" for row in record.suspects.ranking]
        ids = {(each, given): name for each, (name, given) in zip(hashes, suspects, strict=True)}
        spelled = [
            replace(each, given=class_called(each.given, record.class_names)) for each in self.accepted
        ]
        accepted = {each.label(ids): each for each in spelled}
        accepted_now = {label for label, each in accepted.items() if today < each.expires}
        results = []
        notes = []
        if self.limits.fail_over is not None:
            counted = set(suspects) - accepted_now
            results.append(_check_share(self.limits.fail_over, len(counted), len(record.ids)))
        if self.limits.fail_under is not None:
            results.append(_check_f1(self.limits.fail_under, record))
        if self.baseline is not None:
            comparison = compare(self.baseline, record)
            results.append(self._check_new(comparison, accepted_now))
            if comparison.settings:
                notes.append(
                    "the baseline has other settings, which may cause some of the new suspects: "
                    f"{', '.join(comparison.settings)}"
                )
        notes += _notes_on_accepted(accepted, accepted_now, set(suspects))
        return results, notes

    def _check_new(self, comparison: Comparison, accepted_now: set[Label]) -> GateResult:
        limit = self.limits.max_new or 0
        table = comparison.suspects[comparison.suspects["status"] == "new"]
        new = [
            name
            for name, given in zip(table["id"], table["given_now"], strict=True)
            if (name, given) not in accepted_now
        ]
        why = (
            f"{count(len(new), 'new suspect')} since {self.limits.baseline}, {len(new) - limit:,} too many: "
            f"{some(new)}"
        )
        return GateResult(f"--max-new {limit}", limit, len(new), len(new) <= limit, why)


def _check_share(limit: float, suspects: int, rows: int) -> GateResult:
    share = suspects / rows
    allowed = math.floor(limit * rows)
    why = (
        f"{suspects:,} of {rows:,} labels are suspects, {suspects - allowed:,} more than "
        f"{100 * limit:g} % allow"
    )
    return GateResult(f"--fail-over {limit:g}", limit, share, share <= limit, why)


def _check_f1(limit: float, record: RunRecord) -> GateResult:
    gate = f"--fail-under {limit:g}"
    detection = record.scores.detection
    if detection is None or detection.score.f1.value is None:
        why = "no label was changed, so no F1 was measured"
        return GateResult(gate, limit, None, passed=False, why=why)
    f1 = detection.score.f1.value
    shown = math.floor(f1 * SHOWN_F1) / SHOWN_F1
    short = math.ceil((limit - f1) * SHOWN_F1) / SHOWN_F1
    why = f"F1 on the changed labels is {shown:.4f}, {short:.4f} too low"
    return GateResult(gate, limit, f1, f1 >= limit, why)


def failure(results: Sequence[GateResult]) -> str | None:
    """One line that names every gate that failed and by how much; None when all passed."""
    failed = [f"{result.gate} failed: {result.why}" for result in results if not result.passed]
    return "; ".join(failed) or None


def read_accepted(path: Path) -> tuple[Accepted, ...]:
    """Read the accepted suspects of a CSV file.

    Raises
    ------
    DataError
        When it cannot be read, lacks a column, or a line has no reason or no date.
    """
    with reading(path, "cannot be read", ", expected a CSV file; check --accepted"):
        columns, rows = csv_rows(path)
        missing = [name for name in COLUMNS if name not in columns]
        if missing:
            raise DataError(f"{path} lacks the column {missing[0]!r}, expected {', '.join(COLUMNS)}; add it")
        return tuple(_accepted(path, number, row) for number, row in rows)


def _accepted(path: Path, number: int, line: dict[str, str]) -> Accepted:
    values = {name: line[name].strip() for name in COLUMNS}
    if not values["reason"]:
        raise DataError(
            f"{path} gives no reason for id {values['id']!r} in line {number}, expected why that row is "
            "accepted; write one"
        )
    try:
        expires = date.fromisoformat(values["expires"])
    except ValueError:
        raise DataError(
            f"{path} has expires {values['expires']!r} for id {values['id']!r} in line {number}, expected a "
            "date such as 2030-12-31; write one"
        ) from None
    return Accepted(values["id"], values["given"], values["reason"], expires, hash=line.get(HASH, "").strip())


def _notes_on_accepted(
    accepted: Mapping[Label, Accepted], accepted_now: set[Label], suspects: set[Label]
) -> list[str]:
    """Lines on accepted suspects that expired, and on accepted rows that are no longer suspects."""
    expired = [each for label, each in accepted.items() if label not in accepted_now and label in suspects]
    stale = [each for label, each in accepted.items() if label not in suspects]
    notes = []
    if expired:
        first = expired[0]
        notes.append(
            f"{count(len(expired), 'accepted suspect')} expired and count again, such as {first.id} "
            f"({first.expires}: {first.reason})"
        )
    if stale:
        notes.append(
            f"no longer suspects: {count(len(stale), 'accepted row')}, such as {stale[0].id}; drop them"
        )
    return notes

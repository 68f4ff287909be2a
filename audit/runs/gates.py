"""Gates: whether a run may pass, for machines that check labels at every change."""

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from audit.errors import ConfigError, DataError
from audit.runs.comparison import Comparison, compare
from audit.runs.folder import RunRecord, load_record
from audit.settings.detect import Config, default_name
from audit.settings.gates import Limits
from audit.wording import count

COLUMNS = ("id", "given", "reason", "expires")
MOST_NAMED = 5


@dataclass(frozen=True)
class Verdict:
    """What one gate says of a run."""

    gate: str  # its flag and limit
    limit: float
    found: float | None
    passed: bool
    why: str  # by how much it failed

    def to_json(self) -> dict[str, Any]:
        """The verdict as JSON can hold it."""
        return {"gate": self.gate, "limit": self.limit, "found": self.found, "passed": self.passed}


@dataclass(frozen=True)
class Accepted:
    """A suspect that somebody looked at and lets be, until a day."""

    id: str
    given: str  # another label is another suspect
    reason: str
    expires: date


@dataclass(frozen=True, eq=False)
class Gates:
    """What a run is held against; made before the run, so that a mistake shows before anything slow."""

    limits: Limits
    baseline: RunRecord | None
    accepted: tuple[Accepted, ...]

    @classmethod
    def of(cls, limits: Limits, config: Config) -> "Gates":
        """The gates that the limits ask for.

        Raises
        ------
        AuditError
            When the baseline is no run or the run's own folder, or the accepted suspects cannot be read.
        """
        if limits.fail_under is not None and config.noise.noise == 0:
            raise ConfigError(
                "--fail-under needs labels that were changed on purpose, found --noise 0; give --noise 0.1"
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
        accepted = () if limits.accepted is None else read_accepted(limits.accepted)
        return cls(limits, baseline, accepted)

    def judge(self, record: RunRecord, today: date) -> tuple[list[Verdict], list[str]]:
        """The verdict of every gate on a run, and lines on accepted suspects that are out of date."""
        names = record.class_names
        suspects = {
            (str(record.ids[row]), names[record.labels.original[row]]): None
            for row in record.suspects.ranking
        }
        known = {(each.id, each.given): each for each in self.accepted}
        valid = {key for key, each in known.items() if today < each.expires}
        found = None if self.baseline is None else compare(self.baseline, record)
        verdicts = [
            *self._over([key for key in suspects if key not in valid], len(record.ids)),
            *self._under(record),
            *self._new(found, valid),
        ]
        return verdicts, _notes(known, valid, set(suspects), found.settings if found else ())

    def _over(self, counted: Sequence[Any], rows: int) -> list[Verdict]:
        if (limit := self.limits.fail_over) is None:
            return []
        share, allowed = len(counted) / rows, math.floor(limit * rows)
        why = (
            f"{len(counted):,} of {rows:,} labels are suspects, {len(counted) - allowed:,} more than "
            f"{100 * limit:g} % allow"
        )
        return [Verdict(f"--fail-over {limit:g}", limit, share, share <= limit, why)]

    def _under(self, record: RunRecord) -> list[Verdict]:
        if (limit := self.limits.fail_under) is None:
            return []
        detection = record.scores["detection"]
        f1 = detection["f1"]["value"] if detection else None
        if f1 is None:
            why = "no label was changed, so no F1 was measured"
        else:
            short = math.ceil((limit - f1) * 10000) / 10000
            why = f"F1 on the changed labels is {math.floor(f1 * 10000) / 10000:.4f}, {short:.4f} too low"
        return [Verdict(f"--fail-under {limit:g}", limit, f1, f1 is not None and f1 >= limit, why)]

    def _new(self, found: Comparison | None, valid: set[tuple[str, str]]) -> list[Verdict]:
        if found is None:
            return []
        limit = self.limits.max_new or 0
        table = found.suspects[found.suspects["status"] == "new"]
        new = [key for key in zip(table["id"], table["given_now"], strict=True) if key not in valid]
        listed = ", ".join(each for each, _ in new[:MOST_NAMED]) + (", …" if len(new) > MOST_NAMED else "")
        more = f"{count(len(new), 'new suspect')} since {self.limits.baseline}"
        why = f"{more}, {len(new) - limit:,} too many: {listed}"
        return [Verdict(f"--max-new {limit}", limit, len(new), len(new) <= limit, why)]


def failure(verdicts: Sequence[Verdict]) -> str | None:
    """One line that names every gate that failed and by how much; None when all passed."""
    failed = [f"{each.gate} failed: {each.why}" for each in verdicts if not each.passed]
    return "; ".join(failed) or None


def read_accepted(path: Path) -> tuple[Accepted, ...]:
    """The accepted suspects of a CSV file.

    Raises
    ------
    DataError
        When it cannot be read, lacks a column, or a line has no reason or no date.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (lines.fieldnames or ())]
            if missing:
                raise DataError(
                    f"{path} lacks the column {missing[0]!r}, expected {', '.join(COLUMNS)}; add it"
                )
            return tuple(_accepted(path, lines.line_num, line) for line in lines)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read ({error}), expected a CSV file; check --accepted") from error


def _accepted(path: Path, number: int, line: dict[str, str | None]) -> Accepted:
    values = {name: (line[name] or "").strip() for name in COLUMNS}
    if not values["reason"]:
        raise DataError(
            f"{path} gives no reason for id {values['id']!r} in line {number}, expected why it is accepted; "
            "write one"
        )
    try:
        expires = date.fromisoformat(values["expires"])
    except ValueError:
        raise DataError(
            f"{path} has expires {values['expires']!r} for id {values['id']!r} in line {number}, expected a "
            "date such as 2030-12-31; write one"
        ) from None
    return Accepted(values["id"], values["given"], values["reason"], expires)


def _notes(
    known: dict[tuple[str, str], Accepted],
    valid: set[tuple[str, str]],
    suspects: set[tuple[str, str]],
    settings: Sequence[str],
) -> list[str]:
    expired = [each for key, each in known.items() if key not in valid and key in suspects]
    stale = [each for key, each in known.items() if key not in suspects]
    notes = []
    if settings:
        notes.append(
            f"the baseline has other settings, and some new suspects may be theirs: {', '.join(settings)}"
        )
    if expired:
        first = expired[0]
        notes.append(
            f"{count(len(expired), 'accepted suspect')} expired and count again, such as {first.id} "
            f"({first.expires}: {first.reason})"
        )
    if stale:
        notes.append(
            f"no suspect any more: {count(len(stale), 'accepted row')}, such as {stale[0].id}; drop them"
        )
    return notes

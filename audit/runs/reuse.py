"""What a run folder already has of a run: what is used again, what is made again, and why."""

from collections.abc import Sequence

from audit.errors import RunError
from audit.runs.folder import REPORT, RunFolder, RunRecord, step_of
from audit.runs.manifest import MANIFEST
from audit.runs.stages import Stage


def stored_run(folder: RunFolder, stages: Sequence[Stage]) -> tuple[RunRecord | None, list[str]]:
    """The finished run of these stages, if every file that its steps made is sound, and notes for the user.

    A run of which a file is missing or damaged is None: the steps are taken again, from the folds that are
    sound, and come to the same bytes. The report is drawn again in any case.
    """
    damage = folder.damage()
    if MANIFEST in damage:
        return None, [
            f"{MANIFEST} is {damage[MANIFEST]}: the steps are taken again, and sound folds are reused"
        ]
    differences = {stage.name: folder.why_not_reused(stage) for stage in stages}
    if differences[stages[-1].name] is not None:
        return None, [f"{name}: {difference}" for name, difference in differences.items() if difference]
    notes = _notes(damage)
    if any(step_of(name) != REPORT for name in damage):
        return None, notes
    try:
        record = folder.load_record()
    except RunError as error:
        return None, [str(error)]
    folder.restore_mark(record)
    return record, [f"reusing the finished run in {folder.path}: same data, same settings", *notes]


def _notes(damage: dict[str, str]) -> list[str]:
    """A line for each step of which files are missing or damaged."""
    notes = []
    for step in dict.fromkeys(map(step_of, damage)):
        named = ", ".join(f"{name} is {what}" for name, what in damage.items() if step_of(name) == step)
        notes.append(f"{named}: the step {step} is made again")
    return notes

"""`audit apply`, `revert`, `merge` and `export`: the commands for use after a review."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from audit.cli.app import app
from audit.settings.choices import ExportFormat


@app.command
def apply(
    run: Path,
    decisions: Path | None = None,
    /,
    *,
    out: Path = Path("corrected"),
    accept_above: float | None = None,
    data: Path | None = None,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> None:
    """Write corrected labels in the format of the source. The source itself is never changed.

    Parameters
    ----------
    run
        Folder of the run.
    decisions
        decisions.json, as exported by the report or written by audit merge; or what Label Studio (JSON) or
        CVAT (for images 1.1) exports of the suspects that audit export handed it.
    out
        Folder to write: corrected labels, corrected.csv with every decision, and what revert needs.
    accept_above
        Also accept the suggestion, without review, for every suspect with at least this p_error.
    data
        Where the data is now, if it has moved. For --X and --y: the folder of both.
    as_json
        Print the summary as one JSON document.
    """
    from audit.cli import progress, terminal  # noqa: PLC0415  numpy and pandas are slow to import
    from audit.review import apply as review  # noqa: PLC0415  numpy and pandas are slow to import

    with progress.ProgressDisplay() as listener:
        applied = review.apply(
            run, decisions, out=out, accept_above=accept_above, data=data, listener=listener
        )
    if as_json:
        terminal.print_json(applied.to_json())
    else:
        terminal.print_applied(applied)


@app.command
def estimate(
    run: Path,
    decisions: Path | None = None,
    /,
    *,
    truth_labels: Path | None = None,
    stop_below: float = 5,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> None:
    """Estimate how many suspects are errors, as far as decisions and verified labels tell.

    Parameters
    ----------
    run
        Folder of the run.
    decisions
        decisions.json, as exported by the report or written by audit merge.
    truth_labels
        CSV file with the columns id and label: verified labels of some rows, best a random sample.
    stop_below
        Number of errors expected in the next 50 suspects, below which a review may well stop.
    as_json
        Print the estimate as one JSON document.
    """
    from audit.cli import terminal  # noqa: PLC0415  numpy and pandas are slow to import
    from audit.review import estimate as review  # noqa: PLC0415  the same
    from audit.review.merge import read_as_one  # noqa: PLC0415  the same
    from audit.runs.folder import load_record  # noqa: PLC0415  the same

    record = load_record(run)
    told: dict[int, bool | None] = {}
    if decisions is not None:
        told |= review.told_by(read_as_one(decisions, record), record, str(decisions))
    if truth_labels is not None:
        told |= review.checked_labels(truth_labels, record)
    figures = review.estimate(record, told, stop_below)
    if as_json:
        terminal.print_json(figures.to_json())
    else:
        terminal.print_estimate(figures, len(record.suspects.ranking))


@app.command
def revert(corrected: Path, /) -> None:
    """Restore the original labels in a folder of corrected labels, byte for byte.

    Parameters
    ----------
    corrected
        Folder that audit apply wrote.
    """
    from audit.cli import terminal  # noqa: PLC0415  numpy and pandas are slow to import
    from audit.review import apply as review  # noqa: PLC0415  numpy and pandas are slow to import

    terminal.print_reverted(corrected, review.revert(corrected))


@app.command
def merge(
    *decisions: Path,
    out: Path,
    run: Path | None = None,
    disagreements: Path | None = None,
    force: bool = False,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> None:
    """Merge the decisions of several reviewers, and report how well they agree.

    Parameters
    ----------
    decisions
        Decisions of two or more reviewers on the same run: decisions.json files, as exported by the report,
        or exports of Label Studio or CVAT, of which one file may hold several reviewers.
    out
        File to write: rows that all agree on, or that a majority of three or more reviewers decided.
    run
        Folder of the run. Only needed for exports of CVAT, which do not name it.
    disagreements
        CSV file to write: the rows on which reviewers differ.
    force
        Replace files that exist.
    as_json
        Print agreement and disagreements as one JSON document.
    """
    from audit.cli import terminal  # noqa: PLC0415  slow to import
    from audit.review import merge  # noqa: PLC0415
    from audit.runs.folder import load_record  # noqa: PLC0415

    record = None if run is None else load_record(run)
    merged = merge.merge_files(decisions, out, record, disagreements, run=run, force=force)
    if as_json:
        terminal.print_json(merged.to_json())
    else:
        terminal.print_merged(merged, out)


@app.command
def export(
    run: Path,
    /,
    *,
    form: Annotated[ExportFormat, Parameter(name="--format")],
    out: Path | None = None,
    force: bool = False,
) -> None:
    """Write the suspects of a run in the format of another tool.

    Parameters
    ----------
    run
        Folder of the run.
    form
        Format to write.
    out
        File to write. Default: standard output.
    force
        Replace that file even if this command did not write it.
    """
    from audit.review.export import export as exported  # noqa: PLC0415  numpy and pandas are slow to import
    from audit.runs.folder import load_record  # noqa: PLC0415
    from audit.runs.outputs import Output, write_outputs  # noqa: PLC0415

    text = exported(load_record(run), form)
    if out is None:
        sys.stdout.write(text)
    else:
        write_outputs([Output(out, "--out", text.encode())], [run], run, force=force)

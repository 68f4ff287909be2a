"""`audit apply`, `revert`, `merge` and `export`: what comes after the report."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from audit.cli.app import app


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
    """Write corrected labels in the form of the source, which itself is never changed.

    Parameters
    ----------
    run
        The run's folder.
    decisions
        decisions.json as the report exports it, or as audit merge writes it.
    out
        The folder to write: the corrected labels, corrected.csv with every decision, and what revert needs.
    accept_above
        Also accept the suggestion, without review, for every suspect with a p_error of this or more.
    data
        Where the data is now, when it has moved; for --X and --y the folder of both.
    as_json
        Print the summary as one JSON document.
    """
    from audit.cli import terminal  # noqa: PLC0415  numpy and pandas are slow to import
    from audit.review import apply as review  # noqa: PLC0415  numpy and pandas are slow to import

    with terminal.ProgressDisplay() as listener:
        applied = review.apply(
            run, decisions, out=out, accept_above=accept_above, data=data, listener=listener
        )
    if as_json:
        terminal.print_json(applied.to_json())
    else:
        terminal.print_applied(applied)


@app.command
def revert(corrected: Path, /) -> None:
    """Put the labels as they came back into a folder of corrected labels, byte for byte.

    Parameters
    ----------
    corrected
        The folder that audit apply wrote.
    """
    from audit.cli import terminal  # noqa: PLC0415  numpy and pandas are slow to import
    from audit.review import apply as review  # noqa: PLC0415  numpy and pandas are slow to import

    terminal.print_reverted(corrected, review.revert(corrected))


@app.command
def merge(
    *decisions: Path,
    out: Path,
    disagreements: Path | None = None,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> None:
    """Merge several reviewers' decisions, and say how well they agree.

    Parameters
    ----------
    decisions
        Two or more files as the report exports them, of one run.
    out
        The file to write: rows that all agree on, and those that a majority of three or more decided.
    disagreements
        Also write the rows on which reviewers differ, as CSV.
    as_json
        Print agreement and disagreements as one JSON document.
    """
    from audit.cli import terminal  # noqa: PLC0415  slow to import
    from audit.review import merge  # noqa: PLC0415
    from audit.runs.files import write_whole  # noqa: PLC0415

    merged = merge.merge_files(decisions, out)
    if disagreements is not None:
        write_whole(disagreements, merged.disagreements_csv().encode())
    if as_json:
        terminal.print_json(merged.to_json())
    else:
        terminal.print_merged(merged, out)


@app.command
def export(
    run: Path, /, *, form: Annotated[str, Parameter(name="--format")], out: Path | None = None
) -> None:
    """Print a run's suspects as another tool reads them.

    Parameters
    ----------
    run
        The run's folder.
    form
        label-studio, cvat, csv, jsonl, sarif or junit.
    out
        A file to write instead.
    """
    from audit.review.export import export as exported  # noqa: PLC0415  numpy and pandas are slow to import
    from audit.runs.files import write_whole  # noqa: PLC0415
    from audit.runs.folder import load_record  # noqa: PLC0415

    text = exported(load_record(run), form)
    if out is None:
        sys.stdout.write(text)
    else:
        write_whole(out, text.encode())

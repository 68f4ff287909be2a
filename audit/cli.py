"""The command line: arguments become a Config, one pipeline call, and an exit status."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter
from cyclopts.config import Env, Toml

from audit.config import Config
from audit.errors import AuditError

FAILED, INTERRUPTED = 2, 130


def _flag(field: str) -> str:
    """The flag of a settings field; X keeps its capital, which is the field's name for the data."""
    return field if field == "X" else field.strip("_").replace("_", "-")


app = App(
    name="audit",
    help="Find label issues, and measure on your own data how good the list of them is.",
    help_format="plaintext",
    suppress_keyboard_interrupt=False,  # an interrupt says how to go on
    default_parameter=Parameter(negative=(), name_transform=_flag),
)

SETTINGS = [  # of detect alone: other commands know neither its settings nor where its --data and --out lead
    Env("AUDIT_", command=False),
    Toml("audit.toml", search_parents=True, use_commands_as_keys=False),
    Toml("pyproject.toml", root_keys=["tool", "audit"], search_parents=True, use_commands_as_keys=False),
]


@app.command(config=SETTINGS)
def detect(
    config: Annotated[Config, Parameter(name="*")] = Config(),  # noqa: B008  frozen
    *,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"])] = False,
    dry_run: bool = False,
) -> None:
    """Change known labels, find them again, score the finding, and report the natural suspects.

    Parameters
    ----------
    as_json
        Print the scores as one JSON document instead of a table.
    quiet
        Print no progress.
    dry_run
        Print what was understood of the data and what the audit would cost, and audit nothing.
    """
    from audit import pipeline, terminal  # noqa: PLC0415  numpy and pandas are slow to import

    if dry_run:
        facts = pipeline.dry_run(config)
        return terminal.print_json(facts) if as_json else terminal.print_preview(facts)
    with terminal.ProgressDisplay(quiet=quiet) as listener:
        run, report = pipeline.detect_spec(config, listener)
    if as_json:
        terminal.print_json({**run.record.scores, "report": str(report)})
    else:
        terminal.print_result(run.record.scores, str(report))
    return None


@app.command
def datasets() -> None:
    """List the data sets that come along and the forms of your own that are understood."""
    from audit import datasets, terminal  # noqa: PLC0415  numpy is slow to import

    terminal.print_datasets(list(datasets.BUNDLED), datasets.FORMS)


@app.command
def report(run: Path, /) -> None:
    """Draw the report of a finished run again, without training.

    Parameters
    ----------
    run
        The run's folder.
    """
    from audit.run import draw_report  # noqa: PLC0415  numpy and pandas are slow to import

    print(draw_report(run))  # noqa: T201


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
    from audit import corrections, terminal  # noqa: PLC0415  numpy and pandas are slow to import

    applied = corrections.apply(run, decisions, out=out, accept_above=accept_above, data=data)
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
    from audit import corrections, terminal  # noqa: PLC0415  numpy and pandas are slow to import

    terminal.print_reverted(corrected, corrections.revert(corrected))


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
    from audit import terminal  # noqa: PLC0415  slow to import
    from audit.review import folder, merge  # noqa: PLC0415

    merged = merge.merge_files(decisions, out)
    if disagreements is not None:
        folder.write_whole(disagreements, merged.disagreements_csv())
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
    from audit.export import export as exported  # noqa: PLC0415  numpy and pandas are slow to import
    from audit.review.folder import write_whole  # noqa: PLC0415
    from audit.run import load_run  # noqa: PLC0415

    text = exported(load_run(run).record, form)
    if out is None:
        sys.stdout.write(text)
    else:
        write_whole(out, text)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit status: 0 done, 2 failed, 130 interrupted."""
    try:
        app(arguments, exit_on_error=False, print_error=False)
    except (AuditError, CycloptsError) as error:
        print("audit:", " ".join(str(error).split()), file=sys.stderr)  # noqa: T201
        sys.exit(FAILED)
    except KeyboardInterrupt:
        print("audit: interrupted; the same command resumes after the last finished fold", file=sys.stderr)  # noqa: T201
        sys.exit(INTERRUPTED)

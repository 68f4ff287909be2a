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
    config=[
        Env("AUDIT_", command=False),
        Toml("audit.toml", search_parents=True, use_commands_as_keys=False),
        Toml("pyproject.toml", root_keys=["tool", "audit"], search_parents=True, use_commands_as_keys=False),
    ],
    default_parameter=Parameter(negative=(), name_transform=_flag),
)


@app.command
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
def report(run: Path, /, *, report_mb: float | None = None) -> None:
    """Draw the report of a finished run again, without training.

    Parameters
    ----------
    run
        The run's folder.
    report_mb
        Most megabytes of the report; as the run was made with when not given.
    """
    from audit.run import draw_report  # noqa: PLC0415  numpy and pandas are slow to import

    print(draw_report(run, report_mb))  # noqa: T201


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

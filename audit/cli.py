"""The command line: arguments become a Config, one pipeline call, and an exit status."""

import sys
from collections.abc import Sequence
from dataclasses import field, fields, make_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_type_hints

from cyclopts import App, CycloptsError, Parameter
from cyclopts.config import Env, Toml

from audit.config import Config
from audit.errors import AuditError
from audit.experiments.settings import ImpactSettings, SweepSettings
from audit.limits import Limits

GATE, FAILED, INTERRUPTED = 1, 2, 130


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
    limits: Annotated[Limits, Parameter(name="*")] = Limits(),  # noqa: B008  frozen
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
    from audit import gates, pipeline, terminal  # noqa: PLC0415  numpy and pandas are slow to import

    if dry_run:
        facts = pipeline.dry_run(config)
        return terminal.print_json(facts) if as_json else terminal.print_preview(facts)
    held = gates.Gates.of(limits, config)
    with terminal.ProgressDisplay(quiet=quiet) as listener:
        run, report = pipeline.detect_spec(config, listener)
        verdicts, notes = held.judge(run.record, datetime.now(tz=UTC).date())
        for note in notes:
            listener.note(note)
    if as_json:
        judged = {"gates": [each.to_json() for each in verdicts]} if verdicts else {}
        terminal.print_json({**run.record.scores, **judged, "report": str(report)})
    else:
        terminal.print_result(run.record.scores, str(report))
    if failed := gates.failure(verdicts):
        print("audit:", failed, file=sys.stderr)  # noqa: T201
        sys.exit(GATE)
    return None


def _settings_without(*names: str) -> type[Config]:
    """The settings of a run as flags, less those that a command has no use for or reads otherwise."""
    hints = get_type_hints(Config)
    kept = [f for f in fields(Config) if f.name not in names]
    made: type[Config] = make_dataclass(
        "Settings",
        [(f.name, hints[f.name], field(default=f.default, kw_only=f.kw_only)) for f in kept],
        namespace={"__doc__": Config.__doc__, "__module__": __name__},
        frozen=True,
    )
    return made


if TYPE_CHECKING:
    Swept = Config
else:
    Swept = _settings_without("noise", "noise_kind", "noise_matrix", "pred_probs")


@app.command
def sweep(
    config: Annotated[Swept, Parameter(name="*")] = Swept(),  # noqa: B008  frozen
    settings: Annotated[SweepSettings, Parameter(name="*")] = SweepSettings(),  # noqa: B008  frozen
    *,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"])] = False,
    dry_run: bool = False,
) -> None:
    """Train on labels with more and more noise, and test on held-out rows; or sweep detection.

    Parameters
    ----------
    as_json
        Print the figures as one JSON document instead of a table.
    quiet
        Print no progress.
    dry_run
        Print how many models would be trained and how long that would take, and train none.
    """
    from audit import terminal  # noqa: PLC0415  slow to import
    from audit.experiments import sweep as experiment  # noqa: PLC0415  numpy and pandas are slow to import

    shared = Config(**vars(config))
    unit = "folds" if settings.what == "detection" else "models"
    with terminal.ProgressDisplay(quiet=quiet, unit=unit) as listener:
        if dry_run:
            facts = experiment.dry_run(shared, settings, listener)
            return terminal.print_json(facts) if as_json else terminal.print_facts(facts)
        result, report = experiment.sweep(shared, settings, listener)
    if as_json:
        return terminal.print_json({**result.scores, "report": str(report)})
    return terminal.print_findings(result.findings, str(report))


if TYPE_CHECKING:
    Weighed = Config
else:
    Weighed = _settings_without("pred_probs")


@app.command
def impact(
    config: Annotated[Weighed, Parameter(name="*")] = Weighed(),  # noqa: B008  frozen
    settings: Annotated[ImpactSettings, Parameter(name="*")] = ImpactSettings(),  # noqa: B008  frozen
    *,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"])] = False,
) -> None:
    """Measure what cleaning wins back: train on noisy, cleaned and true labels, test on held-out rows.

    Parameters
    ----------
    as_json
        Print the figures as one JSON document instead of a table.
    quiet
        Print no progress.
    """
    from audit import terminal  # noqa: PLC0415  slow to import
    from audit.experiments import impact as experiment  # noqa: PLC0415  numpy and pandas are slow to import

    with terminal.ProgressDisplay(quiet=quiet, unit="parts") as listener:
        result, report = experiment.impact(Config(**vars(config)), settings, listener)
    if as_json:
        return terminal.print_json({**result.scores, "report": str(report)})
    return terminal.print_findings(result.findings, str(report))


@app.command
def diff(
    before: Path,
    now: Path,
    /,
    *,
    html: Path | None = None,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> None:
    """Compare two runs on the same data: which suspects are new, fixed, cleared or persisting.

    Parameters
    ----------
    before
        The folder of the earlier run.
    now
        The folder of the later run.
    html
        A file to write the comparison to, as a page.
    as_json
        Print the comparison as one JSON document instead of tables.
    """
    from audit import terminal  # noqa: PLC0415  slow to import
    from audit.experiments import diff as experiment  # noqa: PLC0415  numpy and pandas are slow to import

    document, findings = experiment.diff(before, now)
    if html is not None:
        experiment.write_page(findings, html)
    if as_json:
        return terminal.print_json(document)
    return terminal.print_findings(findings, None if html is None else str(html), most_rows=20)


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


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; leave with its exit status: 0 done, 1 gate failed, 2 failed, 130 interrupted."""
    try:
        app(arguments, exit_on_error=False, print_error=False)
    except (AuditError, CycloptsError) as error:
        print("audit:", " ".join(str(error).split()), file=sys.stderr)  # noqa: T201
        sys.exit(FAILED)
    except KeyboardInterrupt:
        print("audit: interrupted; the same command resumes after the last finished fold", file=sys.stderr)  # noqa: T201
        sys.exit(INTERRUPTED)

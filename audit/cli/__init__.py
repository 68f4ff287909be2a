"""The command line: arguments become settings, a call of the pipeline, and an exit status."""

import sys
from collections.abc import Sequence

from cyclopts import CycloptsError, UnknownOptionError

from audit.cli import auditing, experiments, injecting, reviewing
from audit.cli.app import app, refuse_unknown_flags
from audit.errors import AuditError
from audit.events import enough_memory
from audit.wording import visible

__all__ = ["app", "auditing", "experiments", "injecting", "main", "reviewing"]

FAILED = 2


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 a gate failed, 2 an error, told in one line on stderr."""
    try:
        with enough_memory("this command"):
            _run(arguments)
    except (AuditError, CycloptsError) as error:
        _fail(str(error))
    except OSError as error:
        if error.filename is None or isinstance(error, BrokenPipeError):
            raise
        _fail(f"{error.filename} cannot be used ({error.strerror}); check the path")


def _fail(line: str) -> None:
    """Tell an error in one line, and end."""
    print("audit:", visible(" ".join(line.split())), file=sys.stderr)  # noqa: T201
    sys.exit(FAILED)


def _run(arguments: Sequence[str] | None) -> None:
    try:
        app(arguments, exit_on_error=False, print_error=False)
    except UnknownOptionError as error:
        refuse_unknown_flags(error, arguments or sys.argv[1:])
        raise

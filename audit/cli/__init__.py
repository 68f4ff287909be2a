"""The command line: arguments become a Config, one pipeline call, and an exit status."""

import sys
from collections.abc import Sequence

from cyclopts import CycloptsError

from audit.cli import auditing, experiments, injecting, reviewing
from audit.cli.app import app
from audit.errors import AuditError

__all__ = ["app", "auditing", "experiments", "injecting", "main", "reviewing"]

FAILED = 2


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; leave with its exit status: 0 done, 1 gate failed, 2 failed."""
    try:
        app(arguments, exit_on_error=False, print_error=False)
    except (AuditError, CycloptsError) as error:
        print("audit:", " ".join(str(error).split()), file=sys.stderr)  # noqa: T201
        sys.exit(FAILED)

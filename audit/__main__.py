"""`audit`, and `python -m audit`."""

import sys

INTERRUPTED = 130


def main() -> None:
    """Run the command line; an interrupt is one line and INTERRUPTED, also while it is being imported."""
    try:
        from audit import cli  # noqa: PLC0415

        cli.main()
    except KeyboardInterrupt:
        print("audit: interrupted; the same command resumes after the last finished fold", file=sys.stderr)  # noqa: T201
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()

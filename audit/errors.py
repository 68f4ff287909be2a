"""The errors of the package, as a tree.

::

    AuditError            one line: what is wrong, expected and found, where, what to do
    ├── ConfigError       an invalid setting
    ├── DataError         data or labels that cannot be audited
    ├── MachineError      memory that ran out, or a worker process that was killed
    ├── ReviewError       decisions that do not fit the run, or a source that changed since
    └── RunError          a run folder that is locked, not a run, damaged or not writable

Everything a user can cause is an `AuditError`; any other exception is a fault of this package.
"""


class AuditError(Exception):
    """Base of every error that a user can cause and fix."""

    def __init__(self, line: str) -> None:
        super().__init__(" ".join(line.splitlines()))  # names of files and columns may have line breaks


class ConfigError(AuditError):
    """An invalid setting."""


class DataError(AuditError):
    """Data or labels that cannot be audited."""


class MachineError(AuditError):
    """Memory that ran out, or a worker process that was killed."""


class ReviewError(AuditError):
    """Decisions that do not fit the run, or a source that changed since."""


class RunError(AuditError):
    """A run folder that is locked, of something else, damaged or not writable."""

"""Find label issues, and measure on your own data how good the list of them is.

>>> import audit
>>> run = audit.detect(X, y, noise=0.1)     # images and labels, as arrays
>>> run.score["f1"]                         # how well flipped labels were found, with its interval
>>> run.suspects(10)                        # original labels that look wrong
>>> run.save("reports/mine")                # the folder, with report.html to review
>>> audit.find_issues(labels, pred_probs)   # the same detection on probabilities of any model
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from audit.detectors import find_issues as find_issues
    from audit.errors import AuditError as AuditError
    from audit.errors import ConfigError as ConfigError
    from audit.errors import DataError as DataError
    from audit.errors import RunError as RunError
    from audit.noise import inject as inject
    from audit.pipeline.detect import detect as detect
    from audit.pipeline.run import Run as Run
    from audit.pipeline.run import load_run as load_run
    from audit.settings.detect import Config as Config

_HOMES = {
    "AuditError": "audit.errors",
    "Config": "audit.settings.detect",
    "ConfigError": "audit.errors",
    "DataError": "audit.errors",
    "Run": "audit.pipeline.run",
    "RunError": "audit.errors",
    "detect": "audit.pipeline.detect",
    "find_issues": "audit.detectors",
    "inject": "audit.noise",
    "load_run": "audit.pipeline.run",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'audit' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """The public names."""
    return __all__

"""What the steps after training need, imported while other processes train."""

from contextlib import suppress
from importlib import import_module
from threading import Thread

from audit.report.templating import template

# They take some seconds together, on one core, after training.
SLOW_TO_IMPORT = (
    "cleanlab.filter",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_svg",
    "matplotlib.figure",
    "scipy.ndimage",
    "scipy.stats",
    "sklearn.ensemble",
)


def import_ahead() -> Thread:
    """Begin to import what the steps after training need, in a thread.

    Join it before `threads_limited` looks for libraries: older threadpoolctl and an import can lock each
    other up.
    """
    thread = Thread(target=_import_all, daemon=True)
    thread.start()
    return thread


def _import_all() -> None:
    with suppress(Exception):  # the step that needs it says what is wrong
        template("page.html.j2")  # is compiled once
    for name in SLOW_TO_IMPORT:
        with suppress(Exception):
            import_module(name)

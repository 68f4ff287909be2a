"""What a run tells whoever watches it."""

from collections.abc import Sequence
from typing import Protocol


class Listener(Protocol):
    """Receives a run's progress; every method must return at once."""

    def note(self, text: str) -> None:
        """Take one line worth reading: what is reused, what is recomputed and why."""

    def training(self, shares: Sequence[float]) -> None:
        """Take the share of its training that each fold has done, 0 to 1, in fold order."""


class Silent:
    """The listener that says nothing."""

    def note(self, text: str) -> None:
        """Ignore the line."""

    def training(self, shares: Sequence[float]) -> None:
        """Ignore the progress."""

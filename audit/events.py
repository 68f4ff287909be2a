"""What a run tells whoever watches it."""

from collections.abc import Sequence
from typing import Protocol


class Listener(Protocol):
    """Receives a run's progress; every method must return at once."""

    def note(self, text: str) -> None:
        """Take one line worth reading: what is reused, what is recomputed and why."""

    def training(self, name: str, shares: Sequence[float], share: float) -> None:
        """Take the share that each fold of this cross-validation has done, 0 to 1, and that of all work."""


class Silent:
    """The listener that says nothing."""

    def note(self, text: str) -> None:
        """Ignore the line."""

    def training(self, name: str, shares: Sequence[float], share: float) -> None:
        """Ignore the progress."""

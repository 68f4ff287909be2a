"""Independent sources of randomness that one seed stands for."""

from typing import NamedTuple

import numpy as np


class Seeds(NamedTuple):
    """Independent sources of randomness, one a purpose."""

    noise: np.random.SeedSequence
    folds: np.random.SeedSequence
    models: np.random.SeedSequence
    bootstrap: np.random.SeedSequence
    controls: np.random.SeedSequence
    planting: np.random.SeedSequence

    @classmethod
    def of(cls, seed: int) -> "Seeds":
        """The sources that one seed stands for."""
        return cls(*np.random.SeedSequence(seed).spawn(len(cls._fields)))

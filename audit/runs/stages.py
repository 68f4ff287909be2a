"""The keyed steps of a run: what is stored under an equal key is used again."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt

from audit.noise import options as noise_options
from audit.settings.detect import Config


@dataclass(frozen=True)
class Stage:
    """One step of a run: what decides its result."""

    name: str
    settings: Mapping[str, Any]
    upstream: str  # the key of the stage before; a fingerprint for the first
    version: int = 1  # raised when the code of the step changes what it computes

    @property
    def key(self) -> str:
        """The sha256 of everything that decides the result."""
        text = json.dumps([self.name, self.version, dict(self.settings), self.upstream], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def of_run(
    config: Config,
    fingerprint: str,
    given: Mapping[str, npt.ArrayLike | None],
    part: npt.NDArray[np.str_] | None,
) -> tuple[Stage, Stage, Stage]:
    """The steps noise, folds and issues, with arrays given beside the settings, by name, and parts."""
    work = ("folds", "preset", "rounds", "repeats", "model", "balance", "epochs", "augment")
    trained: dict[str, Any] = {name: getattr(config, name) for name in (*work, "device", "seed")}
    for name, array in given.items():
        if array is not None:
            trained[name] = hashlib.sha256(np.asarray(array).tobytes()).hexdigest()
    first = Stage("noise", noise_options.stage_settings(config), fingerprint)
    trained["label-audit"] = version("label-audit")
    second = Stage("folds", trained, first.key, version=8)
    judged: dict[str, Any] = {"detector": config.detector, "truth": config.truth}
    for name in ("controls", "kinds", "kinds_of"):
        if getattr(config, name) != getattr(Config, name):
            judged[name] = getattr(config, name)
    if part is not None:
        judged["split"] = hashlib.sha256("\0".join(part).encode()).hexdigest()
    return first, second, Stage("issues", judged, second.key)

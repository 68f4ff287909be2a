"""The keyed steps of a run: what is stored under an equal key is used again."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt

from audit.noise.options import ConfiguredNoise
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
    noise: ConfiguredNoise,
    fingerprint: str,
    given: Mapping[str, npt.ArrayLike | None],
    part: npt.NDArray[np.str_] | None,
    threads: Sequence[int] = (1,),
) -> tuple[Stage, Stage, Stage]:
    """The steps noise, folds and issues, with arrays given beside the settings, by name, and parts.

    Threads of folds are in the key where one has several, which the number of cores decides. The fingerprint
    is that of the data, or the key of the step embed where that came first.
    """
    first = Stage("noise", noise.key_settings(config), fingerprint)
    arrays = {name: _digest(_bytes(each)) for name, each in given.items() if each is not None}
    packages = {"label-audit": version("label-audit")}
    several = {"threads": ", ".join(map(str, threads))} if max(threads) > 1 else {}
    decides = {**config.deciding("folds"), **arrays, **packages, **several}
    second = Stage("folds", decides, first.key, version=12)
    parts = {} if part is None else {"split": _digest("\0".join(part).encode())}
    return first, second, Stage("issues", {**config.deciding("issues"), **parts}, second.key)


def _bytes(array: npt.ArrayLike) -> bytes:
    """The numbers of an array or a frame, and what its columns are called where they have names."""
    named = [name for name in getattr(array, "columns", ()) if isinstance(name, str)]
    return np.asarray(array).tobytes() + "\0".join(named).encode()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

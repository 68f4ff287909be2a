"""Embedders: what turns examples into features, once and before folds; libraries load when one is used."""

from importlib import import_module
from typing import Any

from audit.errors import ConfigError
from audit.training.embedders import own
from audit.training.embedders.embedder import Embedder

__all__ = ["Embedder", "check", "describe", "embedder_of", "is_ready"]

PRETRAINED = {  # prefix of the name: the module that has `named(asked, device)`
    "timm:": "audit.training.embedders.images",
    "sentence-transformers:": "audit.training.embedders.texts",
}
READY = ".npy"
FORMS = "timm:NAME, sentence-transformers:NAME, package.module:function or a file features.npy"


def check(embed: Any) -> None:
    """Raise ConfigError for a name of no form that there is, before anything slow starts."""
    if not isinstance(embed, str) or embed.endswith(READY):
        return
    kind, _, name = embed.partition(":")
    if not kind.strip() or not name.strip():
        raise ConfigError(f"--embed {embed!r} is not an embedder; expected {FORMS}")


def is_ready(embed: Any) -> bool:
    """Whether these are features, or a file of such, and nothing has to be computed."""
    if isinstance(embed, str):
        return embed.endswith(READY)
    return not callable(embed)


def describe(embed: Any) -> str | None:
    """Describe an embedder or features in one line, the same for equal ones; None where there is none."""
    if embed is None or isinstance(embed, str):
        return embed
    if callable(embed):
        return own.of_function(embed).name
    return "features"


def embedder_of(embed: Any, device: str) -> Embedder:
    """The embedder of a name or a function.

    Parameters
    ----------
    embed
        A name as `--embed` takes it, or a function from examples (m) to features (m, d).
    device
        That a pretrained network runs on: auto, cpu, cuda or mps.

    Raises
    ------
    AuditError
        When there is no such embedder, or what it needs is not there.
    """
    if not isinstance(embed, str):
        return own.of_function(embed)
    for prefix, module in PRETRAINED.items():
        if embed.startswith(prefix):
            embedder: Embedder = import_module(module).named(embed, device)
            return embedder
    return own.named(embed)

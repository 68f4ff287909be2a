"""Libraries that fetch pretrained networks: what is missing, of packages or weights, is one line."""

import hashlib
import logging
import os
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from importlib import import_module
from io import StringIO
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

import torch

from audit.errors import AuditError, DataError, MachineError
from audit.events import ran_out_of_memory
from audit.wording import one_line

HUB = "https://huggingface.co"
SHOWN = 200  # characters of an error
LOGGERS = ("huggingface_hub", "timm", "sentence_transformers", "transformers")  # each retry would be a line


def imported(module: str, asked: str, extra: str) -> Any:
    """Import an optional library; DataError with the command that installs it where it is missing.

    Without a network, its client of the hub is told so while it is imported: it would try for minutes.
    """
    told = {} if _reaches_hub() or "HF_HUB_OFFLINE" in os.environ else {"HF_HUB_OFFLINE": "1"}
    os.environ.update(told)
    try:
        with warnings.catch_warnings(action="ignore"):
            return import_module(module)
    except ImportError as error:
        package = module.replace("_", "-")
        raise DataError(
            f"--embed {asked} needs {package}, which cannot be imported ({one_line(error)[:SHOWN]}); "
            f'pip install "label-audit[{extra}]"'
        ) from error
    finally:
        for name in told:
            del os.environ[name]


def _reaches_hub() -> bool:
    """Whether the hub's name can be looked up, or a proxy does that."""
    if getproxies():
        return True
    try:
        socket.getaddrinfo(urlsplit(os.environ.get("HF_ENDPOINT", HUB)).hostname, 443)
    except OSError:
        return False
    return True


@contextmanager
def loading(asked: str, remedy: str) -> Iterator[None]:
    """Load a network in the block, in silence; DataError with the remedy where that fails."""
    before = {name: logging.getLogger(name).level for name in LOGGERS}
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings(action="ignore"), redirect_stderr(StringIO()):
            yield
    except AuditError:
        raise
    except Exception as error:  # libraries raise anything
        if ran_out_of_memory(error):
            raise MachineError(
                f"memory ran out while --embed {asked} was loaded ({one_line(error)[:SHOWN]}); choose a "
                "smaller network, or free memory"
            ) from error
        raise DataError(
            f"--embed {asked} cannot be loaded ({type(error).__name__}: {one_line(error)[:SHOWN]}); {remedy}"
        ) from error
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


def device_of(asked: str) -> str:
    """The device that a network runs on; cuda where there is one and nothing else is asked for."""
    if asked != "auto":
        return asked
    return "cuda" if torch.cuda.is_available() else "cpu"


def digest_of(network: torch.nn.Module) -> str:
    """The sha256 of all weights of a network and of what it is made of."""
    digest = hashlib.sha256(repr(network).encode())
    for name, weights in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(weights.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def digest_of_words(tokenizer: Any) -> str:
    """The sha256 of a tokenizer's words; empty where it has none."""
    words: dict[str, int] = getattr(tokenizer, "get_vocab", dict)()
    return hashlib.sha256(repr(sorted(words.items())).encode()).hexdigest() if words else ""

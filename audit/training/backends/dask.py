"""Other machines: joblib's work sent to a Dask cluster."""

from collections.abc import Iterator
from contextlib import contextmanager
from socket import create_connection
from urllib.parse import urlsplit

import joblib

from audit.errors import ConfigError

ANSWER_SECONDS = 10.0  # in which the scheduler must answer


@contextmanager
def cluster(address: str | None) -> Iterator[int | None]:
    """Train on the Dask cluster at this address while the block runs; yields how many models fit on it.

    Without an address it changes nothing and yields None.

    Raises
    ------
    ConfigError
        When Dask is missing, the cluster does not answer, or its workers have several threads, which would
        share the random numbers of their process.
    """
    if address is None:
        yield None
        return
    try:
        from distributed import Client  # noqa: PLC0415  an extra
    except ImportError:
        raise ConfigError("--cluster needs Dask; pip install 'label-audit[dask]'") from None
    try:
        _reach(address)  # a client without a scheduler prints many lines
        client = Client(address, timeout=ANSWER_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"no Dask cluster answers at --cluster {address} ({type(error).__name__}), expected the address "
            "of a scheduler such as tcp://host:8786; start one with: dask scheduler"
        ) from error
    with client:
        threads = client.nthreads()
        if not threads or max(threads.values()) > 1:
            raise ConfigError(
                f"the cluster at {address} has {len(threads)} workers with up to "
                f"{max(threads.values(), default=0)} threads, expected one or more with one thread each, so "
                "that models do not share random numbers; start them with: dask worker --nthreads 1"
            )
        with joblib.parallel_config("dask", client=client):
            yield len(threads)


def _reach(address: str) -> None:
    """Open a connection and close it; OSError when nothing answers, ValueError when it is not an address."""
    parts = urlsplit(address if "://" in address else f"tcp://{address}")
    if not parts.hostname or not parts.port:
        raise ValueError(address)
    create_connection((parts.hostname, parts.port), ANSWER_SECONDS).close()

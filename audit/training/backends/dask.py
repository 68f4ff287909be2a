"""Other machines: calls sent to a Dask cluster.

joblib has a backend for Dask, too. It keeps every result on the worker that computed it until all are there,
so that a worker that is lost costs all that it ever did, and examples on that worker alone.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import chain, islice
from socket import create_connection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np

from audit.errors import AuditError, ConfigError, MachineError
from audit.wording import one_line

if TYPE_CHECKING:
    from distributed import Client

_IN_USE: ContextVar["Client | None"] = ContextVar("client", default=None)
LARGE_BYTES = 1_000_000  # of an array that is sent to each worker once
ANSWER_SECONDS = 10.0  # in which the scheduler must answer
LOCAL = "local:"  # begins the address of a cluster that is started here
MOST_LOCAL = 1000  # processes of it
REMEDY = "expected the address of a scheduler such as tcp://host:8786, or local:4"


@contextmanager
def cluster(address: str | None) -> Iterator[int | None]:
    """Use the Dask cluster at this address while the block runs; yields the number of its workers.

    Without an address it changes nothing and yields None. `local:4` starts four processes on this machine.
    A worker that is lost costs the call that it was on, which another one does again.

    Raises
    ------
    ConfigError
        When Dask is missing, the cluster does not answer, or its workers have several threads, which would
        share the random numbers of their process.
    MachineError
        When the scheduler is lost, or one call's workers are killed again and again.
    """
    if address is None:
        yield None
        return
    check_address(address)
    with _silent(), _client(address) as client:
        threads = client.nthreads()
        if not threads or max(threads.values()) > 1:
            raise ConfigError(
                f"the cluster at {address} has {len(threads)} workers with up to "
                f"{max(threads.values(), default=0)} threads, expected one or more with one thread each, so "
                "that models do not share random numbers; start them with: dask worker --nthreads 1"
            )
        with _a_lost_cluster_told(address):
            before = _IN_USE.set(client)
            try:
                yield len(threads)
            finally:
                _IN_USE.reset(before)


def is_in_use() -> bool:
    """Whether a cluster is in use."""
    return _IN_USE.get() is not None


def run_in_use(calls: Iterable[Any], workers: int | None = None) -> Iterator[Any]:
    """Run joblib's delayed calls on the cluster that is in use, and yield results as they end.

    As many run at a time as asked for, or else as there are workers. What several calls share is sent once to
    each worker.
    """
    from distributed import as_completed  # noqa: PLC0415  an extra

    client = _IN_USE.get()
    assert client is not None
    listed = list(calls)
    times = Counter(id(each) for _, arguments, _ in listed for each in arguments)
    sent: dict[int, Any] = {}
    for each in chain.from_iterable(arguments for _, arguments, _ in listed):
        if times[id(each)] > 1 and id(each) not in sent and _is_large(each):
            sent[id(each)] = client.scatter(each, broadcast=True, hash=False)

    def submit(call: Any) -> Any:
        function, arguments, named = call
        own = [each for each in arguments if id(each) not in sent]
        places = [place for place, each in enumerate(arguments) if id(each) in sent]
        shared = [sent[id(arguments[place])] for place in places]
        return client.submit(_call, function, own, named, places, *shared, pure=False)

    waiting = iter(listed)
    first = [submit(call) for call in islice(waiting, workers or max(1, len(client.nthreads())))]
    with client.as_current():  # as_completed has no argument for it
        running = as_completed(first)
    for future in running:
        with _missing_code_told():
            result = future.result()
        future.release()
        for call in islice(waiting, 1):
            running.add(submit(call))
        yield result


def _call(
    function: Callable[..., Any], own: list[Any], named: dict[str, Any], places: list[int], *shared: Any
) -> Any:
    """Do a call on a worker, with the shared arguments in their places, which rise."""
    arguments = list(own)
    for place, argument in zip(places, shared, strict=True):
        arguments.insert(place, argument)
    return function(*arguments, **named)


def _is_large(argument: Any) -> bool:
    """Whether an argument is sent once where several calls have it: a large array, or what holds some."""
    if isinstance(argument, np.ndarray):
        return argument.nbytes > LARGE_BYTES
    return hasattr(argument, "__dataclass_fields__")


def check_address(address: str | None) -> None:
    """Refuse an address at which no scheduler answers; ConfigError also where Dask is missing."""
    if address is None:
        return
    try:
        import distributed  # noqa: F401, PLC0415  an extra
    except ImportError:
        raise ConfigError("--cluster needs Dask; pip install 'label-audit[dask]'") from None
    if address.startswith(LOCAL):
        _local_workers(address)
        return
    try:
        _reach(address)  # a client without a scheduler prints many lines
    except (OSError, ValueError) as error:
        raise _no_answer(address, error) from error


def _local_workers(address: str) -> int:
    """The number of processes in local:4; ConfigError when it is none."""
    number = address.removeprefix(LOCAL)
    if not (number.isdecimal() and 1 <= int(number) <= MOST_LOCAL):
        raise ConfigError(f"--cluster {address} is not 1 to {MOST_LOCAL:,} processes, {REMEDY}")
    return int(number)


@contextmanager
def _client(address: str) -> Iterator["Client"]:
    """A connection to the scheduler, which is started first where the address is local."""
    from distributed import Client, LocalCluster  # noqa: PLC0415  an extra

    if address.startswith(LOCAL):
        with (
            LocalCluster(
                n_workers=_local_workers(address), threads_per_worker=1, dashboard_address=None
            ) as local,
            Client(local, set_as_default=False) as client,
        ):
            yield client
        return
    try:
        client = Client(address, timeout=ANSWER_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise _no_answer(address, error) from error
    with client:
        yield client


@contextmanager
def _missing_code_told() -> Iterator[None]:
    """Raise ConfigError where the cluster has no module that a call needs, such as a user's own."""
    try:
        yield
    except AuditError:
        raise
    except Exception as error:
        why: BaseException | None = error
        while why is not None and not isinstance(why, ImportError):
            why = why.__cause__
        if why is None:
            raise
        raise ConfigError(
            f"the cluster cannot import what the audit needs there ({one_line(why)}); install it, or make it "
            "importable, where the scheduler and the workers run"
        ) from error


@contextmanager
def _a_lost_cluster_told(address: str) -> Iterator[None]:
    """Raise MachineError in place of what Dask raises when it loses the scheduler or too many workers."""
    try:
        yield
    except AuditError:
        raise
    except Exception as error:
        if not type(error).__module__.startswith("distributed."):
            raise
        raise MachineError(
            f"the Dask cluster at {address} was lost ({type(error).__name__}); finished folds are kept, and "
            "the same command resumes; start the cluster again, or leave --cluster out"
        ) from error


@contextmanager
def _silent() -> Iterator[None]:
    """Keep Dask from printing tracebacks: what a user needs to know is one line."""
    import distributed  # noqa: F401, PLC0415  makes its loggers, each with a level of its own

    names = [name for name in logging.root.manager.loggerDict if name.split(".")[0] == "distributed"]
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


def _no_answer(address: str, error: Exception) -> ConfigError:
    return ConfigError(
        f"no Dask cluster answers at --cluster {address} ({type(error).__name__}), {REMEDY}; start one with: "
        "dask scheduler"
    )


def _reach(address: str) -> None:
    """Open a connection and close it; OSError when nothing answers, ValueError when it is not an address."""
    parts = urlsplit(address if "://" in address else f"tcp://{address}")
    if not parts.hostname or not parts.port:
        raise ValueError(address)
    create_connection((parts.hostname, parts.port), ANSWER_SECONDS).close()

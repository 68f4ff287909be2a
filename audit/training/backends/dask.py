"""Other machines: calls sent to a Dask cluster.

joblib has a backend for Dask, too. It keeps every result on the worker that computed it until all are there,
so that a worker that is lost costs all that it ever did, and examples on that worker alone.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice
from queue import Empty, SimpleQueue
from socket import create_connection
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

import numpy as np

from audit.errors import AuditError, ConfigError, MachineError
from audit.wording import one_line

if TYPE_CHECKING:
    from distributed import Client

Result = TypeVar("Result")


class _InUse(NamedTuple):
    """A cluster that is in use."""

    address: str
    client: "Client"
    workers: int  # that it had then


_IN_USE: ContextVar[_InUse | None] = ContextVar("cluster", default=None)
LARGE_BYTES = 1_000_000  # of an argument that is sent once for all calls
ANSWER_SECONDS = 10.0  # in which the scheduler must answer
NO_WORKER_SECONDS = 60  # to wait for workers that are being started again, when there is none
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
        When the scheduler is lost or all workers are, or one call's workers are killed again and again.
    """
    if address is None:
        yield None
        return
    check_address(address)
    with _silent(), _large_calls_allowed(), _client(address) as client:
        threads = client.nthreads()
        if not threads or max(threads.values()) > 1:
            raise ConfigError(
                f"the cluster at {address} has {len(threads)} workers with up to "
                f"{max(threads.values(), default=0)} threads, expected one or more with one thread each, so "
                "that models do not share random numbers; start them with: dask worker --nthreads 1"
            )
        with _a_lost_cluster_told(address):
            before = _IN_USE.set(_InUse(address, client, len(threads)))
            try:
                yield len(threads)
            finally:
                _IN_USE.reset(before)


def workers() -> int:
    """The number of workers that the cluster in use had when it was taken into use; 0 where there is none."""
    in_use = _IN_USE.get()
    return 0 if in_use is None else in_use.workers


def run_in_use(
    function: Callable[..., Result],
    common: Sequence[Any],
    own: Iterable[Sequence[Any]],
    at_a_time: int | None = None,
) -> Iterator[Result]:
    """Call a function on the cluster that is in use, and yield results as they end.

    Every call gets the arguments that all have in common, and then its own. As many run at a time as asked
    for, or else as there are workers. What is large of the common arguments is sent once, and workers get it
    from each other; own arguments are asked for when there is a worker for them. The scheduler keeps all of
    them until the calls are done, so that lost workers lose none, and reads nothing: it needs neither the
    files nor the modules of the user.

    Raises
    ------
    ConfigError
        When an argument cannot be sent, or a worker cannot read what it was sent.
    MachineError
        When there has been no worker for NO_WORKER_SECONDS.
    """
    in_use = _IN_USE.get()
    assert in_use is not None
    client = in_use.client
    sent = [_sent_once(client, argument) for argument in common]
    running: dict[Any, str | None] = {}  # calls, and the worker of each
    ended: SimpleQueue[Any] = SimpleQueue()

    def start(arguments: Sequence[Any]) -> None:
        worker = _least_busy(client, running.values())
        where = {} if worker is None else {"workers": [worker], "allow_other_workers": True}
        future = client.submit(_call, _packed((function, arguments)), *sent, pure=False, **where)
        running[future] = worker
        future.add_done_callback(ended.put)

    waiting = iter(own)
    try:
        for arguments in islice(waiting, at_a_time or in_use.workers):
            start(arguments)
        while running:
            future, result = _next_result(in_use, ended)
            del running[future]
            future.release()
            for arguments in islice(waiting, 1):
                start(arguments)
            yield result
    finally:
        for future in running:
            future.release()


def _least_busy(client: "Client", assigned: Iterable[str | None]) -> str | None:
    """The worker with the fewest calls, None where there is no worker.

    Left to itself, Dask lets calls wait for the worker that has a large argument, and others idle. It does
    not yet know of calls that were just assigned; of those that moved from a lost worker, it alone knows.
    """
    calls = Counter(assigned)
    processing = client.processing()
    return min(processing, key=lambda worker: max(calls[worker], len(processing[worker])), default=None)


def _next_result(in_use: _InUse, ended: "SimpleQueue[Any]") -> tuple[Any, Any]:
    """The next call that ends, and its result; MachineError where there has been no worker for a while.

    A result can be lost with its worker before it is fetched, so fetching is tried for longer and longer.
    """
    future = None
    patience = 1.0
    last_seen = monotonic()
    while monotonic() - last_seen < NO_WORKER_SECONDS:
        try:
            future = future or ended.get(timeout=1)
            return future, future.result(timeout=patience)
        except (Empty, TimeoutError):
            if future is not None:
                if future.status == "error":
                    raise  # the call's own
                patience *= 2
            if in_use.client.nthreads():
                last_seen = monotonic()
    raise _lost(in_use.address, f"no worker for {NO_WORKER_SECONDS} s")


def _sent_once(client: "Client", argument: Any) -> Any:
    """An argument of every call as it is sent with them; what is large is a result, which workers share.

    Dask's own way to give data to all workers fails where one of them is lost meanwhile, and data that was
    given so is lost with the workers that have it. A call is done again.
    """
    if isinstance(argument, np.ndarray) and argument.dtype != object and argument.nbytes > LARGE_BYTES:
        return client.submit(_unchanged, argument, pure=False)
    packed = _packed(argument)
    if len(packed) > LARGE_BYTES:
        return client.submit(_unchanged, packed, pure=False)
    return packed


def _unchanged(argument: Result) -> Result:
    return argument


def _packed(argument: Any) -> bytes:
    """An argument as bytes, which a worker reads; ConfigError where it cannot be sent."""
    from distributed.protocol.pickle import dumps  # noqa: PLC0415  an extra

    try:
        return bytes(dumps(argument))
    except Exception as error:  # anything in it may refuse, in any way
        raise ConfigError(
            f"--cluster cannot send what a model or an embedder needs ({type(error).__name__}: "
            f"{one_line(error)}); give a function or a class of a module, or leave --cluster out"
        ) from error


def _call(packed: Any, *common: Any) -> Any:
    """Do a call on a worker, with the arguments that all calls have in common before its own."""
    from distributed.protocol.pickle import loads  # noqa: PLC0415  an extra

    try:
        function, own = loads(packed)
        common = tuple(each if isinstance(each, np.ndarray) else loads(each) for each in common)
    except AuditError:
        raise
    except Exception as error:  # anything in it may refuse, in any way
        raise ConfigError(
            f"a worker of --cluster cannot read what it was sent ({type(error).__name__}: "
            f"{one_line(error)}); install, or make importable there, what is here"
        ) from error
    return function(*common, *own)


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
                n_workers=_local_workers(address),
                threads_per_worker=1,
                dashboard_address="127.0.0.1:0",  # any free port; without one Dask wants its own
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
def _a_lost_cluster_told(address: str) -> Iterator[None]:
    """Raise MachineError in place of what Dask raises when it loses the scheduler or too many workers."""
    try:
        yield
    except AuditError:
        raise
    except Exception as error:
        unreachable = isinstance(error, OSError) and error.errno is None  # Dask's, and its time-outs
        if not (unreachable or type(error).__module__.startswith("distributed.")):
            raise
        raise _lost(address, type(error).__name__) from error


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


@contextmanager
def _large_calls_allowed() -> Iterator[None]:
    """Keep Dask from warning of calls with large arguments."""
    import dask  # noqa: PLC0415  an extra

    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TB"}):
        yield


def _lost(address: str, why: str) -> MachineError:
    return MachineError(
        f"the Dask cluster at {address} was lost ({why}); finished folds and features are kept, and the same "
        "command resumes; start the cluster again, or leave --cluster out"
    )


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

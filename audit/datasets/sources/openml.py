"""Data sets of openml.org, through scikit-learn's client, kept in the user's cache folder."""

import gzip
import os
import re
import shutil
import socket
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit

import pandas as pd

from audit import wording
from audit.datasets.source import Source, shown
from audit.datasets.sources.tables import examples_from_frame
from audit.errors import DataError
from audit.events import Listener
from audit.settings.data import DataSettings

CACHE = "AUDIT_CACHE"  # the environment variable that names the cache folder
SPEC = re.compile(
    r"openml:(?:(?P<id>\d{1,9})|(?P<name>(?!\d+@)[^@/\s]+)(?:@(?P<version>[1-9]\d*))?)", re.ASCII
)
SECONDS = 10  # to wait for an answer; the client asks up to four times
ALTERNATIVES = "or take a bundled data set (audit datasets), a file (audit detect data.csv) or --X and --y"
ONE_COLUMN = "save the table as a file and name a column: audit detect data.csv --label-column NAME"
FORMS = "openml:NAME, openml:NAME@VERSION or openml:ID, such as openml:iris or openml:61"
SEARCH = "look it up at https://www.openml.org/search?type=data"
REFUSALS = {  # what scikit-learn's client says of undamaged data that it cannot read: what this tool says
    "Sparse ARFF": "is a sparse table, expected a dense one; make features of it first, for example with "
    "sklearn.decomposition.TruncatedSVD, and give them as --X and --y",
    "Missing values are not supported for target": "has rows without a label, which cannot be read from "
    "openml.org; save the table as a file: audit detect data.csv",
    "homogeneous multi-target": "has several targets of different kinds, expected one for each row; "
    f"{ONE_COLUMN}",
}
_ONE_AT_A_TIME = threading.Lock()  # the limits below hold for the whole process


class _DamagedError(DataError):
    """Data that were downloaded, or are in the cache, but cannot be read."""


def load_openml(_path: Path, settings: DataSettings, _: Listener) -> Source:
    """Load a table of openml.org: images where its columns are pixels, else features.

    Parameters
    ----------
    settings
        `data` is `openml:NAME`, for the first active version, `openml:NAME@VERSION` or `openml:ID`.

    Raises
    ------
    DataError
        When there is no such data set, it has no classes or is sparse, or it cannot be downloaded.
    """
    spec = settings.data
    arguments = _arguments(spec)
    bunch, several = _fetch_or_refill(spec, arguments)
    details = bunch.details
    y = bunch.target
    if y is None:
        raise DataError(f"{spec} has no default target, expected a column of labels; {ONE_COLUMN}")
    if isinstance(y, pd.DataFrame):
        listed = shown(", ".join(map(str, y.columns)))
        raise DataError(
            f"{spec} has {y.shape[1]} targets ({listed}), expected one for each row; {ONE_COLUMN}"
        )
    X, features, notes = examples_from_frame(bunch.data, spec)
    return Source(
        name=f"openml-{details['name']}",
        X=X,
        y=y,
        names=(spec, f"target {y.name!r} of {spec}"),
        feature_names=features,
        notes=(*_provenance(spec, details, several=several), *notes),
    )


def cache_folder() -> Path:
    """Where downloaded data sets are kept: AUDIT_CACHE, else in the user's own cache folder."""
    from platformdirs import user_cache_path  # noqa: PLC0415  only downloads need it

    named = os.environ.get(CACHE)
    if named:
        return Path(named).expanduser() / "openml"
    return user_cache_path("label-audit", appauthor=False) / "openml"


def _arguments(spec: str) -> dict[str, Any]:
    """What scikit-learn's client is asked for."""
    found = SPEC.fullmatch(spec)
    if found is None:
        raise DataError(f"{shown(spec)} does not name a data set of openml.org, expected {FORMS}; {SEARCH}")
    if found["id"]:
        return {"data_id": int(found["id"])}
    return {"name": quote(found["name"], safe="(),"), "version": int(found["version"] or 0) or "active"}


def _fetch_or_refill(spec: str, arguments: dict[str, Any]) -> tuple[Any, bool]:
    """Fetch the data set; a cache that cannot be read is deleted and filled once more."""
    folder = cache_folder() / "-".join(f"{key}-{value}" for key, value in arguments.items())
    was_cached = folder.is_dir()
    try:
        return _fetch(spec, arguments, folder)
    except _DamagedError:
        shutil.rmtree(folder, ignore_errors=True)
        if not was_cached:
            raise
    return _fetch(spec, arguments, folder)


def _fetch(spec: str, arguments: dict[str, Any], folder: Path) -> tuple[Any, bool]:
    """The data set, and whether the name has several active versions."""
    from sklearn.datasets import fetch_openml  # noqa: PLC0415  slow to import

    try:
        with _time_limit() as warned:
            bunch = fetch_openml(**arguments, data_home=folder, as_frame=True, parser=_parser())
    except Exception as error:
        raise _refusal(spec, error, folder) from error
    return bunch, any(str(each.message).startswith("Multiple active versions") for each in warned)


def _parser() -> str:
    """The fast parser where it works: scikit-learn 1.9 fails on classes that pandas 3.1 makes numbers."""
    from sklearn import __version__ as sklearn_version  # noqa: PLC0415  slow to import

    if _major_minor(sklearn_version) < (1, 10) and _major_minor(pd.__version__) >= (3, 1):
        return "liac-arff"
    return "pandas"


def _major_minor(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split(".")[:2])


@contextmanager
def _time_limit() -> Iterator[list[warnings.WarningMessage]]:
    """Let no connection wait longer than SECONDS, and collect the client's warnings."""
    with _ONE_AT_A_TIME, warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        before = socket.getdefaulttimeout()
        socket.setdefaulttimeout(SECONDS)  # the client has no parameter for it
        try:
            yield warned
        finally:
            socket.setdefaulttimeout(before)


def _refusal(spec: str, error: Exception, folder: Path) -> DataError:
    """The error that the client's error means."""
    failure = _network_failure(spec, error)
    if failure:
        return DataError(f"{failure}; try again later, {ALTERNATIVES}")
    text = str(error)
    if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile):
        return DataError(
            f"the cache {folder} cannot be used ({_reason(error)}); make room, or set {CACHE} to another"
        )
    if type(error).__name__ == "OpenMLError":  # a private class of scikit-learn
        return DataError(f"openml.org has no data set {spec.removeprefix('openml:')!r} ({text}); {SEARCH}")
    for words, meaning in REFUSALS.items():
        if words in text:
            return DataError(f"{spec} {meaning}")
    what = "its md5 checksum is not the stated one" if "md5 checksum" in text else shown(text)
    return _DamagedError(
        f"{spec} cannot be read as openml.org sends it ({what}); try again later, {ALTERNATIVES}"
    )


def _network_failure(spec: str, error: Exception) -> str:
    """What failed, where it was the network or the server; else empty."""
    if isinstance(error, HTTPError):
        error.close()
        return f"{urlsplit(error.url).netloc} answers {error.code} {error.reason} to {error.url}"
    if isinstance(error, URLError):
        return f"openml.org cannot be reached ({_reason(error.reason)})"
    if isinstance(error, ConnectionError | TimeoutError | HTTPException):
        return f"the download of {spec} broke off ({_reason(error)})"
    return ""


def _reason(error: object) -> str:
    """Why a connection failed, in a few words."""
    if isinstance(error, TimeoutError):
        return f"no answer in {SECONDS} seconds"
    return getattr(error, "strerror", None) or wording.one_line(error) or type(error).__name__


def _provenance(spec: str, details: dict[str, Any], *, several: bool) -> list[str]:
    """Where the data come from and what openml.org warns of, a line each."""
    notes = [
        f"{spec} is data set {details['id']} of openml.org: {details['name']}, version {details['version']}"
    ]
    if several:
        notes[0] += f", the first of several active ones; {spec}@VERSION takes another"
    if details.get("status", "active") != "active":
        notes.append(f"openml.org has set this version to {details['status']}: issues were found in it")
    notes += [f"openml.org warns: {shown(details[key])}" for key in ("error", "warning") if key in details]
    return notes

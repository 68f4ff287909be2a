"""Data sets of openml.org, through scikit-learn's client, kept in the user's cache folder."""

import gzip
import json
import os
import re
import shutil
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit, urlunsplit
from urllib.request import Request, urlopen

import pandas as pd

from audit import wording
from audit.datasets.source import Source, shown
from audit.datasets.sources.tables import examples_from_frame
from audit.errors import DataError

CACHE, MIRROR = "AUDIT_CACHE", "AUDIT_OPENML_URL"
SPEC = re.compile(
    r"openml:(?:(?P<id>\d{1,9})|(?P<name>(?!\d+@)[^@/\s]+)(?:@(?P<version>[1-9]\d*))?)", re.ASCII
)
SECONDS = 15  # without an answer are too many
PATIENCE = 10  # seconds after which a failure is not tried again
PASSING = (429, *range(500, 600))  # too many requests, or the server's own errors
REFUSED = 412  # with which OpenML answers what it does not have
ALTERNATIVES = "or take a bundled data set (audit datasets), a file (audit detect data.csv) or --X and --y"
ONE_COLUMN = "save the table as a file and name a column: audit detect data.csv --label-column NAME"
FORMS = "openml:NAME, openml:NAME@VERSION or openml:ID, such as openml:iris or openml:61"
SEARCH = "look it up at https://www.openml.org/search?type=data"
REFUSALS = {  # what scikit-learn's client says of data that are whole, and what we say
    "Sparse ARFF": "is a sparse table, expected a dense one; make features of it first, for example with "
    "sklearn.decomposition.TruncatedSVD, and give them as --X and --y",
    "Missing values are not supported for target": "has rows without a label, which cannot be read from "
    "openml.org; save the table as a file: audit detect data.csv",
    "homogeneous multi-target": "has several targets of different kinds, expected one for each row; "
    f"{ONE_COLUMN}",
}
_ONE_AT_A_TIME = threading.Lock()


@dataclass
class _Transport:
    """Opens URLs for scikit-learn's client: within limits of time, and asking again only where that may help.

    The client alone asks four times with pauses and waits without end, offline too.
    """

    mirror: str | None = field(default_factory=lambda: os.environ.get(MIRROR))
    asked: bool = False
    said: str = ""  # OpenML's own words when it refuses
    final: DataError | None = None
    began: float = field(default_factory=time.monotonic)  # or when it last answered

    def __call__(self, request: Request) -> Any:
        if self.final is not None:
            raise self.final
        self.asked, url = True, self._url(request.full_url)
        try:
            answer = urlopen(Request(url, headers=dict(request.headers)), timeout=SECONDS)  # noqa: S310  http(s)
        except (OSError, HTTPException) as error:
            host, reason = urlsplit(url).netloc, getattr(error, "reason", error)
            if isinstance(error, HTTPError):
                if error.code == REFUSED:
                    self.said = _words(error)
                    raise  # the client reads the number
                error.close()
                passing, why = error.code in PASSING, f"{host} answers {error.code} {reason} to {url}"
            else:
                passing = isinstance(reason, ConnectionResetError | HTTPException)
                why = f"{host} cannot be reached ({_reason(reason)})"
            if passing and time.monotonic() - self.began < PATIENCE:
                raise URLError(why) from error
            self.final = _unreachable(why)
            raise self.final from error
        self.began = time.monotonic()
        return answer

    def _url(self, url: str) -> str:
        parts = urlsplit(url)
        if self.mirror:
            mirror = urlsplit(self.mirror)
            path = mirror.path.rstrip("/") + parts.path
            parts = parts._replace(scheme=mirror.scheme, netloc=mirror.netloc, path=path)
        if parts.scheme not in ("http", "https"):
            raise DataError(
                f"{shown(urlunsplit(parts))} is no web address, expected http:// or https://; "
                f"set {MIRROR} to one, or leave it unset"
            )
        return urlunsplit(parts)


class _DamagedError(DataError):
    """What was downloaded, or is in the cache, cannot be read."""


def load_openml(spec: str) -> Source:
    """A table of openml.org: its pixels as images where it is one of images, else its features.

    Parameters
    ----------
    spec
        `openml:NAME`, the first active version; `openml:NAME@VERSION`; or `openml:ID`.

    Raises
    ------
    DataError
        When there is no such data set, it is no classification of dense rows, or it cannot be had.
    """
    arguments = _arguments(spec)
    bunch, several = _healed(spec, arguments)
    details, y = bunch.details, bunch.target
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

    root = os.environ.get(CACHE)
    return (Path(root).expanduser() if root else user_cache_path("label-audit", appauthor=False)) / "openml"


def _arguments(spec: str) -> dict[str, Any]:
    """What scikit-learn's client is asked for."""
    found = SPEC.fullmatch(spec)
    if found is None:
        raise DataError(f"{shown(spec)} names no data set of openml.org, expected {FORMS}; {SEARCH}")
    if found["id"]:
        return {"data_id": int(found["id"])}
    return {"name": quote(found["name"], safe="(),"), "version": int(found["version"] or 0) or "active"}


def _healed(spec: str, arguments: dict[str, Any]) -> tuple[Any, bool]:
    """The data set; a cache that cannot be read is thrown away and filled once more."""
    folder = cache_folder() / "-".join(f"{key}-{value}" for key, value in arguments.items())
    transport = _Transport()
    try:
        return _fetched(spec, arguments, folder, transport)
    except _DamagedError:
        shutil.rmtree(folder, ignore_errors=True)
        if transport.asked:  # then the client has asked for it a second time already
            raise
    return _fetched(spec, arguments, folder, _Transport())


def _fetched(spec: str, arguments: dict[str, Any], folder: Path, transport: _Transport) -> tuple[Any, bool]:
    """The data set, and whether the name has several active versions."""
    from sklearn.datasets import fetch_openml  # noqa: PLC0415  slow to import

    try:
        with _carried_by(transport) as warned:
            bunch = fetch_openml(**arguments, data_home=folder, as_frame=True, parser=_parser())
    except DataError:
        raise
    except Exception as error:
        raise _refusal(spec, error, folder, transport.said) from error
    return bunch, any(str(each.message).startswith("Multiple active versions") for each in warned)


def _parser() -> str:
    """The fast parser, unless it fails: up to scikit-learn 1.9 on classes that pandas 3.1 makes numbers."""
    from sklearn import __version__ as version  # noqa: PLC0415  slow to import

    old, new = (tuple(map(int, each.split(".")[:2])) for each in (version, pd.__version__))
    return "liac-arff" if old < (1, 10) and new >= (3, 1) else "pandas"


@contextmanager
def _carried_by(transport: _Transport) -> Iterator[list[warnings.WarningMessage]]:
    """Let scikit-learn's client open its URLs through the transport; gives the client's warnings."""
    from sklearn.datasets import _openml as client  # noqa: PLC0415  slow to import

    with _ONE_AT_A_TIME, warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        original, client.urlopen = client.urlopen, transport
        try:
            yield warned
        finally:
            client.urlopen = original


def _refusal(spec: str, error: Exception, folder: Path, said: str) -> DataError:
    """What the client's error means."""
    text = str(error)
    if isinstance(error, URLError):
        return _unreachable(str(error.reason))
    if isinstance(error, ConnectionError | TimeoutError | HTTPException):
        return _unreachable(f"the download of {spec} broke off ({_reason(error)})")
    if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile):
        return DataError(
            f"the cache {folder} cannot be used ({_reason(error)}); make room, or set {CACHE} to another"
        )
    if type(error).__name__ == "OpenMLError":
        return DataError(f"openml.org gives no data set {spec[7:]!r} ({said or text}); {SEARCH}")
    for part, meaning in REFUSALS.items():
        if part in text:
            return DataError(f"{spec} {meaning}")
    what = "its md5 checksum is not the stated one" if "md5 checksum" in text else shown(text)
    return _DamagedError(
        f"{spec} cannot be read as openml.org sends it ({what}); try again later, {ALTERNATIVES}"
    )


def _unreachable(why: str) -> DataError:
    return DataError(f"{why}; try again later, {ALTERNATIVES}")


def _reason(error: object) -> str:
    """Why a connection failed, in a few words."""
    if isinstance(error, TimeoutError):
        return f"no answer in {SECONDS} seconds"
    return getattr(error, "strerror", None) or wording.one_line(error) or type(error).__name__


def _words(error: HTTPError) -> str:
    """OpenML's message and number in the body of its refusal."""
    with error:
        body = error.read()
    try:
        found = json.loads(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body)["error"]
        return f"{wording.one_line(found['message'])}, code {found['code']}"
    except (ValueError, LookupError, TypeError, OSError, EOFError):
        return ""


def _provenance(spec: str, details: dict[str, Any], *, several: bool) -> list[str]:
    """What a person should know of where the data come from, a line each."""
    notes = [
        f"{spec} is data set {details['id']} of openml.org: {details['name']}, version {details['version']}"
    ]
    if several:
        notes[0] += f", the first of several active ones; {spec}@VERSION takes another"
    if details.get("status", "active") != "active":
        notes.append(f"openml.org has set this version to {details['status']}: issues were found in it")
    notes += [f"openml.org warns: {shown(details[key])}" for key in ("error", "warning") if key in details]
    return notes

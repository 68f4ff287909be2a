import contextlib
import gzip
import hashlib
import json
import re
import socket
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import audit
from audit.datasets.sources import openml, pixels, tables
from audit.events import Silent
from audit.settings.data import DataSettings

NUMERIC, NOMINAL = "numeric", "nominal"
REMEDY = "try again later, or take a bundled data set (audit datasets), a file (audit detect data.csv) or --X and --y"
TREES = """% a comment
@RELATION trees
@ATTRIBUTE height REAL
@ATTRIBUTE kind {'small leaf',needle}
@ATTRIBUTE year INTEGER
@ATTRIBUTE class {oak,pine}
@DATA
1.5,'small leaf',1990,oak
?,needle,1991,pine
2.5,?,1992,pine
3.5,needle,1993,oak
"""
TREE_COLUMNS = [("height", NUMERIC), ("kind", NOMINAL), ("year", NUMERIC), ("class", NOMINAL)]


class OpenML:
    """A server that speaks as openml.org does; what it holds and how it fails can be changed at any time."""

    def __init__(self):
        self.pages, self.asked, self.failures = {}, [], {}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def handler(self):
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                site.asked.append(self.path)
                status, body, sent = site.answer(self.path, len(site.asked))
                self.send_response(status)
                assert self.headers["Accept-encoding"] == "gzip"
                self.send_header("Content-Encoding", "gzip")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(BrokenPipeError):  # who asked has given up
                    self.wfile.write(body[:sent])

            def log_message(self, *_):
                pass

        return Handler

    def answer(self, path, _):
        for part, failures in self.failures.items():
            if part in path and failures:
                return failures.pop(0)(self.pages.get(path, b""))
        if path in self.pages:
            return packed(200, self.pages[path])
        code, message = ("372", "No results") if "data_name" in path else ("111", "Unknown dataset")
        return refused(code, message)(b"")

    def publish(self, did, name, arff, columns, *, version=1, targets=("class",), checksum=None, **details):
        """Put a data set on the server, in OpenML's words."""
        arff = arff.encode()
        address = f"/data/v1/download/{did + 1000}/{name}.arff"
        description = {
            "id": str(did), "name": name, "version": str(version), "description": "For tests.", "format": "ARFF",
            "upload_date": "2014-04-06T23:23:39", "licence": "Public", "url": f"https://www.openml.org{address}",
            "file_id": str(did + 1000), "default_target_attribute": ",".join(targets), "visibility": "public",
            "status": "active", "md5_checksum": checksum or hashlib.md5(arff, usedforsecurity=False).hexdigest(),
            **details,
        }  # fmt: skip
        features = [
            {
                "index": str(i), "name": column, "data_type": kind, "is_target": str(column in targets).lower(),
                "is_ignore": "false", "is_row_identifier": "false", "number_of_missing_values": "0",
            }
            for i, (column, kind) in enumerate(columns)
        ]  # fmt: skip
        listed = {
            "did": did,
            "name": name,
            "version": version,
            "status": "active",
            "format": "ARFF",
            "file_id": did + 1000,
        }
        base = "/api/v1/json/data"
        self.put(f"{base}/{did}", {"data_set_description": description})
        self.put(f"{base}/features/{did}", {"data_features": {"feature": features}})
        rows = str(float(len(arff.split(b"@DATA\n")[1].splitlines())))
        self.put(
            f"{base}/qualities/{did}",
            {"data_qualities": {"quality": [{"name": "NumberOfInstances", "value": rows}]}},
        )
        search = f"{base}/list/data_name/{name.lower()}/limit/2"
        self.put(f"{search}/data_version/{version}", {"data": {"dataset": [listed]}})
        active = json.loads(self.pages.get(f"{search}/status/active/", b'{"data": {"dataset": []}}'))
        active["data"]["dataset"].append(listed)
        self.put(f"{search}/status/active/", active)
        self.pages[address] = self.pages[f"/data/v1/download/{did + 1000}"] = arff

    def put(self, path, content):
        self.pages[path] = json.dumps(content).encode()


OPENML = re.compile(r"https://(?:www|api)\.openml\.org")  # scikit-learn up to 1.8 asks api


class ToSite(urllib.request.HTTPHandler):
    """Opens addresses of openml.org at a local server instead."""

    handler_order = 400  # before the handler that opens https

    def __init__(self, url):
        super().__init__()
        self.url = url

    def https_open(self, request):
        address = OPENML.sub(self.url, request.full_url)
        local = urllib.request.Request(address)  # noqa: S310  a local server
        local.headers = request.headers
        local.timeout = request.timeout
        return self.http_open(local)


@pytest.fixture
def direct_to():
    """Lets urllib open openml.org at another address until the test ends."""

    def install(url):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), ToSite(url))
        urllib.request.install_opener(opener)

    yield install
    urllib.request.install_opener(urllib.request.build_opener())


def packed(status, body):
    body = gzip.compress(body)
    return status, body, len(body)


def plain(status):
    return lambda _: packed(status, b"<html>no</html>")


def refused(code, message):
    error = {"error": {"code": code, "message": message, "additional_information": "for tests"}}
    return lambda _: packed(412, json.dumps(error).encode())


def truncated(body):
    body = gzip.compress(body)
    return 200, body, len(body) // 2


@pytest.fixture
def site(tmp_path, monkeypatch, direct_to):
    """OpenML with one small table, a cache folder of its own, and no pauses."""
    site = OpenML()
    direct_to(site.url)
    monkeypatch.setenv("AUDIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(time, "sleep", lambda _: None)
    site.publish(61, "Trees", TREES, TREE_COLUMNS)
    yield site
    site.server.shutdown()
    site.server.server_close()


@pytest.fixture
def frames(monkeypatch):
    """The frames that were handed on to be made features."""
    seen = []

    def keep(spec):
        monkeypatch.setattr(
            openml,
            "examples_from_frame",
            lambda frame, _: (seen.append(frame) or np.zeros((len(frame), 1)), (), ()),
        )
        return loaded(spec), seen[-1]

    return keep


def loaded(spec):
    return openml.load_openml(Path(spec), DataSettings(spec), Silent())


def refusal(spec):
    with pytest.raises(audit.DataError) as caught:
        loaded(spec)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("parser", ["pandas", "liac-arff"])
@pytest.mark.parametrize("spec", ["openml:trees", "openml:Trees", "openml:trees@1", "openml:61"])
def test_a_table_is_loaded_by_name_version_and_number(site, frames, monkeypatch, spec, parser):
    monkeypatch.setattr(openml, "_parser", lambda: parser)
    source, frame = frames(spec)
    assert source.name == "openml-Trees"
    assert list(source.y) == ["oak", "pine", "pine", "oak"]
    assert source.names == (spec, f"target 'class' of {spec}")
    assert source.notes == (f"{spec} is data set 61 of openml.org: Trees, version 1",)
    np.testing.assert_array_equal(frame["height"], [1.5, np.nan, 2.5, 3.5])
    assert list(frame["kind"].astype(object).where(frame["kind"].notna(), None)) == [
        "small leaf",
        "needle",
        None,
        "needle",
    ]
    assert list(frame.columns) == ["height", "kind", "year"]


def test_a_table_becomes_features(site):
    pytest.importorskip("audit.datasets.sources.tables")
    source = loaded("openml:trees")
    assert source.X.dtype == np.float64
    assert len(source.X) == 4
    assert len(source.feature_names) == source.X.shape[1]
    assert "height" in source.feature_names


@pytest.mark.parametrize("classes", ["01", ["true", "false"], ["0", "10"], ["'a b'", "c"], ['"a b"', "c"]])
def test_classes_may_be_called_anything(site, frames, classes):
    first, second = classes
    arff = f"@RELATION r\n@ATTRIBUTE a REAL\n@ATTRIBUTE class {{{first},{second}}}\n@DATA\n1,{first}\n2,{second}\n"
    site.publish(8, "named", arff, [("a", NUMERIC), ("class", NOMINAL)])
    source, _ = frames("openml:8")
    assert [str(each).lower() for each in source.y] == [each.strip("'\"") for each in classes]


def test_what_is_cached_is_not_asked_for_again(site, frames, tmp_path):
    first, _ = frames("openml:trees")
    asked = len(site.asked)
    assert asked == 5
    site.server.shutdown()
    site.server.server_close()
    again, _ = frames("openml:trees")
    assert len(site.asked) == asked
    assert list(again.y) == list(first.y)
    assert again.notes == first.notes
    assert (tmp_path / "cache" / "openml").is_dir()


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda _: b"", lambda b: b[:40] + b"\xff" + b[41:], lambda _: gzip.compress(b"{}"), lambda _: gzip.compress(b"[]")])  # fmt: skip
@pytest.mark.parametrize("which", range(5))
def test_a_damaged_cache_heals_itself(site, frames, tmp_path, which, damage):
    first, _ = frames("openml:trees")
    files = sorted(path for path in (tmp_path / "cache").rglob("*.gz"))
    assert len(files) == 5
    files[which].write_bytes(damage(files[which].read_bytes()))
    again, _ = frames("openml:trees")
    assert list(again.y) == list(first.y)
    asked = len(site.asked)
    frames("openml:trees")
    assert len(site.asked) == asked


@pytest.mark.parametrize("part", ["list", "data/61", "features", "qualities", "download"])
@pytest.mark.parametrize(
    "failure", [truncated, plain(503), plain(429), plain(200), lambda _: packed(200, b"")]
)
def test_a_passing_failure_is_overcome_by_asking_again(site, frames, part, failure):
    site.failures[part] = [failure]
    source, _ = frames("openml:trees")
    assert list(source.y) == ["oak", "pine", "pine", "oak"]


def test_an_interrupted_download_is_not_cached(site, frames, tmp_path):
    site.failures["download"] = [truncated, truncated]
    message = refusal("openml:trees")
    assert message.startswith("openml:trees cannot be read as openml.org sends it (")
    assert message.endswith(REMEDY)
    assert not list((tmp_path / "cache").rglob("*.gz"))
    source, _ = frames("openml:trees")
    assert len(source.y) == 4


def test_a_wrong_checksum_is_refused(site, tmp_path):
    site.publish(7, "forged", TREES, TREE_COLUMNS, checksum="0" * 32)
    what = "its md5 checksum is not the stated one"
    assert refusal("openml:7") == f"openml:7 cannot be read as openml.org sends it ({what}); {REMEDY}"
    assert sum("download" in path for path in site.asked) == 2
    assert not list((tmp_path / "cache").rglob("*.gz"))


@pytest.mark.parametrize("spec", ["openml:trees", "openml:61"])
def test_a_server_that_is_down_is_named_with_the_reason(site, spec):
    site.server.shutdown()
    site.server.server_close()
    assert refusal(spec) == f"openml.org cannot be reached (Connection refused); {REMEDY}"


def test_without_a_network_there_is_one_line(site, direct_to):
    direct_to("http://nowhere.invalid")
    message = refusal("openml:61")
    assert message.startswith("openml.org cannot be reached (")
    assert message.endswith(REMEDY)


def test_a_server_that_never_answers_is_given_up(site, monkeypatch):
    monkeypatch.setattr(openml, "SECONDS", 0.2)
    done = threading.Event()
    site.failures["61"] = [lambda _: (done.wait(), packed(200, b""))[1]] * 9
    assert refusal("openml:61") == f"the download of openml:61 broke off (no answer in 0.2 seconds); {REMEDY}"
    done.set()


def test_the_limit_of_time_ends_with_the_download(site):
    loaded("openml:61")
    refusal("openml:62")
    assert socket.getdefaulttimeout() is None


@pytest.mark.parametrize(("status", "words"), [(404, "Not Found"), (403, "Forbidden"), (503, "Service Unavailable")])  # fmt: skip
def test_an_error_of_the_server_is_passed_on(site, status, words):
    site.failures["61"] = [plain(status)] * 9
    host = r"(www|api)\.openml\.org"
    line = rf"{host} answers {status} {words} to https://\1\.openml\.org/api/v1/json/data/61; {re.escape(REMEDY)}"
    assert re.fullmatch(line, refusal("openml:61"))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("openml:tress", "openml.org has no data set 'tress' (No active dataset tress found.); look it up at https://www.openml.org/search?type=data"),
        ("openml:trees@9", "openml.org has no data set 'trees@9' (Dataset trees with version 9 not found.); look it up at https://www.openml.org/search?type=data"),
        ("openml:62", "openml.org has no data set '62' (Dataset with data_id 62 not found.); look it up at https://www.openml.org/search?type=data"),
        *(
            (spec, f"{spec!r} does not name a data set of openml.org, expected openml:NAME, openml:NAME@VERSION or openml:ID, such as openml:iris or openml:61; look it up at https://www.openml.org/search?type=data")
            for spec in ("openml:", "openml:61@1", "openml:trees@", "openml:trees@x", "openml:a/b", "openml:@1")
        ),
    ],
)  # fmt: skip
def test_what_openml_does_not_have_is_refused(site, spec, message):
    assert refusal(spec) == message


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"targets": ()}, "openml:9 has no default target, expected a column of labels; save the table as a file and name a column: audit detect data.csv --label-column NAME"),
        ({"targets": ("class", "kind")}, "openml:9 has 2 targets ('kind, class'), expected one for each row; save the table as a file and name a column: audit detect data.csv --label-column NAME"),
        ({"targets": ("class", "year")}, "openml:9 has several targets of different kinds, expected one for each row; save the table as a file and name a column: audit detect data.csv --label-column NAME"),
        ({"format": "Sparse_ARFF"}, "openml:9 is a sparse table, expected a dense one; make features of it first, for example with sklearn.decomposition.TruncatedSVD, and give them as --X and --y"),
    ],
)  # fmt: skip
def test_what_cannot_be_audited_is_refused(site, settings, message):
    site.publish(9, "odd", TREES, TREE_COLUMNS, **settings)
    assert refusal("openml:9") == message


def test_rows_without_a_label_are_refused(site):
    site.publish(9, "odd", TREES, TREE_COLUMNS)
    page = "/api/v1/json/data/features/9"
    site.pages[page] = site.pages[page].replace(
        b'"number_of_missing_values": "0"', b'"number_of_missing_values": "2"'
    )
    assert refusal("openml:9") == (
        "openml:9 has rows without a label, which cannot be read from openml.org; "
        "save the table as a file: audit detect data.csv"
    )


def test_a_cache_that_cannot_be_written_is_refused(site, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AUDIT_CACHE", str(tmp_path / "file"))
    folder = tmp_path / "file" / "openml" / "data_id-61"
    assert (
        refusal("openml:61")
        == f"the cache {folder} cannot be used (Not a directory); make room, or set AUDIT_CACHE to another"
    )


def test_the_cache_is_in_the_users_cache_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("AUDIT_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert openml.cache_folder().parts[-1] == "openml"
    assert "label-audit" in openml.cache_folder().parts


def test_other_versions_and_warnings_are_told(site, frames):
    site.publish(99, "Trees", TREES, TREE_COLUMNS, version=2, status="deactivated", warning="odd\nrows")
    source, _ = frames("openml:trees")
    assert source.notes == (
        "openml:trees is data set 61 of openml.org: Trees, version 1, the first of several active ones; openml:trees@VERSION takes another",
    )
    source, _ = frames("openml:trees@2")
    assert source.notes == (
        "openml:trees@2 is data set 99 of openml.org: Trees, version 2",
        "openml.org has set this version to deactivated: issues were found in it",
        "openml.org warns: 'odd\\nrows'",
    )


def pixels_arff(values, names):
    lines = [
        "@RELATION pixels",
        *(f"@ATTRIBUTE {name} REAL" for name in names),
        "@ATTRIBUTE class {a,b}",
        "@DATA",
    ]
    lines += [",".join([*map(str, row), "ab"[i % 2]]) for i, row in enumerate(values.tolist())]
    return "\n".join(lines) + "\n"


def test_pixels_become_images(site):
    images = np.random.default_rng(0).integers(0, 256, (6, 28, 28))
    names = [f"pixel{i}" for i in range(1, 785)]
    arff = pixels_arff(images.reshape(6, -1), names)
    site.publish(554, "mnist_784", arff, [*((name, NUMERIC) for name in names), ("class", NOMINAL)])
    source = loaded("openml:mnist_784")
    assert source.X.dtype == np.uint8
    np.testing.assert_array_equal(source.X, images)
    assert list(source.y) == ["a", "b"] * 3
    assert source.notes[1:] == (
        "columns 'pixel1' to 'pixel784', bytes from 0 to 255, are read as images of 28 x 28 pixels",
    )


def smooth_colours(n=5, side=32):
    ramp = np.linspace(0, 120, side)
    images = (ramp[:, None] + ramp[None])[None, :, :, None] + np.array([0, 15, 10])
    return np.repeat(images, n, axis=0).astype(np.uint8)


@pytest.mark.parametrize("planes", [True, False])
def test_the_layout_of_colours_is_found(planes):
    images = smooth_colours()
    images[0, 0, 0, 0] = 255
    flat = (images.transpose(0, 3, 1, 2) if planes else images).reshape(5, -1)
    for prefix, start in (("a", 0), ("p", 1)):
        frame = pd.DataFrame(flat, columns=[f"{prefix}{i + start}" for i in range(3072)])
        found, _, notes = tables.examples_from_frame(frame, "X")
        np.testing.assert_array_equal(found, images)
        assert notes[0].endswith("are read as images of 32 x 32 pixels in colour")


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(np.full((3, 784), 0.5), columns=[f"pixel{i}" for i in range(784)]),
        pd.DataFrame(np.full((3, 784), 256), columns=[f"pixel{i}" for i in range(784)]),
        pd.DataFrame(np.full((3, 784), -1), columns=[f"pixel{i}" for i in range(784)]),
        pd.DataFrame(np.full((3, 784), np.nan), columns=[f"pixel{i}" for i in range(784)]),
        pd.DataFrame(np.full((3, 784), "1"), columns=[f"pixel{i}" for i in range(784)]),
        pd.DataFrame(np.full((3, 784), 255), columns=[f"pixel{i}" for i in range(2, 786)]),
        pd.DataFrame(np.full((3, 784), 255), columns=[f"{'ab'[i % 2]}{i}" for i in range(784)]),
        pd.DataFrame(np.full((3, 784), 9), columns=[f"V{i}" for i in range(784)]),
        pd.DataFrame(np.full((3, 783), 9), columns=[f"pixel{i}" for i in range(783)]),
        pd.DataFrame(np.full((3, 49), 9), columns=[f"pixel{i}" for i in range(49)]),
        pd.DataFrame(np.full((3, 64), 255), columns=[f"V{i}" for i in range(64)]),
        pd.DataFrame(np.full((0, 784), 9), columns=[f"pixel{i}" for i in range(784)]),
    ],
)  # fmt: skip
def test_other_columns_are_not_images(frame):
    assert pixels.as_images(frame) is None

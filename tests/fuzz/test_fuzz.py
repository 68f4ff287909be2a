"""A thousand damaged files for every reader: each is read, or refused in one line."""

import os
import sys

import pytest
from conftest import EXHAUSTIVE
from fuzz.readers import READERS, Place, Reader, fuzz

from audit.datasets import probe

# A thousand in all; the quick tests read the first hundred.
NUMBERS = [range(100), pytest.param(range(100, 1000), marks=EXHAUSTIVE)]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return Place(tmp_path_factory.mktemp("fuzz"))


@pytest.mark.parametrize("numbers", NUMBERS)
@pytest.mark.parametrize("name", READERS)
def test_a_thousand_damaged_files_are_read_or_refused_in_one_line(place, name, numbers):
    assert fuzz(name, place, 2, numbers) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only there readers are tried in a process of their own")
def test_a_file_that_breaks_its_reader_is_read_again_as_the_product_does(place, monkeypatch):
    tried = probe.tried

    def read(*_):
        if probe.tried is not tried:
            os.abort()
        raise TypeError("no line")

    monkeypatch.setitem(READERS, "hdf5", Reader(".h5", lambda _: [bytes(256)], read))
    found = fuzz("hdf5", place, 0, range(7, 9))
    assert found == [f"hdf5 --seed 0 --first {number}: TypeError: no line" for number in (7, 8)]

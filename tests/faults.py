"""A disk that is full, or a process that ends, at the k-th operation on files."""

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

OPERATIONS = (
    (os, "fsync"),
    (tempfile, "mkstemp"),
    (tempfile, "mkdtemp"),
    (shutil, "copyfile"),
    (np, "save"),
    (Path, "write_bytes"),
    (Path, "replace"),
    (Path, "mkdir"),
    (Path, "rename"),
)


class Stopped(BaseException):
    """A process that ends here, as far as files are concerned."""


def full_disk():
    return OSError(28, "No space left on device")


@contextmanager
def stopped_at(number, error=full_disk):
    """Fail at the operation of this number, counted from 0, and at every later one; gives the count so far."""
    count = [0]

    def failing(operation):
        def call(*arguments, **settings):
            count[0] += 1
            if count[0] > number:
                raise error()
            return operation(*arguments, **settings)

        return call

    with pytest.MonkeyPatch.context() as here:
        for home, name in OPERATIONS:
            here.setattr(home, name, failing(getattr(home, name)))
        yield count

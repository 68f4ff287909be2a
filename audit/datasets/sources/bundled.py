"""Bundled data sets: MNIST comes with this package, the others with scikit-learn."""

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np

from audit.datasets.source import Source
from audit.errors import DataError

MNIST_FILE = Path(__file__).parents[1] / "mnist.npz"
MNIST_SHA256 = "262c8fdbdd9350f0fee703f60e879e3ce749f8a9d7bb0d4c6a3d5490ac4aa0de"
TRAINING_ROWS = 60_000
MNIST_PARTS = {
    "mnist": slice(None),
    "mnist:train": slice(TRAINING_ROWS),
    "mnist:test": slice(TRAINING_ROWS, None),
}


def load_mnist(name: str) -> Source:
    """Load MNIST, or its training or test images; ids are row numbers in the whole set."""
    with np.load(io.BytesIO(_verified(MNIST_FILE, MNIST_SHA256)), allow_pickle=False) as file:
        images = file["images"]
        labels = file["labels"]
    rows = np.arange(len(labels))[MNIST_PARTS[name]]
    part = np.where(rows < TRAINING_ROWS, "train", "test")
    return Source(name=name.replace(":", "-"), X=images[rows], y=labels[rows], ids=rows, part=part)


def load_digits(name: str) -> Source:
    """Load the 1,797 digits of 8 x 8 pixels that scikit-learn ships."""
    from sklearn.datasets import load_digits as sklearn_digits  # noqa: PLC0415  slow to import

    digits = sklearn_digits()
    return Source(name=name, X=digits.images, y=digits.target)


def load_features(name: str) -> Source:
    """Load one of the tables that scikit-learn ships, with its class names."""
    from sklearn import datasets  # noqa: PLC0415  slow to import

    table = getattr(datasets, f"load_{name}")()
    class_names = [str(each) for each in table.target_names]
    return Source(name=name, X=table.data, y=table.target, class_names=class_names)


BUNDLED: dict[str, Callable[[str], Source]] = {
    **dict.fromkeys(MNIST_PARTS, load_mnist),
    "digits": load_digits,
    "wine": load_features,
    "breast_cancer": load_features,
}


def _verified(path: Path, sha256: str) -> bytes:
    """The bytes of a bundled file, if they are the ones that were shipped."""
    remedy = "install the package again: pip install --force-reinstall label-audit"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"the bundled {path} cannot be read ({error.strerror}); {remedy}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise DataError(f"the bundled {path} is damaged: expected sha256 {sha256}, found {found}; {remedy}")
    return content

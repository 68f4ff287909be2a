"""Where images and labels come from: `load(config)` gives a LabeledDataset."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from audit.config import Config
from audit.datasets.arrays import fingerprint, from_arrays
from audit.datasets.bundled import MNIST_SPLITS, load_digits, load_mnist
from audit.datasets.files import load_npy_pair, load_npz
from audit.errors import DataError
from audit.types import LabeledDataset

__all__ = ["BUNDLED", "from_arrays", "load", "sampled"]

BUNDLED: dict[str, Callable[[str], LabeledDataset]] = {
    **dict.fromkeys(MNIST_SPLITS, load_mnist),
    "digits": load_digits,
}


def load(config: Config) -> LabeledDataset:
    """The data set that the settings name; DataError when there is none or it cannot be audited."""
    if config.X is not None and config.y is not None:
        dataset = load_npy_pair(config.X, config.y)
    elif config.data in BUNDLED:
        dataset = BUNDLED[config.data](config.data)
    elif config.data.endswith(".npz"):
        dataset = load_npz(Path(config.data))
    else:
        raise DataError(
            f"{config.data!r} is no data set: expected {', '.join(BUNDLED)}, the path of an .npz file, "
            "or --X and --y with .npy files"
        )
    return sampled(dataset, config)


def sampled(dataset: LabeledDataset, config: Config) -> LabeledDataset:
    """The data set, or the sample of it that `limit` asks for."""
    return dataset if config.limit is None else stratified_sample(dataset, config.limit, config.seed)


def stratified_sample(dataset: LabeledDataset, size: int, seed: int) -> LabeledDataset:
    """A sample in which every class keeps its share; all rows when there are no more than size."""
    n = len(dataset.labels)
    if size >= n:
        return dataset
    rng = np.random.default_rng(seed)
    quotas = _largest_remainder(np.bincount(dataset.labels, minlength=len(dataset.class_names)), size)
    rows = np.sort(
        np.concatenate(
            [
                rng.choice(np.flatnonzero(dataset.labels == label), quota, replace=False)
                for label, quota in enumerate(quotas)
            ]
        )
    )
    images, labels = dataset.images[rows], dataset.labels[rows]
    return replace(
        dataset,
        name=f"{dataset.name}-{size}",
        images=images,
        labels=labels,
        ids=dataset.ids[rows],
        fingerprint=fingerprint(images, labels, dataset.class_names),
    )


def _largest_remainder(counts: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.int64]:
    """Whole numbers in proportion to counts that add up to size, none above its count."""
    shares = counts * (size / counts.sum())
    quotas: npt.NDArray[np.int64] = np.floor(shares).astype(np.int64)
    short = size - int(quotas.sum())
    quotas[np.argsort(quotas - shares, kind="stable")[:short]] += 1
    return quotas

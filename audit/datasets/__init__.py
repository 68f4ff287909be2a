"""Where examples and labels come from: `load(config)` gives a LabeledDataset."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from audit.datasets.examples import row_hashes
from audit.datasets.source import Source
from audit.datasets.sources.bundled import BUNDLED
from audit.datasets.sources.objects import from_object
from audit.datasets.sources.parts import from_parts
from audit.datasets.sources.probabilities import read_probabilities
from audit.datasets.validation import Selection, choose_rows, read_chosen, validate
from audit.errors import DataError
from audit.events import Listener, Silent
from audit.settings.data import DataSettings
from audit.settings.detect import Config
from audit.types import LabeledDataset

__all__ = [
    "BUNDLED",
    "FORMS",
    "choose_rows",
    "from_arrays",
    "load",
    "read_chosen",
    "read_probabilities",
    "row_hashes",
]

FORMS = {  # what DATA may be beside the bundled names, for people
    "FILE.npz": "arrays named X and y, or images and labels",
    "FILE.h5, FILE.hdf5": "the same in HDF5; others with --x-name and --y-name",
    "FILE.csv, .tsv, .parquet": "a label column, and a path column or feature columns",
    "FOLDER": "a subfolder of images for each class, or IDX files such as train-images-idx3-ubyte.gz",
    "openml:NAME, openml:ID": "from openml.org, kept in the user's cache folder",
    "--X FILE --y FILE": "a pair of .npy files, memory-mapped, or of IDX files",
}
OPENML = "openml:"

Loader = Callable[[Path, DataSettings, Listener], Source]


def _npz(path: Path, settings: DataSettings, _: Listener) -> Source:
    from audit.datasets.sources.arrays import load_npz  # noqa: PLC0415  forms read with libraries of their own

    return load_npz(path, settings.x_name, settings.y_name)


def _hdf5(path: Path, settings: DataSettings, _: Listener) -> Source:
    from audit.datasets.sources.arrays import load_hdf5  # noqa: PLC0415

    return load_hdf5(path, settings.x_name, settings.y_name)


def _table(path: Path, settings: DataSettings, listener: Listener) -> Source:
    from audit.datasets.sources.tables import load_table  # noqa: PLC0415

    return load_table(
        path,
        label=settings.label_column,
        path_column=settings.path_column,
        split=settings.split,
        skip_broken=settings.skip_broken,
        listener=listener,
    )


def _folder(path: Path, settings: DataSettings, listener: Listener) -> Source:
    from audit.datasets.sources.folders import load_tree  # noqa: PLC0415
    from audit.datasets.sources.idx import is_idx_folder, load_idx_folder  # noqa: PLC0415

    if is_idx_folder(path):
        return load_idx_folder(path)
    return load_tree(path, skip_broken=settings.skip_broken, listener=listener)


def _pair(X: Path, y: Path) -> Source:
    from audit.datasets.sources.arrays import load_npy_pair  # noqa: PLC0415
    from audit.datasets.sources.idx import is_idx, load_idx  # noqa: PLC0415

    return load_idx(X, y) if is_idx(X) else load_npy_pair(X, y)


LOADERS: dict[str, Loader] = {
    ".npz": _npz,
    ".h5": _hdf5,
    ".hdf5": _hdf5,
    ".csv": _table,
    ".csv.gz": _table,
    ".tsv": _table,
    ".parquet": _table,
}


def load(config: Config, listener: Listener | None = None) -> LabeledDataset:
    """The data set that the settings name; DataError when there is none or it cannot be audited."""
    return validate(open_source(config.data, listener), selection(config))


def from_arrays(
    X: Any, y: Any = None, *, split: Any = None, name: str = "arrays", config: Config | None = None
) -> LabeledDataset:
    """The data set in arrays, frames or dataset objects; DataError when it cannot be audited.

    Parameters
    ----------
    X
        Images (n, h, w), (n, h, w, c) or (n, c, h, w), c in 1, 3, 4, sides from 8 pixels up, or features
        (n, d): arrays, tensors, pandas or polars frames; or, without y, a Hugging Face or PyTorch data set.
    y
        Labels (n,) of any kind, one-hot rows (n, k), or the name of a column of the frame X.
    split
        The part that each row (n,) is in, such as train and test. Not where X and y are parts themselves,
        {"train": …, "test": …}.
    name
        What the data set is called in reports and folders.
    config
        Which rows are taken; all when not given.
    """
    source = from_parts(X, y, name) if isinstance(X, Mapping) else from_object(X, y, name)
    if split is not None:
        if source.part is not None:
            raise DataError("split cannot be combined with X given as parts; drop split")
        source = replace(source, part=np.asarray(split))
    return validate(source, selection(config or Config()))


def selection(config: Config) -> Selection:
    """Which rows the settings ask for."""
    return Selection(config.data.limit, config.run.seed, config.data.min_class_size)


def folder_of(settings: DataSettings) -> str:
    """The folder from which the relative path of the data leads; empty when there is no such path."""
    paths = files_of(settings)
    return "" if all(path.is_absolute() for path in paths) else str(Path.cwd())


def files_of(settings: DataSettings) -> list[Path]:
    """The files or the folder that the settings name; none for bundled data sets and those from OpenML."""
    if settings.X is not None and settings.y is not None:
        return [settings.X, settings.y]
    return [] if settings.data in BUNDLED or settings.data.startswith(OPENML) else [Path(settings.data)]


def open_source(settings: DataSettings, listener: Listener | None = None) -> Source:
    """What the settings name, as it was found; DataError when there is none."""
    listener = listener or Silent()
    if settings.X is not None and settings.y is not None:
        return _pair(settings.X, settings.y)
    if settings.data in BUNDLED:
        return BUNDLED[settings.data](settings.data)
    if settings.data.startswith(OPENML):
        from audit.datasets.sources.openml import load_openml  # noqa: PLC0415

        return load_openml(settings.data)
    path = Path(settings.data)
    if path.is_dir():
        return _folder(path, settings, listener)
    for suffix, loader in LOADERS.items():
        if path.name.lower().endswith(suffix):
            return loader(path, settings, listener)
    raise DataError(
        f"{settings.data!r} is no data set: expected {', '.join(BUNDLED)}, openml:NAME, a file that ends in "
        f"{', '.join(LOADERS)}, a folder of images, or --X and --y; audit datasets lists them"
    )

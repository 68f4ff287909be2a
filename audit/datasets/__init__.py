"""Load examples and labels: `load(config)` and `from_arrays(X, y)` return a checked LabeledDataset.

A loader reads one form of data into a Source: `loaders.LOADERS` lists the loaders, and `sources/` has a
module for each form. `validation.validate` checks a Source and gives it the one form that other rooms read.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audit import wording
from audit.datasets.annotations import join, votes_of_file
from audit.datasets.giveaways import without_giveaways
from audit.datasets.labels.no_label import names_in
from audit.datasets.loaders import FORMS, LOADERS, files_of, folder_of, open_source
from audit.datasets.sources.bundled import BUNDLED
from audit.datasets.sources.features import checked_features, read_features
from audit.datasets.sources.objects import from_object, without_labels
from audit.datasets.sources.parts import from_parts
from audit.datasets.sources.probabilities import read_probabilities
from audit.datasets.validation import (
    Selection,
    choose_rows,
    hashes_of,
    read_chosen,
    refuse_without_numbers,
    validate,
)
from audit.errors import DataError
from audit.events import Listener
from audit.settings.detect import Config
from audit.types import Features, LabeledDataset

__all__ = [
    "BUNDLED",
    "FORMS",
    "LOADERS",
    "checked_features",
    "choose_rows",
    "files_of",
    "folder_of",
    "from_arrays",
    "hashes_of",
    "load",
    "load_as_read",
    "open_source",
    "read_chosen",
    "read_features",
    "read_probabilities",
    "refuse_without_numbers",
    "selection",
    "without_giveaways",
]


def load(config: Config, listener: Listener | None = None) -> LabeledDataset:
    """Load the data set that the settings name, for an audit: without what gives its labels away.

    DataError when there is none or it cannot be audited.
    """
    dataset = load_as_read(config, listener)
    if not dataset.are_texts:
        refuse_without_numbers(dataset)
    return without_giveaways(dataset, config.data.keep_columns)


def load_as_read(config: Config, listener: Listener | None = None) -> LabeledDataset:
    """Load the data set that the settings name, with all its columns; of votes their majority alone."""
    return replace(validate(open_source(config.data, listener), selection(config)), votes=None)


def from_arrays(
    X: Any,
    y: Any = None,
    *,
    split: Any = None,
    groups: Any = None,
    order: Any = None,
    annotations: Any = None,
    features: Features | None = None,
    name: str = "arrays",
    config: Config | None = None,
) -> LabeledDataset:
    """Make a data set of arrays, frames or dataset objects; DataError when it cannot be audited.

    Parameters
    ----------
    X
        Images (n, h, w), (n, h, w, c) or (n, c, h, w), c in 1, 3, 4, sides from 8 pixels up, or features
        (n, d): arrays, sparse matrices, tensors, texts, pandas or polars frames; or, without y, a Hugging
        Face or PyTorch data set.
    y
        Labels (n,) of any kind, one-hot rows (n, k), or the name of a column of the frame X.
    split
        The part that each row (n,) is in, such as train and test. Not with X and y that are given as parts,
        {"train": …, "test": …}.
    groups
        The group of each row (n,), equal for rows that belong together; or the name of a column of the frame
        X, which is no feature then.
    order
        What puts the rows (n,) in order, such as times; or the name of a column.
    annotations
        Labels that several people gave, as `annotations.join` takes them, or a file of them. Their majority
        is the label where y is not given.
    features
        Features (n, d) that models read in place of the examples.
    name
        What the data set is called in reports and folders.
    config
        Which rows are taken; all when not given.
    """
    X, groups = _column_of(X, groups)
    X, order = _column_of(X, order)
    config = config or Config()
    texts = config.data.text_column
    if isinstance(X, Mapping):
        source = from_parts(X, y, name, texts)
    elif annotations is not None and y is None:
        source = without_labels(X, name, texts)
    else:
        source = from_object(X, y, name, texts)
    source = replace(source, missing=names_in(config.data.missing))
    if isinstance(annotations, str | Path):
        source = votes_of_file(source, Path(annotations))
    elif annotations is not None:
        source = join(source, annotations, "annotations")
    if split is not None:
        if source.part is not None:
            raise DataError("split cannot be combined with X given as parts; leave split out")
        source = replace(source, part=np.asarray(split))
    source = replace(source, groups=_array_of(groups), order=_array_of(order), features=features)
    return without_giveaways(validate(source, selection(config)), config.data.keep_columns)


def _column_of(X: Any, column: Any) -> tuple[Any, Any]:
    """X without the column of this name, and that column; both as they are where it is no name.

    X may be a frame, a data set of Hugging Face, or parts of such.
    """
    if not isinstance(column, str):
        return X, column
    if isinstance(X, Mapping):
        each = {part: _column_of(X[part], column) for part in X}
        return {part: rest for part, (rest, _) in each.items()}, np.concatenate(
            [np.asarray(values) for _, values in each.values()]
        )
    columns = list(getattr(X, "column_names", getattr(X, "columns", [])))
    if column not in columns:
        listed = wording.some([repr(each) for each in columns]) or "none"
        raise DataError(f"X has no column {column!r}, found {listed}; give its name, or a value for each row")
    if hasattr(X, "remove_columns"):
        return X.remove_columns(column), np.asarray(X[column])
    return X[[each for each in columns if each != column]], X[column]


def _array_of(column: Any) -> npt.NDArray[Any] | None:
    """A column of any container as an array; None where there is none."""
    return None if column is None else np.asarray(column)


def selection(config: Config) -> Selection:
    """Which rows the settings ask for."""
    return Selection(config.data.limit, config.run.seed, config.data.min_class_size)

"""Data given as parts, such as train and test: one source that knows the part of each row."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from audit.datasets.given_rows import is_sparse
from audit.datasets.source import Source, is_from, shown
from audit.datasets.sources.objects import from_object
from audit.errors import DataError
from audit.types import AsGiven


def from_parts(X: Mapping[str, Any], y: Any, name: str, text_column: str | None = None) -> Source:
    """Join parts {part: X} with labels {part: y} into one source; copies the examples.

    Parameters
    ----------
    X
        Examples of each part, in any form that `from_object` takes.
    y
        Labels of each part; None, or the name of a column, where X holds them.
    name
        What the data set is called.
    text_column
        The columns of texts of frames, separated by commas; found by what they hold when None.

    Raises
    ------
    DataError
        When a part has no labels, or the parts do not fit together.
    """
    if isinstance(y, Mapping) and set(y) != set(X):
        raise DataError(
            f"X has the parts {_listed(X)} but y has {_listed(y)}, expected the same; rename the parts, "
            "or add what is missing"
        )
    if not X or not (y is None or isinstance(y, Mapping | str)):
        raise DataError(
            f"X has the parts {_listed(X)} but y is of type {type(y).__name__}, expected labels for each "
            "part; give both as {'train': …, 'test': …}"
        )
    part_names = [str(part) for part in X]
    alike = _as_one_dataset(list(X.values()))
    if alike is not None and not isinstance(y, Mapping):
        sizes = [len(each) for each in X.values()]
        return replace(from_object(alike, y, name), part=np.repeat(part_names, sizes))
    sources: list[Source] = []
    examples: list[npt.NDArray[Any]] = []
    for part, X_of_part in X.items():
        y_of_part = y[part] if isinstance(y, Mapping) else y
        source = from_object(X_of_part, y_of_part, name, text_column)
        sources.append(source)
        examples.append(_read(source, part))
    without_numbers = all(source.X is None for source in sources)
    _refuse_unlike(list(X), sources, examples)
    first = sources[0]
    return Source(
        name=name,
        X=None if without_numbers else np.concatenate(examples),
        y=_joined([source.y for source in sources]),
        class_names=first.class_names,
        feature_names=first.feature_names,
        part=np.repeat(part_names, [len(each) for each in examples]),
        notes=tuple(dict.fromkeys(note for source in sources for note in source.notes)),
        as_given=_joined_as_given([source.as_given for source in sources]),
    )


def _as_one_dataset(parts: Sequence[Any]) -> Any:
    """Data sets of Hugging Face with the same columns as one, so that images get one size; else None."""
    first = parts[0]
    if not all(is_from(each, "datasets", "Dataset") and each.features == first.features for each in parts):
        return None
    return sys.modules["datasets"].concatenate_datasets(list(parts))


def _read(source: Source, part: str) -> npt.NDArray[Any]:
    """Read all examples of a part, no columns of texts; DataError when there are not as many as labels."""
    if source.X is None and source.as_given is not None:
        examples = np.empty((len(source.as_given), 0))
    elif source.X is None:
        raise DataError(f"the part {shown(part)} has no examples; give them, or leave the part out")
    else:
        examples = np.asarray(source.X[np.arange(len(source.X))])
    if len(examples) != len(source.y):
        raise DataError(
            f"the part {shown(part)} has {len(source.y):,} labels for {len(examples):,} examples; "
            "there must be one for each, in the same order"
        )
    return examples


def _refuse_unlike(parts: list[str], sources: list[Source], examples: list[npt.NDArray[Any]]) -> None:
    """Refuse parts with other examples or other class names than the first."""
    first, *other_sources = sources
    shape, *other_shapes = (each.shape[1:] for each in examples)
    for part, source, its_shape in zip(parts[1:], other_sources, other_shapes, strict=True):
        if its_shape != shape or source.feature_names != first.feature_names:
            raise DataError(
                f"examples of the part {shown(part)} have shape {its_shape}, those of "
                f"{shown(parts[0])} {shape}; expected the same, with the same columns; fix one"
            )
        if source.class_names != first.class_names:
            raise DataError(
                f"the part {shown(part)} names other classes than {shown(parts[0])}; expected the "
                "same names in the same order; fix one"
            )


def _joined(labels: Sequence[Any]) -> Any:
    """Labels of several parts as one series, frame or array."""
    if all(is_from(each, "pandas", "NDFrame") for each in labels):
        import pandas as pd  # noqa: PLC0415  slow to import

        return pd.concat(labels, ignore_index=True)
    return np.concatenate([np.asarray(each) for each in labels])


def _joined_as_given(parts: Sequence[AsGiven | None]) -> AsGiven | None:
    """Examples of several parts as they came, one after the other; None where their forms differ."""
    values = [part.examples for part in parts if part is not None]
    if len(values) < len(parts) or len({type(each) for each in values}) > 1:
        return None
    known = [part for part in parts if part is not None]
    numeric = all(part.numeric for part in known)
    first = values[0]
    if isinstance(first, list):
        return AsGiven([example for each in values for example in each])
    if is_from(first, "pandas", "NDFrame"):
        import pandas as pd  # noqa: PLC0415  slow to import

        texts = known[0].text_columns if len({part.text_columns for part in known}) == 1 else ()
        return AsGiven(pd.concat(values, ignore_index=True), numeric, text_columns=texts)
    if is_sparse(first):
        from scipy import sparse  # noqa: PLC0415  slow to import

        return AsGiven(sparse.vstack(values, format="csr"), numeric)
    if isinstance(first, np.ndarray):
        return AsGiven(np.concatenate(values), numeric)
    return None


def _listed(parts: Mapping[str, Any]) -> str:
    return ", ".join(shown(each) for each in parts) or "none"

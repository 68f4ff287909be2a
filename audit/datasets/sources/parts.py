"""Data that comes in parts, such as train and test: one source whose rows know their part."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from audit.datasets.source import Source, is_from, shown
from audit.datasets.sources.objects import from_object
from audit.errors import DataError


def from_parts(X: Mapping[str, Any], y: Any, name: str) -> Source:
    """One source of parts {part: X} with labels {part: y}, one after the other; copies the examples.

    Parameters
    ----------
    X
        Examples of each part, in any form that `from_object` takes.
    y
        Labels of each part; None, or the name of a column, where X holds them.
    name
        What the data set is called.

    Raises
    ------
    DataError
        When a part has no labels, or the parts do not fit together.
    """
    if isinstance(y, Mapping) and set(y) != set(X):
        raise DataError(
            f"X has the parts {_listed(X)} but y {_listed(y)}; expected the same; "
            "rename or add what is missing"
        )
    if not X or not (y is None or isinstance(y, Mapping | str)):
        raise DataError(
            f"X has the parts {_listed(X)} and y is a {type(y).__name__}; expected parts with labels for "
            "each; give both as {'train': …, 'test': …}"
        )
    sources = [
        from_object(part, y[called] if isinstance(y, Mapping) else y, name) for called, part in X.items()
    ]
    examples = [_read(source, called) for source, called in zip(sources, X, strict=True)]
    _refuse_unlike(dict(zip(X, zip(sources, examples, strict=True), strict=True)))
    first = sources[0]
    return Source(
        name=name,
        X=np.concatenate(examples),
        y=_joined([source.y for source in sources]),
        class_names=first.class_names,
        feature_names=first.feature_names,
        part=np.repeat([str(called) for called in X], [len(part) for part in examples]),
        notes=tuple(dict.fromkeys(note for source in sources for note in source.notes)),
    )


def _read(source: Source, called: str) -> np.ndarray:
    """All examples of a part, as many as it has labels."""
    if source.X is None:
        raise DataError(f"the part {shown(called)} has no examples; give them, or leave the part out")
    examples = np.asarray(source.X[np.arange(len(source.X))])
    if len(examples) != len(source.y):
        raise DataError(
            f"the part {shown(called)} has {len(source.y):,} labels for {len(examples):,} examples; "
            "there must be one for each, in the same order"
        )
    return examples


def _refuse_unlike(parts: Mapping[str, tuple[Source, np.ndarray]]) -> None:
    """Refuse parts with other examples or other class names than the first."""
    (called_first, (first, examples_first)), *rest = parts.items()
    for called, (source, examples) in rest:
        if examples.shape[1:] != examples_first.shape[1:] or source.feature_names != first.feature_names:
            raise DataError(
                f"examples of the part {shown(called)} have shape {examples.shape[1:]}, those of "
                f"{shown(called_first)} {examples_first.shape[1:]}; expected the same, with the same "
                "columns; fix one"
            )
        if source.class_names != first.class_names:
            raise DataError(
                f"the part {shown(called)} names other classes than {shown(called_first)}; expected the "
                "same names in the same order; fix one"
            )


def _joined(labels: Sequence[Any]) -> Any:
    if all(is_from(each, "pandas", "NDFrame") for each in labels):  # series and frames
        import pandas as pd  # noqa: PLC0415  slow to import

        return pd.concat(labels, ignore_index=True)
    return np.concatenate([np.asarray(each) for each in labels])


def _listed(parts: Mapping[str, Any]) -> str:
    return ", ".join(shown(each) for each in parts) or "none"

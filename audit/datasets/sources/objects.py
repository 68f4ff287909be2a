"""Objects that people hand to the Python API become a Source: arrays, frames, tensors and data sets.

Libraries that may not be installed are told by the names of their modules and never imported.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from audit import wording
from audit.datasets.source import LazyArray, Source, is_from, shown
from audit.errors import DataError

IMAGE_COLUMNS = ("image", "img", "pixel_values")
LABEL_COLUMNS = ("label", "labels")
FORMS = "an array, a tensor, a frame of pandas or polars, a Hugging Face Dataset or a PyTorch Dataset"
KEPT_BYTES = 1 << 28  # of images that reading the labels has read too
PLAIN_MODES = ("1", "L", "RGB", "RGBA", "I;16", "I", "F")  # of PIL images whose numbers are their pixels
COLOURS = ("RGB", "RGBA")


def from_object(X: Any, y: Any, name: str) -> Source:
    """The examples and labels in objects of the libraries that people use.

    Parameters
    ----------
    X
        With y: an array, nested lists, a tensor, or a frame of pandas or polars. Without y: a data set of
        Hugging Face, or of PyTorch, whose items are pairs of image and label.
    y
        Labels of any form that `labels.parse` takes, or the name of the column of X that holds them.
    name
        What the data set is called.

    Raises
    ------
    DataError
        When X is nothing of these, or holds images of different sizes.
    """
    y = _array(y, "y") if _is_tensor(y) else y
    if _is_frame(X) and y is not None:
        return _from_frame(X, y, name)
    if not _is_frame(X):  # whose columns may be called anything
        _refuse_unready(X)
    if isinstance(getattr(X, "features", None), dict) and hasattr(X, "column_names"):
        return _from_hugging_face(X, y, name)
    if y is None:
        return _from_pairs(X, name)
    if isinstance(y, str):
        raise DataError(f"y is {shown(y)} but X of type {_type(X)} has no columns; give the labels as y")
    return Source(name, None if X is None else _array(X, "X"), y)


def _is_tensor(thing: Any) -> bool:
    return is_from(thing, "torch") and hasattr(thing, "numpy")


def _is_frame(thing: Any) -> bool:
    return is_from(thing, "pandas", "DataFrame") or is_from(thing, "polars", "DataFrame")


def _type(thing: Any) -> str:
    return type(thing).__name__


def _refuse_unready(X: Any) -> None:
    """Refuse what is known and cannot be read, with what to do."""
    inner: Any = getattr(X, "X", None)  # AnnData keeps its matrix there
    for matrix, what in ((X, "X"), (inner, "X.X")):
        if hasattr(matrix, "toarray"):
            raise DataError(
                f"{what} is a sparse matrix of shape {matrix.shape}, expected a dense array; reduce it "
                f"first, for example with sklearn.decomposition.TruncatedSVD, or use {what}.toarray() if it "
                "fits in memory"
            )
    parts = " or ".join(f"X[{shown(part)}]" for part in list(X)[:5]) if isinstance(X, dict) else ""
    streamed = is_from(X, "datasets") and "Iterable" in _type(X)
    for known, remedy in (
        (streamed, "load it without streaming=True"),
        (isinstance(X, dict), f"give one part of it: {parts or 'it has none'}"),
        (inner is not None and hasattr(X, "obs"), "give X.X as X, and a column of X.obs as y"),
        (hasattr(X, "dataset") and hasattr(X, "batch_size"), "give X.dataset"),
        (is_from(X, "polars") and hasattr(X, "collect"), "give X.collect()"),
    ):
        if known:
            raise DataError(f"X is of type {_type(X)}, expected {FORMS}; {remedy}")


def _array(thing: Any, name: str) -> npt.NDArray[Any]:
    """The array in an array, a tensor or nested lists; memory maps stay such."""
    try:
        if _is_tensor(thing):
            return _of_tensor(thing)
        array: npt.NDArray[Any] = np.asanyarray(thing)
        if np.ma.is_masked(array):
            array = np.where(np.ma.getmaskarray(array), np.nan, np.asarray(array))
    except (ValueError, TypeError, RuntimeError) as error:
        raise DataError(
            f"{name} of type {_type(thing)} cannot be read as an array ({shown(str(error))}), expected "
            "rows of one size; bring them to one size, for example with numpy.stack"
        ) from error
    if not array.shape:
        raise DataError(f"{name} is of type {_type(thing)}, expected {FORMS}; convert it with numpy.asarray")
    return array


def _of_tensor(tensor: Any) -> npt.NDArray[Any]:
    tensor = tensor.detach().cpu()
    return np.asarray(tensor.float() if "bfloat16" in str(tensor.dtype) else tensor)  # numpy has no bfloat16


def _from_frame(X: Any, y: Any, name: str) -> Source:
    from audit.datasets.sources.tables import examples_from_frame  # noqa: PLC0415  only frames need it

    frame, y_name = X, "y"
    if not is_from(X, "pandas"):
        import pandas as pd  # noqa: PLC0415  slow to import

        frame = pd.DataFrame({column: X[column].to_numpy() for column in X.columns})
    if isinstance(y, str):
        _refuse_column(y, list(frame.columns))
        y_name, y, frame = f"column {y!r} of X", frame[y], frame.drop(columns=y)
    features, feature_names, notes = examples_from_frame(frame, "X")
    return Source(name, features, y, names=("X", y_name), feature_names=feature_names, notes=notes)


def _refuse_column(column: str, columns: list[Any]) -> None:
    """Refuse the name of a column that is not there, or there twice."""
    if (count := columns.count(column)) != 1:
        names = wording.some([shown(each) for each in columns], most=10)
        raise DataError(f"X has {count} columns {shown(column)}, expected one, which y names; it has {names}")


@dataclass(frozen=True, eq=False)
class _Items:
    """Images that a data set gives one by one, read when they are asked for."""

    n: int
    read: Callable[[int], Any]  # the image of a row, of any kind
    first: npt.NDArray[Any]
    mode: str | None  # of the first, when it is a PIL image
    where: str  # images can be brought to one size

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, …)."""
        return (self.n, *self.first.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the numbers."""
        return self.first.dtype

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, rows: Any) -> npt.NDArray[Any]:
        """The images of these row numbers (m,) as an array (m, …)."""
        numbers = np.arange(self.n)[rows].tolist()
        images = np.empty((len(numbers), *self.first.shape), self.dtype)
        for i, row in enumerate(numbers):
            images[i] = self.checked(self.read(row), row)
        return images

    def checked(self, item: Any, row: int) -> npt.NDArray[Any]:
        """The pixels of an image, of the size of the first."""
        pixels = _pixels(item, self.mode, row)
        if (pixels.shape, pixels.dtype) != (self.first.shape, self.dtype):
            raise DataError(
                f"row {row} of X has shape {pixels.shape} ({pixels.dtype}) but row 0 has {self.first.shape} "
                f"({self.dtype}), expected images of one size and kind; resize or convert them {self.where}"
            )
        return pixels


def _items(n: int, read: Callable[[int], Any], first: Any, where: str) -> _Items:
    mode = getattr(first, "mode", None) if hasattr(first, "convert") else None
    if mode not in (None, *PLAIN_MODES):
        mode = "RGB"
    return _Items(n, read, _pixels(first, mode, 0), mode, where)


def _pixels(item: Any, mode: str | None, row: int) -> npt.NDArray[Any]:
    if hasattr(item, "convert") and hasattr(item, "mode"):  # a PIL image
        colour = mode in COLOURS or item.mode not in PLAIN_MODES
        return np.asarray(item.convert(mode if mode in COLOURS else "RGB") if colour else item)
    if isinstance(item, dict | str | bytes | None):
        what = f"row {row} of X holds a value of type {_type(item)} for an image"
        raise DataError(f"{what}, expected a tensor, an array or a PIL image; decode it in the data set")
    return _array(item, f"row {row} of X")


def _item(X: Any, row: int) -> Any:
    """What a data set, somebody else's program, gives for a row."""
    if not len(X):
        raise DataError(f"X has no rows ({_type(X)}); there is nothing to audit")
    try:
        return X[row]
    except Exception as error:
        what = f"{_type(error)}: {shown(str(error))}"
        raise DataError(f"row {row} of X cannot be read ({what}); fix or leave out such rows") from error


def _pair(X: Any, row: int) -> tuple[Any, Any]:
    item = _item(X, row)
    if not (isinstance(item, tuple | list) and len(item) == 2):
        what = f"row {row} of X is of type {_type(item)}, expected a pair of image and label"
        raise DataError(f"{what}; give a data set of such pairs, or the labels as y")
    return item[0], item[1]


def _from_pairs(X: Any, name: str) -> Source:
    """A data set whose items are pairs, as PyTorch has them."""
    listed = hasattr(X, "__len__") and hasattr(X, "__getitem__")
    if not listed or hasattr(X, "__array__") or isinstance(X, str | bytes):
        remedy = "give y, or the name of the label column as y" if _is_frame(X) else "give y"
        what = f"y is missing and X is of type {_type(X)}"
        raise DataError(f"{what}, expected labels too, or a data set; {remedy}")
    image, label = _pair(X, 0)
    items = _items(len(X), lambda row: _pair(X, row)[0], image, "in the data set's transform")
    rows: LazyArray = items
    labels = _ready_labels(X)
    if labels is None:
        rows, labels = _read_pairs(X, items)
    classes = getattr(X, "classes", getattr(getattr(X, "dataset", None), "classes", None))
    named = isinstance(classes, list | tuple) and all(isinstance(each, str) for each in classes)
    numbers = isinstance(_plain(label), int | np.integer)
    return Source(name, rows, labels, class_names=classes if named and numbers else None)


def _ready_labels(X: Any) -> Any:
    """The labels that a data set keeps in a list beside its items, when they are the items' labels."""
    for values in (getattr(X, "targets", None), getattr(X, "labels", None)):
        labels: Any = _of_tensor(values) if _is_tensor(values) else values
        listed = isinstance(labels, list | tuple | np.ndarray) or is_from(labels, "pandas", "Series")
        if listed and len(labels) == len(X):
            some = {0, len(X) // 2, len(X) - 1}
            if all(np.array_equal(_plain(_pair(X, i)[1]), np.asarray(labels[i : i + 1])[0]) for i in some):
                return labels
    return None


def _read_pairs(X: Any, items: _Items) -> tuple[LazyArray, list[Any]]:
    """The labels of all items, and the images where they are so few that they need not be read again."""
    few = items.n * items.first.nbytes <= KEPT_BYTES
    kept = np.empty(items.shape, items.dtype) if few else None
    labels = []
    for row in range(items.n):
        image, label = _pair(X, row)
        labels.append(_plain(label))
        if kept is not None:
            kept[row] = items.checked(image, row)
    return items if kept is None else kept, labels


def _plain(label: Any) -> Any:
    """A label without the array around it."""
    if _is_tensor(label):
        label = _of_tensor(label)
    return label[()] if isinstance(label, np.ndarray) and not label.ndim else label


def _from_hugging_face(X: Any, y: Any, name: str) -> Source:
    kinds = {column: _type(feature) for column, feature in X.features.items()}
    if isinstance(y, str):
        _refuse_column(y, list(kinds))
    elif y is not None:
        raise DataError(
            "y is given beside the data set X, expected the name of its label column; leave y out"
        )
    image = _column(kinds, "Image", IMAGE_COLUMNS, "for a table, give X.to_pandas() and y, its label column")
    label = y or _column(kinds, "ClassLabel", LABEL_COLUMNS, "give the name of the label column as y")
    images = X if X.format["type"] == "custom" else X.select_columns([image])
    first = _item(images, 0)
    key = next((each for each in (image, *IMAGE_COLUMNS) if each in first), image)
    items = _items(len(X), lambda row: _item(images, row).get(key), first.get(key), "with X.map")
    labels = X.select_columns([label]).with_format("pandas")[:][label]
    names = getattr(X.features[label], "names", None)
    if names:
        labels = labels.where(labels >= 0)  # there -1 stands for no label
    return Source(name, items, labels, names=("X", f"column {label!r} of X"), class_names=names)


def _column(kinds: dict[str, str], kind: str, preferred: tuple[str, ...], remedy: str) -> str:
    """The column of this kind; of several, the one with a usual name."""
    found = [column for column in kinds if kinds[column] == kind]
    usual = [column for column in preferred if column in (found or kinds)]
    if len(found) == 1 or usual:
        return (found if len(found) == 1 else usual)[0]
    listed = ", ".join(f"{shown(column)} ({kinds[column]})" for column in kinds)
    raise DataError(f"X has columns {listed}, expected one {kind}, or one called {preferred[0]}; {remedy}")

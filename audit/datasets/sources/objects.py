"""Turn objects that people hand to the Python API into a Source: arrays, frames, tensors and data sets.

Objects of libraries that may not be installed are recognised by the names of their modules; such libraries
are never imported.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audit import wording
from audit.datasets.given_rows import empty_texts, is_sparse, with_sparse, without_numbers
from audit.datasets.source import LazyArray, Source, is_from, shown
from audit.datasets.sources.encoded import Encoded, ImageSource
from audit.datasets.sources.folders import PictureFiles, image_files
from audit.datasets.sources.npy import with_bfloat16
from audit.errors import DataError
from audit.events import Silent
from audit.types import AsGiven

IMAGE_COLUMNS = ("image", "img", "pixel_values")
LABEL_COLUMNS = ("label", "labels")
FORMS = (
    "an array, a sparse matrix, a tensor, texts, a frame of pandas or polars, a Hugging Face Dataset or a "
    "PyTorch Dataset"
)
KEPT_BYTES = 1 << 28  # of images that were read together with the labels; of more, they are read again
PLAIN_MODES = ("1", "L", "RGB", "RGBA", "I;16", "I", "F")  # of PIL images whose numbers are their pixels
COLOURS = ("RGB", "RGBA")


def from_object(X: Any, y: Any, name: str, text_column: str | None = None) -> Source:
    """Read examples and labels from objects of common libraries.

    Parameters
    ----------
    X
        With y: an array, nested lists, a sparse matrix, a tensor, texts, or a frame of pandas or polars.
        Without y: a data set of Hugging Face, or of PyTorch, whose items are pairs of image and label.
    y
        Labels of any form that `labels.parse` takes, or the name of the column of X that holds them.
    name
        What the data set is called.
    text_column
        The columns of texts of a frame, separated by commas; found by what they hold when None.

    Raises
    ------
    DataError
        When X is none of these, or holds images of different sizes.
    """
    if _is_tensor(y):
        y = _array(y, "y")
    if _is_frame(X) and y is not None:
        return _from_frame(X, y, name, text_column)
    if not _is_frame(X):  # a frame may have columns called X, obs or dataset
        _refuse_unready(X)
    if isinstance(getattr(X, "features", None), dict) and hasattr(X, "column_names"):
        return _from_hugging_face(X, y, name, text_column)
    if y is None:
        return _from_pairs(X, name)
    if isinstance(y, str):
        raise DataError(f"y is {shown(y)} but X of type {_type(X)} has no columns; give the labels as y")
    if X is None:
        return Source(name, None, y)
    return _from_rows(X, y, name)


def without_labels(X: Any, name: str, text_column: str | None = None) -> Source:
    """Read examples beside which there are no labels: those of a data set object are its own."""
    if X is None:
        return Source(name, None, None)
    if not (_is_frame(X) or isinstance(X, list | tuple) or hasattr(X, "__array__") or is_sparse(X)):
        return from_object(X, None, name, text_column)
    return replace(from_object(X, np.empty(0), name, text_column), y=None)


def _from_rows(X: Any, y: Any, name: str) -> Source:
    """Read examples that are no frame and no data set."""
    given = without_numbers(X)
    if given is not None:
        return Source(name, None, y, as_given=given, notes=empty_texts(given))
    if is_sparse(X):
        return with_sparse(Source(name, None, y), X.tocsr())
    array, notes = with_bfloat16(_array(X, "X"), "X")
    if array.dtype.kind == "U" and isinstance(X, list | tuple):  # numpy has made texts of numbers
        array = np.array(X, dtype=object)
    if array.dtype.kind in "OSU" and array.ndim == 2 and _is_table(array):
        frame = _as_frame(array)
        given = AsGiven(array, columns=tuple(frame.columns))
        return replace(_from_frame(frame, y, name), as_given=given)
    return Source(name, _of_objects(array), y, notes=notes)


def _is_table(array: npt.NDArray[Any]) -> bool:
    """Whether all fields are texts, numbers, dates or missing, and no other Python objects."""
    return all(isinstance(value, str | Real | date | None) for value in array.ravel().tolist())


def _as_frame(table: npt.NDArray[Any]) -> Any:
    """A frame of a table of Python objects or texts; columns of numbers become such."""
    import pandas as pd  # noqa: PLC0415  slow to import

    frame = pd.DataFrame(table, columns=[f"feature {i}" for i in range(table.shape[1])]).infer_objects()
    for column in frame.columns:
        numbers = pd.to_numeric(frame[column], errors="coerce")
        if numbers.notna().equals(frame[column].notna()):
            frame[column] = numbers
    return frame


def _of_objects(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """An array of Python objects that are numbers, or arrays of one size, as numbers; others as they are."""
    if array.dtype.kind != "O":
        return array
    with suppress(ValueError, TypeError):
        if array.ndim == 1:
            if any(isinstance(each, range) for each in array):  # a few bytes that may stand for any number
                return array
            return np.stack([np.asarray(each) for each in array])
        return array.astype(np.float64)
    return array


def _is_tensor(thing: Any) -> bool:
    return is_from(thing, "torch") and hasattr(thing, "numpy")


def _is_frame(thing: Any) -> bool:
    return is_from(thing, "pandas", "DataFrame") or is_from(thing, "polars", "DataFrame")


def _type(thing: Any) -> str:
    return type(thing).__name__


def _refuse_unready(X: Any) -> None:
    """Refuse objects of known types that cannot be read, with the remedy."""
    inner: Any = getattr(X, "X", None)  # AnnData keeps its matrix there
    remedy = ""
    if is_from(X, "datasets") and "Iterable" in _type(X):
        remedy = "load it without streaming=True"
    elif isinstance(X, dict):
        parts = " or ".join(f"X[{shown(part)}]" for part in list(X)[:5])
        remedy = f"give one part of it: {parts or 'it has none'}"
    elif inner is not None and hasattr(X, "obs"):
        remedy = "give X.X as X, and a column of X.obs as y"
    elif hasattr(X, "dataset") and hasattr(X, "batch_size"):
        remedy = "give X.dataset"
    elif is_from(X, "polars") and hasattr(X, "collect"):
        remedy = "give X.collect()"
    if remedy:
        raise DataError(f"X is of type {_type(X)}, expected {FORMS}; {remedy}")


def _array(thing: Any, name: str) -> npt.NDArray[Any]:
    """Convert an array, a tensor or nested lists into an array; memory maps stay memory maps."""
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
    if "bfloat16" in str(tensor.dtype):  # which numpy does not have
        tensor = tensor.float()
    return np.asarray(tensor)


def _from_frame(X: Any, y: Any, name: str, text_column: str | None = None) -> Source:
    """Read a frame of pandas or polars; y holds the labels, or names their column."""
    from audit.datasets.sources.columns import refuse_columns  # noqa: PLC0415  only frames need it
    from audit.datasets.sources.held_images import held_images  # noqa: PLC0415
    from audit.datasets.sources.image_paths import images_at_paths  # noqa: PLC0415
    from audit.datasets.sources.tables import table_rows  # noqa: PLC0415

    frame = X
    y_name = "y"
    if not is_from(X, "pandas"):
        import pandas as pd  # noqa: PLC0415  slow to import

        frame = pd.DataFrame({column: _values(X[column]) for column in X.columns})
    if isinstance(y, str):
        column = _column_called(y, list(frame.columns))
        y_name = f"column {column!r} of X"
        y = frame[column]
        frame = frame.drop(columns=column)
    refuse_columns("X", [str(column) for column in frame.columns])
    images = held_images(frame, Path("X"), None) or images_at_paths(frame)
    if images is not None:
        images.refuse_gaps(len(frame), Path("X"))
        pixels, _, notes = image_files(images.paths, Path(), skip_broken=False, listener=Silent())
        pictures = PictureFiles(images.paths)
        notes = (*images.notes, *notes)
        return Source(name, pixels, y, names=("X", y_name), notes=notes, pictures=pictures)
    rows = table_rows(frame, "X", text_column)
    given = rows.as_given
    if given is not None and not is_from(X, "pandas"):
        given = replace(given, examples=X[list(given.examples.columns)])
    return Source(
        name,
        rows.X,
        y,
        names=("X", y_name),
        feature_names=rows.feature_names,
        notes=rows.notes,
        as_given=given,
    )


def _values(column: Any) -> Any:
    """The values of a column of polars; records and lists as Python's."""
    if column.dtype.is_nested():
        import pandas as pd  # noqa: PLC0415  slow to import

        return pd.Series(column.to_list(), dtype=object)
    return column.to_numpy()


def _column_called(column: str, columns: list[Any]) -> Any:
    """The column of this name, spaces around it aside; DataError when there is none, or two."""
    from audit.datasets.sources.columns import bare  # noqa: PLC0415  it imports pandas, which is slow

    count = columns.count(column)
    alike = [each for each in columns if isinstance(each, str) and bare(each) == bare(column)]
    if not count and len(alike) == 1:
        return alike[0]
    if count != 1:
        names = wording.some([shown(each) for each in columns], most=10)
        raise DataError(f"X has {count} columns {shown(column)}, expected one, which y names; it has {names}")
    return column


@dataclass(frozen=True, eq=False)
class _Images:
    """Images that a data set returns one by one, read when they are asked for."""

    n: int
    read: Callable[[int], Any]  # the image of a row, of any type
    first: npt.NDArray[Any]
    mode: str | None  # of the first, when it is a PIL image
    remedy: str  # where images can be brought to one size

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
        """Read the images of these row numbers (m,) into an array (m, …)."""
        numbers = np.arange(self.n)[rows].tolist()
        images = np.empty((len(numbers), *self.first.shape), self.dtype)
        for i, row in enumerate(numbers):
            images[i] = self.checked(self.read(row), row)
        return images

    def checked(self, item: Any, row: int) -> npt.NDArray[Any]:
        """The pixels of an image; DataError when it differs from the first in size or type."""
        pixels = _pixels(item, self.mode, row)
        if (pixels.shape, pixels.dtype) != (self.first.shape, self.dtype):
            raise DataError(
                f"row {row} of X has shape {pixels.shape} ({pixels.dtype}) but row 0 has {self.first.shape} "
                f"({self.dtype}), expected images of one size and type; resize or convert them {self.remedy}"
            )
        return pixels


def _images(n: int, read: Callable[[int], Any], first: Any, remedy: str) -> _Images:
    mode = None
    if hasattr(first, "convert"):
        mode = getattr(first, "mode", None)
    if mode not in (None, *PLAIN_MODES):
        mode = "RGB"
    return _Images(n, read, _pixels(first, mode, 0), mode, remedy)


def _pixels(item: Any, mode: str | None, row: int) -> npt.NDArray[Any]:
    """The pixels of an image, in the mode of the first one if that is a colour mode."""
    if hasattr(item, "convert") and hasattr(item, "mode"):  # a PIL image
        if mode in COLOURS:
            item = item.convert(mode)
        elif item.mode not in PLAIN_MODES:
            item = item.convert("RGB")
        return np.asarray(item)
    if isinstance(item, dict | str | bytes | None):
        what = f"row {row} of X holds a value of type {_type(item)} for an image"
        raise DataError(f"{what}, expected a tensor, an array or a PIL image; decode it in the data set")
    return _array(item, f"row {row} of X")


def _item(X: Any, row: int) -> Any:
    """The item of a row; DataError when the data set, which is code of the user's, fails."""
    if not len(X):
        raise DataError(f"X has no rows ({_type(X)}); there is nothing to audit")
    try:
        return X[row]
    except Exception as error:
        what = f"{_type(error)}: {shown(str(error))}"
        raise DataError(f"row {row} of X cannot be read ({what}); fix or leave out such rows") from error


def _pair(X: Any, row: int) -> tuple[Any, Any]:
    """The image and the label of a row."""
    item = _item(X, row)
    if not (isinstance(item, tuple | list) and len(item) == 2):
        what = f"row {row} of X is of type {_type(item)}, expected a pair of image and label"
        raise DataError(f"{what}; give a data set of such pairs, or the labels as y")
    return item[0], item[1]


def _from_pairs(X: Any, name: str) -> Source:
    """Read a data set whose items are pairs, as PyTorch's are."""
    has_items = hasattr(X, "__len__") and hasattr(X, "__getitem__")
    if not has_items or hasattr(X, "__array__") or isinstance(X, str | bytes):
        remedy = "give y, or the name of the label column as y" if _is_frame(X) else "give y"
        what = f"y is missing and X is of type {_type(X)}"
        raise DataError(f"{what}, expected labels too, or a data set; {remedy}")
    first_image, first_label = _pair(X, 0)
    images = _images(len(X), lambda row: _pair(X, row)[0], first_image, "in the data set's transform")
    examples: LazyArray = images
    labels = _listed_labels(X)
    if labels is None:
        examples, labels = _read_pairs(X, images)
    return Source(name, examples, labels, class_names=_class_names(X, first_label))


def _class_names(X: Any, label: Any) -> Sequence[str] | None:
    """The class names that a data set, or the one that it is a subset of, keeps in `classes`.

    None where its labels, of which this is one, are not numbers.
    """
    if not isinstance(_unwrapped(label), int | np.integer):
        return None
    classes = getattr(X, "classes", getattr(getattr(X, "dataset", None), "classes", None))
    if isinstance(classes, list | tuple) and all(isinstance(each, str) for each in classes):
        return classes
    return None


def _listed_labels(X: Any) -> Any:
    """The labels that a data set keeps in a list, when they are those of its items; else None."""
    for values in (getattr(X, "targets", None), getattr(X, "labels", None)):
        labels: Any = _without_tensor(values)
        is_list = isinstance(labels, list | tuple | np.ndarray) or is_from(labels, "pandas", "Series")
        if is_list and len(labels) == len(X):
            checked = {0, len(X) // 2, len(X) - 1}
            if all(
                np.array_equal(_unwrapped(_pair(X, i)[1]), np.asarray(labels[i : i + 1])[0]) for i in checked
            ):
                return labels
    return None


def _read_pairs(X: Any, images: _Images) -> tuple[LazyArray, list[Any]]:
    """Read the labels of all items, and the images; these are kept where they are few bytes."""
    kept = None
    if images.n * images.first.nbytes <= KEPT_BYTES:
        kept = np.empty(images.shape, images.dtype)
    labels = []
    for row in range(images.n):
        image, label = _pair(X, row)
        labels.append(_unwrapped(label))
        if kept is not None:
            kept[row] = images.checked(image, row)
    if kept is None:
        return images, labels
    return kept, labels


def _without_tensor(thing: Any) -> Any:
    """The array in a tensor; anything else as it is."""
    if _is_tensor(thing):
        return _of_tensor(thing)
    return thing


def _unwrapped(label: Any) -> Any:
    """A label without the tensor or the array of no axes around it."""
    label = _without_tensor(label)
    if isinstance(label, np.ndarray) and not label.ndim:
        return label[()]
    return label


def _from_hugging_face(X: Any, y: Any, name: str, text_column: str | None) -> Source:
    """Read a data set of Hugging Face, of images or texts and a column of labels."""
    types = {column: _type(feature) for column, feature in X.features.items()}
    if "Image" not in types.values() and not set(IMAGE_COLUMNS) & set(types):
        return _texts_of_hugging_face(X, y, name, text_column, types)
    if isinstance(y, str):
        y = _column_called(y, list(types))
    elif y is not None:
        raise DataError(
            "y is given beside the data set X, expected the name of its label column; leave y out"
        )
    for_tables = "for a table, give X.to_pandas() and y, its label column"
    image = _column(types, "Image", IMAGE_COLUMNS, for_tables)
    label = y or _column(types, "ClassLabel", LABEL_COLUMNS, "give the name of the label column as y")
    held = _held_in(X, image)
    notes: tuple[str, ...] = ()
    images: LazyArray
    if held is not None:
        images, _, notes = image_files(held, Path(), skip_broken=False, listener=Silent())
    else:
        images = _returned_images(X, image)
    labels = X.select_columns([label]).with_format("pandas")[:][label]
    class_names = getattr(X.features[label], "names", None)
    if class_names:
        labels = labels.where(labels >= 0)  # there -1 stands for a missing label
    named = ("X", f"column {label!r} of X")
    pictures = None if held is None else PictureFiles(held)
    return Source(name, images, labels, names=named, class_names=class_names, notes=notes, pictures=pictures)


def _held_in(X: Any, column: str) -> list[ImageSource] | None:
    """The image files of a column of a Hugging Face data set; None where its images come in another form.

    They are the bytes and paths that the data set keeps, which it would decode to images of any size.
    """
    from audit.datasets.sources.held_images import as_image  # noqa: PLC0415  it imports pandas, which is slow

    feature = X.features[column]
    if X.format["type"] is not None or _type(feature) not in ("Image", "Value"):
        return None
    items = X.select_columns([column])
    if _type(feature) == "Image":
        items = items.cast_column(column, type(feature)(decode=False))
    elif feature.dtype not in ("binary", "large_binary", "string", "large_string"):
        return None

    def read(row: int) -> bytes:
        value = _item(items, row)[column]
        return bytes(value["bytes"] if isinstance(value, dict) else value)

    _item(items, 0)
    sources: list[ImageSource] = []
    for row in range(len(X)):
        name = f"row {row} of X"
        image = as_image(_item(items, row)[column], name, Path())
        if image is None:
            raise DataError(f"{name} has no image in column {column!r}; leave such rows out with X.filter")
        if isinstance(image, Encoded):  # whose bytes need not be kept
            image = Encoded(name, partial(read, row))
        sources.append(image)
    return sources


def _returned_images(X: Any, column: str) -> _Images:
    """The images of a column as a Hugging Face data set returns them."""
    items = X
    if X.format["type"] != "custom":  # whose function may need the other columns
        items = X.select_columns([column])
    first = _item(items, 0)
    key = next((each for each in (column, *IMAGE_COLUMNS) if each in first), column)
    return _images(len(X), lambda row: _item(items, row).get(key), first.get(key), "with X.map")


def _texts_of_hugging_face(
    X: Any, y: Any, name: str, text_column: str | None, types: dict[str, str]
) -> Source:
    """Read a data set of Hugging Face without images as a table of texts or features."""
    label = y
    if label is None:
        from audit.datasets.sources.columns import LABELS_OF_TEXTS  # noqa: PLC0415  it imports pandas

        remedy = "give the name of the label column as y"
        label = _column(types, "ClassLabel", (*LABEL_COLUMNS, *LABELS_OF_TEXTS), remedy)
    source = _from_frame(X.to_pandas(), label, name, text_column)
    class_names = getattr(X.features.get(label), "names", None) if isinstance(label, str) else None
    if not class_names:
        return source
    return replace(source, y=source.y.where(source.y >= 0), class_names=class_names)  # -1 is a missing label


def _column(types: dict[str, str], wanted: str, preferred: tuple[str, ...], remedy: str) -> str:
    """Find the column of the wanted type; of several, or of none, the one with a usual name."""
    found = [column for column, each in types.items() if each == wanted]
    if len(found) == 1:
        return found[0]
    usual = [column for column in preferred if column in (found or types)]
    if usual:
        return usual[0]
    listed = ", ".join(f"{shown(column)} ({each})" for column, each in types.items())
    raise DataError(f"X has columns {listed}, expected one {wanted}, or one called {preferred[0]}; {remedy}")

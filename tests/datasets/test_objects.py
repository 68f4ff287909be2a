import importlib.util

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from audit import DataError
from audit.datasets.sources.objects import from_object
from audit.datasets.sources.parts import from_parts

needs_tables = pytest.mark.skipif(
    importlib.util.find_spec("audit.datasets.sources.tables") is None, reason="reads frames"
)
FORMS = "an array, a sparse matrix, a tensor, texts, a frame of pandas or polars, a Hugging Face Dataset or a PyTorch Dataset"
pixels = np.random.default_rng(0).integers(0, 256, (4, 8, 9, 3)).astype(np.uint8)
labels = [0, 1, 0, 1]


class Pairs:
    """A data set as PyTorch has them, which counts how often it is read."""

    def __init__(self, items, **attributes):
        self.items, self.reads = items, 0
        self.__dict__.update(attributes)

    def __len__(self):
        return len(self.items)

    def __getitem__(self, row):
        self.reads += 1
        return self.items[row]


class Broken(Pairs):
    def __getitem__(self, row):
        raise OSError("no\nfile")


def photos(mode="RGB"):
    return [Image.fromarray(each).convert(mode) for each in pixels]


def pairs(**attributes):
    return Pairs(list(zip(photos(), labels, strict=True)), **attributes)


def read(source):
    """All examples of a source."""
    assert len(source.X) == source.X.shape[0]
    examples = source.X[np.arange(len(source.X))]
    assert (examples.shape, examples.dtype) == (source.X.shape, source.X.dtype)
    return examples


def refused(X, y=None):
    with pytest.raises(DataError) as caught:
        read(from_object(X, y, "mine"))
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    return message


things = st.one_of(
    st.none(), st.integers(), st.text(), st.lists(st.integers()), st.dictionaries(st.text(), st.integers()),
    st.lists(st.tuples(st.integers(), st.text())), st.lists(st.lists(st.floats())), st.just(object()), st.just(int),
    st.lists(st.tuples(hnp.arrays(np.uint8, hnp.array_shapes()), st.integers() | st.text())),
    hnp.arrays(hnp.scalar_dtypes(), hnp.array_shapes(min_dims=0, max_dims=4, max_side=4)),
)  # fmt: skip


@given(things | things.map(lambda thing: Pairs(thing) if isinstance(thing, list) else thing), things)
def test_whatever_objects_become_a_source_or_one_line(X, y):
    try:
        source = from_object(X, y, "mine")
        if source.X is None:
            # Labels alone, whose examples are asked for where they are needed, or texts.
            assert X is None or source.as_given is not None
        else:
            read(source)
    except DataError as error:
        assert len(str(error).splitlines()) == 1


@given(hnp.arrays(np.float32, (5, 8, 9), elements=st.floats(0, 1, width=32)), st.lists(st.integers(0, 4)))
def test_rows_of_a_data_set_are_those_of_its_array(images, rows):
    source = from_object(
        Pairs(list(zip(images, range(5), strict=True)), targets=list(range(5))), None, "mine"
    )
    assert np.array_equal(source.X[np.array(rows, dtype=int)], images[rows])
    assert source.X[:2].shape == (2, 8, 9)


def test_arrays_are_taken_as_they_are():
    source = from_object(pixels, labels, "mine")
    assert source.X is pixels
    assert (source.name, source.y, source.names, source.ids) == ("mine", labels, ("X", "y"), None)
    for lists in (pixels.tolist(), photos(), list(pixels)):
        assert np.array_equal(read(from_object(lists, labels, "mine")), pixels)


def test_masked_numbers_are_missing():
    X = np.ma.array([[1.0, 2.0], [3.0, 4.0]], mask=[[0, 1], [0, 0]])
    assert np.array_equal(read(from_object(X, ["a", "b"], "mine")), [[1, np.nan], [3, 4]], equal_nan=True)


def test_tensors_of_torch():
    torch = pytest.importorskip("torch")
    source = from_object(torch.tensor(pixels), torch.tensor(labels), "mine")
    assert np.array_equal(read(source), pixels)
    assert source.y.tolist() == labels
    half = torch.ones(4, 5, dtype=torch.bfloat16, requires_grad=True)
    assert read(from_object(half, labels, "mine")).dtype == np.float32


def test_data_sets_of_torch():
    torch = pytest.importorskip("torch")
    images = torch.tensor(pixels).permute(0, 3, 1, 2)
    tensors = torch.utils.data.TensorDataset(images, torch.tensor(labels))
    source = from_object(tensors, None, "mine")
    assert np.array_equal(read(source), images.numpy())
    assert list(source.y) == labels
    part = from_object(torch.utils.data.Subset(pairs(classes=["p", "q"]), [3, 2]), None, "mine")
    assert np.array_equal(read(part), pixels[[3, 2]])
    assert (part.y, part.class_names) == ([1, 0], ["p", "q"])
    loader = torch.utils.data.DataLoader(tensors)
    assert refused(loader) == f"X is of type DataLoader, expected {FORMS}; give X.dataset"


def test_items_are_read_when_asked_for_where_the_labels_lie_beside_them():
    ready, unready = pairs(targets=labels, classes=("p", "q")), pairs()
    source = from_object(ready, None, "mine")
    assert (source.y, source.class_names) == (labels, ("p", "q"))
    before = ready.reads
    assert before < 5
    assert np.array_equal(source.X[np.array([2])], pixels[[2]])
    assert ready.reads == before + 1
    source = from_object(unready, None, "mine")
    assert (source.y, source.class_names) == (labels, None)
    before = unready.reads
    assert np.array_equal(read(source), pixels)
    assert unready.reads == before


@pytest.mark.parametrize("targets", [[1, 1, 1, 1], [0, 1, 0], None, "abcd"])
def test_a_list_that_does_not_hold_the_labels_is_not_taken_for_them(targets):
    assert from_object(pairs(targets=targets), None, "mine").y == labels


def test_class_names_are_those_of_numbers_only():
    strings = Pairs(
        [(image, "pq"[label]) for image, label in zip(photos(), labels, strict=True)], classes=["p", "q"]
    )
    source = from_object(strings, None, "mine")
    assert (source.y, source.class_names) == (["p", "q", "p", "q"], None)


def test_images_are_converted_to_the_colours_of_the_first():
    mixed = [(Image.new(mode, (9, 8)), i) for i, mode in enumerate(["RGB", "L", "P", "CMYK", "RGBA"])]
    assert read(from_object(Pairs(mixed), None, "mine")).shape == (5, 8, 9, 3)
    assert read(from_object(Pairs(mixed[2:4]), None, "mine")).shape == (2, 8, 9, 3)
    assert read(from_object(Pairs(mixed[1:2]), None, "mine")).shape == (1, 8, 9)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (pixels, None, "y is missing and X is of type ndarray, expected labels too, or a data set; give y"),
        (pd.DataFrame({"a": [1]}), None, "y is missing and X is of type DataFrame, expected labels too, or a data set; give y, or the name of the label column as y"),
        (pixels, "label", "y is 'label' but X of type ndarray has no columns; give the labels as y"),
        (5, labels, f"X is of type int, expected {FORMS}; convert it with numpy.asarray"),
        ([[1], [1, 2]], labels, "X of type list cannot be read as an array ('setting an array element wi...s (2,) + inhomogeneous part.'), expected rows of one size; bring them to one size, for example with numpy.stack"),
        ({"train": 1, "te\nst": 2}, None, f"X is of type dict, expected {FORMS}; give one part of it: X['train'] or X['te\\nst']"),
        (Pairs([]), None, "X has no rows (Pairs); there is nothing to audit"),
        (Pairs([1]), None, "row 0 of X is of type int, expected a pair of image and label; give a data set of such pairs, or the labels as y"),
        (Pairs([({}, 1)]), None, "row 0 of X holds a value of type dict for an image, expected a tensor, an array or a PIL image; decode it in the data set"),
        (Broken([1]), None, "row 0 of X cannot be read (OSError: 'no\\nfile'); fix or leave out such rows"),
        (Pairs([(pixels[0], 0), (pixels[0, 1:], 1)]), None, "row 1 of X has shape (7, 9, 3) (uint8) but row 0 has (8, 9, 3) (uint8), expected images of one size and type; resize or convert them in the data set's transform"),
        (Pairs([(photos("L")[0], 0), (photos()[1], 1)]), None, "row 1 of X has shape (8, 9, 3) (uint8) but row 0 has (8, 9) (uint8), expected images of one size and type; resize or convert them in the data set's transform"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_in_one_line(X, y, message):
    assert refused(X, y) == message


def test_sparse_matrices_are_read_with_their_zeros_and_kept_as_they_came():
    sparse = pytest.importorskip("scipy.sparse")
    for matrix in (sparse.eye(4).tocsr(), sparse.coo_array(np.eye(4))):
        source = from_object(matrix, labels, "mine")
        assert np.array_equal(read(source), np.eye(4))
        assert np.array_equal(source.as_given[np.array([2, 0])].examples.toarray(), np.eye(4)[[2, 0]])
        holder = type("AnnData", (), {"X": matrix, "obs": 1})()
        assert refused(holder).endswith("give X.X as X, and a column of X.obs as y")
    holder = type("AnnData", (), {"X": np.eye(4), "obs": 1})()
    assert (
        refused(holder)
        == f"X is of type AnnData, expected {FORMS}; give X.X as X, and a column of X.obs as y"
    )


@needs_tables
def test_frames_give_features_and_their_label_column():
    frame = pd.DataFrame({"a": [1.5, 2], "the\nlabel": ["x", "y"], "b": [3, 4]})
    source = from_object(frame, "the\nlabel", "mine")
    assert read(source).tolist() == [[1.5, 3], [2, 4]]
    assert (list(source.y), source.names) == (["x", "y"], ("X", "column 'the\\nlabel' of X"))
    apart = from_object(frame[["a", "b"]], ["x", "y"], "mine")
    assert read(apart).tolist() == [[1.5, 3], [2, 4]]
    assert (apart.y, apart.names) == (["x", "y"], ("X", "y"))


@needs_tables
def test_columns_of_a_frame_may_be_called_anything():
    frame = pd.DataFrame(
        [[1, 2, 3, 4, 5, 6]], columns=["X", "obs", "dataset", "batch_size", "features", "column_names"]
    )
    assert read(from_object(frame, "obs", "mine")).tolist() == [[1, 3, 4, 5, 6]]


@needs_tables
def test_columns_that_are_not_there_once_are_refused():
    frame = pd.DataFrame([[1, 2, 3]], columns=["a", "b", "b"])
    assert refused(frame, "c") == "X has 0 columns 'c', expected one, which y names; it has 'a', 'b', 'b'"
    assert refused(frame, "b") == "X has 2 columns 'b', expected one, which y names; it has 'a', 'b', 'b'"


@needs_tables
def test_frames_of_polars():
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"a": [1.5, None], "label": ["x", "y"]})
    source = from_object(frame, "label", "mine")
    assert np.array_equal(read(source), [[1.5], [np.nan]], equal_nan=True)
    assert list(source.y) == ["x", "y"]
    assert refused(frame.lazy(), "label") == f"X is of type LazyFrame, expected {FORMS}; give X.collect()"


@pytest.fixture
def hugging():
    """A data set of Hugging Face with an image column and two label columns."""
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        img=datasets.Image(),
        fine=datasets.ClassLabel(names=["p", "q"]),
        coarse=datasets.ClassLabel(names=["r", "s"]),
        text=datasets.Value("string"),
    )
    columns = {"img": photos(), "fine": labels, "coarse": [0, -1, 1, None], "text": list("abab")}
    return datasets.Dataset.from_dict(columns, features=features)


def test_columns_of_hugging_face_are_found_by_their_type(hugging):
    source = from_object(hugging.remove_columns("coarse"), None, "mine")
    assert np.array_equal(read(source), pixels)
    assert (list(source.y), list(source.class_names)) == (labels, ["p", "q"])
    assert source.names == ("X", "column 'fine' of X")
    usual = hugging.rename_columns({"fine": "label"})
    assert list(from_object(usual, None, "mine").y) == labels
    plain = hugging.remove_columns(["fine", "coarse"]).rename_column("text", "labels")
    assert list(from_object(plain, None, "mine").y) == list("abab")


def test_label_columns_of_hugging_face_can_be_named(hugging):
    coarse = from_object(hugging, "coarse", "mine")
    assert np.array_equal(coarse.y, [0, np.nan, 1, np.nan], equal_nan=True)
    assert list(coarse.class_names) == ["r", "s"]
    text = from_object(hugging.select([2, 1]), "text", "mine")
    assert (list(text.y), text.class_names) == (["a", "b"], None)
    assert np.array_equal(read(text), pixels[[2, 1]])


def test_transforms_of_hugging_face_give_the_images(hugging):
    turned = hugging.with_transform(
        lambda batch: {"pixel_values": [np.asarray(each)[::-1] for each in batch["img"]]}
    )
    assert np.array_equal(read(from_object(turned, "fine", "mine")), pixels[:, ::-1])


def test_what_hugging_face_holds_and_cannot_be_audited_is_refused(hugging):
    import datasets

    several = "'img' (Image), 'fine' (ClassLabel), 'coarse' (ClassLabel), 'text' (Value)"
    messages = {
        refused(hugging): f"X has columns {several}, expected one ClassLabel, or one called label; give the name of the label column as y",
        refused(hugging.remove_columns(["img", "fine", "coarse"])): "X has columns 'text' (Value), expected one ClassLabel, or one called label; give the name of the label column as y",
        refused(hugging, labels): "y is given beside the data set X, expected the name of its label column; leave y out",
        refused(hugging, "none"): "X has 0 columns 'none', expected one, which y names; it has 'img', 'fine', 'coarse', 'text'",
        refused(hugging.select([]), "fine"): "X has no rows (Dataset); there is nothing to audit",
        refused(hugging.to_iterable_dataset()): f"X is of type IterableDataset, expected {FORMS}; load it without streaming=True",
        refused(datasets.DatasetDict({"train": hugging})): f"X is of type DatasetDict, expected {FORMS}; give one part of it: X['train']",
    }  # fmt: skip
    assert list(messages) == list(messages.values())


def test_the_parts_of_a_data_set_of_hugging_face_are_put_together(hugging):
    import datasets

    whole = hugging.remove_columns(["coarse"])
    parts = datasets.DatasetDict({"train": whole.select([0, 1]), "test": whole.select([2, 3])})
    source = from_parts(parts, None, "mine")
    alone = from_object(whole, None, "mine")
    assert np.array_equal(read(source), read(alone))
    assert list(source.y) == list(alone.y)
    assert source.class_names == alone.class_names
    assert source.part.tolist() == ["train", "train", "test", "test"]
    renamed = whole.cast_column("fine", datasets.ClassLabel(names=["q", "p"]))
    with pytest.raises(DataError, match="the part 'test' names other classes than 'train'"):
        from_parts({"train": whole, "test": renamed}, None, "mine")

"""Embedders: any function, a network of timm or of sentence-transformers, and what is refused."""

import sys
import types
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import striped_images
from hypothesis import given
from hypothesis import strategies as st

from audit import datasets
from audit.errors import ConfigError, DataError
from audit.training import embedders
from audit.training.embedders import hub, own
from audit.training.embedders.embedder import BATCH
from audit.training.embedders.inputs import Inputs
from audit.types import AsGiven

X, y = striped_images(70, channels=3)
IMAGES = datasets.from_arrays(X, y)
TEXTS = datasets.from_arrays([f"text {i % 7}" for i in range(70)], y)


def sums(images):
    """Row and column sums of images: a function of each image alone."""
    images = np.asarray(images, np.float32)
    return np.concatenate([images.sum(axis=(2, 3)), images.sum(axis=(1, 3))], axis=1)


def computed(function, rows, dataset=IMAGES, width=None):
    return own.of_function(function).features(Inputs.of(dataset, dataset), np.asarray(rows), width)


@given(st.permutations(range(20)))
def test_the_embedding_of_permuted_rows_is_permuted(order):
    assert (computed(sums, order) == computed(sums, range(20))[list(order)]).all()


@given(st.integers(1, 70))
def test_the_size_of_a_batch_changes_no_byte(size):
    batches = [computed(sums, range(start, min(start + size, 70))) for start in range(0, 70, size)]
    assert np.concatenate(batches).tobytes() == computed(sums, range(70)).tobytes()


@pytest.mark.parametrize(
    ("returned", "why"),
    [
        (lambda _: np.ones((3, 2)), "shape (3, 2) and dtype float64 for rows 0 to 4, expected numbers of shape (5, d)"),
        (lambda m: np.ones((len(m), 2, 2)), "shape (5, 2, 2)"),
        (lambda m: np.ones(len(m)), "shape (5,)"),
        (lambda m: np.ones((len(m), 0)), "shape (5, 0)"),
        (lambda m: np.full((len(m), 2), "a"), "dtype <U1"),
        (lambda m: np.full((len(m), 2), None), "dtype object"),
        (lambda m: [[1, 2], [3]], "failed on rows 0 to 4 (ValueError"),
        (lambda m: None, "shape () and dtype object"),
        (lambda m: np.where(np.arange(len(m))[:, None] == 3, np.nan, np.ones((1, 2))), "NaN or infinite values, first for row 3"),
        (lambda m: np.full((len(m), 2), 1e300), "NaN or infinite values, first for row 0"),
        (lambda m: {}["key"], "failed on rows 0 to 4 (KeyError: 'key')"),
        (lambda m: 1 / 0, "ZeroDivisionError"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_what_is_no_row_of_numbers_for_each_example_is_refused(returned, why):
    with pytest.raises(DataError) as caught:
        computed(returned, range(5))
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


def test_batches_of_different_widths_are_refused():
    with pytest.raises(DataError, match=r"expected numbers of shape \(5, 3\)"):
        computed(lambda m: np.ones((len(m), 2)), range(5), width=3)


def test_tensors_of_every_type_are_taken():
    torch = pytest.importorskip("torch")
    for dtype in (torch.float16, torch.bfloat16, torch.float64, torch.int32):
        found = computed(
            lambda m, dtype=dtype: torch.ones(len(m), 3, dtype=dtype, requires_grad=False), range(4)
        )
        assert found.dtype == np.float32
        assert (found == 1).all()


def test_what_raises_for_want_of_memory_is_not_called_a_mistake():
    def hungry(_):
        raise MemoryError

    with pytest.raises(MemoryError):
        computed(hungry, range(5))


def test_texts_of_all_columns_are_read_and_gaps_are_empty():
    frame = pd.DataFrame({"title": ["a", None, "b"], "size": [1, 2, 3], "body": ["x", "y", None]})
    given_rows = AsGiven(frame, text_columns=("title", "body"))
    inputs = Inputs(np.ones((3, 0)), given_rows, None, None)
    assert inputs.take(np.array([0, 1, 2]), "texts", 0) == ["a\nx", "y", "b"]


def test_images_reach_an_embedder_in_colour_and_eight_bits():
    deep = (X[..., :1].astype(np.float64) * 257) - 5
    for images in (X, X[..., :1], X[..., 0], X / 255, deep, np.concatenate([X, X[..., :1]], axis=3)):
        dataset = datasets.from_arrays(images, y)
        taken = Inputs.of(dataset, dataset).take(np.arange(4), "images", 0)
        assert {(each.shape, each.dtype.name) for each in taken} == {((12, 12, 3), "uint8")}
        assert np.corrcoef(taken[0].ravel(), np.broadcast_to(X[0, ..., :1], (12, 12, 3)).ravel())[0, 1] > 0.8


def test_an_embedder_of_images_refuses_texts_and_one_of_texts_refuses_images():
    for dataset, reads, found in ((TEXTS, "images", "found texts"), (IMAGES, "texts", "found images")):
        with pytest.raises(DataError, match=found):
            Inputs.of(dataset, dataset).take(np.arange(3), reads, 8)


@pytest.mark.parametrize("name", ["", "resnet18", "timm:", ":f", "module:", " : "])
def test_names_of_no_form_are_refused(name):
    with pytest.raises(ConfigError, match="is not an embedder; expected timm:NAME"):
        embedders.check(name)


def test_a_module_that_is_not_there_and_a_name_that_is_no_function_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine_own.py").write_text("embed = 3\n")
    with pytest.raises(ConfigError, match="--embed mine_own:embed is of type int, expected a function"):
        embedders.embedder_of("mine_own:embed", "cpu")
    with pytest.raises(ConfigError, match="--embed nowhere:embed cannot be imported"):
        embedders.embedder_of("nowhere:embed", "cpu")


def test_a_library_that_is_missing_is_one_line_with_the_command(monkeypatch):
    monkeypatch.setattr(hub, "_reaches_hub", lambda: True)
    monkeypatch.setitem(sys.modules, "timm", None)
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    for asked, extra in (("timm:resnet18", "vision"), ("sentence-transformers:x", "text")):
        with pytest.raises(DataError) as caught:
            embedders.embedder_of(asked, "cpu")
        assert str(caught.value).endswith(f'pip install "label-audit[{extra}]"')
        assert "\n" not in str(caught.value)


class Encoder:
    """A stand-in for a network of sentence-transformers."""

    tokenizer = types.SimpleNamespace(get_vocab=lambda: {"text": 0})
    max_seq_length = 128

    def __init__(self, name, device):
        import torch

        if name == "nowhere":
            raise OSError("no such model,\nand no network")
        self.layer = torch.nn.Linear(3, 4)

    def eval(self):
        return self

    def state_dict(self):
        return self.layer.state_dict()

    def encode(self, texts, *, batch_size, show_progress_bar, convert_to_numpy):
        assert not show_progress_bar
        return np.array([[len(text), batch_size] for text in texts], np.float32)


def test_a_network_for_texts_reads_them_and_its_weights_are_in_its_key(monkeypatch):
    library = types.ModuleType("sentence_transformers")
    library.SentenceTransformer = Encoder
    monkeypatch.setitem(sys.modules, "sentence_transformers", library)
    monkeypatch.setattr("audit.training.embedders.texts.version", lambda _: "1")
    monkeypatch.setattr(hub, "_reaches_hub", lambda: True)
    first, second = (embedders.embedder_of("sentence-transformers:mini", "cpu") for _ in range(2))
    assert first.decides["weights"] != second.decides["weights"]  # which are random
    assert first.decides["words"] == second.decides["words"] != ""
    found = first.features(Inputs.of(TEXTS, TEXTS), np.arange(5))
    assert found.tolist() == [[6, BATCH]] * 5
    assert "first 128 tokens" in first.note
    with pytest.raises(
        DataError, match=r"cannot be loaded \(OSError: no such model, and no network\); check the name"
    ):
        embedders.embedder_of("sentence-transformers:nowhere", "cpu")


@pytest.fixture
def weights(tmp_path):
    """A small network of timm with random weights, in a file."""
    timm = pytest.importorskip("timm", reason='pip install "label-audit[vision]"')
    from safetensors.torch import save_file

    path = tmp_path / "w.safetensors"
    save_file(timm.create_model("test_efficientnet").state_dict(), path)
    return path


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_a_network_of_timm_reads_images_of_any_size_and_its_weights_are_in_its_key(weights):
    asked = f"timm:test_efficientnet@{weights}"
    network = embedders.embedder_of(asked, "cpu")
    again = embedders.embedder_of(asked, "cpu")
    assert network.decides == again.decides
    assert "160 x 160 pixels" in network.note
    inputs = Inputs.of(IMAGES, IMAGES)
    whole = network.features(inputs, np.arange(BATCH))
    part = network.features(inputs, np.arange(3, 8))
    assert whole.shape == (BATCH, 256)
    assert np.allclose(whole[3:8], part, atol=1e-5)
    wide = np.zeros((300, 900, 3), np.uint8)
    assert network.embed([wide, wide[:40, :50]]).shape == (2, 256)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_weights_that_are_nowhere_or_of_another_network_are_one_line(weights, tmp_path):
    (tmp_path / "text.safetensors").write_text("no weights")
    cases = {
        "timm:test_efficientnet@nowhere.safetensors": "there is no file nowhere.safetensors",
        f"timm:test_efficientnet@{tmp_path}/text.safetensors": "cannot be loaded",
        f"timm:test_vit@{weights}": "give weights of this network",
        "timm:test_eficientnet": "did you mean test_efficientnet?",
    }
    for asked, why in cases.items():
        with pytest.raises((ConfigError, DataError)) as caught:
            embedders.embedder_of(asked, "cpu")
        assert why in str(caught.value)
        assert "\n" not in str(caught.value)

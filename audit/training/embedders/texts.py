"""Pretrained networks for texts, of sentence-transformers."""

from importlib.metadata import version
from typing import Any

from audit.training.embedders import hub
from audit.training.embedders.embedder import BATCH, Embedder

PREFIX = "sentence-transformers:"


def named(asked: str, device: str) -> Embedder:
    """The network of sentence-transformers that `sentence-transformers:NAME` names; NAME may be a folder.

    Raises
    ------
    DataError
        When the package is not installed, or the network is nowhere.
    """
    name = asked.removeprefix(PREFIX)
    library = hub.imported("sentence_transformers", asked, "text")
    remedy = (
        "check the name; without a network, fetch the folder of the model elsewhere and give its path: "
        f"--embed {PREFIX}FOLDER"
    )
    with hub.loading(asked, remedy):
        network = library.SentenceTransformer(name, device=hub.device_of(device)).eval()
    length = getattr(network, "max_seq_length", None)

    def embed(texts: list[str]) -> Any:
        return network.encode(texts, batch_size=BATCH, show_progress_bar=False, convert_to_numpy=True)

    return Embedder(
        name=asked,
        embed=embed,
        decides={
            "weights": hub.digest_of(network),
            "words": hub.digest_of_words(getattr(network, "tokenizer", None)),
            **{package: version(package) for package in ("sentence-transformers", "torch")},
        },
        reads="texts",
        note=f"; it sees the first {length:,} tokens of a text" if length else "",
    )

"""Which columns of a table hold texts that people wrote: sentences, reviews, questions."""

import re
from typing import Any

import pandas as pd

from audit.datasets.sources.columns import bare, listed, named_column
from audit.datasets.words import words
from audit.errors import DataError

USUAL = (  # what a column of texts is usually called
    "text",
    "texts",
    "sentence",
    "review",
    "comment",
    "message",
    "question",
    "query",
    "utterance",
    "tweet",
    "post",
    "title",
    "headline",
    "abstract",
    "description",
    "content",
    "body",
    "document",
)
NO_COLUMN = "none"  # what the setting says where texts are left out
# Between two words, or from one character to the next in a script that puts no spaces between words.
BETWEEN_WORDS = re.compile(r"\S\s+\S|[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]{2}")
LOOKED_AT = 1000  # values of a column
SENTENCE = 8  # words that half of the texts have; those of names and addresses have fewer
WORDS_OF_NAME = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[^\W\d_]+")  # of reviewText, intent_text or sentence1


def asked_columns(frame: pd.DataFrame, name: str, asked: str) -> tuple[str, ...]:
    """The columns that the setting names; DataError when there is no such column."""
    found = []
    for each in filter(None, map(str.strip, asked.split(","))):
        column = named_column([str(column) for column in frame.columns], each)
        if column is None:
            raise DataError(
                f"{name} has no column {each!r}, found {listed(map(str, frame.columns))}; check --text-column"
            )
        found.append(column)
    return tuple(found)


def sure_texts(frame: pd.DataFrame) -> tuple[str, ...]:
    """The columns of texts that are called as such usually are, or that hold sentences."""
    return tuple(column for column in all_texts(frame) if is_usual(column) or _are_sentences(frame[column]))


def all_texts(frame: pd.DataFrame) -> tuple[str, ...]:
    """The columns of texts, whatever they are called."""
    return tuple(str(column) for column in frame.columns if is_prose(frame[column]))


def is_usual(column: str) -> bool:
    """Whether a column is called as texts usually are, or has such a word in its name."""
    return any(word.lower() in USUAL for word in WORDS_OF_NAME.findall(bare(column)))


def is_prose(values: "pd.Series[Any]") -> bool:
    """Whether most values of a column are different texts of several words."""
    if pd.api.types.infer_dtype(values, skipna=True) != "string":
        return False
    texts = values.dropna().head(LOOKED_AT).tolist()
    several_words = sum(BETWEEN_WORDS.search(text) is not None for text in texts)
    return 2 * several_words > len(texts) and 2 * len(set(texts)) > len(texts)


def _are_sentences(values: "pd.Series[Any]") -> bool:
    """Whether half of the texts in a column are as long as a sentence."""
    lengths = [len(words(text)) for text in values.dropna().head(LOOKED_AT).tolist()]
    return sorted(lengths)[len(lengths) // 2] >= SENTENCE

"""Which columns of a table are texts to audit, and which are its labels."""

import numpy as np
import pandas as pd
import pytest

import audit
from audit import datasets
from audit.datasets.duplicates import find_duplicates
from audit.settings.detect import Config

N = 60
RNG = np.random.default_rng(0)
PROSE = [f"this is sentence number {i} of the table" for i in range(N)]
CHINESE = [f"子曰学而时习之不亦说乎{i}" for i in range(N)]
TOPIC = RNG.choice(["news", "sport"], N).tolist()
NAMES = [f"Mr. Owen Harris {i}" for i in range(N)]
AGES = RNG.uniform(1, 80, N).round(1).tolist()
KEYS = [f"a{i:08x}ff{i:04d}" for i in range(N)]


def loaded(tmp_path, columns, **settings):
    path = tmp_path / "table.csv"
    pd.DataFrame(columns).to_csv(path, index=False)
    return datasets.load(Config.of(str(path), **settings))


TEXTS = {
    "usual name": ({"text": PROSE, "label": TOPIC}, PROSE),
    "any name, nothing else": ({"was": PROSE, "label": TOPIC}, PROSE),
    "usual name beside numbers": ({"review": PROSE, "stars": AGES, "label": TOPIC}, PROSE),
    "Chinese": ({"text": CHINESE, "label": TOPIC}, CHINESE),
    "keys are no texts": ({"key": KEYS, "said": PROSE, "label": TOPIC}, PROSE),
    "labels of another name": ({"utterance": PROSE, "intent": TOPIC}, PROSE),
    "labels first": ({"v1": TOPIC, "v2": PROSE}, PROSE),
    "sentences beside categories": ({"Kommentar": PROSE, "Quelle": TOPIC[::-1], "label": TOPIC}, PROSE),
    "a usual word in the name": ({"review_text": NAMES, "stars": AGES, "label": TOPIC}, NAMES),
    "two words in the name": ({"reviewText": NAMES, "stars": AGES, "label": TOPIC}, NAMES),
    "a number in the name": ({"sentence1": NAMES, "idx": AGES, "label": TOPIC}, NAMES),
    "beside a constant": ({"said": NAMES, "lang": ["en"] * N, "label": TOPIC}, NAMES),
    "labels called as those of texts": ({"category": TOPIC, "intent_text": PROSE, "lang": ["en"] * N}, PROSE),
}


@pytest.mark.parametrize(("columns", "texts"), TEXTS.values(), ids=TEXTS)
def test_the_column_of_texts_is_found(tmp_path, columns, texts):
    dataset = loaded(tmp_path, columns)
    assert dataset.are_texts
    assert dataset.content.tolist() == texts
    assert set(dataset.class_names) == {"news", "sport"}


def test_a_table_without_names_of_columns_is_refused(tmp_path):
    lines = [f"{topic}\t{text}" for topic, text in zip(TOPIC, PROSE, strict=True)]
    (tmp_path / "table.tsv").write_text("\n".join(lines))
    with pytest.raises(
        audit.DataError, match=r"its first line holds '(news|sport)', which is one of the labels"
    ):
        datasets.load(Config.of(str(tmp_path / "table.tsv")))


def test_several_columns_of_texts_are_read_as_one(tmp_path):
    dataset = loaded(tmp_path, {"title": PROSE, "body": PROSE[::-1], "label": TOPIC})
    assert dataset.content[0] == f"{PROSE[0]}\n{PROSE[-1]}"
    assert dataset.notes == ("columns title, body hold the texts",)


def test_names_beside_numbers_are_no_texts(tmp_path):
    dataset = loaded(tmp_path, {"name": NAMES, "age": AGES, "label": TOPIC})
    assert not dataset.are_texts
    assert dataset.feature_names == ("age",)
    assert "to audit texts, name their columns: --text-column name" in dataset.notes


def test_empty_texts_are_counted_and_are_no_duplicates(tmp_path):
    texts = [*PROSE[:-3], "", " ", "…"]
    dataset = loaded(tmp_path, {"text": texts, "label": TOPIC})
    assert "2 texts are empty" in dataset.notes
    assert len(np.unique(find_duplicates(dataset.X, dataset.as_given).groups)) == N
    listed = datasets.from_arrays([float("nan"), None, *PROSE[2:]], TOPIC)
    assert listed.content.tolist() == ["", "", *PROSE[2:]]
    assert listed.notes == ("2 texts are empty",)


def test_a_few_texts_again_and_again_are_categories(tmp_path):
    dataset = loaded(tmp_path, {"text": ["very good", "very bad"] * (N // 2), "label": TOPIC})
    assert dataset.feature_names == ("text = very bad", "text = very good")


def test_texts_can_be_named_or_left_out(tmp_path):
    columns = {"text": PROSE, "name": NAMES, "age": AGES, "label": TOPIC}
    assert loaded(tmp_path, columns, text_column="name").content.tolist() == NAMES
    assert loaded(tmp_path, columns, text_column=["text", "name"]).content[0] == f"{PROSE[0]}\n{NAMES[0]}"
    assert loaded(tmp_path, columns, text_column="none").feature_names == ("age",)
    with pytest.raises(
        audit.DataError, match="has no column 'txt', found text, name, age; check --text-column"
    ):
        loaded(tmp_path, columns, text_column="txt")


def test_missing_texts_are_empty(tmp_path):
    texts = [*PROSE[:-2], "", "None of it"]
    assert loaded(tmp_path, {"text": texts, "label": TOPIC}).content.tolist() == texts


def test_texts_of_a_frame_and_of_hugging_face():
    from datasets import ClassLabel, Dataset, Features, Value

    frame = pd.DataFrame({"text": PROSE, "topic": TOPIC})
    assert datasets.from_arrays(frame, "topic").content.tolist() == PROSE
    numbers = [("news", "sport").index(topic) for topic in TOPIC]
    features = Features({"text": Value("string"), "label": ClassLabel(names=["news", "sport"])})
    hugging = Dataset.from_dict({"text": PROSE, "label": numbers}, features=features)
    dataset = datasets.from_arrays(hugging)
    assert dataset.content.tolist() == PROSE
    assert [dataset.class_names[label] for label in dataset.labels] == TOPIC
    plain = Dataset.from_dict({"text": PROSE, "category": TOPIC})
    assert datasets.from_arrays(plain).content.tolist() == PROSE


def test_parts_of_texts_are_joined():
    dataset = datasets.from_arrays(
        {"train": PROSE[:40], "test": PROSE[40:]}, {"train": TOPIC[:40], "test": TOPIC[40:]}
    )
    assert dataset.content.tolist() == PROSE
    frames = {"train": pd.DataFrame({"text": PROSE[:40], "age": AGES[:40], "label": TOPIC[:40]}),
              "test": pd.DataFrame({"text": PROSE[40:], "age": AGES[40:], "label": TOPIC[40:]})}  # fmt: skip
    assert datasets.from_arrays(frames, "label").content.tolist() == PROSE

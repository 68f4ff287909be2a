"""Column names with spaces around them, as "a, b, label" has them."""

import numpy as np
import pandas as pd
import pytest

import audit
from audit import datasets
from audit.datasets.reread import reread
from audit.review.writers.change import Change
from audit.review.writers.forms import WRITERS
from audit.settings.detect import Config

LINES = "".join(f'{i}, {i % 7}, {kind}, "x, y"\n' for i, kind in enumerate(["cat", "dog"] * 20))
HEADERS = [
    "a, b, label, text",
    "a, b, label , text",
    '"a", "b", "label", "text"',
    "a, b,\tlabel, text",
    "a, b,\u00a0Label, text",
]


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("asked", [None, "label", " label"])
def test_the_label_column_is_found_with_spaces_around_its_name(tmp_path, header, asked):
    if asked and "Label" in header:
        asked = "Label"
    (tmp_path / "t.csv").write_text(f"{header}\n{LINES}", encoding="utf-8")
    dataset = datasets.load(Config.of(data=str(tmp_path / "t.csv"), label_column=asked))
    assert [name.strip() for name in dataset.class_names] == ["cat", "dog"]


def test_columns_that_would_match_but_for_something_else_are_shown_in_quotes(tmp_path):
    (tmp_path / "t.csv").write_text("a ,kind \n1,u\n2,v\n", encoding="utf-8")
    with pytest.raises(audit.DataError, match=r"has the columns 'a ', 'kind ', expected one called label"):
        datasets.load(Config.of(data=str(tmp_path / "t.csv")))


def test_another_case_is_a_hint(tmp_path):
    (tmp_path / "t.csv").write_text("a,Kind \n1,u\n2,v\n", encoding="utf-8")
    with pytest.raises(audit.DataError, match=r"no column 'kind', found a, 'Kind '; did you mean 'Kind '\?"):
        datasets.load(Config.of(data=str(tmp_path / "t.csv"), label_column="kind"))


def test_corrected_labels_are_written_among_the_spaces(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(f"a, b, label, text\n{LINES}", encoding="utf-8")
    now = reread(datasets.open_source(Config.of(data=str(path)).data))
    donors = np.arange(40)
    donors[0] = 1
    change = Change.none(now.codes, now.class_names, now.ids).with_donors(donors, np.zeros(40, dtype=bool))
    (tmp_path / "new" / "before").mkdir(parents=True)
    WRITERS["text"](now.source.place, change, tmp_path / "new")
    corrected = (tmp_path / "new" / "t.csv").read_text(encoding="utf-8").splitlines()
    assert corrected[1].split(",")[2].strip() == "dog"
    assert corrected[2:] == path.read_text(encoding="utf-8").splitlines()[2:]


def test_frames_match_the_name_of_the_label_column_too():
    frame = pd.DataFrame({"a": np.arange(40.0), " label": ["cat", "dog"] * 20})
    assert datasets.from_arrays(frame, "label").class_names == ("cat", "dog")

"""No cell of a table is a formula, and every cell is read back as it was."""

import csv
import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.runs.tables import csv_rows, csv_text, plain

DANGEROUS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
letters = st.characters(codec="utf-8", exclude_characters="\0")
texts = st.text(letters, max_size=8) | st.text(
    st.sampled_from([*DANGEROUS, "'", '"', ",", ";", "1", "e", ".", " ", "a"]), max_size=6
)


@given(cells=st.lists(texts, min_size=1, max_size=8), name=texts)
def test_texts_come_back_as_they_were_and_none_is_a_formula(tmp_path_factory, cells, name):
    table = pd.DataFrame({"row": np.arange(len(cells)), f"{name}.": cells})
    path = tmp_path_factory.getbasetemp() / "t.csv"
    path.write_bytes(csv_text(table).encode())
    columns, rows = csv_rows(path)
    assert columns == ["row", f"{name}."]
    assert [row[f"{name}."] for _, row in rows] == cells
    for line in csv.reader(io.StringIO(csv_text(table), newline="")):
        for cell in line:
            assert not cell.startswith(tuple(DANGEROUS)) or float(cell) <= 0 or cell.startswith("+")


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers())
def test_numbers_stay_numbers(fraction, whole):
    table = pd.DataFrame({"a": [fraction, -1.5], "b": [str(whole), "-1"], "c": pd.Series([None, "=x"])})
    line, other = csv_text(table).splitlines()[1:]
    assert line == f"{fraction!r},{whole},"
    assert other == "-1.5,-1,'=x"


@pytest.mark.parametrize("cell", ["", "'", "''", "a=b", "'a", "1=", "#", "|"])
def test_other_texts_are_left_alone(cell):
    assert (
        csv_text(pd.DataFrame({"a": ["z", cell]})).encode()
        == b"a\nz\n" + (cell.encode() if cell else b'""') + b"\n"
    )
    assert plain(cell) == cell


def test_a_table_of_categories_and_mixed_objects_is_written(tmp_path):
    table = pd.DataFrame(
        {"a": pd.Categorical(["=x", "b"]), "b": np.array(["+y", 3], dtype=object), "c": [True, False]}
    )
    assert csv_text(table) == "a,b,c\n'=x,'+y,True\nb,3,False\n"
    path = tmp_path / "t.csv"
    path.write_text("id,label\n1\n2,b,more\n\n", encoding="utf-8")
    assert list(csv_rows(path)[1]) == [(2, {"id": "1", "label": ""}), (3, {"id": "2", "label": "b"})]

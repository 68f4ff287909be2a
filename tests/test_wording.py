"""Lists and errors in one line."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import wording


@pytest.mark.parametrize(
    ("names", "most", "expected"),
    [
        ([], 2, ""),
        (["a"], 2, "a"),
        (["a", "b"], 2, "a, b"),
        (["a", "b", "c"], 2, "a, b, …"),
        (("a", "b", "c"), 3, "a, b, c"),
    ],
)
def test_only_the_first_names_are_listed(names: list[str], most: int, expected: str) -> None:
    assert wording.some(names, most) == expected


def test_five_names_are_listed_by_default() -> None:
    assert wording.some(list("abcdef")) == "a, b, c, d, e, …"


@given(st.text())
def test_one_line_keeps_the_words_and_has_no_line_break(text: str) -> None:
    line = wording.one_line(text)
    assert line.split() == text.split()
    assert len(line.splitlines()) <= 1


def test_an_error_becomes_one_line() -> None:
    assert wording.one_line(ValueError("first\n\tsecond ")) == "first second"


def test_a_missing_file_is_named_with_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    expected = f"data.csv does not exist (looked in {tmp_path}); check the path"
    assert wording.no_such_file(Path("data.csv")) == expected


def test_settings_that_differ_are_named_and_a_missing_value_is_said() -> None:
    before = {"noise": None, "noise_kind": "matrix", "controls": 8, "seed": 0}
    now = {"noise": 0.1, "noise_kind": "symmetric", "seed": 0}
    assert wording.setting_changes(before, before) == []
    assert wording.setting_changes(before, now) == [
        "noise not given → 0.1",
        "noise_kind matrix → symmetric",
        "controls 8 → not given",
    ]


@given(st.text())
def test_what_is_visible_moves_no_terminal_and_keeps_other_letters(text):
    shown = wording.visible(text)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e]", shown)
    assert wording.visible(shown) == shown
    if text.isprintable():
        assert shown == text

"""What a word is, and when two texts are the same."""

from hypothesis import given
from hypothesis import strategies as st

from audit.datasets.words import normalised, words


@given(st.text())
def test_normalised_texts_stay_as_they_are(text):
    once = normalised(text)
    assert normalised(once) == once


@given(
    st.lists(st.text("abcäßж漢🙂", min_size=1), min_size=1), st.sampled_from([" ", "  ", "\n", ", ", "! "])
)
def test_spaces_punctuation_and_case_do_not_count(parts, between):
    assert normalised(between.join(parts)) == normalised(" ".join(parts).upper().lower())


@given(st.text())
def test_words_stand_in_the_text_in_their_order(text):
    lower = text.lower()
    end = 0
    for word in words(text):
        end = lower.index(word, end) + len(word)


def test_words_of_any_script():
    assert words("Don't PANIC, 42 times") == ["don", "t", "panic", "42", "times"]
    assert words("Größe: 3 µm") == ["größe", "3", "µm"]
    assert words("学而时习之, ok") == ["学", "而", "时", "习", "之", "ok"]
    assert words("good 🙂🙂") == ["good", "🙂", "🙂"]

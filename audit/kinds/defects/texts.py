"""Defects of texts: each function takes a text and a generator, and returns a changed text."""

import sys
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from audit.datasets.words import words

Defect = Callable[[str, np.random.Generator], str]

LONGEST = 2000  # characters that kinds are told by: the beginning of a text
CUT_SHARE = (0.05, 0.25)  # of a text that is left
CHANGED_SHARE = (0.3, 0.6)  # of the words
FARTHEST = 40  # places between a character and the one instead of it
REPEATS = (5, 20)  # of one word
FEW = 6  # words of a text with spaces; of fewer, characters are moved instead
MARKUP = ("<br/>", "<p>", "</div>", "&nbsp;", "&amp;", '<a href="">', "[IMG]", "\\n", "{{text}}")
SIGNS = "0123456789.,:;/()[]#*+-=%&"
FILLER = """
lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et dolore
magna aliqua ut enim ad minim veniam quis nostrud exercitation ullamco laboris nisi ut aliquip ex ea commodo
consequat duis aute irure dolor in reprehenderit in voluptate velit esse cillum dolore eu fugiat nulla
"""


def ambiguous(partners: Sequence[str]) -> Mapping[str, Defect]:
    """Defects that join the half of a text with the half of one of another class, in either order."""
    remaining = iter(partners)

    def blend(text: str, rng: np.random.Generator) -> str:
        halves = [_part(text, rng), _part(next(remaining), rng)]
        rng.shuffle(halves)
        return " ".join(halves)

    return {"blend": blend}


def made_up_words(text: str, rng: np.random.Generator) -> str:
    """Some of the words with their letters in another order, or with another one of the same script."""

    def made_up(word: str) -> str:
        if len(word) > 1:
            return "".join(rng.permutation(list(word)))
        other = chr(min(ord(word) + int(rng.integers(1, FARTHEST)), sys.maxunicode))
        return other if other.isalpha() else word

    return _changed(text, rng, made_up)


def capitals(text: str, rng: np.random.Generator) -> str:
    """All letters as capitals; words that nobody knows in a script without capitals."""
    upper = text.upper()
    return made_up_words(text, rng) if upper == text else upper


def shuffled(text: str, rng: np.random.Generator) -> str:
    """The words, or the characters of a text without spaces, in another order."""
    parts, space = _parts(text)
    return space.join(rng.permutation(parts).tolist()) if parts else text


def empty(_: str, rng: np.random.Generator) -> str:
    """Nothing, or a sign that says nothing."""
    return str(rng.choice(["", " ", ".", "-", "?", "n/a"]))


def cut(text: str, rng: np.random.Generator) -> str:
    """The first few characters."""
    return text[: max(1, round(rng.uniform(*CUT_SHARE) * len(text)))]


def garbled(text: str, rng: np.random.Generator) -> str:
    """Some of the words with a letter doubled, lost or replaced by a sign."""

    def mistyped(word: str) -> str:
        place = int(rng.integers(len(word)))
        instead = str(rng.choice([word[place] * 2, "", "�", str(rng.choice(list(SIGNS)))]))
        return word[:place] + instead + word[place + 1 :]

    return _changed(text, rng, mistyped)


def wrong_encoding(text: str, rng: np.random.Generator) -> str:
    """Letters beyond ASCII as they look where UTF-8 is taken for Latin-1; garbled where there are none."""
    if text.isascii():
        return garbled(text, rng)
    return text.encode("utf-8", "replace").decode("latin-1")


def marked_up(text: str, rng: np.random.Generator) -> str:
    """Words with remains of a page's markup between them."""
    return _changed(text, rng, lambda word: f"{word} {rng.choice(MARKUP)}")


def repeated(text: str, rng: np.random.Generator) -> str:
    """One of its words again and again."""
    parts, space = _parts(text)
    if not parts:
        return text
    return space.join([str(rng.choice(parts))] * int(rng.integers(*REPEATS)))


def other_language(text: str, rng: np.random.Generator) -> str:
    """The text in letters that stand for others, as an unknown language."""
    letters = sorted({letter for letter in text.lower() if letter.isalpha()})
    instead = dict(zip(letters, rng.permutation(letters).tolist(), strict=True)) if letters else {}
    return "".join(instead.get(letter, letter) for letter in text.lower())


def filler(text: str, rng: np.random.Generator) -> str:
    """Latin that designers fill pages with, about as long."""
    return " ".join(rng.choice(FILLER.split(), max(3, len(words(text)))).tolist())


def signs(text: str, rng: np.random.Generator) -> str:
    """Numbers and signs, about as long."""
    return "".join(rng.choice([*SIGNS, " "], max(3, len(text))).tolist())


def of_many_texts(texts: Sequence[str]) -> Defect:
    """The defect that draws its words from these texts."""
    known = np.array([word for text in texts for word in words(text)] or FILLER.split())

    def words_of_many(text: str, rng: np.random.Generator) -> str:
        return " ".join(rng.choice(known, max(3, len(words(text)))).tolist())

    return words_of_many


ATYPICAL: Mapping[str, Defect] = {
    "made-up words": made_up_words,
    "capitals": capitals,
    "shuffled words": shuffled,
}
LOW_QUALITY: Mapping[str, Defect] = {
    "empty": empty,
    "cut off text": cut,
    "garbled": garbled,
    "wrong encoding": wrong_encoding,
    "markup": marked_up,
    "repeated word": repeated,
}


def off_topic(texts: Sequence[str]) -> Mapping[str, Defect]:
    """The defects that make a text one of no class; some draw their words from these texts."""
    return {
        "another language": other_language,
        "filler": filler,
        "signs": signs,
        "words of many texts": of_many_texts(texts),
    }


def _parts(text: str) -> tuple[list[str], str]:
    """The words of a text and what is between them; its characters where it has few spaces."""
    parts = text.split()
    if len(parts) >= FEW or len(text) < FEW:
        return parts, " "
    return list(text), ""


def _part(text: str, rng: np.random.Generator) -> str:
    """The first or the second half."""
    parts, space = _parts(text)
    middle = len(parts) // 2
    return space.join(parts[middle:] if rng.random() < 0.5 else parts[: max(1, middle)])


def _changed(text: str, rng: np.random.Generator, change: Callable[[str], str]) -> str:
    """The text with some of its words changed, at least one."""
    parts, space = _parts(text)
    if not parts:
        return text
    count = max(1, round(rng.uniform(*CHANGED_SHARE) * len(parts)))
    for place in rng.permutation(len(parts))[:count].tolist():
        parts[place] = change(parts[place])
    return space.join(parts)

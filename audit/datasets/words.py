"""What a word is, in any script, and when two texts are the same but for case, spaces and punctuation."""

import re
import unicodedata

# Thai, Lao, Burmese, Khmer, Japanese and Chinese put no spaces between words, so that every character of
# theirs counts as one. So does an emoji.
ALONE = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\u2600-\u27bf\U0001f000-\U0001faff\U00020000-\U0003134f"
)
WORD = rf"[{ALONE}]|[^\W{ALONE}]+"  # such a character, or a run of other letters and digits
_words = re.compile(WORD)


def words(text: str) -> list[str]:
    """The words of a text in lower case, in their order."""
    return _words.findall(text.lower())


def normalised(text: str) -> str:
    """The words alone, in lower case and one form of each letter; the text itself where it has none."""
    return " ".join(words(unicodedata.normalize("NFKC", text).casefold())) or text.strip()

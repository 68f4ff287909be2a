"""How figures, lists and errors are put into words; rounding never makes a figure look better."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

MOST_NAMED = 5  # names in a line
# Control characters, line and paragraph separators, and marks that turn the direction of what follows.
MOVING = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def percent(share: float | None, digits: int = 1) -> str:
    """A share in per cent without its sign; only exactly 1 becomes 100 and only exactly 0 becomes 0."""
    if share is None:
        return "–"
    if share in (0, 1):
        return f"{100 * share:.0f}"
    step = 10**-digits
    return f"{min(100 - step, max(step, 100 * share)):.{digits}f}"


def whole_percent(share: float) -> int:
    """A share in whole per cent, but 100 only for exactly 1."""
    if share == 1:
        return 100
    return min(99, round(100 * share))


class Interval(Protocol):
    """A figure with its 95 % interval."""

    @property
    def value(self) -> float | None:
        """The figure, None where it is undefined."""

    @property
    def low(self) -> float:
        """The lower end."""

    @property
    def high(self) -> float:
        """The upper end."""


def interval(figure: Interval, digits: int = 1) -> str:
    """The 95 % interval of a figure in per cent."""
    if figure.value is None:
        return "–"
    return f"{percent(figure.low, digits)}–{percent(figure.high, digits)}"


def with_interval(figure: Interval, digits: int = 1) -> str:
    """A figure in per cent with its 95 % interval: 31.0 (25.2–37.1)."""
    return f"{percent(figure.value, digits)} ({interval(figure, digits)})"


def count(number: int, thing: str) -> str:
    """A number of things: 1 suspect, 2 suspects."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def shared_rows(part: str, rows: int, shared: int, exact: int) -> str:
    """How many rows of a part have a duplicate in another, as in test: 3 of 10,000 rows."""
    line = f"{part}: {shared:,} of {count(rows, 'row')} with a duplicate in another part"
    if not shared:
        return line
    return f"{line}, {exact:,} of them exactly"


def number(value: float | None, form: str) -> str:
    """A number in this format, a dash where there is none."""
    if value is None:
        return "–"
    return format(value, form)


def expected_number(figure: Interval) -> str:
    """An expected number with its interval: 31 (25 to 37)."""
    return f"{figure.value or 0:,.0f} ({figure.low:,.0f} to {figure.high:,.0f})"


def figure_name(key: str) -> str:
    """What a figure of `scores.json` is called in text."""
    return {"f1": "F1", "fnr_at_noise_rate": "FNR at the noise rate"}.get(key, key.replace("_", " "))


def some(names: Sequence[str], most: int = MOST_NAMED) -> str:
    """The first names of a list, then an ellipsis where there are more."""
    if len(names) > most:
        names = [*names[:most], "…"]
    return ", ".join(names)


def either(names: Sequence[str]) -> str:
    """Two or more names of which one is meant: a, b or c."""
    return f"{', '.join(names[:-1])} or {names[-1]}"


def share_of(figure: Interval, rows: int) -> str:
    """A share of rows with its interval: in per cent, or as a count where it is below a thousandth."""
    if figure.value is None:
        return "–"
    if figure.value >= 1e-3:
        return f"{percent(figure.value)} % ({interval(figure)})"
    value, low, high = (round(rows * share) for share in (figure.value, figure.low, figure.high))
    return f"{value:,} of {rows:,} ({low:,} to {high:,})"


def doubted(plain: int, doubtful: int, rows: int, of: str = "labels") -> str:
    """How many labels look plainly wrong and how many more are doubtful, as a sentence."""
    if not plain + doubtful:
        return f"None of {rows:,} {of} looks wrong."
    verb = "is" if doubtful == 1 else "are"
    if not plain:
        return f"{doubtful:,} of {rows:,} {of} {verb} doubtful; none looks plainly wrong."
    first = f"{plain:,} of {rows:,} {of} look{'s' if plain == 1 else ''} plainly wrong"
    if not doubtful:
        return f"{first}."
    return f"{first}; {doubtful:,} more {verb} doubtful."


def look_wrong(suspects: int) -> str:
    """How many suspects there are, as a sentence: 35 original labels look wrong."""
    if suspects == 1:
        return "1 original label looks wrong"
    return f"{suspects:,} original labels look wrong"


def one_line(text: object) -> str:
    """The text of an error, or of anything else, with every run of white space as one blank."""
    return " ".join(str(text).split())


def unwritable(texts: Iterable[str]) -> str | None:
    """The first text that no file can hold, such as a name that is not UTF-8, in a form that can be shown."""
    for text in texts:
        try:
            text.encode()
        except UnicodeEncodeError:
            return writable(text)
    return None


def writable(text: str) -> str:
    """The text with codes in place of what no file can hold."""
    return text.encode("utf-8", "backslashreplace").decode()


def visible(text: str) -> str:
    """The text with codes in place of what would move or colour a terminal, line breaks included."""
    return MOVING.sub(lambda found: repr(found.group())[1:-1], text)


def no_such_file(path: Path) -> str:
    """The error line for a file that does not exist."""
    return f"{path} does not exist (looked in {Path.cwd()}); check the path"


def setting_changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The settings that differ, each with both values: noise 0.1 → 0.2."""
    return [
        f"{name} {_setting(before.get(name))} → {_setting(now.get(name))}"
        for name in {**before, **now}
        if before.get(name) != now.get(name)
    ]


def _setting(value: Any) -> str:
    if value is None:
        return "not given"
    return str(value)

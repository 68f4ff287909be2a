"""Classes that may mean "no label": NA, None, ?, -1 and the like."""

import re
import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence

from audit import wording
from audit.datasets.labels.foreign import shown

WORDS = frozenset(
    (
        "na", "nan", "nat", "none", "null", "nil", "unknown", "unk", "undefined", "unlabeled", "unlabelled",
        "nolabel", "notlabeled", "notlabelled", "unannotated", "notannotated", "missing", "notavailable",
        "notapplicable", "unassigned", "unspecified", "notspecified", "notgiven", "tbd", "todo", "empty",
        "blank", "void", "ignore", "abstain", "dontknow",
    )
)  # fmt: skip
MARKS = frozenset(("?", "??", "???", "-", "--", "---", "…", "...", "–", "—"))
BESIDE = re.compile(r"[\W_]+")  # what is around and within such words: <NA>, #N/A, no_label
INTEGER = re.compile(r"-?\d{1,19}")
SENTINEL = re.compile(r"-1|-?9{1,19}|-2147483648|-9223372036854775808|255|32767|65535|2147483647")
LEAST_GAP = 2  # times the largest other class is the least that a positive number of that kind is


def looks_unlabelled(names: Sequence[str]) -> list[str]:
    """The classes whose names look as if they meant "no label", in their order.

    A negative number does where all other classes are numbers from 0 up, and two or more; a positive one
    such as 999 does where it is far above the others.
    """
    return [name for name in names if _is_word(name) or _is_sentinel(name, names)]


def without_label_note(counts: Mapping[str, int], rows: int) -> str:
    """A line on classes that look as if they meant "no label", with their rows; empty when there are none."""
    found = looks_unlabelled(list(counts))
    if not found:
        return ""
    listed = [f"{shown(name)} ({counts[name]:,} of {rows:,} rows)" for name in found]
    subject, verb, condition = "class", "looks", "it means"
    if len(found) > 1:
        subject, verb, condition = "classes", "look", "they mean"
    return (
        f'{subject} {wording.some(listed)} {verb} like "no label"; if {condition} that, leave such rows out '
        f"with {missing_flag(found)}"
    )


def missing_flag(names: Collection[str]) -> str:
    """The setting by which these classes count as missing labels, as the command line and Python take it."""
    text = ",".join(names)
    flag = f"--missing {shlex.quote(text)}"
    if text.startswith("-"):
        flag = f"--missing={shlex.quote(text)}"
    return f"{flag} (in Python missing={shown(text)})"


def names_in(missing: object) -> frozenset[str]:
    """The labels that a setting such as NA,-1 names; in Python also a list of labels, or one."""
    if missing is None:
        return frozenset()
    if isinstance(missing, Iterable) and not isinstance(missing, str):
        return frozenset(str(name).strip() for name in missing)
    return frozenset(name.strip() for name in str(missing).split(",") if name.strip())


def _is_word(name: str) -> bool:
    text = name.strip().casefold()
    return text in MARKS or BESIDE.sub("", text) in WORDS


def _is_sentinel(name: str, names: Sequence[str]) -> bool:
    """Whether it is a number that stands out among classes which are numbers from 0 up."""
    if not SENTINEL.fullmatch(name):
        return False
    marks = [other for other in names if _is_word(other) or SENTINEL.fullmatch(other)]
    others = [int(other) for other in names if other not in marks and INTEGER.fullmatch(other)]
    if len(others) + len(marks) < len(names) or len(others) < 2 or min(others) < 0:
        return False
    return int(name) < 0 or int(name) >= LEAST_GAP * max(*others, 10)

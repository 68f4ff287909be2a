"""Change the bytes of a file as damage, carelessness and malice do."""

import re

import numpy as np

NUMBERS = re.compile(rb"-?[0-9]+(?:\.[0-9]+)?")
HOSTILE_NUMBERS = (
    b"0", b"-1", b"1e308", b"-1e400", b"NaN", b"Infinity", b"null", b"99999999999999999999", b"1e-320", b"4294967296",
    b"2147483648", b"9" * 5000, b"true", b'"x"', b"[]", b"{}",
)  # fmt: skip
HOSTILE_TEXTS = (
    b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\n", b"\t", b'"', b"'", b",", b";", b"[" * 200, b"{" * 50, b"(" * 99,
    b"\\ud800", b"\xed\xa0\x80", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&b;", b"=1+1", b"\x1f\x8b\x08", b"PK\x03\x04",
)  # fmt: skip
EDGES = (0, 1, 127, 128, 254, 255)
HEADER = 200  # bytes, in which most of what is believed stands


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """The content with one to four changes."""
    for _ in range(rng.integers(1, 5)):
        content = CHANGES[rng.integers(len(CHANGES))](content, rng)
    return content


def _place(content: bytes, rng: np.random.Generator) -> int:
    """A place in the content, as often in its first bytes as anywhere."""
    length = len(content) + 1
    return int(rng.integers(min(length, HEADER) if rng.random() < 0.5 else length))


def _flip(content, rng):
    changed = bytearray(content)
    for _ in range(rng.integers(1, 9)):
        at = _place(content, rng)
        changed[at : at + 1] = bytes([int(rng.integers(256))])
    return bytes(changed)


def _edge(content, rng):
    at, length = _place(content, rng), int(rng.integers(1, 9))
    return content[:at] + bytes([int(rng.choice(EDGES))]) * length + content[at + length :]


def _cut(content, rng):
    return content[: _place(content, rng)]


def _leave_out(content, rng):
    at = _place(content, rng)
    return content[:at] + content[at + int(rng.integers(1, 64)) :]


def _repeat(content, rng):
    at, length = _place(content, rng), int(rng.integers(1, 200))
    return (
        content[: at + length] + content[at : at + length] * int(rng.integers(1, 20)) + content[at + length :]
    )


def _insert(content, rng):
    at = _place(content, rng)
    return content[:at] + HOSTILE_TEXTS[rng.integers(len(HOSTILE_TEXTS))] + content[at:]


def _number(content, rng):
    found = list(NUMBERS.finditer(content))
    if not found:
        return _edge(content, rng)
    one = found[rng.integers(len(found))]
    return content[: one.start()] + HOSTILE_NUMBERS[rng.integers(len(HOSTILE_NUMBERS))] + content[one.end() :]


CHANGES = (_flip, _flip, _edge, _cut, _leave_out, _repeat, _insert, _number, _number)

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")


def test_every_promise_names_a_test_that_exists():
    named = re.findall(r"`(tests/[\w/]+\.py)`", PAGE)
    assert named
    assert [name for name in named if not (ROOT / name).is_file()] == []
    rows = [row for row in PAGE.splitlines() if row.startswith("| ") and row.count("|") == 3]
    promises = [row for row in rows if not re.match(r"\| (promise|status|\d+) ", row)]
    assert [row for row in promises if "`tests/" not in row.split("|")[2]] == []

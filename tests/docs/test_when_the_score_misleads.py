"""The example of docs/when-the-score-misleads.md prints what the page says."""

import io
import re
from contextlib import redirect_stdout
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "when-the-score-misleads.md"


def without_numbers(text):
    return re.sub(r"\d+(\.\d+)?", "#", text)


def test_the_example_prints_what_the_page_says():
    text = PAGE.read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL)[1]
    said = re.search(r"```text\n(.*?)```", text, re.DOTALL)[1]
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(code, {})  # noqa: S102
    assert without_numbers(printed.getvalue()) == without_numbers(said)
    for text in (printed.getvalue(), said):
        left_out, kept = (
            [float(number) for number in re.findall(r"F1 ([\d.]+), (\d+)", line)[0]]
            for line in text.splitlines()[1:]
        )
        assert left_out[0] < kept[0]
        assert left_out[1] > kept[1] + 10

import json
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[2] / "docs" / "own_data.ipynb"


@pytest.mark.slow
def test_the_notebook_runs_from_its_first_cell_to_its_last(tmp_path, monkeypatch, capsys):
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert len(code) >= 8
    monkeypatch.chdir(tmp_path)
    exec(compile("\n\n".join(code), NOTEBOOK.name, "exec"), {})  # noqa: S102  as Jupyter does
    assert "report.html" in capsys.readouterr().out

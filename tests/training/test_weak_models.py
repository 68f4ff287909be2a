"""A model that is too weak to judge labels is told on the first screen; one that is up to it is not."""

import json

import numpy as np
from sklearn.datasets import load_digits


def test_a_weak_model_is_told_in_the_terminal_in_json_and_first_on_the_page(run_audit, tmp_path):
    X, y = load_digits(return_X_y=True)
    two_pixels = X[:, [20, 43]]
    np.savez(tmp_path / "weak.npz", X=two_pixels, y=y)
    np.savez(tmp_path / "able.npz", X=X, y=y)
    told = {}
    for name in ("weak", "able"):
        command = ["detect", f"{name}.npz", "--preset", "fast", "--model", "linear", "--quiet", "--out", name]
        done = run_audit(*command)
        told[name] = "caution: the model predicts the label of" in " ".join(done.stdout.split())
        page = (tmp_path / name / "report.html").read_text(encoding="utf-8")
        assert ("The model is too weak to judge these labels" in page) == told[name]
        assert "Something in the data tells" not in page
        cautions = json.loads(run_audit(*command, "--json").stdout).get("cautions", [])
        assert any("too few to judge by" in line for line in cautions) == told[name]
    assert told == {"weak": True, "able": False}

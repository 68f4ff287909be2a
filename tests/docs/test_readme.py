"""What the README and the page of kinds tell a person to type, typed in order on small data.

MNIST is replaced by 150 of scikit-learn's digits and models are trained for a moment; the commands are as
they stand in the page. The README's first two blocks install the project and run its
tests, which a test cannot do.
"""

import hashlib
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import striped_images
from PIL import Image
from reviewing import document, write
from sklearn.datasets import load_digits, load_wine

import audit
from audit.datasets.sources import bundled

ROOT = Path(__file__).parents[2]
GATE_FAILED = 1


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)


def commands(block):
    """The words of each `audit` command of a block, without its comment."""
    return [shlex.split(line, comments=True)[1:] for line in block.splitlines() if line.startswith("audit ")]


@pytest.fixture
def little_training(tmp_path):
    """Short training, and settings for what the commands of `audit detect` leave open."""
    (tmp_path / "audit.toml").write_text("folds = 2\nepochs = 1\n")


@pytest.fixture
def small_mnist(tmp_path, monkeypatch):
    digits = load_digits()
    images = digits.images[:150].astype(np.uint8) * 15
    path = tmp_path / "small-mnist.npz"
    np.savez(path, images=images, labels=digits.target[:150].astype(np.uint8))
    monkeypatch.setattr(bundled, "MNIST_FILE", path)
    monkeypatch.setattr(bundled, "MNIST_SHA256", hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.fixture
def own_data(tmp_path, little_training):
    """The files that the README's commands name."""
    X, y = striped_images(160, side=8)
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", y)
    np.savez(tmp_path / "data.npz", X=X, y=y)
    for row in range(120):
        folder = tmp_path / "photos" / f"class {y[row]}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(X[row, :, :, 0]).save(folder / f"{row}.png")
    wine = load_wine(as_frame=True).frame.rename(columns={"target": "kind"})
    wine.to_csv(tmp_path / "table.csv", index=False)
    wine.rename(columns={"kind": "label"}).to_csv(tmp_path / "labels.csv", index=False)
    np.save(tmp_path / "fashion.npy", X)
    return X, y


def decide(run, path, reviewer, action):
    """Decisions on the first suspects of a run, as its report exports them."""
    rows = run.record.suspects.ranking[:5].tolist()
    write(document(run.record, dict.fromkeys(rows, action), reviewer), path)


@pytest.fixture
def runs(own_data, tmp_path, run_audit):
    """The runs and the decisions that the README's commands name."""
    for name in ("before", "now"):
        run_audit("detect", "labels.csv", "--noise", "0", "--out", f"reports/{name}", "-q", check=0)
    shutil.copytree(tmp_path / "reports" / "before", tmp_path / "reports" / "main")
    run_audit("detect", "--X", "X.npy", "--y", "y.npy", "--out", "reports/mine", "-q", check=0)
    mine = audit.load_run(tmp_path / "reports" / "mine")
    decide(mine, tmp_path / "decisions.json", "Eve", "keep")
    decide(mine, tmp_path / "ada.json", "Ada", "keep")
    decide(mine, tmp_path / "bob.json", "Bob", "drop")


@pytest.mark.slow
def test_every_command_of_the_readme_does_what_it_says(runs, small_mnist, run_audit):
    pages = blocks("README.md", "sh")
    assert len(pages) >= 5
    typed = [words for block in pages[2:] for words in commands(block)]
    assert {words[0] for words in typed} >= {
        "detect",
        "sweep",
        "impact",
        "diff",
        "apply",
        "revert",
        "merge",
        "export",
    }
    for words in typed:
        done = run_audit(*words)
        passed = {0, GATE_FAILED} if "--fail-over" in words else {0}
        assert done.returncode in passed, (words, done.stderr)


@pytest.mark.slow
def test_the_python_of_the_readme_runs(tmp_path, monkeypatch):
    (code,) = blocks("README.md", "python")
    monkeypatch.chdir(tmp_path)
    X, y = striped_images(240)
    predicted = np.where(np.arange(240) % 8 == 0, (y + 1) % 4, y)
    pred_probs = np.full((240, 4), 0.1)
    pred_probs[np.arange(240), predicted] = 0.7
    known = {"X": X.reshape(240, -1), "y": y, "labels": y, "pred_probs": pred_probs}
    exec(compile(code, "README.md", "exec"), known)  # noqa: S102  what a reader pastes
    assert isinstance(known["run"], audit.Run)
    assert (tmp_path / "reports" / "mine" / "report.html").exists()


@pytest.mark.slow
def test_every_command_of_the_page_of_kinds_does_what_it_says(small_mnist, own_data, run_audit, tmp_path):
    fashion = tmp_path / "fashion"
    for label in range(2):
        (fashion / str(label)).mkdir(parents=True)
        for number in range(30):
            Image.fromarray(np.full((8, 8), 8 * number, np.uint8)).save(
                fashion / str(label) / f"{number}.png"
            )
    typed = [words for block in blocks("docs/kinds.md", "sh") for words in commands(block)]
    assert {words[0] for words in typed} == {"detect", "inject"}
    for words in typed:
        done = run_audit(*words)
        assert done.returncode == 0, (words, done.stderr)


def test_commands_are_handed_on_as_they_stand():
    """A page whose command is misspelt is noticed: its words are handed on as they stand."""
    assert commands("audit detect --nois 0.1  # a comment\nls\n") == [["detect", "--nois", "0.1"]]

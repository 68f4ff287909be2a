"""Models that learned nothing are told on the first screen, and by the exit status."""

import json

import numpy as np
import pytest
from conftest import striped_images
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression

from audit.training.out_of_sample import failures
from audit.types import FoldResult


def constant(training):
    return DummyClassifier(strategy="prior")


class Diverging(LogisticRegression):
    """A model whose loss is no number in the end, though its probabilities are."""

    @property
    def history(self):
        class History:
            def __getitem__(self, _):
                return [1.0, float("nan"), float("inf")]

        return History()


def diverging(training):
    return Diverging()


class NotANumber(DummyClassifier):
    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), np.nan)


def not_a_number(training):
    return NotANumber()


LINES = {
    "constant": "the models of all 3 folds give every row the same probabilities: they learned nothing, so "
    "suspects and scores mean nothing; scale X, for example to 0..1, or choose another model with --model",
    "diverging": "the training of 3 of 3 folds diverged, its loss is not finite; scale X, for example to "
    "0..1, or choose another model with --model",
}


@pytest.fixture
def command(tmp_path):
    X, y = striped_images(90)
    np.savez(tmp_path / "d.npz", X=X.reshape(90, -1), y=y)
    return ["detect", "d.npz", "--folds", "3", "--preset", "fast", "--out", "run", "--quiet", "--model"]


@pytest.mark.parametrize("model", LINES)
def test_models_that_tell_nothing_are_told_first_and_end_with_status_1(model, command, run_audit, tmp_path):
    for _ in range(2):  # a finished run that is used again is no better
        done = run_audit(*command, f"{__name__}:{model}", check=1)
        assert done.stderr.splitlines()[-1] == f"audit: {LINES[model]}"
        assert LINES[model] in " ".join(done.stdout.split())
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert LINES[model] in page
    assert "The models learned nothing, so nothing below can be trusted." in page
    document = json.loads(run_audit(*command, f"{__name__}:{model}", "--json", check=1).stdout)
    assert LINES[model] in document["cautions"]
    losses = json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))["folds"][0][
        "losses"
    ]
    assert losses == ([1.0] if model == "diverging" else [])


def test_probabilities_that_are_no_numbers_are_an_error(command, run_audit):
    done = run_audit(*command, f"{__name__}:not_a_number", check=2)
    assert "NaN or infinite values in 30 of 30 rows" in done.stderr


def fold(number, pred_probs, losses=()):
    rows = np.arange(len(pred_probs))
    return FoldResult(number, rows, pred_probs, rows, np.empty(0), losses, 0.0, "cpu")


def test_one_fold_that_learned_is_enough_and_single_rows_tell_nothing():
    same = np.full((5, 2), 0.5, np.float32)
    other = np.array([[0.5, 0.5], [0.9, 0.1]], np.float32)
    assert failures([fold(0, same), fold(1, other)]) == ()
    assert failures([fold(number, same[:1]) for number in range(3)]) == ()
    assert len(failures([fold(0, same), fold(1, same[:1])])) == 1

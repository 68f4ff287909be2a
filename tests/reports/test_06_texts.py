"""Short texts with labels: strings, records, sparse matrices, and a table whose only column holds texts."""

import base64
import json
import re

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import audit
from audit.datasets import given_rows

SAID = {
    "pos": ["good", "great", "happy", "love", "fine", "nice"],
    "neg": ["bad", "awful", "sad", "hate", "poor", "worst"],
}


@pytest.fixture(scope="module")
def reviews():
    """120 texts, ten of them labelled wrong; the labels; and which are wrong."""
    rng = np.random.default_rng(0)
    true = rng.choice(["pos", "neg"], 120)
    texts = [" ".join([*rng.choice(SAID[each], 3), *rng.choice(["the", "film", "plot"], 2)]) for each in true]
    wrong = rng.choice(120, 10, replace=False)
    y = true.copy()
    y[wrong] = np.where(y[wrong] == "pos", "neg", "pos")
    return texts, y, set(wrong.tolist())


def pipeline():
    return make_pipeline(TfidfVectorizer(), LogisticRegression(C=10))


FORMS = {
    "list": list,
    "tuple": tuple,
    "series": lambda texts: pd.Series(texts, index=range(5, 125)),
    "array": np.array,
    "objects": lambda texts: np.array(texts, dtype=object),
}


@pytest.mark.parametrize("form", FORMS)
def test_texts_in_any_form_reach_a_model_of_ones_own(reviews, form):
    texts, y, wrong = reviews
    run = audit.detect(FORMS[form](texts), y, model=pipeline(), noise=0, preset="fast", folds=3)
    assert len(wrong & set(run.suspects().id)) >= 8
    assert run.record.data["notes"] == []
    assert run.record.kinds is not None


def test_texts_with_ready_probabilities_are_shown_and_copies_are_found(reviews, tmp_path):
    texts, y, _ = reviews
    texts = [*texts[:-1], texts[0]]
    y = np.array([*y[:-1], {"pos": "neg", "neg": "pos"}[y[0]]])
    sure = np.where([len(set(text.split()) & set(SAID["neg"])) > 0 for text in texts], 0.9, 0.1)[:, None]
    run = audit.detect(texts, y, pred_probs=np.hstack([sure, 1 - sure]), out=tmp_path / "run")
    assert {0, 119} <= set(run.record.conflicts.rows.tolist())
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert texts[int(run.suspects().id[0])] in re.sub("</?mark[^>]*>", "", page)
    assert len(np.unique(run.record.hashes)) == len(set(texts))


def test_records_reach_a_model_of_ones_own(reviews):
    texts, y, wrong = reviews
    records = [dict.fromkeys(text.split(), 1) for text in texts]
    model = make_pipeline(DictVectorizer(), LogisticRegression())
    run = audit.detect(records, y, model=model, noise=0, preset="fast", folds=3)
    assert len(wrong & set(run.suspects().id)) >= 8


def test_the_only_column_of_a_frame_reaches_a_model_of_texts(reviews):
    texts, y, wrong = reviews
    frame = pd.DataFrame({"text": texts})
    run = audit.detect(frame, y, model=pipeline(), noise=0, preset="fast", folds=3)
    assert len(wrong & set(run.suspects().id)) >= 8


@pytest.mark.parametrize("form", FORMS)
def test_texts_in_any_form_are_audited_by_the_built_in_model(reviews, form):
    texts, y, wrong = reviews
    run = audit.detect(FORMS[form](texts), y, noise=0, preset="fast", folds=3)
    assert len(wrong & set(run.suspects().id)) >= 8


def test_models_of_numbers_say_what_reads_texts(reviews):
    texts, y, _ = reviews
    with pytest.raises(audit.DataError, match="has texts, expected numbers or categories; leave --model out"):
        audit.detect(texts, y, model="linear")
    with pytest.raises(audit.ConfigError, match="--model text reads texts, found features of shape"):
        audit.detect(np.eye(40), y[:40], model="text")
    with pytest.raises(audit.DataError, match="has no texts, numbers or categories"):
        audit.detect([{text: 1} for text in texts], y)


def test_a_table_of_texts_is_audited_reviewed_and_exported(reviews, run_audit, tmp_path):
    texts, y, _ = reviews
    frame = pd.DataFrame({"id": range(500, 620), "text": texts, "label": y})
    frame.loc[119, "label"] = None
    frame.loc[118, "text"] = "<script>alert(1)</script> good great"
    frame.to_csv(tmp_path / "reviews.csv", index=False)
    told = run_audit("detect", "reviews.csv", "--noise", "0.1", "--controls", "4", "--out", "run", check=0)
    assert "kinds of suspects" in told.stdout
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert '<mark class="suggested">' not in page  # the review is blind
    sealed = re.search(r'id="sealed"[^>]*>([\w+/=]+)<', page)[1]
    cards = json.loads(base64.b64decode(sealed))["cards"]
    assert '<mark class="suggested">' in cards
    assert "<script>alert" not in page + cards
    assert "Search <input" in page
    run_audit("report", "run", check=0)
    assert (tmp_path / "run" / "report.html").read_text(encoding="utf-8") == page
    suggested = pd.read_csv(tmp_path / "run" / "unlabelled.csv")
    assert suggested.id.tolist() == [619]
    run_audit("export", "run", "--format", "csv", "--out", "suspects.csv", check=0)
    suspects = pd.read_csv(tmp_path / "suspects.csv")
    by_id = dict(zip(frame.id, frame.text, strict=True))
    assert suspects.text.tolist() == [by_id[each] for each in suspects.id]
    run_audit("export", "run", "--format", "label-studio", "--out", "tasks.json", check=0)
    tasks = json.loads((tmp_path / "tasks.json").read_text(encoding="utf-8"))
    assert {task["data"]["text"] for task in tasks} == set(suspects.text)
    dry = run_audit("detect", "reviews.csv", "--dry-run", check=0).stdout
    assert "119 texts" in dry
    assert "text on cpu" in dry


def test_experiments_and_noise_from_examples_read_texts(reviews, run_audit, tmp_path):
    texts, y, _ = reviews
    pd.DataFrame({"text": texts, "label": y}).to_csv(tmp_path / "reviews.csv", index=False)
    fast = ("--preset", "fast", "--folds", "3", "--quiet")
    run_audit("detect", "reviews.csv", "--noise", "0.2", "--noise-kind", "instance", *fast, check=0)
    run_audit("sweep", "reviews.csv", "--noise", "0,0.3", "--repeats", "1", "--quiet", "--out", "s", check=0)
    run_audit("impact", "reviews.csv", "--noise", "0.2", "--repeats", "1", *fast, "--out", "i", check=0)
    line = run_audit("inject", "reviews.csv", "--noise", "0.1", "--out", "new", check=2).stderr
    assert "reviews holds texts, expected images or features" in line


def test_a_sparse_matrix_is_audited_by_any_model(reviews):
    texts, y, wrong = reviews
    matrix = TfidfVectorizer().fit_transform(texts)
    for model in ("linear", LogisticRegression(C=10)):
        run = audit.detect(matrix, y, model=model, noise=0, preset="fast", folds=3)
        assert len(wrong & set(run.suspects().id)) >= 7
        assert run.record.kinds is not None


def test_of_a_large_sparse_matrix_the_built_in_models_read_components(monkeypatch):
    monkeypatch.setattr(given_rows, "DENSE_BYTES", 1000)
    numbers, notes = given_rows.dense(sparse.random(50, 40, 0.2, format="csr", random_state=0))
    assert numbers.shape == (50, 39)
    assert "first 39 components" in notes[0]


def test_a_table_of_texts_is_audited_by_ready_probabilities_and_corrected(reviews, run_audit, tmp_path):
    texts, y, wrong = reviews
    y = y.copy()
    pd.DataFrame({"text": texts, "label": y}).to_csv(tmp_path / "reviews.csv", index=False)
    sure = np.where([len(set(text.split()) & set(SAID["neg"])) > 0 for text in texts], 0.99, 0.01)[:, None]
    np.save(tmp_path / "p.npy", np.hstack([sure, 1 - sure]))
    run_audit("detect", "reviews.csv", "--pred-probs", "p.npy", "--quiet", "--out", "run", check=0)
    run_audit("apply", "run", "--accept-above", "0.01", "--out", "corrected", check=0)
    corrected = pd.read_csv(tmp_path / "corrected" / "reviews.csv")
    assert corrected.text.tolist() == texts
    assert set(np.flatnonzero(corrected.label != y)) == wrong
    moved = pd.read_csv(tmp_path / "reviews.csv").iloc[::-1]
    moved.to_csv(tmp_path / "reviews.csv", index=False)
    run_audit("apply", "run", "--accept-above", "0.01", "--out", "again", check=0)
    again = pd.read_csv(tmp_path / "again" / "reviews.csv")
    assert again.label.tolist() == corrected.label.tolist()[::-1]

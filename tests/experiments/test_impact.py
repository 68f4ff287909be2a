import csv
import html
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import posix

from audit.datasets import load
from audit.errors import ReviewError
from audit.experiments.impact_result import sentence
from audit.experiments.impact_scores import FIGURES, Prediction, scores_by_class, scores_by_seed, summarise
from audit.experiments.reviewed_rows import UNCHANGED, read_reviewed_rows
from audit.settings.detect import Config


def table(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def summary(seeds=4, cost=0.1, back=0.07, *, truth=True, spread=0.002):
    """The summary of made-up predictions: 1000 held-out rows of two classes, some of them wrong."""
    rng = np.random.default_rng(0)
    labels = np.arange(1000) % 2
    tested = []
    for seed in range(seeds):
        start = 0.9 - cost + rng.normal(0, spread)
        right = {"given": start, "suspects dropped": start + back, "suspects relabelled": start + back / 2, "random rows dropped": start}  # fmt: skip
        right |= {"true": start + cost + rng.normal(0, spread)} if truth else {}
        for name, share in right.items():
            wrong = np.arange(1000) >= round(1000 * share)
            wrongly = 5 if truth else None
            apart = np.arange(1000) < 10
            tested.append(
                Prediction(seed, name, 100, wrongly, labels ^ wrong, labels, labels, apart, (1.0,), 1.0)
            )
    made = scores_by_seed(tested)
    return made, summarise(made, scores_by_class(tested, ["a", "b"]))


def test_figures_are_those_of_the_predictions():
    made, found = summary(seeds=3, spread=0)
    given = found["conditions"]["given"]
    assert given["accuracy"]["value"] == pytest.approx(0.8)
    assert given["accuracy_audited"]["value"] == pytest.approx(790 / 990)
    assert found["conditions"]["true"]["difference"]["accuracy"]["value"] == pytest.approx(0.1)
    assert found["conditions"]["suspects dropped"]["won_back"]["accuracy"]["value"] == pytest.approx(0.7)
    assert found["conditions"]["given"]["won_back"]["accuracy"] is None
    assert found["conditions"]["given"]["wrong"] == 5
    assert set(found["classes"]) == {"a", "b"}
    assert set(FIGURES) <= set(made.columns)


def test_the_sentence_says_what_was_won_back():
    _, found = summary()
    said = sentence(found, 4)
    assert re.match(r"Dropping the suspects changed accuracy by \+\d\.\d\d points \(\+\d\.\d\d to \+\d", said)
    assert re.search(r"; the noise had cost \d+\.\d\d points\.$", said)
    assert "chance" not in said


def test_the_sentence_says_when_there_was_nothing_to_win_back():
    _, found = summary(cost=0.001, back=0.0, spread=0.01)
    assert sentence(found, 4).startswith("The noise cost nothing measurable: ")
    assert "nothing to win back" in sentence(found, 4)
    _, found = summary(cost=-0.05, back=0.0)
    assert "with it the model did better" in sentence(found, 4)


def test_the_sentence_says_what_may_be_chance():
    _, found = summary(back=0.0)
    assert "may be chance" in sentence(found, 4)
    _, found = summary(seeds=1)
    assert sentence(found, 1).endswith("One seed cannot tell that from chance.")
    _, found = summary(truth=False, back=0.0)
    assert sentence(found, 4).startswith("Dropping the suspects changed accuracy on held-out rows by ")
    assert sentence(found, 4).endswith(" points, which may be chance.")


@pytest.fixture(scope="module")
def wine():
    return load(Config.of(data="wine"))


def decisions_file(path, *entries):
    """A file that the report of a run on wine might export: id, action and label of each row."""
    names = ["class_0", "class_1", "class_2"]
    decisions = [
        {"id": i, "row": int(i), "given": names[(int(i) > 58) + (int(i) > 129)], "suggested": "class_2",
         "action": action, "label": label, "note": "", "time": ""}
        for i, action, label in entries
    ]  # fmt: skip
    document = {"format": "label-audit decisions", "version": 1, "run": "", "fingerprint": "", "data": "wine"}
    document |= {"reviewer": "", "exported": "", "class_names": names, "decisions": decisions}
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_decisions_are_found_by_id(wine, tmp_path):
    path = decisions_file(
        tmp_path / "d.json", ("17", "relabel", "class_1"), ("3", "drop", None), ("4", "keep", None)
    )
    found = read_reviewed_rows(path, wine)
    assert found.rows.tolist() == [17, 3, 4]
    assert found.new_labels.tolist() == [1, UNCHANGED, UNCHANGED]
    assert found.left_out.tolist() == [False, True, False]
    assert np.flatnonzero(found.relabel(wine.labels) != wine.labels).tolist() == [17]


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        (("999", "drop", None), "d.json decides on id '999', which wine does not have; give the decisions of a run on this data"),
        (("1", "burn", None), "decisions[0].action of d.json is 'burn', expected keep, relabel, ambiguous or drop; export it again from the report"),
        (("1", "relabel", "beer"), "d.json gives id '1' the label 'beer', expected a class of wine: class_0, class_1, class_2; export the decisions again"),
    ],
)  # fmt: skip
def test_decisions_that_do_not_fit_are_refused(wine, tmp_path, monkeypatch, entry, line):
    monkeypatch.chdir(tmp_path)
    decisions_file(tmp_path / "d.json", entry)
    with pytest.raises(ReviewError) as caught:
        read_reviewed_rows((tmp_path / "d.json").relative_to(tmp_path), wine)
    assert str(caught.value) == line


def test_a_decision_on_a_hidden_control_is_left_out(wine, tmp_path):
    path = decisions_file(tmp_path / "d.json", ("17", "drop", None), ("18", "drop", None))
    path.write_text(path.read_text(encoding="utf-8").replace('"given": "class_0"', '"given": "class_1"', 1))
    assert read_reviewed_rows(path, wine).rows.tolist() == [18]


def test_an_impact_from_the_command_line(run_audit, tmp_path):
    path = decisions_file(tmp_path / "d.json", *((str(i), "drop", None) for i in range(60, 80)))
    arguments = ["impact", "wine", "--noise", "0.2", "--seeds", 2, "--train-size", 120, "--test-size", 40, "--decisions", path, "--out", "i", "--preset", "fast"]  # fmt: skip
    done = run_audit(*arguments, check=0)
    rows = table(tmp_path / "i" / "impact.csv")
    names = [
        "given",
        "suspects dropped",
        "suspects relabelled",
        "random rows dropped",
        "a person's decisions",
        "true",
    ]
    assert [(row["seed"], row["condition"]) for row in rows] == [
        (seed, name) for seed in "01" for name in names
    ]
    by_name = {name: [row for row in rows if row["condition"] == name] for name in names}
    for given, dropped, control, true in zip(*(by_name[n] for n in ("given", "suspects dropped", "random rows dropped", "true")), strict=True):  # fmt: skip
        assert (given["rows"], given["wrong"], given["test_rows"]) == ("120", "24", "40")
        assert dropped["rows"] == control["rows"]
        assert (true["rows"], true["wrong"]) == ("120", "0")
    assert all(int(row["rows"]) < 120 for row in by_name["a person's decisions"])
    with np.load(tmp_path / "i" / "audits" / "s1" / "labels.npz") as labels:
        assert (labels["given"] != labels["true"]).sum() == 24
        assert len(labels["given"]) == 120
    scores = json.loads((tmp_path / "i" / "impact.json").read_text(encoding="utf-8"))
    assert scores["sentence"] in done.stdout
    assert len(table(tmp_path / "i" / "classes.csv")) == 2 * 6 * 3
    page = (tmp_path / "i" / "report.html").read_text(encoding="utf-8")
    assert "held-out labels are original labels and may be wrong too" in page
    assert page.count("<svg") == 2
    assert '<a href="impact.csv">' in page

    before = {
        name: (tmp_path / "i" / name).read_bytes() for name in ("impact.csv", "classes.csv", "impact.json")
    }
    kept = sorted((tmp_path / "i" / "models").iterdir())
    for path in kept[::2]:
        path.unlink()
    shutil.rmtree(tmp_path / "i" / "audits" / "s1")
    again = run_audit(*arguments, check=0)
    assert "audit of all rows: reusing the finished run" in again.stderr
    assert f"reusing {len(kept) // 2} of 12 models" in again.stderr
    assert {name: (tmp_path / "i" / name).read_bytes() for name in before} == before


def test_an_impact_of_data_in_parts(run_audit, tmp_path):
    sizes = ["--limit", 500, "--train-size", 300, "--test-size", 100]
    quick = ["--seeds", 1, "--preset", "fast", "--folds", 2, "--epochs", 1]
    run_audit("impact", "mnist", *sizes, *quick, "--out", "i", check=0)
    scores = json.loads((tmp_path / "i" / "audits" / "s0" / "scores.json").read_text(encoding="utf-8"))
    assert {part["part"] for part in scores["split"]} == {"train", "test"}
    assert sum(part["rows"] for part in scores["split"]) == 300


def test_without_noise_there_is_no_truth_to_compare_with(run_audit, tmp_path):
    done = run_audit(
        "impact", "wine", "--noise", "0", "--seeds", 1, "--preset", "fast", "--out", "i", check=0
    )
    assert done.stdout.startswith("Dropping the suspects changed accuracy on held-out rows by ")
    rows = table(tmp_path / "i" / "impact.csv")
    assert [row["condition"] for row in rows] == ["given", "suspects dropped", "suspects relabelled", "random rows dropped"]  # fmt: skip
    assert {row["wrong"] for row in rows} == {""}


def test_noise_by_a_matrix_has_no_rate_to_state(run_audit, tmp_path):
    """Neither in the page of an impact nor in the audits below it, their folders, or a dry run."""
    np.save(tmp_path / "T.npy", np.full((3, 3), 0.1) + 0.7 * np.eye(3))
    noise = ["--noise-kind", "matrix", "--noise-matrix", "T.npy"]
    done = run_audit("impact", "wine", *noise, "--seeds", 1, "--preset", "fast", check=0)
    (folder,) = (tmp_path / "reports").iterdir()
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "matrix, by its matrix, in the training part" in page
    (audit_page,) = folder.glob("audits/s0/report.html")
    preview = run_audit("detect", "wine", *noise, "--dry-run", check=0).stdout
    assert "matrix, at the rates of the matrix" in preview
    for text in (page, audit_page.read_text(encoding="utf-8"), preview, done.stdout, folder.name):
        assert "None" not in re.sub(r"(?s)<script.*?</script>", "", text)


@posix
def test_hostile_names_stay_text_on_the_pages(run_audit, tmp_path):
    names = ["</script><img src=x onerror=alert(1)>", "$\\frac$"]
    name = "<svg onload=alert(2)>.csv"
    with (tmp_path / name).open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["a", "b", "label"])
        lines.writerows([i % 2 + i / 100, i % 7, names[i % 2]] for i in range(80))
    for command in ("impact", "sweep"):
        run_audit(command, name, "--noise", "0.1", "--seeds", 1, "--out", command, check=0)
        page = (tmp_path / command / "report.html").read_text(encoding="utf-8")
        assert "<img" not in page
        assert "<script" not in page
        assert "<svg onload" not in page
        assert "&lt;svg onload=alert(2)&gt;" in page
        assert re.findall(r"https?://[^\s\"'<)]+", page.replace("http://www.w3.org/", "")) == []
        assert "default-src 'none'; style-src 'sha256-" in html.unescape(page)


def flags_of(command):
    """A command's words and its flags with their values."""
    return set(re.findall(r"--\S+(?: [^-]\S*)?|^audit \S+ \S+", command))


@pytest.mark.parametrize("name", ["sweep", "impact"])
def test_the_figures_of_the_docs_are_those_of_the_kept_reports(name):
    root = Path(__file__).parents[2]
    kept = root / "reports" / name
    docs = (root / "docs" / "experiments.md").read_text(encoding="utf-8")
    scores = json.loads((kept / f"{name}.json").read_text(encoding="utf-8"))
    page = (kept / "report.html").read_text(encoding="utf-8")
    command = re.search(r"<code>(audit .*?)</code>", page)[1]
    assert f"> {scores['sentence']}\n" in docs
    assert scores["sentence"] in re.sub(r"</?em>", "", page)
    assert any(
        flags_of(command) <= flags_of(line) for line in docs.splitlines() if line.startswith(f"audit {name}")
    )
    assert sum(path.stat().st_size for path in kept.rglob("*") if path.is_file()) <= 3_000_000
    rows = re.findall(r"<tr><th scope=\"row\"><bdi>(.*?)</bdi></th>(.*?)</tr>", page)
    cells: dict[str, list[str]] = {}
    for head, rest in rows:
        cells.setdefault(head, []).extend(re.findall(r"<td>(.*?)</td>", rest))
    table = docs[docs.index(f"> {scores['sentence']}") :].split("\n\n")[1]
    for line in table.splitlines()[2:]:
        head, *shown = (part.strip() for part in line.strip("|").split("|"))
        assert all(value in cells[head] for value in shown), line

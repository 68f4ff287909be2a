import csv
import json
import re
import signal
import subprocess
import sys
import time
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from conftest import posix, striped_images
from hypothesis import given
from hypothesis import strategies as st

from audit.datasets import from_arrays
from audit.errors import ConfigError
from audit.events import Silent
from audit.experiments import trials
from audit.experiments.sweep_detection import FIGURES, by_chance
from audit.experiments.trials import Trial, TrialModels
from audit.noise.rates import rates_in
from audit.runs.folder import RunFolder
from audit.settings.detect import Config
from audit.training import models, schedule
from audit.training.cross_validation import Fitting

decimals = st.integers(0, 1000).map(lambda i: Decimal(i) / 1000)


def table(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@given(st.lists(decimals, min_size=1, max_size=8))
def test_a_list_of_rates_comes_out_rising_and_each_once(rates):
    found, notes = rates_in(",".join(map(str, rates)))
    assert list(found) == sorted({float(rate) for rate in rates})
    assert len(notes) == len({rate for rate in rates if rates.count(rate) > 1})


@given(st.integers(0, 50), st.integers(1, 20), st.integers(1, 40))
def test_a_range_has_both_ends_and_even_steps(start, steps, step):
    a, s = Decimal(start) / 1000, Decimal(step) / 1000
    stop = a + steps * s
    if stop <= 1:
        found, notes = rates_in(f"{a}:{stop}:{s}")
        assert found == tuple(float(a + i * s) for i in range(steps + 1))
        assert not notes


@given(st.text("0123456789.:,-+eEnaifx ", max_size=12))
def test_nonsense_is_refused_in_one_line_and_nothing_else_happens(text):
    try:
        rates, _ = rates_in(text)
    except ConfigError as error:
        assert "\n" not in str(error)
        assert str(error).startswith("--noise")
    else:
        assert rates
        assert all(0 <= rate <= 1 for rate in rates)


def test_the_published_list_of_rates():
    assert rates_in("0:1:0.1")[0] == (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1)


@pytest.fixture
def small(tmp_path):
    """Trials on a small data set: two models of their own, and a network trained on with the second's labels."""
    X, y = striped_images(160)
    dataset = from_arrays(X, y)
    config = Config.of(epochs=2)
    train, test = np.arange(120), np.arange(120, 160)
    noisy = np.where(np.arange(120) < 60, (y[:120] + 1) % 4, y[:120])
    a, b, c = (64 * name for name in "abc")
    each = [
        Trial(a, train, y[:120], test, 3, keeps_weights=True),
        Trial(b, train, noisy, test, 3),
        Trial(c, train, noisy, test, 3, before=a, keeps_weights=True),
    ]

    def run(folder, jobs=1, some=each):
        fitting = Fitting(models.builder("auto", dataset), "cpu")
        trained = TrialModels(fitting, schedule.make_schedule(config.training, dataset.X).recipe, 4)
        with RunFolder.locked(tmp_path / folder, "sweep") as held:
            return trials.run_trials(some, dataset.X, trained, folder=held, jobs=jobs, listener=Silent())

    return run, each


def test_a_trial_depends_on_nothing_beside_it(small):
    run, each = small
    together = run("together", 2)
    alone = [run("alone-0", 1, each[:1])[0], run("alone-1", 1, each[1:2])[0], run("alone-2", 1, each[::2])[1]]
    for a, b in zip(together, alone, strict=True):
        assert (a.predicted == b.predicted).all()
        assert a.losses == b.losses


def test_a_chain_goes_on_from_the_model_before(small):
    run, _ = small
    _, noisy, chain = run("chain")
    assert len(chain.losses) == len(noisy.losses)
    assert chain.losses != noisy.losses


def test_a_stopped_chain_goes_on_where_it_was(small, tmp_path):
    run, each = small
    whole = run("whole")[2]
    run("stopped", 1, each[:1])
    first = next((tmp_path / "stopped" / "models").iterdir())
    before = first.stat().st_mtime_ns
    resumed = run("stopped", 1, each[::2])[1]
    assert first.stat().st_mtime_ns == before
    assert (resumed.predicted == whole.predicted).all()
    assert resumed.losses == whole.losses
    assert all(
        (resumed.network_weights[name] == weights).all() for name, weights in whole.network_weights.items()
    )


def test_a_damaged_outcome_is_trained_again(small, tmp_path):
    run, _ = small
    before = run("damaged")
    files = sorted((tmp_path / "damaged" / "models").iterdir())
    files[0].write_bytes(b"half")
    after = run("damaged")
    assert all((a.predicted == b.predicted).all() for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize("seeds", [1, 5])
def test_a_sweep_over_features_from_the_command_line(run_audit, tmp_path, seeds):
    done = run_audit("sweep", "wine", "--noise", "0,0.5,1,0.5", "--seeds", seeds, "--noise-kind", "scramble,pair", check=0)  # fmt: skip
    assert "--noise: 0.5 stands there 2 times and is run once" in done.stderr
    folder = tmp_path / "reports" / "wine-sweep-scramble-pair"
    rows = table(folder / "sweep.csv")
    assert len(rows) == 2 * 3 * seeds
    assert {row["rate"] for row in rows} == {"0.0", "0.5", "1.0"}
    for row in rows:
        assert float(row["realised"]) == pytest.approx(float(row["rate"]), abs=0.01)
        assert row["rate"] != "0.0" or row["TrueF1"] == row["ScrambledF1"]
    scores = json.loads((folder / "sweep.json").read_text(encoding="utf-8"))
    none = scores["kinds"]["scramble"][0]["TrueF1"]
    assert none["value"] > 0.9
    assert (none["low"], none["high"]) == (0, 1) or seeds > 1
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "F1 against the true labels" in page
    assert page.count("<svg") == page.count("of a model that guesses") == 2
    assert '<a href="sweep.csv">' in page
    assert ('<th scope="col">changed</th>' in page) == any(
        each["realised"] != each["rate"] for kind in scores["kinds"].values() for each in kind
    )
    assert "<em>" in page.partition("<h1>")[2].partition("</h1>")[0]
    again = run_audit("sweep", "wine", "--noise", "0,0.5,1", "--seeds", seeds, "--noise-kind", "scramble,pair", "--json", check=0)  # fmt: skip
    assert f"reusing {6 * seeds} of {6 * seeds} models" in again.stderr
    assert json.loads(again.stdout)["kinds"] == scores["kinds"]


def test_more_rates_and_seeds_train_only_what_is_new(run_audit, tmp_path):
    run_audit("sweep", "wine", "--noise", "0,1", "--seeds", 1, "--out", "s", check=0)
    before = table(tmp_path / "s" / "sweep.csv")
    done = run_audit("sweep", "wine", "--noise", "0:1:0.5", "--seeds", 2, "--out", "s", check=0)
    assert "reusing 2 of 6 models" in done.stderr
    after = table(tmp_path / "s" / "sweep.csv")
    assert all(row in after for row in before)


@posix
@pytest.mark.exhaustive
def test_a_killed_sweep_resumes_to_the_same_bytes(run_audit, tmp_path):
    arguments = ["sweep", "digits", "--limit", 300, "--noise", "0,0.5,1", "--seeds", 2, "--epochs", 4]
    run_audit(*arguments, "--out", "whole", check=0)
    command = [sys.executable, "-m", "audit", *map(str, arguments), "--out", "killed", "--jobs", "1"]
    with subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        deadline = time.monotonic() + 120
        while len(list(tmp_path.glob("killed/models/[0-9a-f]*.npz"))) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    done = run_audit(*arguments, "--out", "killed", check=0)
    assert 2 <= int(re.search(r"reusing (\d) of 6 models", done.stderr)[1]) < 6
    for name in ("sweep.csv", "sweep.json", "plots/curve.png"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "killed" / name).read_bytes()


def test_one_network_trained_on_and_on(run_audit, tmp_path):
    arguments = ["sweep", "digits", "--limit", 400, "--noise", "0,0.5", "--seeds", 1, "--epochs", 4]
    run_audit(*arguments, "--out", "fresh", check=0)
    run_audit(*arguments, "--continue-model", "--out", "on", check=0)
    fresh, on = (table(tmp_path / name / "sweep.csv") for name in ("fresh", "on"))
    assert fresh[0] == on[0]
    assert fresh[1] != on[1]


def test_detection_over_kinds_rates_and_seeds(run_audit, tmp_path):
    arguments = ["sweep", "wine", "--what", "detection", "--preset", "fast", "--out", "d"]
    run_audit(*arguments, "--noise", "0,0.3", "--noise-kind", "pair,symmetric", "--seeds", 1, check=0)
    rows = table(tmp_path / "d" / "detection.csv")
    assert {(row["kind"], row["rate"], row["seed"]) for row in rows} == {
        (kind, rate, "0") for kind in ("pair", "symmetric") for rate in ("0.0", "0.3")
    }
    assert all((row["f1"] == "") == (row["rate"] == "0.0") for row in rows)
    assert (tmp_path / "d" / "report.html").read_text(encoding="utf-8").count("drawn at random") == 8
    more = run_audit(*arguments, "--noise", "0.3", "--noise-kind", "pair", "--seeds", 2, check=0)
    assert more.stderr.count("reusing the finished run") == 1
    rows = table(tmp_path / "d" / "detection.csv")
    assert {(row["kind"], row["rate"], row["seed"]) for row in rows} == {
        ("pair", "0.3", seed) for seed in "01"
    }
    for row in rows:
        cell = tmp_path / "d" / "cells" / f"pair-0.3-s{row['seed']}"
        own = json.loads((cell / "scores.json").read_text(encoding="utf-8"))
        assert float(row["f1"]) == own["detectors"][row["detector"]]["f1"]["value"]


def test_a_random_list_finds_as_large_a_share_as_it_has_of_all_rows():
    cells = pd.DataFrame({"rate": [0.0, 0.1], "realised": [0.0, 0.1], "flagged": [3, 20], "changed": [0, 10]})
    shares = {key: by_chance(cells, key).dropna().to_dict() for key in FIGURES}
    assert shares["precision"] == shares["average_precision"] == {0.1: 0.1}
    assert shares["recall"] == {0.1: pytest.approx(0.2)}
    assert shares["f1"] == {0.1: pytest.approx(2 * 0.1 * 0.2 / 0.3)}


def test_a_dry_run_trains_nothing_and_counts_the_models(run_audit, tmp_path):
    facts = json.loads(run_audit("sweep", "wine", "--seeds", 2, "--dry-run", "--json", check=0).stdout)
    assert (facts["cells"], facts["train"], facts["test"]) == (22, 142, 36)
    assert facts["seconds"] >= 0
    facts = run_audit("sweep", "wine", "--what", "detection", "--dry-run", check=0).stdout
    assert re.search(r"cells: +33", facts)
    assert not (tmp_path / "reports").exists()


def test_one_kind_of_folder_never_writes_over_another(run_audit):
    run_audit("sweep", "wine", "--noise", "0", "--seeds", 1, "--out", "s", check=0)
    for command in (["detect", "wine"], ["impact", "wine"], ["sweep", "wine", "--what", "detection"]):
        line = run_audit(*command, "--out", "s", check=2).stderr.strip().splitlines()[-1]
        assert line.startswith("audit: s holds a sweep, expected a")


def test_labels_of_one_class_are_learnt_without_a_model(run_audit, tmp_path):
    (tmp_path / "t.csv").write_text("a,y\n" + "".join(f"{i % 7},{'uv'[i % 2]}\n" for i in range(60)))
    run_audit("sweep", "t.csv", "--noise", "1", "--noise-kind", "map", "--noise-map", "u:v", "--seeds", 1, "--out", "s", check=0)  # fmt: skip
    assert table(tmp_path / "s" / "sweep.csv")[0]["TrueAccuracy"] == "0.5"

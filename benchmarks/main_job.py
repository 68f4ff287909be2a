"""The main job beside its floor: the same networks trained and asked by bare torch, and the published recipe.

    python benchmarks/main_job.py --seeds 10 11
    python benchmarks/main_job.py --table

For each seed, one after the other: `audit detect mnist --noise 0.1` with each preset, from the start of the
process to its end, and how long each core was idle in each of its steps; then for each preset a bare torch
loop over the same networks, rows and batches, and bare forward passes over the same views, in as many
processes as there are cores, which have imported torch before; then the recipe at ten epochs. The peak of
the machine is that of a product of float32 matrices. Writes benchmarks/results/main_job.json.
"""

import argparse
import contextlib
import itertools
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from recipe import machine, recipe

RESULTS = Path(__file__).with_name("results") / "main_job.json"
PRESETS = ("fast", "default")
FOLDS = 5
EPOCHS = 10  # of the recipe
SIDE = 2048  # of the matrices whose product tells the peak
PRODUCTS = 20


def idle_seconds() -> list[float]:
    """How long each core has been idle since the machine started."""
    ticks = os.sysconf("SC_CLK_TCK")
    cores = [line.split() for line in Path("/proc/stat").read_text().splitlines() if line[3:4].isdigit()]
    return [(int(core[4]) + int(core[5])) / ticks for core in cores]


def whole_command(out: Path, seed: int, preset: str) -> dict[str, object]:
    """Run the command line in a process of its own; seconds and idle seconds of each core, step by step."""
    marks = out.with_suffix(".marks")
    begin = {"step": "start", "at": time.time(), "idle": idle_seconds()}
    command = [sys.executable, __file__, "--command", str(out), "--preset", preset, "--seeds", str(seed)]
    subprocess.run([*command, "--marks", str(marks)], check=True, capture_output=True)
    end = {"step": "end", "at": time.time(), "idle": idle_seconds()}
    moments = [begin, *json.loads(marks.read_text()), end]
    steps: dict[str, dict[str, object]] = {}
    for now, after in itertools.pairwise(moments):
        before = steps.get(now["step"], {"seconds": 0.0, "idle": [0.0] * len(now["idle"])})
        spent = zip(before["idle"], now["idle"], after["idle"], strict=True)
        steps[now["step"]] = {
            "seconds": before["seconds"] + after["at"] - now["at"],
            "idle": [old + late - early for old, early, late in spent],
        }
    scores = json.loads((out / "scores.json").read_text())
    f1 = scores["detection"]["f1"]["value"]
    return {"seconds": end["at"] - begin["at"], "f1": f1, "steps": steps}


def run_command(out: Path, seed: int, preset: str, marks: Path) -> None:
    """The command line, with a note of when each step begins."""
    from audit.cli import main, progress

    moments: list[dict[str, object]] = []
    show = progress.ProgressDisplay.step

    def step(display: progress.ProgressDisplay, name: str) -> None:
        moments.append({"step": name, "at": time.time(), "idle": idle_seconds()})
        show(display, name)

    progress.ProgressDisplay.step = step
    arguments = ["detect", "mnist", "--noise", "0.1", "--seed", seed, "--preset", preset, "--out", out]
    with contextlib.suppress(SystemExit):
        main([*map(str, arguments), "--quiet"])
    marks.write_text(json.dumps(moments))


def floor(out: Path, preset: str) -> dict[str, float]:
    """The same training and the same forward passes in bare torch: seconds on all cores, and operations."""
    command = [sys.executable, __file__, "--floor", str(out), "--preset", preset]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def run_floor(out: Path, preset: str) -> None:
    """Train and ask every network of a finished run, and print the figures as JSON."""
    from audit import datasets
    from audit.settings.detect import Config
    from audit.training import schedule
    from audit.training.cross_validation import threads_of

    config = Config.of(preset=preset)
    planned = schedule.make_schedule(config.training, datasets.load(config).X)
    cores = os.cpu_count() or 1
    totals = {"seconds": 0.0, "training_core_seconds": 0.0, "forward_core_seconds": 0.0, "operations": 0.0}
    for each in planned.rounds():
        sized = each.sized(70_000, FOLDS, 1)
        if planned.prunes_easy:  # the first round finds MNIST with this noise easy
            sized = sized.pruned()
        recipe_of_round = sized.recipe
        calls = [
            (out, each.name, fold, recipe_of_round, threads_of(fold, FOLDS, cores)) for fold in range(FOLDS)
        ]
        with multiprocessing.get_context("spawn").Pool(cores, _prepare, (out,)) as pool:
            list(pool.imap_unordered(_ready, range(cores), chunksize=1))
            start = time.perf_counter()
            results = list(pool.imap_unordered(_bare_fold, calls, chunksize=1))
            totals["seconds"] += time.perf_counter() - start
        for training, forward, operations in results:
            totals["training_core_seconds"] += training
            totals["forward_core_seconds"] += forward
            totals["operations"] += operations
    print(json.dumps(totals))


_DATA: dict[str, Any] = {}  # of a worker


def _prepare(out: Path) -> None:
    """Import what a worker needs, and read the examples and their labels."""
    import torch  # noqa: F401

    from audit import datasets
    from audit.settings.detect import Config
    from audit.training import models  # noqa: F401

    _DATA["data"] = datasets.load(Config())
    _DATA["X"] = _DATA["data"].X
    _DATA["y"] = np.load(out / "labels.npz")["given"]


def _ready(_: int) -> None:
    """Hold a worker until all of them have started."""
    time.sleep(1)


def _bare_fold(call: tuple[Path, str, int, object, int]) -> tuple[float, float, float]:
    """Core seconds of training one network and of its forward passes, and the operations of both."""
    import torch
    from training_loop import train

    from audit.training import models
    from audit.types import Training

    out, name, fold, recipe_of_round, threads = call
    kept = np.load(out / "folds" / name / f"{fold}.npz")
    trained, held_out = kept["trained"], kept["rows"]
    data = _DATA["data"]
    shape = (len(trained), *data.X.shape[1:])
    task = Training(shape, 10, fold, recipe_of_round, threads, "cpu", lambda _: None)
    model = models.builder("cnn", data)(task)
    if model.max_epochs != len(kept["losses"]):
        sys.exit(f"{name} trained {len(kept['losses'])} epochs, and this loop would train {model.max_epochs}")
    torch.set_num_threads(threads)
    torch.manual_seed(model.seed)
    net = model.module(**model.get_params_for("module"))
    operations = _operations(net, model, len(trained), len(held_out))
    start = time.perf_counter()
    train(net, model, _DATA["X"][trained], _DATA["y"][trained])
    middle = time.perf_counter()
    _ask(net, model, held_out)
    end = time.perf_counter()
    return (middle - start) * threads, (end - middle) * threads, operations


def _ask(net: object, model: object, rows: np.ndarray) -> None:
    """Predict these rows, the mean over the views of the model."""
    import torch

    from audit.training.models import augmentation

    net.eval()
    with torch.no_grad():
        for part in np.array_split(rows, max(1, len(rows) // 10_000)):
            images = _DATA["X"][part]
            for view in model.views:
                moved = torch.from_numpy(np.ascontiguousarray(augmentation.transformed(images, view, 1)))
                for batch in moved.split(256):
                    net(batch).softmax(dim=1)


def _operations(net: object, model: object, trained: int, asked: int) -> float:
    """Floating point operations of a training and of its forward passes, from those of one batch."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from audit.training import pruning

    images = torch.from_numpy(_DATA["X"][: model.batch_size].copy())
    with FlopCounterMode(display=False) as of_step:
        net(images).sum().backward()
    with FlopCounterMode(display=False) as of_pass, torch.no_grad():
        net(images)
    net.zero_grad()
    prunes = dict(model.callbacks)["margins"].prunes
    seen = model.batch_size * pruning.steps(trained, model.max_epochs, model.batch_size, prunes=prunes)
    viewed = asked * len(model.views)
    return (of_step.get_total_flops() * seen + of_pass.get_total_flops() * viewed) / len(images)


def peak() -> float:
    """Floating point operations a second of a product of matrices, on all cores."""
    import torch

    torch.set_num_threads(os.cpu_count() or 1)
    a, b = torch.rand(SIDE, SIDE), torch.rand(SIDE, SIDE)
    torch.mm(a, b)
    start = time.perf_counter()
    for _ in range(PRODUCTS):
        torch.mm(a, b)
    return 2 * SIDE**3 * PRODUCTS / (time.perf_counter() - start)


def measure(seed: int) -> dict[str, object]:
    """Everything of one seed."""
    figures: dict[str, object] = {"seed": seed, "peak_operations_per_second": peak()}
    for preset in PRESETS:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "run"
            figures[preset] = {"command": whole_command(out, seed, preset), "floor": floor(out, preset)}
            print(seed, preset, figures[preset], flush=True)
    figures["recipe"] = recipe(seed, EPOCHS)
    print(seed, "recipe", figures["recipe"]["seconds"], flush=True)
    return figures


def table(results: list[dict]) -> None:
    """Print what was measured as Markdown."""
    print("| preset | seed | command, s | floor, s | 1.15 × floor + 3 s | recipe, s | of the recipe | F1 |")
    print("|---|---|---|---|---|---|---|---|")
    for each in results:
        for preset in PRESETS:
            of_preset = each[preset]
            seconds, bare = of_preset["command"]["seconds"], of_preset["floor"]["seconds"]
            theirs = each["recipe"]["seconds"]
            print(
                f"| {preset} | {each['seed']} | {seconds:.1f} | {bare:.1f} | {1.15 * bare + 3:.1f} "
                f"| {theirs:.1f} | {seconds / theirs:.2f} | {of_preset['command']['f1']:.4f} |"
            )
    last = results[-1]
    print("\n| step | seconds | idle on each core |\n|---|---|---|")
    for step, of_step in last["default"]["command"]["steps"].items():
        idle = ", ".join(f"{seconds:.1f}" for seconds in of_step["idle"])
        print(f"| {step} | {of_step['seconds']:.1f} | {idle} |")
    for preset in PRESETS:
        bare = last[preset]["floor"]
        share = bare["operations"] / bare["seconds"] / last["peak_operations_per_second"]
        print(f"\n{preset}: the floor does {share:.0%} of the operations a second of a product of matrices.")


def main() -> None:
    """Measure the seeds that are not kept yet, or print what is kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="*", default=[])
    parser.add_argument("--table", action="store_true")
    for name in ("--command", "--floor", "--marks"):
        parser.add_argument(name, type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--preset", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.command:
        return run_command(asked.command, asked.seeds[0], asked.preset, asked.marks)
    if asked.floor:
        return run_floor(asked.floor, asked.preset)
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"results": []}
    for seed in asked.seeds:
        others = [each for each in kept["results"] if each["seed"] != seed]
        kept = {"machine": machine(), "results": [*others, measure(seed)]}
        RESULTS.write_text(json.dumps(kept, indent=1) + "\n")
    if asked.table:
        table(kept["results"])
    return None


if __name__ == "__main__":
    main()

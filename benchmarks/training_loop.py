"""skorch's training loop as the package uses it, beside a bare torch loop: same net, batches and epochs.

    python benchmarks/training_loop.py

Alternates the two, several times, and prints the ratio of each pair; writes
benchmarks/results/training_loop.json. One thread each, 14,000 MNIST images, 3 epochs.
"""

import json
import statistics
import time
from pathlib import Path

import numpy as np
import torch
from recipe import machine
from torch import nn

from audit import datasets
from audit.settings.detect import Config
from audit.training import models, pruning
from audit.training.models.batches import RowDraw
from audit.training.models.muon import Muon
from audit.types import Recipe, Training

PAIRS = 7


def bare(model: object, X: np.ndarray, y: np.ndarray) -> None:
    """The same training without skorch."""
    torch.manual_seed(0)
    train(model.module(**model.get_params_for("module")), model, X, y)


def train(net: nn.Module, model: object, X: np.ndarray, y: np.ndarray) -> None:
    """Train a network in the batches and by the schedule of the model."""
    prunes = dict(model.callbacks)["margins"].prunes
    optimizer = Muon(net.parameters(), lr=model.lr, fused=True)
    steps = pruning.steps(len(X), model.max_epochs, model.batch_size, prunes=prunes)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, model.lr, total_steps=steps)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1, reduction="none")
    images, labels = torch.from_numpy(np.array(X)), torch.from_numpy(y)
    draw = RowDraw(len(X), "cpu", prunes=prunes)
    net.train()
    for _ in range(model.max_epochs):
        for rows in draw.rows_of_epoch().split(model.batch_size):
            losses = criterion(net(images[rows]), labels[rows])
            optimizer.zero_grad()
            draw.weighted(losses, rows).mean().backward()
            optimizer.step()
            schedule.step()


def ignore(_: float) -> None:
    """Nobody watches."""


def main() -> None:
    """Time pairs of both loops."""
    torch.set_num_threads(1)
    data = datasets.load(Config.of(limit=14_000))
    recipe = Recipe(epochs=3, epochs_fixed=True)
    task = Training(data.X.shape, k=10, seed=0, recipe=recipe, threads=1, device="cpu", watch=ignore)
    model = models.builder("cnn", data)(task)
    pairs = []
    for pair in range(PAIRS + 1):
        start = time.perf_counter()
        model.fit(data.X, data.labels)
        middle = time.perf_counter()
        bare(model, data.X, data.labels)
        end = time.perf_counter()
        if pair:  # the first warms up
            pairs.append({"skorch": middle - start, "bare": end - middle})
    ratios = [pair["skorch"] / pair["bare"] for pair in pairs]
    document = {
        "machine": machine(),
        "pairs": pairs,
        "median_ratio": statistics.median(ratios),
        "ratios": ratios,
    }
    target = Path(__file__).with_name("results") / "training_loop.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(document, indent=1) + "\n")
    print(json.dumps({"median_ratio": document["median_ratio"], "ratios": ratios}))


if __name__ == "__main__":
    main()

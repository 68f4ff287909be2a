"""The built-in image classifier: a small convolutional network, trained by skorch."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback, LRScheduler
from torch import nn

from audit.types import Training

WIDTHS = (32, 64, 64)
TARGET_SIDE = 14  # pixels after space-to-depth; smaller is faster, larger sees finer strokes
LEARNING_RATE = 0.01
LARGEST_BATCH = 256
LEAST_STEPS = 200  # optimizer steps that a training takes however few rows there are
LEAST_EPOCHS, MOST_EPOCHS = 3, 20  # more would learn wrong labels by heart


def build(training: Training) -> NeuralNetClassifier:
    """A skorch classifier whose network follows the size and channels of the images."""
    rows, height, width, channels = training.shape
    batch_size = int(np.clip(rows // 20, 8, LARGEST_BATCH))
    steps = ceil(rows / batch_size)
    epochs = training.epochs or int(np.clip(ceil(LEAST_STEPS / steps), LEAST_EPOCHS, MOST_EPOCHS))
    device = _resolve_device(training.device)
    return ReproducibleClassifier(
        SmallCnn,
        seed=training.seed,
        threads=training.threads,
        module__size=(height, width),
        module__channels=channels,
        module__num_classes=training.k,
        module__autocast=_prefers_bfloat16(device),
        criterion=nn.CrossEntropyLoss,
        criterion__label_smoothing=0.1,
        optimizer=torch.optim.AdamW,
        optimizer__fused=device in ("cpu", "cuda"),
        lr=LEARNING_RATE,
        max_epochs=epochs,
        verbose=0,
        batch_size=batch_size,
        iterator_train=Batches,
        iterator_train__shuffle=True,
        iterator_train__device=device,
        iterator_valid=Batches,
        iterator_valid__batch_size=2048,
        iterator_valid__device=device,
        train_split=None,  # skorch's default would hide a fifth of the fold from the network
        classes=np.arange(training.k),
        device=device,
        callbacks=[
            (
                "schedule",
                LRScheduler(
                    torch.optim.lr_scheduler.OneCycleLR,
                    step_every="batch",
                    max_lr=LEARNING_RATE,
                    total_steps=epochs * steps,
                ),
            ),
            ("watch", Watch(training.watch, epochs * steps)),
        ],
        callbacks__print_log=None,
        callbacks__valid_acc=None,
        callbacks__valid_loss=None,
    )


class SmallCnn(nn.Module):
    """Three 3 x 3 convolutions over a space-to-depth grid of about 14 x 14, then one linear layer.

    Takes raw images (b, h, w, c) of any range; the first normalisation brings them to one scale.
    Pooling comes before normalisation and ReLU, which then work on a quarter of the values.
    """

    def __init__(self, size: tuple[int, int], channels: int, num_classes: int, *, autocast: bool) -> None:
        super().__init__()
        self.autocast = autocast
        self.cell = max(1, round(min(size) / TARGET_SIDE))
        self.shift = max(1, round(min(size) / 14)) if min(size) > 2 * 8 else 0
        grid = [ceil(side / self.cell) for side in size]
        self.second_pool = min(grid) >= 12  # a grid of less than 3 x 3 says too little of where strokes are
        self.padding = (0, grid[1] * self.cell - size[1], 0, grid[0] * self.cell - size[0])
        self.normalise = nn.BatchNorm2d(channels, affine=False)
        a, b, c = WIDTHS
        self.features = nn.Sequential(
            nn.PixelUnshuffle(self.cell),
            *_stage(channels * self.cell**2, a, pool=True),
            *_stage(a, b, pool=self.second_pool),
            *_stage(b, c, pool=False),
            nn.Flatten(),
        )
        shrink = 4 if self.second_pool else 2
        self.classify = nn.Linear(c * (grid[0] // shrink) * (grid[1] // shrink), num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits (b, k) in float32."""
        if self.training and self.shift:
            images = _randomly_shifted(images, self.shift)
        x = self.normalise(images.permute(0, 3, 1, 2).float())  # channels-last in memory
        x = nn.functional.pad(x, self.padding)
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.autocast):
            logits: torch.Tensor = self.classify(self.features(x))
        return logits.float()


def _stage(inputs: int, outputs: int, *, pool: bool) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    convolution.to(memory_format=torch.channels_last)
    return [
        convolution,
        *([nn.MaxPool2d(2)] if pool else []),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    ]


def _randomly_shifted(images: torch.Tensor, most: int) -> torch.Tensor:
    """Each image (b, h, w, c) moved by up to `most` pixels both ways, its edge repeated."""
    b, h, w, _ = images.shape
    down, right = torch.randint(-most, most + 1, (2, b, 1), device=images.device)
    y = (torch.arange(h, device=images.device) + down).clamp(0, h - 1)
    x = (torch.arange(w, device=images.device) + right).clamp(0, w - 1)
    return images[torch.arange(b, device=images.device)[:, None, None], y[:, :, None], x[:, None, :]]


class Batches:
    """Batches of a skorch dataset whose tensors are placed on the device once, not row by row."""

    def __init__(self, dataset: Any, batch_size: int, device: str, *, shuffle: bool = False) -> None:
        self.images = _tensor(dataset.X).to(device)
        self.labels = None if dataset.y is None else torch.as_tensor(dataset.y).to(device)
        self.batch_size, self.shuffle = batch_size, shuffle

    def __len__(self) -> int:
        return ceil(len(self.images) / self.batch_size)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        n = len(self.images)
        order = torch.randperm(n) if self.shuffle else torch.arange(n)
        for rows in order.to(self.images.device).split(self.batch_size):
            yield self.images[rows], torch.zeros(0) if self.labels is None else self.labels[rows]


def _tensor(images: npt.NDArray[Any]) -> torch.Tensor:
    """A tensor of bytes as they are, of anything else as float32."""
    return torch.from_numpy(np.array(images, dtype=images.dtype if images.dtype == np.uint8 else np.float32))


class Watch(Callback):
    """Reports the share of the training that is done, after every batch."""

    def __init__(self, watch: Any, steps: int) -> None:
        self.watch, self.steps = watch, steps

    def on_train_begin(self, net: NeuralNetClassifier, **_: Any) -> None:  # noqa: ARG002
        """Start at nothing."""
        self.done_ = 0

    def on_batch_end(self, net: NeuralNetClassifier, *, training: bool, **_: Any) -> None:  # noqa: ARG002
        """Count one more batch."""
        if training:
            self.done_ += 1
            self.watch(self.done_ / self.steps)


class ReproducibleClassifier(NeuralNetClassifier):
    """A skorch classifier with its own seed and thread count, which leaves torch's global state alone."""

    def __init__(self, *args: Any, seed: int, threads: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.seed = seed
        self.threads = threads

    def fit(self, X: npt.NDArray[Any], y: npt.NDArray[Any], **params: Any) -> "ReproducibleClassifier":
        """Train from scratch; the same seed, threads, rows and device give the same network."""
        with _threads(self.threads), torch.random.fork_rng():
            torch.manual_seed(self.seed)
            super().fit(X, y, **params)
        return self

    def predict_proba(self, X: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Class probabilities (m, k)."""
        with _threads(self.threads):
            return np.asarray(super().predict_proba(X), dtype=np.float32)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _resolve_device(device: str) -> str:
    return ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device


def _prefers_bfloat16(device: str) -> bool:
    """Whether bfloat16 is faster there: on a GPU that has it, on a CPU only with matrix units (AMX)."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()  # not in older torch
    return device == "cpu" and bool(capabilities.get("amx_bf16"))

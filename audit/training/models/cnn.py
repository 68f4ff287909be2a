"""The built-in image classifier: a small convolutional network, trained by skorch."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import LRScheduler
from torch import nn

from audit.training import pruning
from audit.training.models import augmentation
from audit.training.models.batches import Batches, MarginRecorder
from audit.training.models.muon import Muon
from audit.training.models.network import SmallCnn
from audit.types import Floats, Training

WIDTHS = {False: (32, 64, 64), True: (48, 96, 96)}  # plain and wide
TARGET_SIDE = 14  # pixels after space-to-depth; smaller is faster, larger sees finer strokes
FINE_SIDE = 28
LEARNING_RATE = 0.01
LARGEST_BATCH = 256
LEAST_SIDE = 16  # pixels; smaller images lose too much when shifted
LEAST_STEPS = 150  # optimizer steps that a training takes however few rows there are
MOST_EPOCHS = 20  # more would learn wrong labels by heart
PASSES = 3  # that a step of the training takes as long as: one forward, two backward
RECORDER = "margins"  # name of the callback
CHUNK_VALUES = 1 << 23  # of images that are predicted at a time, so that their views take little memory


def build(training: Training) -> NeuralNetClassifier:
    """Build a skorch classifier whose network follows the size and channels of the images."""
    recipe = training.recipe
    rows, height, width, channels = training.shape
    batch_size = int(np.clip(rows // 20, 8, LARGEST_BATCH))
    steps = partial(pruning.steps, rows, batch_size=batch_size)
    prunes = recipe.prunes and steps(recipe.epochs, prunes=True) >= LEAST_STEPS
    epochs = recipe.epochs
    if not recipe.epochs_fixed:
        while epochs < MOST_EPOCHS and steps(epochs, prunes=prunes) < LEAST_STEPS:
            epochs += 1
    total_steps = steps(epochs, prunes=prunes)
    device = _resolve_device(training.device)
    side = min(height, width)
    augment = recipe.augment if side > LEAST_SIDE else "none"
    cell = max(1, round(side / TARGET_SIDE))
    fine_cell = max(1, round(side / FINE_SIDE))
    fine = recipe.fine and fine_cell < cell
    if fine:
        cell = fine_cell
    views = augmentation.test_time_views(augment, recipe.views)
    predicted = training.predicted * len(views) / (PASSES * batch_size)
    return ReproducibleClassifier(
        SmallCnn,
        seed=training.seed,
        threads=training.threads,
        views=views,
        module__size=(height, width),
        module__widths=WIDTHS[recipe.wide and not fine],
        module__cell=cell,
        module__augment=augment,
        module__channels=channels,
        module__num_classes=training.k,
        module__autocast=_prefers_bfloat16(device),
        criterion=nn.CrossEntropyLoss,
        criterion__label_smoothing=0.1,
        criterion__reduction="none",
        optimizer=Muon,
        optimizer__fused=device in ("cpu", "cuda"),
        lr=LEARNING_RATE,
        max_epochs=epochs,
        verbose=0,
        batch_size=batch_size,
        iterator_train=Batches,
        iterator_train__device=device,
        iterator_valid=Batches,
        iterator_valid__batch_size=LARGEST_BATCH,  # more would not fit a cache
        iterator_valid__device=device,
        train_split=None,  # skorch's default would hide a fifth of the fold from the network
        classes=np.arange(training.k),
        device=device,
        callbacks=[
            (
                "lr_scheduler",
                LRScheduler(
                    torch.optim.lr_scheduler.OneCycleLR,
                    step_every="batch",
                    max_lr=LEARNING_RATE,
                    total_steps=total_steps,
                ),
            ),
            (RECORDER, MarginRecorder(training.watch, total_steps + predicted, prunes=prunes)),
        ],
        callbacks__print_log=None,
        callbacks__valid_acc=None,
        callbacks__valid_loss=None,
    )


class ReproducibleClassifier(NeuralNetClassifier):
    """A skorch classifier with its own seed and thread count, which leaves torch's global state alone.

    It offers everything that `audit.types` says a model may offer: features, margins, losses, lazy reading,
    mirror images, and a training that starts from given weights.
    """

    reads_lazily = True  # takes LazyRows for images

    def __init__(
        self, *args: Any, seed: int, threads: int, views: Sequence[augmentation.Transform], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.seed = seed
        self.threads = threads
        self.views = views
        self.sample_weights: torch.Tensor | None = None

    @property
    def may_mirror(self) -> bool:
        """Whether it would train on mirror images if it were told to: not on images too small to augment."""
        return bool(self.module__augment != "none")

    @property
    def margins_(self) -> npt.NDArray[np.float32]:
        """The mean margin of every training row (m,)."""
        return self._recorder.margins

    @property
    def _recorder(self) -> MarginRecorder:
        recorder: MarginRecorder = dict(self.callbacks_)[RECORDER]
        return recorder

    def fit(
        self, X: Any, y: npt.NDArray[Any], sample_weight: Floats | None = None, **params: Any
    ) -> "ReproducibleClassifier":
        """Train from scratch; the same seed, threads, rows and device give the same network."""
        self.sample_weights = None
        if sample_weight is not None:
            self.sample_weights = torch.as_tensor(sample_weight, dtype=torch.float32, device=self.device)
        with _threads(self.threads), torch.random.fork_rng():
            torch.manual_seed(self.seed)
            super().fit(X, y, **params)
        return self

    def network_weights(self) -> dict[str, npt.NDArray[Any]]:
        """The weights of the trained network, by name."""
        return {name: tensor.cpu().numpy() for name, tensor in self.module_.state_dict().items()}

    def start_from(self, weights: Mapping[str, npt.NDArray[Any]]) -> None:
        """Start the next training from these weights, with a new optimizer and schedule."""
        with torch.random.fork_rng():
            self.initialize()
        self.module_.load_state_dict({name: torch.as_tensor(each) for name, each in weights.items()})
        self.warm_start = True

    def get_loss(
        self,
        y_pred: torch.Tensor,
        y_true: torch.Tensor,
        X: Any = None,
        training: bool = False,  # noqa: FBT001, FBT002  skorch's own
    ) -> torch.Tensor:
        """The mean of the criterion, in training with every row's weight."""
        losses: torch.Tensor = super().get_loss(y_pred, y_true, X, training)
        if training and self.sample_weights is not None:
            losses = losses * self.sample_weights[self._recorder.batch_]
        if training:
            losses = self._recorder.draw_.weighted(losses, self._recorder.batch_)
        return losses.mean()

    def get_iterator(self, dataset: Any, training: bool = False) -> Any:  # noqa: FBT001, FBT002  skorch's own
        """The batches; those of a training tell the recorder which rows they hold."""
        batches = super().get_iterator(dataset, training=training)
        if training:
            batches.recorder = self._recorder
        return batches

    def predict_proba(self, X: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Class probabilities (m, k), the mean over the views of each image."""
        with _threads(self.threads):
            parts = [self._averaged(X[part]) for part in _parts(X)]
        return np.concatenate(parts).astype(np.float32)

    def predict_with_features(
        self, X: npt.NDArray[Any], project: Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Class probabilities (m, k), and the projected input (m, d) of the last layer, by the same pass."""
        probs, features = [], []
        with _threads(self.threads):
            for part in _parts(X):
                with _outputs_of(self.module_.features) as outputs:
                    probs.append(self._averaged(X[part]))
                of_images = np.concatenate(outputs)[: len(probs[-1])]  # the first view is the image itself
                features.append(project(of_images))
        return np.concatenate(probs).astype(np.float32), np.concatenate(features).astype(np.float32)

    def _averaged(self, images: npt.NDArray[Any]) -> npt.NDArray[np.floating[Any]]:
        """Average the probabilities over the views of a few images."""
        step = max(1, min(images.shape[1:3]) // 28)
        predict = super().predict_proba
        total = 0.0
        for view in self.views:
            total = total + predict(augmentation.transformed(images, view, step))
            self._recorder.add(len(images) / (PASSES * self.batch_size))
        return np.asarray(total / len(self.views))


def _parts(images: npt.NDArray[Any]) -> Iterator[slice]:
    """Slices of whole batches of images (m, h, w, c) that are predicted at a time."""
    size = LARGEST_BATCH * max(1, CHUNK_VALUES // int(np.prod(images.shape[1:])) // LARGEST_BATCH)
    return (slice(start, start + size) for start in range(0, len(images), size))


@contextmanager
def _outputs_of(layer: nn.Module) -> Iterator[list[npt.NDArray[np.float32]]]:
    """Collect the outputs of a layer while the block runs, batch by batch."""
    outputs: list[npt.NDArray[np.float32]] = []
    hook = layer.register_forward_hook(
        lambda _, __, output: outputs.append(output.detach().float().cpu().numpy())
    )
    try:
        yield outputs
    finally:
        hook.remove()


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Let torch use `count` threads while the block runs."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _resolve_device(device: str) -> str:
    if device != "auto":
        return device
    if torch.cuda.is_available():
        return "cuda"
    return "cpu"


def _prefers_bfloat16(device: str) -> bool:
    """Whether bfloat16 is faster: on a GPU that has it, on a CPU only with matrix units (AMX)."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()  # not in older torch
    return device == "cpu" and bool(capabilities.get("amx_bf16"))

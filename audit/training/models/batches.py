"""The batches of a training, and the margin of each row while it is trained on."""

from collections.abc import Callable, Iterator
from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from skorch.callbacks import Callback

from audit.datasets.lazy_rows import LazyRows

GPU_SHARES = 8  # of the free memory, one for the examples of a training
MOVED_BYTES = 1 << 27  # of examples at a time


class MarginRecorder(Callback):
    """Record each training row's margin whenever it is trained on, and report the progress of the model.

    The margin is the logit of the given label less the largest other one, before the step that the batch
    causes; its mean over a training is the area under the margin of Pleiss et al. 2020.
    """

    def __init__(self, watch: Callable[[float], None], steps: float) -> None:
        self.watch = watch
        self.steps = steps  # of the training, and what the predictions after it come to
        self.done_ = 0.0

    def on_train_begin(self, net: Any, *, X: npt.NDArray[Any], **__: Any) -> None:
        """Start with nothing recorded; the sums stay on the device, which nothing waits for then."""
        self.done_ = 0.0
        self.sums_ = torch.zeros(len(X), device=net.device)
        self.counts_ = torch.zeros(len(X), device=net.device)

    def begin(self, rows: torch.Tensor) -> None:
        """Remember the rows (b,) of the batch that comes next."""
        self.batch_ = rows

    def on_batch_end(self, _: Any, *, batch: Any, training: bool, y_pred: torch.Tensor, **__: Any) -> None:
        """Add the margins of the batch."""
        if not training:
            return
        given = batch[1][:, None]
        of_given = y_pred.gather(1, given).squeeze(1)
        of_others = y_pred.detach().scatter(1, given, -torch.inf).amax(dim=1)
        self.sums_[self.batch_] += of_given.detach() - of_others
        self.counts_[self.batch_] += 1
        self.add(1)

    def add(self, steps: float) -> None:
        """Report that so many more steps are done."""
        self.done_ += steps
        self.watch(min(1.0, self.done_ / self.steps))

    @property
    def margins(self) -> npt.NDArray[np.float32]:
        """The mean margin of every training row (m,)."""
        return np.asarray((self.sums_ / self.counts_).cpu().numpy(), dtype=np.float32)


class Batches:
    """Batches of a skorch dataset whose tensors are placed on the device once, not row by row.

    Rows that are not read yet are read batch by batch, unless the device has room for all of them. With a
    margin recorder, which a training has, the rows come in random order, and the recorder learns which.
    """

    def __init__(self, dataset: Any, batch_size: int, device: str) -> None:
        self.images = dataset.X
        if not isinstance(self.images, LazyRows):
            self.images = _tensor(self.images).to(device)
        elif _bytes_on_device(self.images) <= room(device):
            self.images = _moved(self.images, device)
        self.device = device
        self.labels: torch.Tensor | None = None
        if dataset.y is not None:
            self.labels = torch.as_tensor(dataset.y).to(device)
        self.batch_size = batch_size
        self.recorder: MarginRecorder | None = None

    def __len__(self) -> int:
        return ceil(len(self.images) / self.batch_size)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        n = len(self.images)
        order = torch.randperm(n) if self.recorder else torch.arange(n)
        if not isinstance(self.images, LazyRows):
            order = order.to(self.device)
        for rows in order.split(self.batch_size):
            if self.recorder:
                self.recorder.begin(rows)
            yield self._images(rows), self._labels(rows)

    def _images(self, rows: torch.Tensor) -> torch.Tensor:
        if isinstance(self.images, LazyRows):
            return _tensor(self.images[rows.numpy()]).to(self.device)
        images: torch.Tensor = self.images[rows]
        return images

    def _labels(self, rows: torch.Tensor) -> torch.Tensor:
        if self.labels is None:
            return torch.zeros(0)
        return self.labels[rows.to(self.device)]


def room(device: str) -> int:
    """The bytes of a GPU's memory that one training may fill with examples; 0 of another device.

    Folds are trained side by side, and each wants memory for its batches as well.
    """
    if not device.startswith("cuda"):
        return 0
    free, _ = torch.cuda.mem_get_info(device)
    return int(free) // GPU_SHARES


def _bytes_on_device(images: LazyRows) -> int:
    return int(np.prod(images.shape)) * _dtype(images).itemsize


def _moved(images: LazyRows, device: str) -> torch.Tensor:
    """All rows on the device; no more than some of them are in memory at a time."""
    first = _tensor(images[:1])
    moved = torch.empty(images.shape, dtype=first.dtype, device=device)
    step = max(1, MOVED_BYTES // max(1, first.nbytes))
    for start in range(0, len(images), step):
        moved[start : start + step] = _tensor(images[start : start + step]).to(device)
    return moved


def _dtype(images: npt.NDArray[Any] | LazyRows) -> np.dtype[Any]:
    return np.dtype(np.uint8 if images.dtype == np.uint8 else np.float32)


def _tensor(images: npt.NDArray[Any]) -> torch.Tensor:
    """A tensor of bytes from bytes, of float32 from anything else."""
    numbers = np.ascontiguousarray(images, dtype=_dtype(images))
    if not numbers.flags.writeable:
        numbers = numbers.copy()
    return torch.from_numpy(numbers)

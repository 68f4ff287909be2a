"""The batches of a training, and the margin of each row while it is trained on."""

from collections.abc import Callable, Iterator
from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from skorch.callbacks import Callback

from audit.datasets.lazy_rows import LazyRows


class MarginRecorder(Callback):
    """Record each training row's margin whenever it is trained on, and report the progress of the training.

    The margin is the logit of the given label less the largest other one, before the step that the batch
    causes; its mean over a training is the area under the margin of Pleiss et al. 2020.
    """

    def __init__(self, watch: Callable[[float], None], steps: int) -> None:
        self.watch = watch
        self.steps = steps

    def on_train_begin(self, _: Any, *, X: npt.NDArray[Any], **__: Any) -> None:
        """Start with nothing recorded."""
        self.done_ = 0
        self.sums_ = torch.zeros(len(X))
        self.counts_ = torch.zeros(len(X))

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
        self.sums_[self.batch_] += (of_given.detach() - of_others).cpu()
        self.counts_[self.batch_] += 1
        self.done_ += 1
        self.watch(self.done_ / self.steps)

    @property
    def margins(self) -> npt.NDArray[np.float32]:
        """The mean margin of every training row (m,)."""
        return np.asarray((self.sums_ / self.counts_).numpy(), dtype=np.float32)


class Batches:
    """Batches of a skorch dataset whose tensors are placed on the device once, not row by row.

    Rows that are not read yet are read batch by batch. With a margin recorder, which a training has, the
    rows come in random order, and the recorder learns which.
    """

    def __init__(self, dataset: Any, batch_size: int, device: str) -> None:
        self.images = dataset.X
        if not isinstance(self.images, LazyRows):
            self.images = _tensor(self.images).to(device)
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
        for rows in order.split(self.batch_size):
            if self.recorder:
                self.recorder.begin(rows)
            yield self._images(rows), self._labels(rows)

    def _images(self, rows: torch.Tensor) -> torch.Tensor:
        if isinstance(self.images, LazyRows):
            return _tensor(self.images[rows.numpy()]).to(self.device)
        images: torch.Tensor = self.images[rows.to(self.device)]
        return images

    def _labels(self, rows: torch.Tensor) -> torch.Tensor:
        if self.labels is None:
            return torch.zeros(0)
        return self.labels[rows.to(self.device)]


def _tensor(images: npt.NDArray[Any]) -> torch.Tensor:
    """A tensor of bytes from bytes, of float32 from anything else."""
    dtype = np.uint8 if images.dtype == np.uint8 else np.float32
    numbers = np.ascontiguousarray(images, dtype=dtype)
    if not numbers.flags.writeable:
        numbers = numbers.copy()
    return torch.from_numpy(numbers)

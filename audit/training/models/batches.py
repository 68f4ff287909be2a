"""The batches of a training, and the margin and the loss of each row while it is trained on."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from skorch.callbacks import Callback

from audit.datasets.lazy_rows import LazyRows
from audit.training.pruning import pruned_epoch

GPU_SHARES = 8  # of the free memory, one for the examples of a training
MOVED_BYTES = 1 << 27  # of examples at a time


class RowDraw:
    """Draws the rows of each epoch of a training of m rows, and weighs their losses.

    Every epoch has all rows, or later ones, where it prunes, few of those that are learned: with the least
    loss (times its sample weight) before the step that they were last trained in. So a row of the first
    batches of all, when nothing was learned yet, is not left out of the second epoch. Weights make up for
    the rows that are left out (`audit.training.pruning`); their mean over the drawn rows is 1.
    """

    def __init__(self, m: int, device: str, *, prunes: bool) -> None:
        self.device = device
        self.prunes = prunes
        self.epochs = 0  # that rows were drawn for
        self.losses = torch.zeros(m, device=device)  # of each row, when it was last trained on
        self.weights: torch.Tensor | None = None  # (m,) in this epoch; all alike when None

    def rows_of_epoch(self) -> torch.Tensor:
        """Draw the rows (r,) of the next epoch, in random order, and their weights."""
        m = len(self.losses)
        self.epochs += 1
        if self.epochs == 1 or not self.prunes:
            return self._shuffled(torch.arange(m, device=self.device))
        numbers = pruned_epoch(m)
        learned, others = self.losses.argsort(stable=True).split([numbers.learned, numbers.others])
        self.weights = torch.full_like(self.losses, numbers.trained / m)
        self.weights[learned] *= numbers.learned / max(1, numbers.drawn)
        drawn = self._shuffled(learned)[: numbers.drawn]
        return self._shuffled(torch.cat([drawn, others]))

    def weighted(self, losses: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Remember the losses (b,) of rows (b,) that are trained on, and weigh them."""
        self.losses[rows] = losses.detach()
        if self.weights is None:
            return losses
        return losses * self.weights[rows]

    def _shuffled(self, rows: torch.Tensor) -> torch.Tensor:
        return rows[torch.randperm(len(rows)).to(self.device)]


class MarginRecorder(Callback):
    """Record each training row's margin whenever it is trained on, and report the progress of the model.

    It holds the draw of the rows, too, which needs their losses.

    The margin is the logit of the given label less the largest other one, before the step that the batch
    causes; its mean over a training is the area under the margin of Pleiss et al. 2020.
    """

    def __init__(self, watch: Callable[[float], None], steps: float, *, prunes: bool) -> None:
        self.watch = watch
        self.prunes = prunes  # whether epochs after the first leave out learned rows
        self.steps = steps  # of the training, and what the predictions after it come to
        self.done_ = 0.0

    def on_train_begin(self, net: Any, *, X: npt.NDArray[Any], **__: Any) -> None:
        """Start with nothing recorded; the sums stay on the device, which nothing waits for then."""
        self.done_ = 0.0
        self.sums_ = torch.zeros(len(X), device=net.device)
        self.counts_ = torch.zeros(len(X), device=net.device)
        self.draw_ = RowDraw(len(X), net.device, prunes=self.prunes)

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
    margin recorder, which a training has, the rows are drawn for each epoch, and the recorder learns which.
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

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        order = self._order()
        if isinstance(self.images, LazyRows):
            order = order.cpu()
        for rows in order.split(self.batch_size):
            if self.recorder:
                self.recorder.begin(rows)
            yield self._images(rows), self._labels(rows)

    def _order(self) -> torch.Tensor:
        """The rows of an epoch, or of a prediction, in their order."""
        if self.recorder:
            return self.recorder.draw_.rows_of_epoch()
        return torch.arange(len(self.images), device=self.device)

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

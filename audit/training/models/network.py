"""The network of the built-in image classifier."""

from math import ceil

import torch
from torch import nn

from audit.training.models import augmentation

MIRRORED_SHIFT = 2  # times the usual shift: what may be mirrored may also stand anywhere, as in photographs


class SmallCnn(nn.Module):
    """Three 3 x 3 convolutions over a grid of cells, space-to-depth, then one linear layer.

    Takes raw images (b, h, w, c) of any range; the first normalisation brings them to one scale.
    Pooling comes before normalisation and ReLU, which then work on a quarter of the values.
    """

    def __init__(
        self,
        size: tuple[int, int],
        channels: int,
        num_classes: int,
        *,
        widths: tuple[int, int, int],
        cell: int,
        augment: str,
        autocast: bool,
    ) -> None:
        super().__init__()
        self.autocast = autocast
        self.augment = augment
        self.shift = max(1, round(min(size) / 28))
        self.cell = cell
        grid = [ceil(side / self.cell) for side in size]
        self.second_pool = min(grid) >= 12  # a grid of less than 3 x 3 loses where strokes are
        self.padding = (0, grid[1] * self.cell - size[1], 0, grid[0] * self.cell - size[0])
        self.normalise = nn.BatchNorm2d(channels, affine=False)
        a, b, c = widths
        self.features = nn.Sequential(
            nn.PixelUnshuffle(self.cell),
            *_stage(channels * self.cell**2, a, pool=True),
            *_stage(a, b, pool=self.second_pool),
            *_stage(b, c, pool=False),
            nn.Flatten(),
        )
        shrink = 2 ** (1 + self.second_pool)  # each pool halves the sides
        self.classify = nn.Linear(c * (grid[0] // shrink) * (grid[1] // shrink), num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits (b, k) in float32."""
        if self.training and self.augment == "shift":
            images = augmentation.randomly_shifted(images, self.shift)
        elif self.training and self.augment == "affine":
            images = augmentation.randomly_transformed(images, self.shift)
        elif self.training and self.augment == "mirror":
            images = augmentation.randomly_shifted(images, MIRRORED_SHIFT * self.shift)
            images = augmentation.randomly_mirrored(images)
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

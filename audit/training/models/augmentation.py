"""Images transformed a little: at random in training, and by fixed steps for test-time augmentation."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

MOST_DEGREES = 10.0  # by which training images are rotated, either way
MOST_SCALE = 0.1  # the share by which they grow or shrink


class Transform(NamedTuple):
    """How an image is shifted or rotated."""

    down: int = 0  # steps
    right: int = 0
    degrees: float = 0.0
    mirrored: bool = False  # left to right, after the rest


_IDENTITY = Transform()
_SIDEWAYS = (Transform(right=1), Transform(right=-1))
_VERTICAL = (Transform(down=1), Transform(down=-1))
_ROTATED = tuple(Transform(degrees=degrees) for degrees in (7, -7, 11, -11))
TEST_TIME_VIEWS = {  # of an image whose predictions are averaged, by how training images are augmented
    "none": (_IDENTITY,),
    "shift": (_IDENTITY, *_SIDEWAYS, *_VERTICAL),
    "affine": (_IDENTITY, *_SIDEWAYS, *_ROTATED),
    "mirror": (_IDENTITY, *_SIDEWAYS, *_VERTICAL),  # each of them as it is and mirrored
}


def test_time_views(augment: str, count: int) -> tuple[Transform, ...]:
    """The first `count` views, the image itself first; where mirror images are trained on, theirs as well."""
    views = TEST_TIME_VIEWS[augment][:count]
    if augment != "mirror":
        return views
    return (*views, *(view._replace(mirrored=True) for view in views))


def transformed(images: npt.NDArray[Any], transform: Transform, step: int) -> npt.NDArray[Any]:
    """Shift images (m, h, w, c) by steps of `step` pixels, or rotate or mirror them; edges are repeated."""
    if transform.mirrored:
        return transformed(images, transform._replace(mirrored=False), step)[:, :, ::-1]
    if transform.degrees:
        angle = torch.full((len(images),), np.radians(transform.degrees), dtype=torch.float32)
        zero = torch.zeros(len(images))
        floats = torch.as_tensor(images.astype(np.float32))
        return np.asarray(_resampled(floats, angle.cos(), angle.sin(), zero, zero).numpy())
    if transform == _IDENTITY:
        return images
    _, h, w, _ = images.shape
    y = np.clip(np.arange(h) - step * transform.down, 0, h - 1)
    x = np.clip(np.arange(w) - step * transform.right, 0, w - 1)
    return images[:, y[:, None], x]


def randomly_shifted(images: torch.Tensor, most: int) -> torch.Tensor:
    """Shift each image (b, h, w, c) by up to `most` pixels in both directions, its edge repeated."""
    b, h, w, _ = images.shape
    down, right = torch.randint(-most, most + 1, (2, b, 1), device=images.device)
    y = (torch.arange(h, device=images.device) + down).clamp(0, h - 1)
    x = (torch.arange(w, device=images.device) + right).clamp(0, w - 1)
    return images[torch.arange(b, device=images.device)[:, None, None], y[:, :, None], x[:, None, :]]


def randomly_mirrored(images: torch.Tensor) -> torch.Tensor:
    """Mirror each image (b, h, w, c) left to right, or leave it, with equal chances."""
    mirrored = torch.rand(len(images), device=images.device) < 0.5
    return torch.where(mirrored[:, None, None, None], images.flip(2), images)


def randomly_transformed(images: torch.Tensor, most: int) -> torch.Tensor:
    """Rotate, scale and shift each image (b, h, w, c), by up to `most` pixels, its edge repeated."""
    b, h, w, _ = images.shape
    limits = [[np.radians(MOST_DEGREES)], [MOST_SCALE], [2 * most / h], [2 * most / w]]
    draws = 2 * torch.rand(4, b, device=images.device) - 1
    angle, scale, down, right = draws * torch.tensor(limits, device=images.device)
    return _resampled(images, (1 + scale) * angle.cos(), (1 + scale) * angle.sin(), down, right)


def _resampled(
    images: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor, down: torch.Tensor, right: torch.Tensor
) -> torch.Tensor:
    """Each image (b, h, w, c) interpolated at its pixels rotated, scaled and shifted (b,)."""
    rows = [torch.stack([cosine, -sine, right], 1), torch.stack([sine, cosine, down], 1)]
    b, h, w, _ = images.shape
    grid = nn.functional.affine_grid(torch.stack(rows, 1).float(), [b, 1, h, w], align_corners=False)
    channels_first = images.permute(0, 3, 1, 2).float()
    sampled = nn.functional.grid_sample(channels_first, grid, padding_mode="border", align_corners=False)
    return sampled.permute(0, 2, 3, 1)

"""Images that are moved a little: at random in training, a step either way where predictions are averaged."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

TURN, SCALE = 10.0, 0.1  # degrees either way, and the share by which images grow or shrink in training


class Move(NamedTuple):
    """How far an image is moved."""

    down: int = 0  # steps
    right: int = 0
    turn: float = 0.0  # degrees


_STILL, _SIDEWAYS = Move(), (Move(right=1), Move(right=-1))
_TURNED = tuple(Move(turn=turn) for turn in (7, -7, 11, -11))
VIEWS = {  # of an image whose predictions are averaged, by how training images are changed
    "none": (_STILL,),
    "shift": (_STILL, *_SIDEWAYS, Move(down=1), Move(down=-1)),
    "affine": (_STILL, *_SIDEWAYS, *_TURNED),
}


def moved(images: npt.NDArray[Any], move: Move, step: int) -> npt.NDArray[Any]:
    """Images (m, h, w, c) shifted by steps of so many pixels, or turned; their edges repeated."""
    if move.turn:
        turn = torch.full((len(images),), np.radians(move.turn), dtype=torch.float32)
        still = torch.zeros(len(images))
        turned = _resampled(torch.as_tensor(images.astype(np.float32)), turn.cos(), turn.sin(), still, still)
        return np.asarray(turned.numpy())
    if move == _STILL:
        return images
    _, h, w, _ = images.shape
    y = np.clip(np.arange(h) - step * move.down, 0, h - 1)
    x = np.clip(np.arange(w) - step * move.right, 0, w - 1)
    return images[:, y[:, None], x]


def randomly_shifted(images: torch.Tensor, most: int) -> torch.Tensor:
    """Each image (b, h, w, c) moved by up to `most` pixels both ways, its edge repeated."""
    b, h, w, _ = images.shape
    down, right = torch.randint(-most, most + 1, (2, b, 1), device=images.device)
    y = (torch.arange(h, device=images.device) + down).clamp(0, h - 1)
    x = (torch.arange(w, device=images.device) + right).clamp(0, w - 1)
    return images[torch.arange(b, device=images.device)[:, None, None], y[:, :, None], x[:, None, :]]


def randomly_turned(images: torch.Tensor, most: int) -> torch.Tensor:
    """Each image (b, h, w, c) turned, scaled and moved by up to `most` pixels, its edge repeated."""
    b, h, w, _ = images.shape
    turn, scale, down, right = (2 * torch.rand(4, b, device=images.device) - 1) * torch.tensor(
        [[np.radians(TURN)], [SCALE], [2 * most / h], [2 * most / w]], device=images.device
    )
    return _resampled(images, (1 + scale) * turn.cos(), (1 + scale) * turn.sin(), down, right)


def _resampled(
    images: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor, down: torch.Tensor, right: torch.Tensor
) -> torch.Tensor:
    """Each image (b, h, w, c) looked up at its pixels turned, scaled and moved (b,), between pixels."""
    rows = [torch.stack([cosine, -sine, right], 1), torch.stack([sine, cosine, down], 1)]
    b, h, w, _ = images.shape
    grid = nn.functional.affine_grid(torch.stack(rows, 1).float(), [b, 1, h, w], align_corners=False)
    channels_first = images.permute(0, 3, 1, 2).float()
    there = nn.functional.grid_sample(channels_first, grid, padding_mode="border", align_corners=False)
    return there.permute(0, 2, 3, 1)

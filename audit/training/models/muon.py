"""Muon: momentum made orthogonal, for convolution kernels; AdamW for everything else."""

from collections.abc import Callable
from inspect import unwrap
from typing import Any

import torch

RATE = 5.0  # learning rate of the kernels over that of AdamW
MOMENTUM = 0.9
ITERATIONS = 3  # of Newton-Schulz; more bring nothing to kernels of this size
COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the quintic iteration, from Jordan's text


def without_compiler(method: Callable[..., Any]) -> Callable[..., Any]:
    """Take a method of torch's optimizers out of the wrappers that keep torch's compiler away from it.

    A wrapper imports the compiler when the method is first called, only to switch it off: 1.5 s of every
    worker. Nothing here is compiled. Torch has no setting for it; a method that is not wrapped is returned
    unchanged.
    """
    unwrapped: Callable[..., Any] = unwrap(method)
    return unwrapped


class Muon(torch.optim.AdamW):
    """AdamW whose convolution kernels (o, i, h, w) move along their orthogonalised momentum instead.

    Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024. torch has one for
    matrices alone, in bfloat16, which takes three times as long on a processor without units for it.
    """

    add_param_group = without_compiler(torch.optim.AdamW.add_param_group)
    zero_grad = without_compiler(torch.optim.AdamW.zero_grad)
    _adamw_step = without_compiler(torch.optim.AdamW.step)

    @torch.no_grad()  # type: ignore[untyped-decorator]  # torch is not followed
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step; the closure computes the loss and its gradients, as skorch's does."""
        with torch.enable_grad():
            loss = None if closure is None else closure()
        for group in self.param_groups:
            for kernel in group["params"]:
                if kernel.ndim == 4 and kernel.grad is not None:
                    self._update(kernel, RATE * float(group["lr"]))
                    kernel.grad = None  # AdamW leaves alone what has no gradient
        self._adamw_step()
        return loss

    def _update(self, kernel: torch.Tensor, rate: float) -> None:
        gradient = kernel.grad
        assert gradient is not None
        momentum = self.state[kernel].setdefault("momentum", torch.zeros_like(kernel))
        momentum.mul_(MOMENTUM).add_(gradient)
        direction = gradient.add(momentum, alpha=MOMENTUM).reshape(len(kernel), -1)
        kernel.sub_(orthogonalised(direction).reshape(kernel.shape), alpha=rate)


def orthogonalised(matrix: torch.Tensor) -> torch.Tensor:
    """Bring the singular values of a matrix (a, b) near one, times the root of a / b where that exceeds 1."""
    a, b, c = COEFFICIENTS
    is_tall = matrix.shape[0] > matrix.shape[1]
    wide = matrix.T if is_tall else matrix
    wide = wide / (wide.norm() + 1e-7)
    for _ in range(ITERATIONS):
        gram = wide @ wide.T
        wide = torch.addmm(wide, torch.addmm(gram, gram, gram, beta=b, alpha=c), wide, beta=a)
    if is_tall:
        wide = wide.T
    return wide * max(1.0, matrix.shape[0] / matrix.shape[1]) ** 0.5

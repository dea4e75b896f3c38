"""The gradients of the dendritic loops, where they are exact."""

import torch
from torch import Tensor

from pipeline.kernels.neurons.dendritic import KERNEL
from pipeline.kernels.neurons.surrogates import surrogate_options

OPTIONS = (
    2.0,
    0.0,
    *surrogate_options("atan", 2.0),
)


def _arguments(dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    """Make currents, state and constants of 6 steps, 2 windows and 3 neurons."""
    generator = torch.Generator().manual_seed(5)
    currents = torch.randn(6, 2, 6, generator=generator, dtype=dtype) + 0.5
    state = torch.rand(3, 2, 3, generator=generator, dtype=dtype)
    constants = torch.rand(5, 3, generator=generator, dtype=dtype) * 0.5 + 0.4
    return tuple(x.requires_grad_() for x in (currents, state, constants))


def test_the_last_state_has_the_exact_gradient() -> None:
    arguments = _arguments(torch.float64)
    spikes, _ = KERNEL.run(*arguments, OPTIONS)
    assert spikes.any()
    assert not spikes.all()
    assert torch.autograd.gradcheck(
        lambda *x: KERNEL.run(*x, OPTIONS)[1], arguments, atol=1e-7
    )

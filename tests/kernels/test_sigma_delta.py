"""The gradients of the sigma_delta loops, where they are exact."""

import torch
from torch import Tensor

from pipeline.kernels.neurons.sigma_delta import KERNEL
from pipeline.kernels.neurons.surrogates import surrogate_options

OPTIONS = (*surrogate_options("atan", 2.0),)


def _arguments(dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    """Make currents, state and constants of 6 steps, 2 windows and 3 neurons."""
    generator = torch.Generator().manual_seed(5)
    currents = torch.randn(6, 2, 3, generator=generator, dtype=dtype) + 0.5
    state = torch.rand(2, 2, 3, generator=generator, dtype=dtype)
    constants = torch.rand(1, 3, generator=generator, dtype=dtype) * 0.5 + 0.4
    return tuple(x.requires_grad_() for x in (currents, state, constants))


def test_events_that_are_all_sent_have_the_exact_gradient() -> None:
    currents, state, constants = _arguments(torch.float64)
    constants = constants.detach() * 1e-9
    assert KERNEL.run(currents, state, constants, OPTIONS)[0].any()
    assert torch.autograd.gradcheck(
        lambda *x: KERNEL.run(*x, constants, OPTIONS), (currents, state), atol=1e-7
    )

"""The gradients of the parallel loops, where they are exact."""

import torch
from torch import Tensor

from pipeline.kernels.neurons.parallel import KERNEL
from pipeline.kernels.neurons.surrogates import surrogate_options

OPTIONS = (
    2.0,
    *surrogate_options("atan", 2.0),
)


def _arguments(dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    """Make currents, state and constants of 6 steps, 2 windows and 3 neurons."""
    generator = torch.Generator().manual_seed(5)
    currents = torch.randn(6, 2, 3, generator=generator, dtype=dtype) + 0.5
    state = torch.rand(4, 2, 3, generator=generator, dtype=dtype)
    constants = torch.rand(4, 3, generator=generator, dtype=dtype) * 0.5 + 0.4
    return tuple(x.requires_grad_() for x in (currents, state, constants))


def test_straight_through_it_has_the_gradient_of_the_filter() -> None:
    arguments = _arguments(torch.float64)
    options = (2.0, *surrogate_options("straight_through", 1.0))
    currents, state, (threshold, *weights) = arguments
    past = torch.cat([state.flip(0), currents])
    filtered = sum(w * past[4 - 2 * i : 10 - 2 * i] for i, w in enumerate(weights))
    expected = (filtered - threshold, past[-4:].flip(0))
    found = KERNEL.run(*arguments, options)
    assert torch.equal(found[0], (expected[0] > 0).double())
    assert torch.equal(found[1], expected[1])
    factors = [torch.linspace(-1, 2, x.numel()).view_as(x).double() for x in found]
    gradients = [torch.autograd.grad(x, arguments, factors) for x in (found, expected)]
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)

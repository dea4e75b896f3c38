"""The gradients of loops whose last state does not depend on surrogates."""

import importlib

import pytest
import torch
from torch import Tensor

from pipeline.kernels.neurons.surrogates import surrogate_options

SURROGATE = surrogate_options("atan", 2.0)
CASES = {
    # kernel: options before the surrogate's, values of a current, states, constants
    "dendritic": ((2.0, 0.0), 6, 3, 5),
    "fractional": ((0.0,), 3, 4, 5),
    "multisynaptic": ((0.0,), 3, 1, 4),
}


def arguments(n_currents: int, n_states: int, n_constants: int) -> tuple[Tensor, ...]:
    """Make currents, state and constants of 6 steps, 2 windows and 3 neurons."""
    generator = torch.Generator().manual_seed(5)
    kind = {"generator": generator, "dtype": torch.float64}
    currents = torch.randn(6, 2, n_currents, **kind) + 0.5
    state = torch.rand(n_states, 2, 3, **kind)
    constants = torch.rand(n_constants, 3, **kind) * 0.5 + 0.4
    return tuple(x.requires_grad_() for x in (currents, state, constants))


@pytest.mark.parametrize("name", CASES)
def test_the_last_state_has_the_exact_gradient(name: str) -> None:
    kernel = importlib.import_module(f"pipeline.kernels.neurons.{name}").KERNEL
    own, *sizes = CASES[name]
    options, given = (*own, *SURROGATE), arguments(*sizes)
    spikes, _ = kernel.run(*given, options)
    assert spikes.any()
    assert not spikes.all()
    assert torch.autograd.gradcheck(
        lambda *x: kernel.run(*x, options)[1], given, atol=1e-7
    )

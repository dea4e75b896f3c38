"""Traces: the compiled loop against the plain step, and by hand."""

import pytest
import torch
from torch import Tensor

from pipeline.kernels.neurons.integrator import KERNEL, OPTIONS


def _inputs(dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    currents = torch.randn(9, 3, 4, generator=generator, dtype=dtype)
    state = torch.randn(1, 3, 4, generator=generator, dtype=dtype)
    alpha = torch.rand(1, 4, generator=generator, dtype=dtype)
    return currents, state, alpha


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_compiled_loop_gives_the_bits_of_the_plain_step(dtype: torch.dtype) -> None:
    outputs, last = KERNEL.run(*_inputs(dtype), OPTIONS)
    expected, state = KERNEL.plain_run(*_inputs(dtype), OPTIONS)
    assert torch.equal(outputs, expected)
    assert torch.equal(last, state)
    assert torch.equal(last[0], outputs[-1])


def test_its_gradients_are_autograds() -> None:
    inputs = [tensor.requires_grad_() for tensor in _inputs(torch.float64)]
    assert torch.autograd.gradcheck(lambda *args: KERNEL.run(*args, OPTIONS), inputs)
    found, expected = (
        torch.autograd.grad(run(*inputs, OPTIONS)[0].square().sum(), inputs)
        for run in (KERNEL.run, KERNEL.plain_run)
    )
    torch.testing.assert_close(found, expected)


def test_a_lasting_current_is_reached_exponentially() -> None:
    ones = torch.ones(20, 1, 1, dtype=torch.float64)
    alpha = torch.full((1, 1), 0.8, dtype=torch.float64)
    outputs, _ = KERNEL.run(ones, torch.zeros_like(ones[:1]), alpha, OPTIONS)
    expected = 1 - 0.8 ** torch.arange(1, 21, dtype=torch.float64)
    torch.testing.assert_close(outputs.flatten(), expected)

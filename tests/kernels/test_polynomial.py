"""The polynomial kernel: it contains LIF, and it cannot run away."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from pipeline.kernels.neurons.sequence import find
from pipeline.kernels.neurons.surrogates import surrogate_options

KERNEL = find("polynomial")
SURROGATE = surrogate_options("atan", 2.0)
CLIP = 2.0


def _constants(seed: int, *, bent: float) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    beta, threshold = torch.rand(2, 5, generator=generator)
    coefficients = bent * torch.randn(3, 5, generator=generator)
    return torch.cat([torch.stack([beta, threshold + 0.3]), coefficients])


@pytest.mark.parametrize(("subtract", "zero"), [(1.0, 0.0), (0.0, 1.0), (0.0, 0.0)])
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_without_coefficients_it_is_leaky_bit_for_bit(
    subtract: float, zero: float, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    currents = 20 * torch.randn(30, 2, 5, generator=generator)
    state, constants = torch.zeros(1, 2, 5), _constants(seed, bent=0.0)
    spikes, last = KERNEL.run(
        currents, state, constants, (subtract, zero, CLIP, 0.0, *SURROGATE)
    )
    options = (subtract, zero, 0.0, 0.0, *SURROGATE)
    expected, expected_last = find("leaky").run(currents, state, constants[:2], options)
    assert torch.equal(spikes, expected)
    assert torch.equal(last, expected_last)


def test_within_the_clip_the_map_is_the_polynomial() -> None:
    beta, _, a0, a2, a3 = constants = torch.tensor(
        [[0.9], [50.0], [0.05], [-0.1], [0.02]], dtype=torch.float64
    )
    u = torch.linspace(-CLIP, CLIP, 41, dtype=torch.float64)[:, None]
    nothing = torch.zeros(1, 41, 1, dtype=torch.float64)
    options = (0.0, 0.0, CLIP, 0.0, *SURROGATE)
    _, (found,) = KERNEL.run(nothing, u[None], constants, options)
    coefficients = [float(c) for c in (a3, a2, beta, a0)]
    np.testing.assert_allclose(found.numpy(), np.polyval(coefficients, u), rtol=1e-12)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**31), size=st.floats(1, 1e6), bent=st.floats(0, 10))
def test_bounded_currents_give_bounded_membranes(
    seed: int, size: float, bent: float
) -> None:
    generator = torch.Generator().manual_seed(seed)
    currents = torch.full((300, 2, 5), float(size))
    currents *= torch.randint(0, 2, currents.shape, generator=generator) * 2 - 1
    constants = _constants(seed, bent=bent)
    beta, threshold, a0, a2, a3 = constants
    currents *= 1 - beta.max()
    for subtract in (1.0, 0.0):
        options = (subtract, 0.0, CLIP, 0.0, *SURROGATE)
        _, (last,) = KERNEL.run(currents, torch.zeros(1, 2, 5), constants, options)
        bend = a0.abs() + a2.abs() * CLIP**2 + a3.abs() * CLIP**3
        most = float(currents.abs().max()) + bend + threshold
        assert (last.abs() <= most / (1 - beta) * 1.001).all()


def test_the_smooth_part_passes_gradcheck() -> None:
    generator = torch.Generator().manual_seed(4)
    currents = torch.randn(6, 2, 5, generator=generator, dtype=torch.float64)
    state = torch.rand(1, 2, 5, generator=generator, dtype=torch.float64)
    constants = _constants(2, bent=0.05).double()
    constants[1] += 50
    inputs = [v.requires_grad_() for v in (currents, state, constants)]

    def last_state(*arguments: Tensor) -> Tensor:
        return KERNEL.run(*arguments, (1.0, 0.0, CLIP, 0.0, *SURROGATE))[1]

    torch.autograd.gradcheck(last_state, inputs)

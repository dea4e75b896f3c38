"""The leaky kernel against `snntorch.Leaky`: every reset, both conventions."""

import pytest
import snntorch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from pipeline.kernels.neurons.sequence import find
from pipeline.kernels.neurons.surrogates import surrogate_options

KERNEL = find("leaky")
RESETS = {"subtract": (1.0, 0.0), "zero": (0.0, 1.0), "none": (0.0, 0.0)}


def _options(reset: str, delay: bool) -> tuple[float, ...]:
    # snnTorch's gradient goes through a reset at once, and not through a delayed one.
    return (
        *RESETS[reset],
        float(not delay),
        float(not delay),
        *surrogate_options("atan", 2.0),
    )


def _problem(seed: int, shape: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    currents = 0.2 + 0.5 * torch.randn(shape, generator=generator)
    beta, threshold = torch.rand(2, shape[-1], generator=generator)
    return currents, beta, threshold + 0.3


def _snntorch(
    currents: Tensor, beta: Tensor, threshold: Tensor, reset: str, delay: bool
) -> tuple[Tensor, Tensor]:
    cell = snntorch.Leaky(beta, threshold, reset_mechanism=reset, reset_delay=delay)
    snntorch.SpikingNeuron.instances.remove(cell)
    membrane, spikes = torch.zeros_like(currents[0]), []
    for current in currents.unbind(0):
        fired, membrane = cell(current, membrane)
        spikes.append(fired)
    return torch.stack(spikes), membrane


@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("delay", [True, False])
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31), steps=st.integers(1, 40), batch=st.integers(1, 4))
def test_spikes_membranes_and_gradients_are_snntorchs(
    reset: str, delay: bool, seed: int, steps: int, batch: int
) -> None:
    problem = _problem(seed, (steps, batch, 5))
    theirs = [values.clone().requires_grad_() for values in problem]
    ours = [values.clone().requires_grad_() for values in problem]
    spikes, membrane = _snntorch(*theirs, reset, delay)
    found, (last,) = KERNEL.run(
        ours[0], torch.zeros(1, batch, 5), torch.stack(ours[1:]), _options(reset, delay)
    )
    assert torch.equal(found, spikes)
    assert torch.equal(last, membrane)
    weights = torch.linspace(0, 1, steps)[:, None, None]
    ((spikes * weights).sum() + membrane.sum()).backward()
    ((found * weights).sum() + last.sum()).backward()
    for one, other in zip(ours, theirs, strict=True):
        scale = float(other.grad.abs().max()) + 1e-12
        torch.testing.assert_close(
            one.grad / scale, other.grad / scale, rtol=0, atol=3e-6
        )


@pytest.mark.parametrize("reset", RESETS)
def test_the_smooth_part_passes_gradcheck(reset: str) -> None:
    currents, beta, threshold = (v.double() for v in _problem(3, (6, 2, 3)))
    state = torch.rand(1, 2, 3, dtype=torch.float64)
    constants = torch.stack([beta, threshold + 50])
    inputs = [v.requires_grad_() for v in (currents, state, constants)]

    def last_state(*arguments: Tensor) -> Tensor:
        return KERNEL.run(*arguments, _options(reset, delay=True))[1]

    torch.autograd.gradcheck(last_state, inputs)


def test_every_step_fires_at_most_once_and_something_fires() -> None:
    currents, beta, threshold = _problem(1, (50, 3, 5))
    state, constants = torch.zeros(1, 3, 5), torch.stack([beta, threshold])
    spikes, _ = KERNEL.run(currents, state, constants, _options("subtract", True))
    assert set(spikes.unique().tolist()) == {0.0, 1.0}

"""Recurrent neurons, compiled: the bits and gradients of a plain loop."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.library import opcheck

from pipeline.kernels.neurons import recurrent
from pipeline.kernels.neurons import recurrent_rows as _recurrent_rows
from pipeline.kernels.neurons.recurrent_rows import add_recurrent
from pipeline.kernels.neurons.sequence import UnstableError
from pipeline.neurons.dendritic import Dendritic
from pipeline.neurons.leaky import Leaky
from pipeline.neurons.parts.layer import NeuronLayer
from pipeline.neurons.polynomial import Polynomial

MODELS = [
    Leaky(),
    Leaky(reset="zero", reset_delay=False),
    Polynomial(),
    Dendritic(branches=2),
]


def example(
    model: Any, n_steps: int = 40, dtype: torch.dtype = torch.float32
) -> tuple[NeuronLayer, list[Tensor]]:
    """Make a layer, and currents, weights, last spikes and state."""
    generator = torch.Generator().manual_seed(6)
    layer = model.build((9,), dt=0.01).to(dtype)
    width = 9 * model.inputs
    currents = 0.4 + 0.6 * torch.randn(n_steps, 3, width, generator=generator)
    weights = 0.3 * torch.randn(width, 9, generator=generator)
    spikes = (torch.rand(3, 9, generator=generator) < 0.3).float()
    inputs = [values.to(dtype) for values in (currents, weights, spikes)]
    state = torch.stack(layer.initial_state(inputs[2])) + 0.1
    return layer, [*inputs, state]


def run(way: Any, layer: NeuronLayer, inputs: list[Tensor]) -> tuple[Tensor, Tensor]:
    outputs, last = way(layer.kernel, *inputs, layer.constants(), layer.options)
    return outputs, last


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_spikes_and_states_are_the_plain_loops_to_the_bit(model: Any) -> None:
    layer, inputs = example(model)
    outputs, last = run(recurrent.run, layer, inputs)
    expected, expected_last = run(recurrent.plain_run, layer, inputs)
    assert torch.equal(outputs, expected)
    assert torch.equal(last, expected_last)
    assert 0.05 < outputs.mean() < 0.6
    inputs[1] = torch.zeros_like(inputs[1])
    assert not torch.equal(run(recurrent.run, layer, inputs)[0], outputs)


@pytest.mark.parametrize("sparse", [0.0, 2.0], ids=["product", "rows"])
@pytest.mark.parametrize("model", MODELS, ids=str)
def test_gradients_are_the_plain_loops(
    model: Any, sparse: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_recurrent_rows, "SPARSE", sparse)
    layer, inputs = example(model, dtype=torch.float64)
    inputs = [values.requires_grad_() for values in inputs]
    everything = [*inputs, *layer.parameters()]

    def gradients(way: Any) -> tuple[Tensor, ...]:
        outputs, last = run(way, layer, inputs)
        weights = torch.linspace(-1, 2, outputs.numel(), dtype=outputs.dtype)
        loss = (outputs.flatten() * weights).sum() + last.sum()
        return torch.autograd.grad(loss, everything)

    found, expected = gradients(recurrent.run), gradients(recurrent.plain_run)
    torch.testing.assert_close(found, expected)
    assert all(gradient.any() for gradient in found)


def test_a_sequence_gives_the_same_in_pieces() -> None:
    layer, inputs = example(Leaky())
    currents, weights, spikes, state = inputs
    expected, last = run(recurrent.run, layer, inputs)
    pieces = []
    for piece in currents.tensor_split([1, 17]):
        outputs, state = run(recurrent.run, layer, [piece, weights, spikes, state])
        spikes = outputs[-1]
        pieces.append(outputs)
    assert torch.equal(torch.cat(pieces), expected)
    assert torch.equal(state, last)


def test_no_steps_change_nothing() -> None:
    layer, inputs = example(Leaky(), n_steps=0)
    inputs = [values.requires_grad_() for values in inputs]
    outputs, last = run(recurrent.run, layer, inputs)
    assert outputs.shape == (0, 3, 9)
    assert torch.equal(last, inputs[3])
    (outputs.sum() + last.sum()).backward()
    assert inputs[3].grad is not None
    assert (inputs[3].grad == 1).all()


@pytest.mark.parametrize("way", [recurrent.run, recurrent.plain_run])
def test_the_step_that_breaks_is_named(way: Any) -> None:
    layer, inputs = example(Leaky())
    inputs[0][31, 1, 2] = float("nan")
    with pytest.raises(UnstableError) as caught:
        run(way, layer, inputs)
    assert caught.value.step == 31


@pytest.mark.parametrize("keep", [False, True])
def test_the_operator_keeps_torchs_rules(keep: bool) -> None:
    layer, inputs = example(Leaky(), n_steps=5)
    inputs = [values.requires_grad_(keep) for values in inputs]
    arguments = (*inputs, layer.constants().detach(), list(layer.options), keep)
    opcheck(torch.ops.biospike.recurrent, ("leaky", *arguments))


def test_graded_spikes_count_by_their_size() -> None:
    _, inputs = example(Leaky(), n_steps=1)
    currents, weights, spikes, _ = inputs
    driven = np.empty((3, 9), np.float32)
    sent = np.ascontiguousarray(weights.t().numpy())
    add_recurrent(currents[0].numpy(), 3 * spikes.numpy(), sent, driven)
    expected = currents[0] + 3 * spikes @ weights.t()
    torch.testing.assert_close(torch.from_numpy(driven), expected)

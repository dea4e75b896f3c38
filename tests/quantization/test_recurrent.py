"""Recurrent layers in integers: a plain loop beside them, and their bounds."""

from typing import Any

import pytest
import torch
from torch import Tensor

from pipeline.networks.base import Shape
from pipeline.networks.recurrent import Recurrent
from pipeline.neurons.base import Neuron
from pipeline.neurons.leaky import Leaky
from pipeline.neurons.relu import Relu
from pipeline.quantization.arithmetic import WORD, WordOverflowError
from pipeline.quantization.bounds import QuantizationError
from pipeline.quantization.network import IntegerNetwork, describe, rebuild
from pipeline.quantization.neurons.leaky import IntegerLeaky
from pipeline.quantization.quantize import activation_scale, quantize
from pipeline.quantization.recurrent import IntegerRecurrent

N_STEPS, WIDE, UNITS = 40, 6, 8
N, BATCH = 5, 2


def test_neurons_receive_the_outputs_of_the_step_before() -> None:
    rng = torch.Generator().manual_seed(0)
    own = torch.randint(-127, 128, (N, N), generator=rng).to(torch.int8)
    tensors = {"beta": 30000, "bias": 3, "threshold": 40}
    columns = {name: torch.full((N,), value) for name, value in tensors.items()}
    layer = IntegerRecurrent(
        IntegerLeaky(columns, dt=1.0, shift=1, reset="zero"), own, lift=1
    )
    currents = torch.randint(-60, 90, (30, BATCH, N), generator=rng)
    wanted = []
    for window in currents.unbind(1):
        membrane, before, rows = [0] * N, [0] * N, []
        for current in window.tolist():
            sums = [
                2 * i + sum(w * s for w, s in zip(row, before, strict=True))
                for i, row in zip(current, own.tolist(), strict=True)
            ]
            kept = [0 if u > 40 else u for u in membrane]
            membrane = [
                (30000 * u + 2**14) // 2**15 + 2 * i + 3
                for u, i in zip(kept, sums, strict=True)
            ]
            before = [int(u > 40) for u in membrane]
            rows.append(before)
        wanted.append(rows)
    found, *_ = layer(currents)
    assert found.transpose(0, 1).tolist() == wanted
    assert 0.1 < float(found.double().mean()) < 0.9
    first, *state = layer(currents[:7])
    second, *_ = layer(currents[7:], *state)
    assert torch.equal(torch.cat([first, second]), found)


def built(neuron: Neuron, n_features: int = WIDE, units: int = UNITS) -> Any:
    """Make a recurrent layer of small sound weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        shape = Shape(N_STEPS, n_features, 2, 0.01)
        network: Any = Recurrent(units=(units,), bins=1).build(shape, neuron).eval()
    layer = network.layers[0]
    layer.weights.weight.data.uniform_(0.001, 0.002)
    layer.weights.bias.data.zero_()
    layer.unrolled.recurrent.gain.fill_(1.0)
    layer.unrolled.recurrent.weight.data.uniform_(0.001, 0.002)
    return network


def silent(network: Any) -> IntegerNetwork:
    return quantize(network, torch.zeros(N_STEPS, 1, WIDE))


def worst(network: IntegerNetwork) -> Tensor:
    """Let inputs and outputs push each neuron up and down as far as can be.

    Every step raises where a number does not fit 32 bits; gives the membranes.
    """
    layer: Any = network.layers[0]
    both = torch.cat([layer.weights.weight, layer.unrolled.recurrent.weight], 1)
    sums = torch.cat([both.clamp(min=0).sum(1), both.clamp(max=0).sum(1)])
    neurons = layer.unrolled.neurons
    currents = sums.reshape(2, UNITS).long().expand(2000, 2, UNITS)
    membranes: Tensor = neurons(currents)[1]
    return membranes


@pytest.mark.parametrize("offender", [0, 3, UNITS - 1])
def test_one_neuron_of_wide_recurrent_weights_takes_bits_from_its_layer(
    offender: int,
) -> None:
    network = built(Leaky(tau_mem_s=20.0, learned_per="neuron"))
    layer = network.layers[0]
    own = layer.unrolled.recurrent.weight.data
    layer.weights.weight.data *= 1e-4
    own[:, 1:] *= 1e-4
    layer.unrolled.neurons.learned["log_threshold"].data.fill_(-9.0)
    sound: Any = silent(network).layers[0].unrolled
    own[offender] = 1.0
    integers = silent(network)
    unrolled: Any = integers.layers[0].unrolled
    assert 0 < unrolled.neurons.constants["shift"] < sound.neurons.constants["shift"]
    assert WORD / 8 < int(worst(integers).abs().max()) < WORD


@pytest.mark.parametrize("offender", [0, 3, UNITS - 1])
def test_scales_reach_over_both_kinds_of_weights(offender: int) -> None:
    network = built(Leaky(threshold=0.01))
    network.layers[0].unrolled.recurrent.weight.data[offender, 0] = 0.2
    layer: Any = silent(network).layers[0]
    assert int(layer.unrolled.recurrent.weight[offender, 0]) == 127
    others = [k for k in range(UNITS) if k != offender]
    assert int(layer.weights.weight[offender].max()) < 3
    assert int(layer.weights.weight[others].amax(1).min()) > 60


def test_outputs_of_rectified_units_come_back_by_their_size() -> None:
    """A unit of 127 steps drives the others as its activation does."""
    network = built(Relu())
    layer = network.layers[0]
    layer.weights.weight.data.uniform_(0.2, 0.4)
    layer.unrolled.recurrent.weight.data.uniform_(-0.3, 0.3)
    spikes = (torch.rand(N_STEPS, 8, WIDE) < 0.4).float()
    integers = quantize(network, spikes)
    with torch.no_grad():
        wanted = layer(spikes, None)[0]
    found = integers.layers[0](spikes, None)[0]
    size = activation_scale(wanted)
    assert float((found * size - wanted).abs().mean()) < 0.02 * float(wanted.mean())


@pytest.mark.parametrize("offender", [0, 3, UNITS - 1])
def test_recurrent_sums_beyond_32_bits_are_refused(offender: int) -> None:
    wide = built(Leaky(tau_mem_s=0.1, learned_per="neuron"), units=700)
    wide.layers[0].unrolled.recurrent.weight.data.fill_(0.5)
    quantize(wide, torch.zeros(N_STEPS, 1, WIDE))
    learned = wide.layers[0].unrolled.neurons.learned
    learned["log_tau"].data[offender] = 10.0
    with pytest.raises(QuantizationError, match="layer 1: its numbers might not fit"):
        quantize(wide, torch.zeros(N_STEPS, 1, WIDE))


def test_a_shift_that_was_tampered_with_raises_and_does_not_wrap() -> None:
    integers = silent(built(Leaky()))
    parts = describe(integers)
    parts["layers"][0]["neurons"]["shift"] += 18
    again = rebuild(integers.state_dict(), parts)
    with pytest.raises(WordOverflowError, match="leaky neurons: membrane"):
        again(torch.ones(N_STEPS, 1, WIDE))

"""Counted operations against loops in integers, and against a published case."""

import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pipeline.components import find
from pipeline.errors import MeasurementError
from pipeline.networks.base import Shape
from pipeline.networks.convolutional import Convolutional
from pipeline.networks.dense import Dense
from pipeline.networks.parts.heads import SegmentRates
from pipeline.networks.parts.layers import Recurrent, Unrolled
from pipeline.networks.parts.scaled import ScaledLinear, branch_mask
from pipeline.networks.parts.step_heads import CountHead, MembraneHead
from pipeline.neurons.leaky import Leaky
from pipeline.neurons.polynomial import Polynomial
from pipeline.neurons.relu import Relu
from pipeline.profiling.counts import pooled
from pipeline.profiling.operations import count, deployed

RNG = np.random.default_rng(4)


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    """The same initial weights in every run."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def sparse(*shape: int) -> Tensor:
    """Weights of which a third are zero."""
    values = RNG.normal(size=shape) * (RNG.random(shape) > 1 / 3)
    return torch.tensor(values, dtype=torch.float32)


def spikes(*shape: int, share: float = 0.3) -> Tensor:
    return torch.tensor(RNG.random(shape) < share, dtype=torch.float32)


def loop_linear(values: Tensor, weight: Tensor) -> tuple[int, int]:
    """Nonzero products and all products of (…, feature) with (out, feature)."""
    effective = dense = 0
    for row in values.reshape(-1, weight.shape[1]):
        for out, feature in product(*map(range, weight.shape)):
            dense += 1
            effective += bool(row[feature] != 0 and weight[out, feature] != 0)
    return effective, dense


def loop_convolution(values: Tensor, layer: nn.Conv1d) -> tuple[int, int]:
    """The same of (batch, channel, time), with nothing where the layer pads."""
    effective = dense = 0
    (stride,), (padding,), (dilation,) = layer.stride, layer.padding, layer.dilation
    n_out, group_in, kernel = layer.weight.shape
    length = values.shape[2]
    steps = (length + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    for one in values:
        for out, i, k, step in product(*map(range, (n_out, group_in, kernel, steps))):
            at = step * stride + k * dilation - padding
            channel = out // (n_out // layer.groups) * group_in + i
            if 0 <= at < length:
                dense += 1
                weight = layer.weight[out, i, k]
                effective += bool(one[channel, at] != 0 and weight != 0)
    return effective, dense


class Transposed(nn.Module):
    """A convolution of (time, batch, feature)."""

    def __init__(self, convolution: nn.Conv1d) -> None:
        super().__init__()
        self.convolution = convolution

    def forward(self, values: Tensor) -> Tensor:
        return self.convolution(values.permute(1, 2, 0)).permute(2, 0, 1)


class Outputs(Unrolled):
    """Neurons in a sequence: their state goes no further."""

    def __call__(self, currents: Tensor) -> Tensor:
        outputs, *_ = super().__call__(currents)
        return outputs


class RecurrentOutputs(Recurrent):
    """The same, recurrent."""

    def __call__(self, currents: Tensor) -> Tensor:
        outputs, *_ = super().__call__(currents)
        return outputs


def leaky(n: int) -> Unrolled:
    return Outputs(Leaky(threshold=0.5), n, dt=0.01)


def outputs_of(network: nn.Sequential, depth: int, values: Tensor) -> Tensor:
    with torch.no_grad():
        return network[:depth](values)


def test_linear_by_loops() -> None:
    layer = nn.Linear(7, 4)
    layer.weight.data = sparse(4, 7)
    values = spikes(5, 3, 7)
    counted = count(layer, values, dt=0.01)
    effective, dense = loop_linear(values, layer.weight)
    assert (counted.effective_acs, counted.effective_macs) == (effective, 0)
    assert counted.dense_operations == dense == 5 * 3 * 28
    zeros = int((layer.weight == 0).sum())
    assert counted.connection_sparsity == pytest.approx(zeros / 28)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"padding": 2},
        {"stride": 3, "padding": 4},
        {"dilation": 2, "padding": 1, "stride": 2},
        {"groups": 2, "padding": 3},
    ],
    ids=str,
)
def test_convolution_by_loops(options: dict[str, int]) -> None:
    layer = nn.Conv1d(4, 6, 5, **options)
    layer.weight.data = sparse(*layer.weight.shape)
    values = spikes(13, 2, 4)
    counted = count(Transposed(layer), values, dt=0.01)
    expected = loop_convolution(values.permute(1, 2, 0), layer)
    assert (counted.effective_acs, counted.dense_operations) == expected


@pytest.mark.parametrize(
    ("value", "kind"),
    [(1.0, "acs"), (-1.0, "acs"), (0.5, "macs"), (2.0, "macs")],
)
def test_one_graded_input_makes_macs_of_a_layer(value: float, kind: str) -> None:
    layer = nn.Linear(3, 2)
    values = torch.tensor([[[1.0, 0.0, 0.0]], [[0.0, value, 0.0]]])
    counted = count(layer, values, dt=0.01)
    acs, macs = (4, 0) if kind == "acs" else (0, 4)
    assert (counted.effective_acs, counted.effective_macs) == (acs, macs)


def test_the_read_out_of_spike_rates_adds_a_row_a_spike() -> None:
    network = nn.Sequential(
        nn.Linear(5, 6), leaky(6), SegmentRates(3), nn.Dropout(0.5), nn.Linear(18, 4)
    )
    network[0].weight.data = sparse(6, 5).abs()
    network[4].weight.data = sparse(4, 18)
    values = spikes(11, 3, 5)
    fired = outputs_of(network.eval(), 2, values)
    rows = (network[4].weight != 0).sum(0).reshape(3, 6)
    expected = sum(
        int(rows[segment, int(channel)])
        for segment, piece in enumerate(fired.tensor_split(3))
        for _, _, channel in piece.nonzero()
    )
    read_out = count(network, values, dt=0.01).synapses[1]
    assert fired.sum() > 20
    assert (read_out.effective, read_out.graded) == (expected, False)
    assert read_out.dense == 11 * 3 * 6 * 4


def test_the_read_out_of_graded_rates_is_multiplied() -> None:
    relu = Outputs(Relu(), 6, dt=0.01)
    network = nn.Sequential(nn.Linear(5, 6), relu, SegmentRates(3), nn.Linear(18, 4))
    network[3].weight.data = sparse(4, 18)
    values = spikes(11, 3, 5)
    rates = outputs_of(network, 3, values)
    counted = count(network, values, dt=0.01)
    expected = loop_linear(rates, network[3].weight)
    assert (counted.effective_macs, counted.synapses[1].dense) == expected
    assert counted.membrane_updates == 0


def test_neurons_by_loops() -> None:
    network = nn.Sequential(nn.Linear(5, 6), leaky(6))
    values = spikes(20, 3, 5)
    fired = outputs_of(network, 2, values)
    counted = count(network, values, dt=0.01)
    assert counted.membrane_updates == 20 * 3 * 6
    assert counted.activation_sparsity == pytest.approx(
        float((fired == 0).float().mean())
    )
    assert counted.window_s == pytest.approx(0.2)
    assert counted.n_windows == 3


def test_counts_are_exact_beyond_single_precision() -> None:
    layer = nn.Linear(512, 513)
    layer.weight.data.fill_(1)
    counted = count(layer, torch.ones(101, 2, 512), dt=0.01)
    assert counted.effective_acs == 101 * 2 * 512 * 513 > 2**24


@pytest.mark.parametrize("neuron", [Leaky(), Relu()], ids=["leaky", "relu"])
def test_the_convolutional_network(neuron: Leaky | Relu) -> None:
    shape = Shape(n_steps=48, n_features=4, n_classes=3, dt=0.01)
    settings = Convolutional(channels=(5, 6), bins=2)
    network = settings.build(shape, neuron)
    network(spikes(48, 20, 4))
    network.eval()
    values = spikes(48, 3, 4)
    ready, before = deployed(network), network(values)
    torch.testing.assert_close(ready(values), before)
    counted = count(network, values, dt=0.01)
    first = ready.layers[0].weights
    padded = nn.functional.pad(values.permute(1, 2, 0), (first.n_past, 0))
    expected = loop_convolution(padded, first.convolution)
    assert (counted.synapses[0].effective, counted.synapses[0].dense) == expected
    names = [layer.name for layer in counted.synapses]
    assert names == [
        "layers.0.weights.convolution",
        "layers.1.weights.convolution",
        "head.linear",
    ]
    assert [layer.graded for layer in counted.synapses] == [
        False,
        *[not neuron.spiking] * 2,
    ]
    assert counted.membrane_updates == (3 * (12 * 5 + 6 * 6) if neuron.spiking else 0)


def test_footprint_is_of_the_deployed_network() -> None:
    shape = Shape(n_steps=48, n_features=4, n_classes=3, dt=0.01)
    network = Convolutional(channels=(5, 6), bins=2).build(shape, Leaky())
    counted = count(network, spikes(48, 1, 4), dt=0.01)
    weights = (4 * 11 * 5 + 5) + (5 * 7 * 6 + 6) + (12 * 3 + 3)
    constants = 2 * (5 + 6)
    assert counted.parameters == weights + constants
    assert counted.footprint_bytes == 4 * (weights + constants)


def test_counting_leaves_the_network_as_it_was() -> None:
    shape = Shape(n_steps=48, n_features=4, n_classes=3, dt=0.01)
    network = Convolutional(channels=(5, 6), bins=2).build(shape, Leaky()).train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    values = spikes(48, 2, 4)
    assert count(network, values, dt=0.01) == count(network, values, dt=0.01)
    assert network.training
    assert not any(module._forward_pre_hooks for module in network.modules())
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(tensor, before[name], rtol=0, atol=0)


def test_batches_add_up() -> None:
    network = nn.Sequential(nn.Linear(5, 6), leaky(6), nn.Linear(6, 2))
    values = spikes(20, 7, 5)
    full = count(network, values, dt=0.01)
    parts = pooled([count(network, v, dt=0.01) for v in values.split(3, dim=1)])
    for name in ("n_windows", "effective_acs", "dense_operations", "membrane_updates"):
        assert getattr(parts, name) == getattr(full, name)
    assert parts.activation_sparsity == pytest.approx(full.activation_sparsity)
    assert parts.connection_sparsity == pytest.approx(full.connection_sparsity)


def test_a_batch_with_graded_inputs_makes_macs_of_all() -> None:
    layer = nn.Linear(2, 3)
    binary, graded = torch.ones(1, 1, 2), torch.full((1, 1, 2), 0.5)
    total = pooled([count(layer, values, dt=0.01) for values in (binary, graded)])
    assert (total.effective_acs, total.effective_macs) == (0, 12)


def test_recurrent_weights_meet_the_outputs_of_the_step_before() -> None:
    layer = RecurrentOutputs(Leaky(threshold=0.5), 6, dt=0.01)
    layer.recurrent.weight.data = sparse(6, 6)
    network = nn.Sequential(nn.Linear(5, 6), layer, nn.Linear(6, 2))
    network[0].weight.data = sparse(6, 5).abs()
    values = spikes(11, 3, 5)
    fired = outputs_of(network, 2, values)
    assert fired[:-1].any()
    assert fired[-1].any()
    counted = count(network, values, dt=0.01)
    own = counted.synapses[1]
    effective, _ = loop_linear(fired[:-1], layer.recurrent.weight)
    assert [layer.name for layer in counted.synapses] == ["0", "1.recurrent", "2"]
    assert (own.effective, own.dense, own.graded) == (effective, 11 * 3 * 36, False)
    assert (own.weights, own.zero_weights) == (
        36,
        int((layer.recurrent.weight == 0).sum()),
    )
    assert counted.synapses[2].effective == loop_linear(fired, network[2].weight)[0]


def test_weights_that_a_mask_hides_are_zero() -> None:
    layer = ScaledLinear(7, 8, bias=True, mask=branch_mask(7, 4, 2))
    values = spikes(5, 3, 7)
    network = nn.Sequential(layer)
    counted = count(network, values, dt=0.01)
    effective, dense = loop_linear(values, layer.weight * layer.mask)
    assert (counted.effective_acs, counted.dense_operations) == (effective, dense)
    assert counted.connection_sparsity == 0.5
    assert counted.parameters == 8 * 7 + 8
    torch.testing.assert_close(deployed(network)(values), layer(values))


@pytest.mark.parametrize("head", [CountHead, MembraneHead])
def test_a_read_out_at_every_step_adds_a_row_a_spike(
    head: type[CountHead | MembraneHead],
) -> None:
    membranes = head is MembraneHead
    last = MembraneHead(6, 4, dt=0.01) if membranes else CountHead(6, 4, n_read=20)
    network = nn.Sequential(nn.Linear(5, 6), leaky(6), last)
    values = spikes(11, 3, 5)
    fired = outputs_of(network, 2, values)
    counted = count(network, values, dt=0.01)
    assert counted.effective_acs == int(
        (values != 0).sum() * 6 + (fired != 0).sum() * 4
    )
    extra = 11 * 3 * 4 if membranes else 0
    assert counted.membrane_updates == 11 * 3 * 6 + extra
    assert counted.membrane_multiplications == counted.membrane_updates
    silent = float((fired == 0).float().mean())
    assert counted.activation_sparsity == pytest.approx(silent)


def test_a_polynomial_multiplies_more_than_a_leak() -> None:
    polynomial = Outputs(Polynomial(), 6, dt=0.01)
    counted = count(nn.Sequential(nn.Linear(5, 6), polynomial), spikes(20, 3, 5), dt=1)
    assert counted.membrane_updates == 20 * 3 * 6
    assert counted.membrane_multiplications == 4 * counted.membrane_updates


class Graded(Outputs):
    """Neurons whose spikes have sizes."""

    def forward(self, currents: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        outputs, *last = super().forward(currents, *state)
        return 2 * outputs, *last


def test_graded_outputs_of_spiking_neurons_are_multiplied() -> None:
    graded = Graded(Leaky(threshold=0.5), 6, dt=0.01)
    rates = [SegmentRates(2), nn.Linear(12, 3)]
    for after in ([nn.Linear(6, 3)], rates):
        network = nn.Sequential(nn.Linear(5, 6), graded, *after)
        values = spikes(20, 3, 5)
        fired = outputs_of(network, 2, values)
        counted = count(network, values, dt=0.01)
        assert counted.effective_macs == int((fired != 0).sum()) * 3 > 0


@pytest.mark.parametrize("name", ["dense", "recurrent"])
@pytest.mark.parametrize("read_out", ["rates", "count", "membrane"])
def test_every_network_can_be_counted(name: str, read_out: str) -> None:
    shape = Shape(n_steps=48, n_features=4, n_classes=3, dt=0.01)
    settings = find("networks", name)(units=(5, 6), bins=2, read_out=read_out)
    network = settings.build(shape, Leaky()).eval()
    values = spikes(48, 3, 4)
    torch.testing.assert_close(deployed(network)(values), network(values))
    counted = count(network, values, dt=0.01)
    n_weights = (20 + 5) + (30 + 6) + (5 * 5 + 6 * 6) * (name == "recurrent")
    n_weights += 12 * 3 + 3 if read_out == "rates" else 6 * 3 + 3
    n_weights += 2 * 11 + 3 * (read_out == "membrane")
    assert counted.parameters == n_weights
    assert counted.effective_macs == 0


@pytest.mark.parametrize("read_out", ["rates", "count", "membrane"])
def test_a_linear_read_out_of_the_input_adds_a_row_a_spike(read_out: str) -> None:
    """By loops over the input's spikes; 11 steps are segments of 4, 4 and 3."""
    shape = Shape(n_steps=11, n_features=5, n_classes=4, dt=0.01)
    settings = Dense(units=(), bins=3, read_out=read_out)
    network = settings.build(shape, Relu()).eval()
    weight = network.head.linear.weight
    weight.data = sparse(*weight.shape)
    values = spikes(11, 3, 5)
    expected = 0
    for step, _, feature in values.nonzero().tolist():
        segment = min(step // 4, 2) if read_out == "rates" else 0
        for row in weight:
            expected += bool(row[5 * segment + feature] != 0)
    counted = count(network, values, dt=0.01)
    assert (counted.effective_acs, counted.effective_macs) == (expected, 0)
    assert expected > 50
    assert counted.dense_operations == 11 * 3 * 5 * 4
    membranes = 11 * 3 * 4 * (read_out == "membrane")
    assert counted.membrane_updates == counted.membrane_multiplications == membranes
    assert counted.activation_sparsity is None
    parts = pooled([count(network, v, dt=0.01) for v in values.split(2, dim=1)])
    assert (parts.effective_acs, parts.activation_sparsity) == (expected, None)


def test_a_linear_read_out_of_graded_input_is_multiplied() -> None:
    shape = Shape(n_steps=11, n_features=5, n_classes=4, dt=0.01)
    network = Dense(units=(), bins=3).build(shape, Relu())
    values = spikes(11, 3, 5)
    counted = count(network, 0.5 * values, dt=0.01)
    assert (counted.effective_acs, counted.effective_macs) == (0, int(values.sum()) * 4)


@pytest.mark.parametrize("layer", [nn.GRU(4, 4), nn.LayerNorm(4)], ids=["gru", "norm"])
def test_what_cannot_be_counted_is_refused(layer: nn.Module) -> None:
    with pytest.raises(MeasurementError, match=f"is a {type(layer).__name__}"):
        count(nn.Sequential(layer), spikes(5, 1, 4), dt=0.01)


def test_the_reference_case(real_data: Path) -> None:
    """Brute force and NeuroBench 2.3 on a fixed network of two leaky layers."""
    stored = np.load(real_data / "reference" / "mlp.npz")
    case = json.loads((real_data / "reference" / "energy_mlp.json").read_text())
    tensors = {name: torch.from_numpy(stored[name]) for name in stored.files}
    tau = -1 / np.log(0.9)
    layers = []
    for k, n_neurons in ((1, 32), (2, 5)):
        weight, bias = tensors[f"fc{k}_weight"], tensors[f"fc{k}_bias"]
        linear = nn.Linear(*weight.shape[::-1])
        linear.weight.data, linear.bias.data = weight, bias
        layers += [linear, Outputs(Leaky(tau_mem_s=tau), n_neurons, dt=1.0)]
    network, values = nn.Sequential(*layers), tensors["x"].transpose(0, 1)
    fired = outputs_of(network, 4, values)
    torch.testing.assert_close(fired, tensors["y"].transpose(0, 1), rtol=0, atol=0)
    counted = count(network, values, dt=1.0)
    brute, peer = case["layers"], case["neurobench"]
    assert [layer.effective for layer in counted.synapses] == [
        brute["fc1"]["effective"],
        brute["fc2"]["effective"],
    ]
    assert counted.effective_acs == case["total"]["effective_ACs"]
    assert counted.effective_macs == 0
    assert counted.dense_operations == case["total"]["dense"]
    updates = brute["lif1"]["updates"] + brute["lif2"]["updates"]
    assert counted.membrane_updates == updates
    assert [layer.nonzero for layer in counted.neurons] == [
        brute["lif1"]["spikes_out"],
        brute["lif2"]["spikes_out"],
    ]
    assert counted.activation_sparsity == pytest.approx(peer["ActivationSparsity"])
    sparsity = pytest.approx(peer["ConnectionSparsity"], abs=1e-4)
    assert counted.connection_sparsity == sparsity
    # The time constants and thresholds are parameters here, buffers there.
    constants = 2 * (32 + 5)
    assert counted.parameters == peer["ParameterCount"] + constants

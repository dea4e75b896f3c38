"""Networks of snnTorch's neurons: NeuroBench's published numbers, and loops."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import snntorch
import torch
from torch import Tensor, nn

from pipeline.errors import MeasurementError
from pipeline.networks.base import Shape
from pipeline.networks.snntorch import Snntorch
from pipeline.neurons.leaky import Leaky
from pipeline.profiling.operations import count
from tests.networks.nets import LAYERS

KINDS: dict[str, tuple[Callable[..., nn.Module], int, int]] = {
    "leaky": (lambda **o: snntorch.Leaky(0.9, **o), 1, 1),
    "synaptic": (lambda **o: snntorch.Synaptic(0.8, 0.9, **o), 2, 2),
    "lapicque": (lambda **o: snntorch.Lapicque(beta=0.9, **o), 1, 2),
    "alpha": (lambda **o: snntorch.Alpha(0.9, 0.8, **o), 3, 3),
}
"""How to make neurons, their state variables, and multiplications an update."""


class Stepped(nn.Module):
    """Two layers, stepped through time; states are passed, or hidden in the neurons."""

    def __init__(self, make: Callable[..., nn.Module], *, hidden: bool = False) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(12, 32), nn.Linear(32, 5)
        options = {"init_hidden": True} if hidden else {}
        self.lif1, self.lif2 = make(**options), make(**options)
        self.hidden = hidden

    def forward(self, spikes: Tensor) -> Tensor:
        states = [(), ()] if self.hidden else [self._rest(self.lif1)] * 2
        outputs = []
        for step in spikes.unbind(0):
            values = step
            for k, (fc, lif) in enumerate(
                ((self.fc1, self.lif1), (self.fc2, self.lif2))
            ):
                result = lif(fc(values), *states[k])
                values, *state = result if isinstance(result, tuple) else (result,)
                states[k] = tuple(state)
            outputs.append(values)
        return torch.stack(outputs)

    def _rest(self, lif: nn.Module) -> tuple[Tensor, ...]:
        rest = lif.reset_mem()
        return rest if isinstance(rest, tuple) else (rest,)


@pytest.fixture
def case(real_data: Path) -> dict[str, dict[str, float]]:
    """The published case."""
    text = (real_data / "reference" / "energy_mlp.json").read_text()
    read: dict[str, dict[str, float]] = json.loads(text)
    return read


@pytest.fixture
def reference(real_data: Path) -> tuple[nn.Module, Tensor, Tensor]:
    """Its network, inputs and outputs (time, batch, …)."""
    stored = np.load(real_data / "reference" / "mlp.npz")
    tensors = {name: torch.from_numpy(stored[name]) for name in stored.files}
    network = Stepped(KINDS["leaky"][0])
    for k, layer in ((1, network.fc1), (2, network.fc2)):
        layer.weight.data = tensors[f"fc{k}_weight"]
        layer.bias.data = tensors[f"fc{k}_bias"]
    return network, tensors["x"].transpose(0, 1), tensors["y"].transpose(0, 1)


def test_it_is_the_published_network(
    reference: tuple[nn.Module, Tensor, Tensor],
) -> None:
    network, spikes, outputs = reference
    torch.testing.assert_close(network(spikes), outputs, rtol=0, atol=0)


def test_number_for_number_as_neurobench(
    reference: tuple[nn.Module, Tensor, Tensor], case: dict[str, dict[str, float]]
) -> None:
    network, spikes, _ = reference
    counted = count(network, spikes, dt=1e-3)
    peer = case["neurobench"]
    operations = peer["SynapticOperations"]
    n = counted.n_windows
    assert counted.effective_acs / n == operations["Effective_ACs"] == 2260
    assert counted.effective_macs == operations["Effective_MACs"] == 0
    assert counted.dense_operations / n == operations["Dense"] == 10880
    assert counted.activation_sparsity == pytest.approx(peer["ActivationSparsity"])
    by_layer = {
        layer.name: 1 - layer.nonzero / layer.outputs for layer in counted.neurons
    }
    assert by_layer == pytest.approx(peer["ActivationSparsityByLayer"])
    sparsity = pytest.approx(peer["ConnectionSparsity"], abs=5e-5)
    assert counted.connection_sparsity == sparsity
    assert counted.parameters == peer["ParameterCount"] == 581
    assert counted.membrane_updates / n == peer["MembraneUpdates"] == 740


def test_the_footprint_is_without_the_last_batch(
    reference: tuple[nn.Module, Tensor, Tensor], case: dict[str, dict[str, float]]
) -> None:
    """NeuroBench's grows with the batch: it counts the membranes left by it."""
    network, spikes, _ = reference
    counted = count(network, spikes, dt=1e-3)
    membranes = 4 * 4 * (32 + 5)
    assert counted.footprint_bytes == case["neurobench"]["Footprint"] - membranes
    assert (
        counted.footprint_bytes
        == count(network, spikes[:, :1], dt=1e-3).footprint_bytes
    )


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("hidden", [False, True], ids=["passed", "hidden"])
def test_kinds_of_neurons_by_loops(name: str, hidden: bool) -> None:
    make, variables, multiplications = KINDS[name]
    torch.manual_seed(0)
    network = Stepped(make, hidden=hidden)
    network.fc1.weight.data *= 4 * (torch.rand_like(network.fc1.weight) < 0.7)
    spikes = (torch.rand(15, 3, 12) < 0.3).float()
    between: list[Tensor] = []
    network.fc2.register_forward_pre_hook(lambda _, values: between.append(values[0]))
    with torch.no_grad():
        network(spikes)
    network.fc2._forward_pre_hooks.clear()
    reached = (network.fc1.weight != 0).sum(0)
    expected = sum(int(reached[f]) for _, _, f in spikes.nonzero().tolist())
    fired = sum(int(values.count_nonzero()) for values in between)
    counted = count(network, spikes, dt=1e-3)
    assert fired > 0
    assert [layer.effective for layer in counted.synapses] == [expected, 5 * fired]
    assert counted.membrane_updates == 15 * 3 * 37
    assert counted.membrane_multiplications == multiplications * 15 * 3 * 37
    states = [m for m in counted.neurons[0].moved() if m.kind == "states"]
    assert [(m.read, m.stored) for m in states] == [
        (15 * 3 * 32 * variables, 32 * variables)
    ]


def test_a_network_can_be_counted_after_training_and_again() -> None:
    torch.manual_seed(0)
    network = Stepped(KINDS["leaky"][0], hidden=True)
    spikes = (torch.rand(15, 3, 12) < 0.3).float()
    network(spikes).sum().backward()
    before = network.lif1.mem
    first, again = (count(network, spikes, dt=1e-3) for _ in range(2))
    assert first == again
    assert network.lif1.mem is before


@pytest.mark.parametrize("name", KINDS)
def test_states_are_no_part_of_the_footprint(name: str) -> None:
    network = Stepped(KINDS[name][0], hidden=True)
    few, many = (count(network, torch.ones(5, n, 12), dt=1e-3) for n in (1, 6))
    network(torch.ones(5, 9, 12))
    again = count(network, torch.ones(5, 1, 12), dt=1e-3)
    assert few.footprint_bytes == many.footprint_bytes == again.footprint_bytes


class Convolved(nn.Module):
    """A convolution of each step's row, and neurons."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 2, 3, padding=1)
        self.lif = snntorch.Leaky(0.9)

    def forward(self, spikes: Tensor) -> Tensor:
        state, outputs = self.lif.reset_mem(), []
        for step in spikes.unbind(0):
            fired, state = self.lif(self.conv(step[:, None]), state)
            outputs.append(fired)
        return torch.stack(outputs)


def test_a_convolution_stepped_through_time() -> None:
    spikes = (torch.rand(15, 3, 12) < 0.3).float()
    counted = count(Convolved(), spikes, dt=1e-3)
    inside = int(spikes[..., 1:-1].sum()) * 3
    borders = int(spikes[..., [0, -1]].sum()) * 2
    assert counted.effective_acs == 2 * (inside + borders)
    assert counted.membrane_updates == 15 * 3 * 2 * 12


def test_neurons_that_nothing_counts_are_refused() -> None:
    network = nn.Sequential(nn.Linear(12, 5), snntorch.SLSTM(5, 5))
    with pytest.raises(MeasurementError, match="is a SLSTM"):
        count(network, torch.zeros(2, 1, 12), dt=1e-3)
    convolved = snntorch.RLeaky(0.9, conv2d_channels=1, kernel_size=3)
    with pytest.raises(MeasurementError, match="is a Conv2d with parameters"):
        count(nn.Sequential(convolved), torch.zeros(2, 1, 4, 4), dt=1e-3)


SELF = torch.tensor([0.5, 0.0, 0.5, 0.5, 0.0])


@pytest.mark.parametrize("one_to_one", [False, True])
@pytest.mark.parametrize("read_out", ["spikes", "membrane"])
def test_recurrent_layers_in_a_network_are_counted_by_hand(
    one_to_one: bool, read_out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every spike but those of the last step meets the weights of its neuron."""

    def make(width: int, **options: bool) -> nn.Module:
        if one_to_one:
            return snntorch.RLeaky(0.9, V=SELF, all_to_all=False, **options)
        return snntorch.RLeaky(0.9, linear_features=width, **options)

    monkeypatch.setattr("tests.networks.nets.N_HIDDEN", 5)
    monkeypatch.setitem(LAYERS, "recurrent", make)
    settings = {"module": "tests.networks.nets:First", "read_out": read_out}
    made = Snntorch.model_validate(settings | {"options": {"layer": "recurrent"}})
    built = made.build(Shape(20, 12, 5, 1e-3), Leaky()).eval()
    spikes = (torch.rand(20, 3, 12) < 0.5).float()
    counted = count(built, spikes, dt=1e-3)
    neurons = built.layers[0].unrolled.module[1]
    fired: list[Tensor] = []
    neurons.register_forward_hook(lambda _, __, results: fired.append(results[0]))
    built(spikes)
    inputs, recurrent = counted.synapses
    before = torch.stack(fired)[:-1]
    per_spike = (SELF != 0).long() if one_to_one else torch.full((5,), 5)
    assert before.any()
    assert inputs.effective == int(spikes.sum()) * 5
    assert recurrent.effective == int((before.sum((0, 1)).long() * per_spike).sum())
    assert recurrent.dense == 20 * 3 * 5 * (1 if one_to_one else 5)
    assert counted.membrane_updates == 20 * 3 * 5
    assert counted.spikes == int(torch.stack(fired).sum())

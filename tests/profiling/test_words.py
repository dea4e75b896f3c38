"""Words of memory against loops that read and write one by one."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pipeline.networks.base import Shape
from pipeline.networks.competitive import Competitive
from pipeline.networks.parts.heads import SegmentRates
from pipeline.networks.parts.layers import Unrolled
from pipeline.networks.parts.stack import Layer, Stack
from pipeline.networks.parts.step_heads import MembraneHead
from pipeline.neurons.adaptive import Adaptive
from pipeline.neurons.base import Neuron
from pipeline.neurons.fractional import Fractional
from pipeline.neurons.izhikevich import Izhikevich
from pipeline.neurons.leaky import Leaky
from pipeline.neurons.parallel import Parallel
from pipeline.neurons.relu import Relu
from pipeline.profiling.counts import Counted
from pipeline.profiling.operations import count

RNG = np.random.default_rng(5)


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    """The same initial weights in every run."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def sparse(*shape: int) -> Tensor:
    values = RNG.normal(size=shape) * (RNG.random(shape) > 1 / 3)
    return torch.tensor(values, dtype=torch.float32)


def spikes(*shape: int, share: float = 0.3) -> Tensor:
    return torch.tensor(RNG.random(shape) < share, dtype=torch.float32)


def counter_of(counted: Counted) -> Counter[str]:
    """Words by kind and way."""
    words: Counter[str] = Counter()
    for moved in counted.moved():
        words[f"{moved.kind} read"] += moved.read
        words[f"{moved.kind} written"] += moved.written
    return +words


class Outputs(Unrolled):
    """Neurons in a sequence: their state goes no further."""

    def __call__(self, currents: Tensor) -> Tensor:
        outputs, *_ = super().__call__(currents)
        return outputs


def walked(values: Tensor, linear: nn.Linear) -> Counter[str]:
    """Walk a device over (time, batch, feature), with eight sums in its registers."""
    words: Counter[str] = Counter()
    for row in values.reshape(-1, values.shape[-1]):
        for block in linear.weight.split(8):
            for feature, value in enumerate(row.tolist()):
                words["spikes read"] += 1
                for weight in block[:, feature].tolist() if value else ():
                    words["weights read"] += bool(weight)
            for _ in block:
                words["biases read"] += linear.bias is not None
                words["sums written"] += 1
                words["sums read"] += 1
    return words


def updated(fired: Tensor, *, read: int, written: int, constants: int) -> Counter[str]:
    """Update every neuron at every step of (time, batch, neuron)."""
    words: Counter[str] = Counter()
    for _ in fired.flatten():
        words["states read"] += read
        words["states written"] += written
        words["constants read"] += constants
        words["spikes written"] += 1
    return words


@pytest.mark.parametrize(
    ("neuron", "read", "written", "constants"),
    [
        (Leaky(threshold=0.5), 1, 1, 2),
        (Leaky(threshold=0.5, learned_per="layer"), 1, 1, 0),
        (Adaptive(threshold=0.5), 2, 2, None),
        (Izhikevich(), 2, 2, None),
        (Fractional(taps=7), 7, 1, None),
        (Parallel(order=5, dilation=2), 4, 1, None),
    ],
    ids=["leaky", "shared", "adaptive", "izhikevich", "fractional", "parallel"],
)
def test_a_spiking_layer_by_loops(
    neuron: Neuron, read: int, written: int, constants: int | None
) -> None:
    network = nn.Sequential(nn.Linear(5, 11), Outputs(neuron, 11, dt=0.01))
    network[0].weight.data = sparse(11, 5)
    values = spikes(9, 3, 5)
    with torch.no_grad():
        fired = network(values)
    if constants is None:
        constants = len(network[1].neurons.constants())
    expected = walked(values, network[0])
    expected += updated(fired, read=read, written=written, constants=constants)
    assert counter_of(count(network, values, dt=0.01)) == +expected


def test_an_update_of_competing_neurons_moves_all_their_state() -> None:
    """Each has a membrane, a synaptic current, and a threshold of its own."""
    shape = Shape(n_steps=40, n_features=4, n_classes=3, dt=0.01)
    network = Competitive(units=6).build(shape, Leaky())
    neurons = network.layers[0].unrolled
    _, state = neurons(torch.zeros(1, 1, 6))
    counted = count(network, spikes(40, 3, 4), dt=0.01)
    moved = {each.kind: each for each in counted.neurons[0].moved()}
    updates = 40 * 3 * 6
    for kind in ("states", "constants"):
        assert moved[kind].read % updates == 0
    assert moved["states"].read == moved["states"].written
    assert moved["states"].read // updates == state.numel() // 6 == 2
    assert moved["states"].memory_bytes == 4 * state.numel()
    assert moved["constants"].read // updates == 1
    assert len(neurons.firing_thresholds()) == 6


def test_a_read_out_of_spikes_by_loops() -> None:
    """Eleven steps are segments of 4, 4 and 3; each class's sum is read out once."""
    network = nn.Sequential(
        nn.Linear(5, 6, bias=False),
        Outputs(Leaky(threshold=0.2), 6, dt=0.01),
        SegmentRates(3),
        nn.Linear(18, 4),
    )
    network[0].weight.data = sparse(6, 5).abs()
    network[3].weight.data = sparse(4, 18)
    values = spikes(11, 3, 5)
    with torch.no_grad():
        fired = network[:2](values)
    expected = walked(values, network[0])
    expected += updated(fired, read=1, written=1, constants=2)
    for step, _, channel in np.ndindex(*fired.shape):
        expected["spikes read"] += 1
        if fired[step, _, channel]:
            column = 6 * min(step // 4, 2) + channel
            for weight in network[3].weight[:, column].tolist():
                expected["weights read"] += bool(weight)
    for _ in range(3 * 4):
        for word in ("biases read", "sums read", "sums written"):
            expected[word] += 1
    assert fired.any()
    assert counter_of(count(network, values, dt=0.01)) == +expected


def test_graded_layers_walk_as_spiking_ones_do() -> None:
    network = nn.Sequential(
        nn.Linear(5, 6),
        Outputs(Relu(), 6, dt=0.01),
        nn.Linear(6, 4),
        Outputs(Relu(), 4, dt=0.01),
        SegmentRates(3),
        nn.Linear(12, 2),
    )
    network[2].weight.data = sparse(4, 6)
    values = spikes(11, 3, 5)
    with torch.no_grad():
        first, second = network[:2](values), network[:4](values)
        rates = network[:5](values)
    expected = walked(values, network[0])
    for inputs, layer in ((first, network[2]), (rates, network[5])):
        words = walked(inputs, layer)
        words["values read"] = words.pop("spikes read")
        expected += words
    expected["values written"] += first.numel() + second.numel()
    added = int((second != 0).sum())
    expected["sums read"] += added
    expected["sums written"] += added
    assert second.any()
    assert counter_of(count(network, values, dt=0.01)) == +expected


def test_membranes_of_a_read_out_are_states() -> None:
    network = Stack(
        [Layer(nn.Linear(5, 6), Unrolled(Leaky(threshold=0.5), 6, dt=0.01))],
        MembraneHead(6, 4, dt=0.01),
    ).eval()
    words = counter_of(count(network, spikes(11, 3, 5), dt=0.01))
    updates = 11 * 3 * (6 + 4)
    assert words["states read"] == words["states written"] == updates
    assert words["constants read"] == 11 * 3 * (2 * 6 + 4)


def test_memories_are_as_large_as_what_they_hold() -> None:
    network = nn.Sequential(nn.Linear(5, 6), Outputs(Adaptive(), 6, dt=0.01))
    counted = count(network, spikes(9, 3, 5), dt=0.01)
    sizes = {moved.kind: moved.memory_bytes for moved in counted.moved()}
    assert sizes["weights"] == 4 * 30
    assert sizes["states"] == 4 * 2 * 6
    spikes_in = [m for m in counted.synapses[0].moved() if m.kind == "spikes"]
    assert [(m.bits, m.memory_bytes) for m in spikes_in] == [(1, 1)]


def test_without_hidden_spikes_only_the_input_is_left() -> None:
    network = nn.Sequential(
        nn.Linear(5, 6), Outputs(Leaky(threshold=0.3), 6, dt=0.01), nn.Linear(6, 4)
    )
    network[0].weight.data = sparse(6, 5).abs()
    counted = count(network, spikes(11, 3, 5), dt=0.01)
    silent = counted.without_hidden_spikes()
    first, second = counted.synapses
    assert second.effective > 0
    assert silent.effective_acs == first.effective
    assert silent.spikes == 0
    assert silent.membrane_updates == counted.membrane_updates

"""Integer networks, counted, against loops over their integers."""

import numpy as np
import pytest
import torch
from torch import Tensor

from pipeline.networks.parts.stack import Layer
from pipeline.profiling.counts import Counted, Synapses
from pipeline.profiling.describing import state_bytes
from pipeline.profiling.operations import count
from pipeline.quantization.network import IntegerNetwork
from pipeline.quantization.neurons.base import IntegerNeurons
from pipeline.quantization.neurons.competing import IntegerCompeting
from pipeline.quantization.neurons.dendritic import IntegerDendritic
from pipeline.quantization.neurons.leaky import IntegerLeaky
from pipeline.quantization.neurons.multisynaptic import IntegerMultisynaptic
from pipeline.quantization.neurons.polynomial import IntegerPolynomial
from pipeline.quantization.neurons.relu import IntegerRelu
from pipeline.quantization.quantize import outputs_of
from pipeline.quantization.read_outs import IntegerHead
from pipeline.quantization.recurrent import IntegerRecurrent
from pipeline.quantization.traces import IntegerTraces
from pipeline.quantization.weights import Convolution, Delayed, Dense

T, B, F, C, BINS = 23, 3, 4, 3, 2
LEAKS = [28928, 16384, 0, 32767, 20000, -3]
"""1 − 2^−3 + 2^−7, a half, none; 1 − 2^−15; four digits; and below 0."""
VALUES = {
    "bias": 50, "threshold": 300, "multiplier": 900, "a0": 3,
    "a2": 20, "a3": -30, "clip": 4000, "up": 2, "apart": 200,
}  # fmt: skip
BRANCHES = {IntegerDendritic: 2}


def integers(seed: int, *shape: int) -> Tensor:
    """Weights of one byte, of which a third are zero."""
    rng = np.random.default_rng(seed)
    values = rng.integers(-127, 128, shape) * (rng.random(shape) > 1 / 3)
    return torch.tensor(values, dtype=torch.int8)


def neurons(kind: type[IntegerNeurons], n: int) -> IntegerNeurons:
    tensors = {name: torch.full((n,), VALUES.get(name, 0)) for name in kind.TENSORS}
    branches = BRANCHES.get(kind, 1)
    for name in kind.A_BRANCH:
        tensors[name] = torch.full((branches * n,), VALUES.get(name, 0))
    for name, leaks in (("beta", LEAKS), ("branch_beta", LEAKS[::-1] * branches)):
        if name in tensors:
            tensors[name] = torch.tensor(leaks[: len(tensors[name])])
    options = {
        IntegerLeaky: {"shift": 2, "reset": "subtract"},
        IntegerPolynomial: {"shift": 9, "fraction": 8, "reset": "zero"},
        IntegerRelu: {"shift": 12},
        IntegerDendritic: {"branches": 2},
        IntegerMultisynaptic: {"shift": 2, "most": 4},
        IntegerCompeting: {
            "beta": 30000, "alpha": 20000, "inhibition": 40, "winners": 2, "shift": 1,
        },
    }[kind]  # fmt: skip
    return kind(tensors, dt=0.01, **options)


WEIGHTS = {
    "convolution": lambda n_in, n: Convolution(integers(1, n, n_in, 5), stride=2),
    "dense": lambda n_in, n: Dense(integers(2, n, n_in)),
    "delayed": lambda n_in, n: Delayed(integers(3, n, n_in * 3), count=3, every=2),
}


def network(weights: str, kind: type[IntegerNeurons]) -> IntegerNetwork:
    branches = BRANCHES.get(kind, 1)
    layers = [
        Layer(WEIGHTS[weights](F, branches * 6), neurons(kind, 6)),
        Layer(WEIGHTS["dense"](6, branches * 5), neurons(kind, 5)),
    ]
    tensors = {"bias": torch.full((C,), 7), "multiplier": torch.full((C,), 1000)}
    weight = integers(4, C, BINS * 5)
    head = IntegerHead(weight, tensors, n_read=T, bins=BINS, shift=10, scale=0.01)
    return IntegerNetwork(layers, head).eval()


def spikes(seed: int = 0) -> Tensor:
    rng = np.random.default_rng(seed)
    return torch.tensor(rng.random((T, B, F)) < 0.3, dtype=torch.float32)


def loops(values: Tensor, weights: torch.nn.Module) -> int:
    """Nonzero inputs that meet nonzero weights, one output step at a time."""
    met, weight = 0, weights.weight.tolist()
    n_out = len(weight)
    for window in values.unbind(1):
        rows = window.tolist()

        def at(step: int, feature: int, rows: list[list[float]] = rows) -> bool:
            return step >= 0 and rows[step][feature] != 0

        for out in range(n_out):
            if isinstance(weights, Convolution):
                stride = weights.constants["stride"]
                taps = weights.weight.shape[2]
                for j in range(T // stride):
                    last = (j + 1) * stride - 1
                    met += sum(
                        at(last - taps + 1 + k, f) and weight[out][f][k] != 0
                        for f in range(len(weight[out]))
                        for k in range(taps)
                    )
            elif isinstance(weights, Delayed):
                n, every = weights.constants["count"], weights.constants["every"]
                met += sum(
                    at(t - k * every, f) and weight[out][f * n + k] != 0
                    for t in range(len(rows))
                    for f in range(len(rows[0]))
                    for k in range(n)
                )
            else:
                met += sum(
                    at(t, f) and weight[out][f] != 0
                    for t in range(len(rows))
                    for f in range(len(rows[0]))
                )
    return met


def nonadjacent(number: int) -> int:
    """Nonzero digits from the last on: of odd numbers ±1, so that two zeros follow."""
    digits = 0
    while number:
        if number % 2:
            digits += 1
            number -= 2 - number % 4
        number //= 2
    return digits


def shifted(net: IntegerNetwork) -> int:
    """Digits of each neuron's leaks, one update at a time."""
    additions = 0
    for layer in net.layers:
        values = layer.unrolled.state_dict() | layer.unrolled.constants
        steps = T // 2 if isinstance(net.layers[0].weights, Convolution) else T
        for _ in range(steps * B):
            for name in ("beta", "alpha", "branch_beta"):
                if name in values:
                    leaks = torch.as_tensor(values[name])
                    if not leaks.dim():
                        leaks = leaks.expand(layer.unrolled.width)
                    additions += sum(map(nonadjacent, leaks.tolist()))
    return additions


def read_out(fired: Tensor, weight: Tensor) -> int:
    """Nonzero weights that each spike adds to the sums of its segment."""
    half = -(-len(fired) // 2)
    return sum(
        bool(weight[c, (step >= half) * fired.shape[2] + channel] != 0)
        for step, _, channel in fired.nonzero().tolist()
        for c in range(C)
    )


def of(counted: Counted, name: str) -> Synapses:
    return next(layer for layer in counted.synapses if layer.name.startswith(name))


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize(
    "kind", [IntegerLeaky, IntegerPolynomial, IntegerCompeting, IntegerDendritic]
)
def test_spiking_integers_by_loops(weights: str, kind: type[IntegerNeurons]) -> None:
    net, values = network(weights, kind), spikes()
    fired = [net.layers[0](values, None)[0]]
    fired.append(net.layers[1](fired[0].float(), None)[0])
    counted = count(net, values, dt=0.01)
    assert all(each.any() for each in fired)
    assert counted.effective_macs == 0
    assert of(counted, "layers.0.weights").effective == loops(
        values, net.layers[0].weights
    )
    assert of(counted, "layers.1.weights").effective == loops(
        fired[0], net.layers[1].weights
    )
    head = of(counted, "head")
    assert head.effective == read_out(fired[1], net.head.linear.weight)
    updates = sum(each.numel() for each in fired)
    assert counted.membrane_updates == updates
    curves = 3 if kind is IntegerPolynomial else 0
    assert counted.membrane_multiplications == curves * updates
    assert counted.shifted_additions == shifted(net)
    assert counted.spikes == sum(int(each.sum()) for each in fired)
    rescaled = updates if kind is IntegerPolynomial else 0
    assert counted.rescalings == rescaled + B * C
    inhibited = [layer for layer in counted.synapses if "inhibition" in layer.name]
    if kind is IntegerCompeting:
        others = [int(f.sum()) * (f.shape[2] - 1) for f in fired]
        assert [layer.effective for layer in inhibited] == others
    else:
        assert not inhibited


@pytest.mark.parametrize("kind", [IntegerLeaky, IntegerRelu])
def test_recurrent_integers_by_loops(kind: type[IntegerNeurons]) -> None:
    net, values = network("dense", kind), spikes()
    plain = count(net, values, dt=0.01)
    net.layers[0].unrolled = IntegerRecurrent(
        net.layers[0].unrolled, integers(7, 6, 6), lift=0
    )
    fired = net.layers[0](values, None)[0]
    counted = count(net, values, dt=0.01)
    own = of(counted, "layers.0.unrolled.recurrent")
    earlier = (fired[:-1] != 0).sum((0, 1))
    marks = (net.layers[0].unrolled.recurrent.weight != 0).sum(0)
    assert own.effective == int((earlier * marks).sum()) > 0
    assert own.dense == T * B * 36
    assert own.graded == (kind is IntegerRelu)
    assert own.store.value_bits == own.store.weight_bits == 8
    neurons_of_layer = [n for n in counted.neurons if n.name.startswith("layers.0")]
    (layer,) = neurons_of_layer
    first = plain.neurons[0]
    assert (layer.updates, layer.shifted_additions, layer.rescalings) == (
        first.updates,
        first.shifted_additions,
        first.rescalings,
    )
    assert layer.store == first.store
    assert counted.footprint_bytes == plain.footprint_bytes + 36


def test_traces_by_loops() -> None:
    """Three time constants of three classes, which read spikes of five neurons."""
    values, n = spikes(), 3 * C
    layers = network("dense", IntegerLeaky).layers
    alpha = torch.tensor((LEAKS * 2)[:n])
    tensors = {"alpha": alpha, "bias": torch.ones(n), "multiplier": torch.ones(n)}
    constants = {"classes": C, "up": 1, "shift": 3, "scale": 1.0}
    head = IntegerTraces(integers(5, n, 5), tensors, **constants)
    counted = count(IntegerNetwork(layers, head).eval(), values, dt=0.01)
    fired = outputs_of(IntegerNetwork(layers, head), values)[-1]
    per_channel = fired.sum((0, 1))
    met = (per_channel * (head.linear.weight != 0)).sum()
    assert of(counted, "head").effective == int(met) > 0
    traces, reading = counted.neurons[-2:]
    assert traces.updates == T * B * n
    leaks = sum(map(nonadjacent, alpha.tolist()))
    assert traces.shifted_additions == T * B * leaks
    assert (traces.rescalings, reading.rescalings) == (0, B * n)
    assert reading.updates == reading.shifted_additions == 0
    assert state_bytes(counted) == 4 * (6 + 5 + n)
    assert counted.membrane_multiplications == 0


@pytest.mark.parametrize("weights", WEIGHTS)
def test_graded_integers_by_loops(weights: str) -> None:
    net, values = network(weights, IntegerRelu), spikes()
    active = net.layers[0](values, None)[0]
    last = net.layers[1](active, None)[0]
    counted = count(net, values, dt=0.01)
    first, second, head = counted.synapses
    assert [layer.graded for layer in counted.synapses] == [False, True, True]
    assert first.effective == loops(values, net.layers[0].weights)
    assert second.effective == loops(active, net.layers[1].weights)
    sums = net.head.rates(last)
    nonzero = (sums != 0)[:, None] & (net.head.linear.weight != 0)
    assert head.effective == int(nonzero.sum())
    assert counted.membrane_updates == counted.spikes == 0
    assert counted.shifted_additions == 0
    assert counted.rescalings == active.numel() + last.numel() + B * C
    pool = next(layer for layer in counted.neurons if layer.name == "head.rates")
    assert pool.accumulated == int((last != 0).sum())
    # Activations have a byte, sums that the read-out takes have a word.
    assert [layer.store.value_bits for layer in counted.synapses] == [8, 8, 32]


@pytest.mark.parametrize("weights", WEIGHTS)
def test_events_of_several_spikes_by_loops(weights: str) -> None:
    """One multiply-accumulate each, whatever their number; in the read-out too."""
    net, values = network(weights, IntegerMultisynaptic), spikes()
    first = net.layers[0](values, None)[0]
    last = net.layers[1](first, None)[0]
    assert first.max() > 1
    assert last.max() > 1
    counted = count(net, values, dt=0.01)
    assert [layer.graded for layer in counted.synapses] == [False, True, True]
    second, head = counted.synapses[1:]
    assert second.effective == loops(first, net.layers[1].weights)
    assert head.effective == read_out(last, net.head.linear.weight)
    assert counted.effective_macs == second.effective + head.effective
    assert counted.spikes == int((first != 0).sum() + (last != 0).sum())
    assert counted.membrane_multiplications == 0
    assert counted.rescalings == B * C
    assert [layer.store.value_bits for layer in counted.synapses] == [8, 8, 8]


@pytest.mark.parametrize(
    ("kind", "variables", "constants"),
    [
        (IntegerLeaky, 1, 3),
        (IntegerPolynomial, 1, 8),
        (IntegerRelu, 0, 2),
        (IntegerCompeting, 2, 1),
        (IntegerDendritic, 3, 2 + 2 * 3),
        (IntegerMultisynaptic, 1, 4),
    ],
)
def test_words_of_integer_neurons(
    kind: type[IntegerNeurons], variables: int, constants: int
) -> None:
    counted = count(network("dense", kind), spikes(), dt=0.01)
    moved = {m.kind: m for m in counted.neurons[0].moved()}
    rounds = T * B * 6
    assert moved["states"].read == moved["states"].written == rounds * variables
    assert moved["constants"].read == rounds * constants
    assert moved["states"].bits == moved["constants"].bits == 32
    weights = next(m for m in counted.synapses[0].moved() if m.kind == "weights")
    assert (weights.bits, weights.memory_bytes) == (8, BRANCHES.get(kind, 1) * 6 * F)
    graded = kind in (IntegerRelu, IntegerMultisynaptic)
    outputs = "values" if graded else "spikes"
    assert moved[outputs].bits == (8 if graded else 1)
    assert moved[outputs].written == rounds


@pytest.mark.parametrize("kind", [IntegerLeaky, IntegerRelu])
def test_footprint_is_a_byte_a_weight_and_four_a_constant(
    kind: type[IntegerNeurons],
) -> None:
    counted = count(network("convolution", kind), spikes(), dt=0.01)
    weights = 6 * F * 5 + 5 * 6 + C * BINS * 5
    constants = len(kind.TENSORS) * (6 + 5) + 2 * C
    assert counted.parameters == weights + constants
    assert counted.footprint_bytes == weights + 4 * constants

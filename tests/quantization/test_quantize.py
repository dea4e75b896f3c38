"""Networks of floats and what they become in integers."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pipeline import files
from pipeline.networks.base import Network, Shape
from pipeline.networks.competitive import Competitive
from pipeline.networks.convolutional import Convolutional
from pipeline.networks.dense import Dense
from pipeline.networks.parts.competing import Competing
from pipeline.networks.parts.layers import Recurrent as RecurrentNeurons
from pipeline.networks.parts.stack import Stack
from pipeline.networks.parts.weights import linear_of
from pipeline.networks.recurrent import Recurrent
from pipeline.neurons.base import Neuron
from pipeline.neurons.complementary import Complementary
from pipeline.neurons.dendritic import Dendritic
from pipeline.neurons.leaky import Leaky
from pipeline.neurons.multisynaptic import Multisynaptic
from pipeline.neurons.parametric import Parametric
from pipeline.neurons.polynomial import Polynomial
from pipeline.neurons.relu import Relu
from pipeline.neurons.resonate import Resonate
from pipeline.quantization.arithmetic import WordOverflowError
from pipeline.quantization.bounds import ONE, QuantizationError
from pipeline.quantization.network import IntegerNetwork, describe, rebuild
from pipeline.quantization.quantize import checked, outputs_of, quantize
from pipeline.quantization.scales import channel_scales, faked
from pipeline.quantization.signed_digits import MOST_DIGITS, digits, nearest

SHAPE = Shape(n_steps=61, n_features=5, n_classes=3, dt=0.01)
"""61 steps: the segments of the read-out differ in length."""

CONVOLUTIONAL = Convolutional(channels=(8, 6), kernels=(5, 4), strides=(2, 2), bins=4)
DENSE = Dense(units=(9, 7), bins=3)
RECURRENT = Recurrent(units=(8, 6), kernel=5, stride=2, norm="batch", bins=4)
COMPETITIVE = Competitive(
    units=6, delays=4, delay_s=0.02, inhibition=0.3, winners=2, bins=3
)

SEVERAL = Multisynaptic(tau_mem_s=0.02, threshold=1.5)

Cell = tuple[Network, Neuron]
CELLS: dict[str, Cell] = {
    "convolutional-leaky": (CONVOLUTIONAL, Leaky()),
    "convolutional-no-norm": (
        CONVOLUTIONAL.model_copy(update={"norm": "none"}),
        Leaky(),
    ),
    "dense-leaky-zero": (DENSE, Leaky(reset="zero")),
    "dense-leaky-zero-at-once": (DENSE, Leaky(reset="zero", reset_delay=False)),
    "dense-leaky-none": (DENSE, Leaky(reset="none", learned_per="neuron")),
    "dense-parametric": (DENSE, Parametric(threshold=0.02)),
    "convolutional-polynomial": (CONVOLUTIONAL, Polynomial()),
    "dense-polynomial-zero": (DENSE, Polynomial(reset="zero")),
    "convolutional-relu": (CONVOLUTIONAL, Relu()),
    "dense-relu": (DENSE, Relu()),
    "linear": (Dense(units=(), bins=4), Relu()),
    "count": (Dense(units=(9,), read_out="count"), Leaky()),
    "resonate": (DENSE, Resonate(threshold=0.05)),
    "dendritic": (DENSE, Dendritic(branches=3, threshold=0.2)),
    "convolutional-dendritic": (CONVOLUTIONAL, Dendritic(branches=2, resistance=9.0)),
    "recurrent-dendritic": (RECURRENT, Dendritic(branches=2, resistance=9.0)),
    "multisynaptic": (DENSE, Multisynaptic()),
    "multisynaptic-one": (CONVOLUTIONAL, Multisynaptic(thresholds=1)),
    "recurrent-multisynaptic": (RECURRENT, SEVERAL),
    "recurrent": (RECURRENT, Leaky(reset="zero")),
    "traces": (Dense(units=(9,), read_out="traces", traces=3), Leaky()),
    "competitive": (COMPETITIVE, Leaky(tau_mem_s=0.02)),
}
SPIKING = sorted(set(CELLS) - {"convolutional-relu", "dense-relu", "linear"})


def _spikes(n_windows: int = 40, seed: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    shape = (SHAPE.n_steps, n_windows, SHAPE.n_features)
    return (torch.rand(shape, generator=generator) < 0.3).float()


def _built(network: Network, neuron: Neuron, seed: int = 0) -> Stack:
    """Make a network with dynamics, norms and biases that are not where they begin."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        built: Any = network.build(SHAPE, neuron)
        for name, parameter in built.named_parameters():
            if name.endswith("linear.weight") and "layers" in name:
                parameter.data.uniform_(0.1, 0.6)
            elif "learned" in name:
                parameter.data += 0.05 * torch.randn_like(parameter)
            elif "norm" not in name and parameter.dim() > 1:
                parameter.data *= 2
        built.train()
        with torch.no_grad():
            for _ in range(20):
                built(_spikes())
    return built.eval()


@pytest.fixture(scope="module", params=sorted(CELLS))
def cell(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def network(cell: str) -> Stack:
    return _built(*CELLS[cell])


@pytest.fixture(scope="module")
def integers(network: Stack) -> IntegerNetwork:
    return quantize(network, _spikes())


def _few(tau_s: float, dt: float) -> float:
    """Give the time constant, seconds, whose leak has few digits."""
    return -dt / math.log(nearest(math.exp(-dt / tau_s), MOST_DIGITS) / ONE)


LEAKS = {"log_tau", "log_tau_refractory", "log_tau_branch"}


def _leaking(network: Stack) -> Stack:
    """Give the network of floats whose leaks have as few digits as those of int8."""
    leaking = checked(network)
    for layer in leaking.layers:
        unrolled: Any = layer.unrolled
        if isinstance(unrolled, Competing):
            taus = unrolled.population.tau_mem_s, unrolled.population.tau_syn_s
            tau_mem_s, tau_syn_s = (_few(tau_s, unrolled.dt) for tau_s in taus)
            unrolled.population = replace(
                unrolled.population, tau_mem_s=tau_mem_s, tau_syn_s=tau_syn_s
            )
        elif unrolled.spiking:
            learned = unrolled.neurons.learned
            for name in LEAKS & set(learned):
                log_tau = learned[name]
                taus = log_tau.exp().flatten().tolist()
                few = [_few(tau_s, unrolled.dt) for tau_s in taus]
                log_tau.data = torch.tensor(few).log().reshape_as(log_tau)
    return leaking


def _rounded(network: Stack) -> Stack:
    """Give the network of floats whose weights and leaks are those of int8."""
    rounded = _leaking(network)
    for layer in rounded.layers:
        weights: Any = linear_of(layer.weights)
        unrolled: Any = layer.unrolled
        if isinstance(unrolled, RecurrentNeurons):
            _round_together(unrolled, weights, unrolled.recurrent)
            continue
        data = weights.weight.data.double()
        rows = data.reshape(1, -1) if hasattr(layer.weights, "delays") else data
        scales = _scales(rows.flatten(1), unrolled)
        weights.weight.data = faked(rows, scales).reshape_as(data).float()
    return rounded


def _scales(rows: Tensor, unrolled: Any) -> Tensor:
    """Give the steps of weights; a neuron's branches are powers of two apart."""
    scales = channel_scales(rows, torch.zeros(len(rows)))
    if unrolled.equations != "dendritic":
        return scales
    _, gain, threshold, *betas = unrolled.neurons.constants().detach().double()
    gains = torch.cat([(1 - beta) * gain for beta in betas])
    each = (scales * gains).reshape(len(betas), -1)
    coarsest = each.amax(0).maximum(threshold / 2**14)
    return (coarsest / 2 ** (coarsest / each).log2().floor()).flatten() / gains


def _round_together(unrolled: Any, *maps: Any) -> None:
    """Round weights to the steps of one scale a neuron."""
    flat = [each.weight.data.double().flatten(1) for each in maps]
    scales = _scales(torch.cat(flat, 1), unrolled)
    for each, data in zip(maps, flat, strict=True):
        each.weight.data = faked(data, scales).reshape_as(each.weight).float()


def _last(network: nn.Module, spikes: Tensor) -> Tensor:
    stack: Any = network
    return outputs_of(stack, spikes)[-1]


def test_all_that_is_kept_is_integers(integers: IntegerNetwork) -> None:
    kinds = {tensor.dtype for tensor in integers.state_dict().values()}
    assert kinds <= {torch.int8, torch.int32}
    assert integers(_spikes()).dtype == torch.int64


def _error(network: Stack, spikes: Tensor) -> float:
    """Give how far logits are off, beside how they differ between windows."""
    integers = quantize(network, _spikes())
    with torch.no_grad():
        expected = network(spikes).double()
    off = integers(spikes) * integers.scale - expected
    spread = (expected - expected.mean(0)).square().mean()
    return float((off.square().mean() / spread).sqrt())


def test_logits_are_close_where_weights_are_the_same(network: Stack) -> None:
    assert _error(_rounded(network), _spikes(seed=2)) < 0.1


def test_outputs_are_close_to_those_of_floats(
    cell: str, network: Stack, integers: IntegerNetwork
) -> None:
    if cell not in SPIKING:
        assert _error(network, _spikes(seed=2)) < 0.05
        return
    expected, found = _last(network, _spikes(seed=2)), _last(integers, _spikes(seed=2))
    assert float((found != expected).double().mean()) < 0.06


@pytest.mark.parametrize("name", ["linear", "dense-leaky-none", "dense-relu"])
def test_the_error_grows_with_the_steps(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, spikes = _leaking(_built(*CELLS[name])), _spikes(seed=2)
    fine = _error(network, spikes)
    monkeypatch.setattr("pipeline.quantization.scales.LARGEST", 7)
    assert _error(network, spikes) > 4 * fine


def test_spikes_agree_where_weights_are_the_same(cell: str, network: Stack) -> None:
    if cell not in SPIKING:
        return
    rounded = _rounded(network)
    expected = _last(rounded, _spikes(seed=2))
    found = _last(quantize(rounded, _spikes()), _spikes(seed=2))
    assert 0.01 < float(expected.mean()) < 0.99
    assert float((found != expected).double().mean()) < 0.001


def test_a_file_brings_the_same_network_back(
    integers: IntegerNetwork, tmp_path: Path
) -> None:
    path = tmp_path / "fold-0.int8.safetensors"
    metadata = {"quantized": describe(integers)}
    files.save_weights(path, integers.state_dict(), meta=metadata)
    tensors, meta = files.load_weights(path)
    again = rebuild(tensors, meta["quantized"])
    assert torch.equal(again(_spikes()), integers(_spikes()))
    assert again.scale == integers.scale
    assert describe(again) == describe(integers)


def test_the_network_of_floats_is_not_changed(
    network: Stack, integers: IntegerNetwork
) -> None:
    before = {name: value.clone() for name, value in network.state_dict().items()}
    quantize(network, _spikes())
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])


def test_the_same_again(network: Stack, integers: IntegerNetwork) -> None:
    again = quantize(network, _spikes())
    assert describe(again) == describe(integers)
    for name, value in integers.state_dict().items():
        assert torch.equal(value, again.state_dict()[name])


@pytest.mark.parametrize("hostile", ["all", "alternating", "positive", "negative"])
def test_no_input_makes_numbers_overflow(
    integers: IntegerNetwork, hostile: str
) -> None:
    """Every step looks whether its numbers fit 32 bits, and raises if not."""
    shape = (SHAPE.n_steps, 2, SHAPE.n_features)
    if hostile == "all":
        spikes = torch.ones(shape)
    elif hostile == "alternating":
        spikes = (torch.arange(SHAPE.n_steps) % 2).reshape(-1, 1, 1).expand(shape)
    else:
        first: Any = [*integers.layers, integers.head][0]
        rows = first.weights.weight if integers.layers else first.linear.weight
        sums = rows[0].reshape(-1, SHAPE.n_features, 1)[0, :, 0]
        wanted = sums > 0 if hostile == "positive" else sums < 0
        spikes = wanted.expand(shape)
    assert bool(integers(spikes.float()).isfinite().all())


def test_whole_weights_and_thresholds_give_the_very_same_spikes() -> None:
    """Weights of up to 127 have a step of 1; without leak, all sums are exact."""
    generator = torch.Generator().manual_seed(4)
    network = _built(Dense(units=(6,), bins=4), Leaky(tau_mem_s=1e-5))
    neurons: Any = network.layers[0].unrolled
    linear: Any = network.layers[0].weights
    weights = torch.randint(-60, 100, (6, 5), generator=generator).float()
    weights[:, 0] = 127.0
    linear.weight.data = weights
    linear.bias.data = torch.randint(-9, 9, (6,), generator=generator).float()
    neurons.neurons.learned["log_tau"].data.fill_(-12.0)
    neurons.neurons.learned["log_threshold"].data.fill_(float(torch.tensor(99.5).log()))
    integers = quantize(network, _spikes())
    expected = _last(network, _spikes(seed=3))
    assert 0.1 < float(expected.mean()) < 0.9
    assert torch.equal(_last(integers, _spikes(seed=3)).float(), expected)
    assert torch.equal(integers.state_dict()["layers.0.weights.linear.weight"], weights)


def test_activations_are_off_by_half_a_step_and_the_bias_that_is_rounded() -> None:
    network = _rounded(_built(Dense(units=(9,), bins=3), Relu()))
    integers = quantize(network, _spikes())
    expected, found = _last(network, _spikes(seed=3)), _last(integers, _spikes(seed=3))
    assert found.max() == 127
    assert found.min() == 0
    positive = _last(network, _spikes())
    step = float(torch.quantile(positive[positive > 0], 0.999)) / 127
    linear: Any = network.layers[0].weights
    scales = channel_scales(linear.weight.detach(), torch.zeros(9))
    off = (found * step - expected.clamp(max=127 * step)).abs()
    assert bool((off <= 0.5 * step + 0.5 * scales + 1e-5).all())
    assert float((found == 127).double().mean()) < 0.01


def test_the_read_out_alone_is_off_by_its_rounding_only() -> None:
    network = _built(Dense(units=(), bins=4), Relu())
    integers = quantize(network, _spikes())
    spikes = _spikes(seed=3)
    weight, bias = (
        network.head.linear.weight.double(),
        network.head.linear.bias.double(),
    )
    with torch.no_grad():
        expected, rates = network(spikes).double(), network.head.rates(spikes).double()
    found = integers(spikes) * integers.scale
    # Half a step of every column's weight, as often as it is added, and of the bias.
    lengths = torch.tensor([16, 15, 15, 15]).repeat_interleave(SHAPE.n_features)
    steps = ((weight / lengths).abs().amax(1) / 127).maximum(bias.abs() / 2**14)
    counts = (rates * lengths).sum(1, keepdim=True)
    assert bool(((found - expected).abs() <= 0.5 * steps * (counts + 1) + 1e-4).all())


def test_all_leaks_have_few_digits(integers: IntegerNetwork) -> None:
    for layer in integers.layers:
        neurons: Any = layer.unrolled
        leaks = neurons.state_dict() | neurons.constants
        for name in {"beta", "alpha"} & set(leaks):
            for leak in torch.as_tensor(leaks[name]).flatten().tolist():
                assert 0 < digits(leak) <= MOST_DIGITS


@pytest.mark.parametrize("side", [0.999, 1.001])
def test_what_a_constant_current_comes_to_stays_the_same(side: float) -> None:
    """1 − β is between 5/32 and 6/32, the worst place; its gain is of the new leak."""
    tau_s = -SHAPE.dt / math.log(1 - side * 11 / 64)
    network = _built(Dense(units=(2,), bins=1), Parametric(tau_mem_s=tau_s))
    linear, neurons = network.layers[0].weights, network.layers[0].unrolled.neurons
    neurons.learned["log_tau"].data.fill_(math.log(tau_s))
    linear.weight.data[:] = torch.tensor([[0.97], [1.03]]) / SHAPE.n_features
    linear.bias.data.zero_()
    fired = _last(quantize(network, _spikes()), torch.ones(61, 1, SHAPE.n_features))
    assert fired.sum(0).tolist() == [[0, int(fired[:, 0, 1].sum())]]
    assert fired[:, 0, 1].any()


def test_a_neuron_without_weights_becomes_one() -> None:
    for neuron in (Leaky(), Polynomial(), Relu()):
        network = _built(Dense(units=(6,), bins=4), neuron)
        linear: Any = network.layers[0].weights
        linear.weight.data[2] = 0
        network.head.linear.weight.data[1] = 0
        network.head.linear.bias.data[1] = 0
        found = quantize(network, _spikes())(_spikes())
        assert bool((found[:, 1] == 0).all())
        assert bool((found[:, 0] != 0).any())
        assert _error(_rounded(network), _spikes()) < 0.1


def test_weights_that_are_0_stay_0() -> None:
    network = _built(DENSE, Leaky())
    linear: Any = network.layers[0].weights
    linear.weight.data[:, 1] = 0
    found = quantize(network, _spikes()).state_dict()["layers.0.weights.linear.weight"]
    assert bool((found[:, 1] == 0).all())


def test_weights_far_below_the_threshold_still_fit() -> None:
    network = _built(DENSE, Leaky())
    linear: Any = network.layers[0].weights
    linear.weight.data[0] *= 1e-12
    integers = quantize(network, _spikes())
    error = integers(_spikes()) * integers.scale - network(_spikes()).detach()
    assert float(error.abs().mean()) < 0.05


def test_membranes_that_hardly_leak_are_refused_by_name() -> None:
    wide = Shape(n_steps=61, n_features=2000, n_classes=3, dt=1e-6)
    with torch.random.fork_rng(devices=[]):
        network = Dense(units=(2,), bins=1).build(wide, Leaky(tau_mem_s=100))
    linear: Any = network.layers[0].weights
    linear.weight.data.fill_(1.0)
    with pytest.raises(QuantizationError, match="layer 1: its numbers might not fit"):
        quantize(network, torch.zeros(61, 1, 2000))


def test_a_shift_that_was_tampered_with_raises_and_does_not_wrap() -> None:
    integers = quantize(_built(DENSE, Leaky()), _spikes())
    parts = describe(integers)
    parts["layers"][0]["neurons"]["shift"] += 14
    with pytest.raises(WordOverflowError, match="leaky neurons: membrane"):
        rebuild(integers.state_dict(), parts)(torch.ones(61, 2, 5))


REFUSED: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "reward": (
        lambda: COMPETITIVE.model_copy(update={"reward": _reward()}).build(
            SHAPE, Leaky()
        ),
        "read-out: a RewardHead",
    ),
    "recurrent": (
        lambda: _built(Recurrent(units=(4,)), Complementary()),
        "layer 1: Complementary neurons",
    ),
    "complementary": (
        lambda: _built(DENSE, Complementary()),
        "layer 1: Complementary neurons",
    ),
    "at once": (
        lambda: _built(DENSE, Leaky(reset_delay=False)),
        "layer 1: Leaky neurons whose spikes subtract",
    ),
    "parametric": (
        lambda: _built(DENSE, Parametric(reset="subtract")),
        "layer 1: Parametric neurons whose spikes subtract",
    ),
    "no stack": (lambda: nn.Linear(2, 2), "network: a Linear"),
}


def _reward() -> Any:
    from pipeline.networks.parts.reward_settings import RewardReadOut

    return RewardReadOut()


@pytest.mark.parametrize("kind", sorted(REFUSED))
def test_what_has_no_integer_form_is_refused_by_name(kind: str) -> None:
    make, message = REFUSED[kind]
    with pytest.raises(QuantizationError, match=message):
        quantize(make(), _spikes())


def test_weights_that_are_no_numbers_are_refused() -> None:
    network = _built(DENSE, Leaky())
    linear: Any = network.layers[1].weights
    linear.weight.data[0, 0] = float("nan")
    with pytest.raises(QuantizationError, match=r"layer 2: .*not finite"):
        quantize(network, _spikes())


def test_calibration_without_windows_is_refused() -> None:
    with pytest.raises(QuantizationError, match="calibration"):
        quantize(_built(DENSE, Relu()), _spikes(0))

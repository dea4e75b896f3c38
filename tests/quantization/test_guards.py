"""Numbers that might not fit 32 bits: shifts step down for them, or they are refused.

In every network one channel is the offender and all others are sound, first, last or in
between, so that a bound that looks at any or at one channel only lets it through.
"""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pipeline.networks.base import Shape
from pipeline.networks.competitive import Competitive
from pipeline.networks.dense import Dense
from pipeline.neurons.base import Neuron
from pipeline.neurons.dendritic import Dendritic
from pipeline.neurons.leaky import Leaky
from pipeline.neurons.multisynaptic import Multisynaptic
from pipeline.neurons.polynomial import Polynomial
from pipeline.neurons.relu import Relu
from pipeline.neurons.resonate import Resonate
from pipeline.quantization.arithmetic import WORD, rounded
from pipeline.quantization.bounds import QuantizationError, fits, rounded_int
from pipeline.quantization.layers import quantise_neurons
from pipeline.quantization.network import IntegerNetwork
from pipeline.quantization.quantize import quantize
from pipeline.quantization.scales import LinearMap

N_STEPS, WIDE, UNITS = 40, 600, 3
"""The layers have more inputs than units, so that sums are large."""


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("sign", [-1, 1])
def test_one_number_beyond_32_bits_is_enough(place: int, sign: int) -> None:
    numbers = [5, -7, 0]
    assert fits(numbers)
    numbers[place] = sign * (WORD - 1)
    assert fits(numbers)
    numbers[place] = sign * WORD
    assert not fits(numbers)


def _built(
    network: Any, neuron: Neuron, n_features: int = WIDE, *, dt: float = 0.01
) -> Any:
    """Make a network whose layer has small sound weights and biases of 0."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        shape = Shape(N_STEPS, n_features, 2, dt)
        built: Any = network.build(shape, neuron).eval()
    layer = _linear(built)
    layer.weight.data.uniform_(0.001, 0.002)
    if layer.bias is not None:
        layer.bias.data.zero_()
    return built


def _linear(network: Any) -> nn.Linear:
    weights: Any = network.layers[0].weights
    return weights if isinstance(weights, nn.Linear) else weights.linear


def _silent(network: Any) -> IntegerNetwork:
    """Put it in integers; spiking networks need no spikes for that."""
    return quantize(network, torch.zeros(N_STEPS, 1, WIDE))


def _constants(network: IntegerNetwork) -> dict[str, Any]:
    layer: Any = network.layers[0]
    constants: dict[str, Any] = layer.unrolled.constants
    return constants


def _worst(network: IntegerNetwork) -> None:
    """LinearMap each neuron as far up and as far down as can be.

    Every step raises where a number does not fit 32 bits.
    """
    layer: Any = network.layers[0]
    for row in layer.weights.linear.weight:
        for push in (row > 0, row < 0):
            network(push.float().expand(N_STEPS, 1, WIDE))


LEAKY = Leaky(tau_mem_s=0.1, learned_per="neuron")
POLYNOMIAL = Polynomial(tau_mem_s=0.1, learned_per="neuron")
RESONATE = Resonate(frequency_hz=2.0, damping_hz=0.5)
DENDRITIC = Dendritic(branches=2, tau_mem_s=0.1, learned_per="neuron")
MULTISYNAPTIC = Multisynaptic(tau_mem_s=0.1, learned_per="neuron", thresholds=16)
ONE_LAYER = Dense(units=(UNITS,), bins=1)
COMPETITIVE = Competitive(
    units=UNITS, delays=1, inhibition=0.5, winners=1, bins=1, tau_syn_s=0.02
)

offenders = pytest.mark.parametrize("offender", range(UNITS))


@offenders
@pytest.mark.parametrize(
    ("network", "neuron", "name"),
    [
        (ONE_LAYER, LEAKY, "shift"),
        (ONE_LAYER, POLYNOMIAL, "fraction"),
        (COMPETITIVE, Leaky(tau_mem_s=0.1), "shift"),
        (ONE_LAYER, RESONATE, "shift"),
        (ONE_LAYER, MULTISYNAPTIC, "shift"),
    ],
    ids=["leaky", "polynomial", "competing", "resonate", "multisynaptic"],
)
def test_one_wide_neuron_takes_fraction_bits_from_its_layer(
    network: Any, neuron: Neuron, name: str, offender: int
) -> None:
    built = _built(network, neuron)
    sound = _constants(_silent(built))[name]
    _linear(built).weight.data[offender] = 300.0
    integers = _silent(built)
    assert 0 < _constants(integers)[name] < sound
    _worst(integers)


@offenders
def test_one_threshold_takes_fraction_bits_from_competing_neurons(
    offender: int,
) -> None:
    built = _built(COMPETITIVE, Leaky(tau_mem_s=0.1))
    sound = _constants(_silent(built))["shift"]
    # So large beside the weights that their step is a share of it, of the others too.
    built.layers[0].unrolled.thresholds[offender] = -1e6
    _linear(built).weight.data[:] = 1e6 / 2**14 * 127
    integers = _silent(built)
    assert _constants(integers)["shift"] < sound
    _worst(integers)


@offenders
def test_one_bend_takes_fraction_bits_from_polynomial_neurons(offender: int) -> None:
    built = _built(ONE_LAYER, POLYNOMIAL.model_copy(update={"clip": 100.0}))
    sound = _constants(_silent(built))["fraction"]
    built.layers[0].unrolled.neurons.learned["a2"].data[offender] = 40.0
    integers = _silent(built)
    assert 0 < _constants(integers)["fraction"] < sound
    _worst(integers)


@offenders
@pytest.mark.parametrize(
    ("name", "threshold"), [("a2", 1.0), ("a3", 1.0), ("a3", 0.01)]
)
def test_one_coefficient_beyond_32_bits_is_refused(
    name: str, threshold: float, offender: int
) -> None:
    """Also where membranes are clipped so near 0 that it bends them little."""
    built = _built(ONE_LAYER, POLYNOMIAL.model_copy(update={"threshold": threshold}))
    _silent(built)
    built.layers[0].unrolled.neurons.learned[name].data[offender] = 2.0**19
    with pytest.raises(QuantizationError, match="layer 1: its numbers might not fit"):
        _silent(built)


@offenders
def test_one_sum_of_faint_weights_is_refused_though_its_current_fits(
    offender: int,
) -> None:
    """Only of graded inputs can so many come in."""
    built = _built(ONE_LAYER, POLYNOMIAL)
    weights = torch.zeros(UNITS, WIDE, dtype=torch.float64)
    weights[:, 0] = 1e-9
    for share in (0.0, 1e-9):
        weights[offender, 1:] = share
        drive = LinearMap("layer 1", weights, torch.zeros(UNITS).double(), 2**16)
        if not share:
            quantise_neurons(drive, built.layers[0].unrolled, 1.0)
    assert 127 * WIDE * 2**16 > WORD
    with pytest.raises(QuantizationError, match="layer 1: its numbers might not fit"):
        quantise_neurons(drive, built.layers[0].unrolled, 1.0)


@offenders
def test_one_neuron_that_hardly_leaks_is_refused(offender: int) -> None:
    built = _built(ONE_LAYER, LEAKY)
    _linear(built).weight.data[:] = 1.0
    _silent(built)
    learned = built.layers[0].unrolled.neurons.learned
    learned["log_tau"].data[offender] = math.log(1e4)
    with pytest.raises(QuantizationError, match="layer 1: its numbers might not fit"):
        _silent(built)


@offenders
def test_one_neuron_that_swings_on_for_ever_is_refused(offender: int) -> None:
    built = _built(ONE_LAYER, RESONATE)
    _linear(built).weight.data[:] = 1.0
    _worst(_silent(built))
    learned = built.layers[0].unrolled.neurons.learned
    learned["log_damping"].data[offender] = math.log(1e-6)
    with pytest.raises(QuantizationError, match="layer 1: its numbers might not fit"):
        _silent(built)


@offenders
def test_events_of_several_spikes_take_fraction_bits_from_what_they_reach(
    offender: int,
) -> None:
    built = _built(Dense(units=(WIDE, UNITS), bins=1), MULTISYNAPTIC)
    built.layers[1].weights.weight.data.uniform_(0.0, 1e-4)
    built.layers[1].weights.weight.data[offender] = -300.0
    layer: Any = _silent(built).layers[1]
    sums = layer.weights(torch.full((400, 1, WIDE), 16.0))
    _, membrane = layer.unrolled(sums)
    # With the shift that single spikes allow it would pass 32 bits.
    assert WORD / 4 < -int(membrane[0, offender]) < WORD


def _shifts(network: IntegerNetwork) -> Tensor:
    layer: Any = network.layers[0]
    shifts: Tensor = layer.unrolled.up
    return shifts


@offenders
def test_one_wide_branch_takes_fraction_bits_from_its_layer(offender: int) -> None:
    built = _built(ONE_LAYER, DENDRITIC)
    sound = _shifts(_silent(built))
    _linear(built).weight.data[offender] = 300.0
    integers = _silent(built)
    shifts = _shifts(integers)
    others = [n for n in range(2 * UNITS) if n % UNITS != offender]
    assert (shifts[others] < sound[others]).all()
    # The neuron's other branch has finer steps, as far as the shift allows.
    assert int(shifts[UNITS + offender]) == int(shifts.min()) == 0
    layer: Any = integers.layers[0]
    for n in range(UNITS):
        row = layer.weights.linear.weight[n::UNITS].sum(0)
        for push in (row > 0, row < 0):
            integers(push.float().expand(N_STEPS, 1, WIDE))


@offenders
@pytest.mark.parametrize("name", ["log_tau", "log_tau_branch"])
def test_one_branch_or_membrane_that_hardly_leaks_is_refused(
    name: str, offender: int
) -> None:
    built = _built(ONE_LAYER, DENDRITIC)
    _linear(built).weight.data[:] = 1.0
    _silent(built)
    learned = built.layers[0].unrolled.neurons.learned
    learned[name].data[..., offender] = math.log(1e4)
    learned["log_threshold"].data[offender] = math.log(1e-6)
    with pytest.raises(QuantizationError, match="layer 1: its numbers might not fit"):
        _silent(built)


MANY = 133_200
"""So many int8 weights on int8 activations, 127² each, pass 2³¹."""


@offenders
def test_one_sum_of_rectified_units_beyond_32_bits_is_refused(offender: int) -> None:
    assert 127**2 * (MANY - 100) < WORD < 127**2 * MANY
    with torch.random.fork_rng(devices=[]):
        network = Dense(units=(MANY, UNITS), bins=1)
        built: Any = network.build(Shape(2, 1, 2, 0.01), Relu()).eval()
    weights = built.layers[1].weights
    weights.weight.data.zero_()
    weights.bias.data.zero_()
    weights.weight.data[:, 0] = 1.0
    quantize(built, torch.ones(2, 1, 1))
    weights.weight.data[offender] = 1.0
    with pytest.raises(QuantizationError, match="layer 2: sums that might not fit 32"):
        quantize(built, torch.ones(2, 1, 1))


def _read_out(n_steps: int) -> tuple[Any, Tensor]:
    """Make a linear read-out of spikes whose weights are 0, and windows without any."""
    with torch.random.fork_rng(devices=[]):
        shape = Shape(n_steps, WIDE, 2, 0.01)
        built: Any = Dense(units=(), bins=1).build(shape, Relu()).eval()
    built.head.linear.weight.data.zero_()
    built.head.linear.bias.data.zero_()
    return built, torch.zeros(1, 1, 1).expand(n_steps, 1, WIDE)


@pytest.mark.parametrize("offender", [0, 1])
def test_one_class_takes_bits_from_all_logits(offender: int) -> None:
    built, silence = _read_out(400)
    weight = built.head.linear.weight.data
    weight[:, 0] = 1.0
    sound = quantize(built, silence)
    weight[offender] = 1.0
    integers = quantize(built, silence)
    assert sound.scale < integers.scale < sound.scale * 2**12
    # The coarsest that still fits: of all spikes, the bits above it are none.
    (logits,) = integers(torch.ones(400, 1, WIDE))
    assert WORD / 4 < int(logits[offender]) < WORD


@pytest.mark.parametrize("offender", [0, 1])
def test_one_faint_class_whose_sums_pass_32_bits_is_refused(offender: int) -> None:
    """Its logits would fit: their unit is that of the other class's coarse weight."""
    n_steps = 30_000
    assert 127 * n_steps * WIDE > WORD
    built, silence = _read_out(n_steps)
    weight = built.head.linear.weight.data
    weight[:, 0] = 1.0
    quantize(built, silence)
    weight[offender] = 1e-6
    with pytest.raises(QuantizationError, match="read-out: its numbers might not fit"):
        quantize(built, silence)


@pytest.mark.parametrize("bits", [0, 1, 2, 15])
def test_bounds_round_as_the_networks_do(bits: int) -> None:
    products = [*range(-70, 71), 2**40 + 2**14, -(2**40) - 2**14]
    found = [rounded_int(product, bits) for product in products]
    assert found == rounded(torch.tensor(products), bits).tolist()

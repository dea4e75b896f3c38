"""The leaky layer: time constants in seconds, and snnTorch as a backend."""

import copy
import math
import pickle

import pytest
import snntorch
import torch

from pipeline.errors import ConfigError, DataError
from pipeline.neurons.leaky import Leaky
from pipeline.neurons.polynomial import Polynomial
from pipeline.neurons.relu import Relu
from pipeline.testing import check_neuron

DT = 0.004


def _currents(*, steps: int = 60, channels: int = 5) -> torch.Tensor:
    generator = torch.Generator().manual_seed(7)
    return torch.randn(steps, 3, channels, generator=generator)


def _layer(channels: int = 5) -> torch.nn.Module:
    """Make a layer whose neurons all differ."""
    layer = Leaky(tau_mem_s=0.02, threshold=0.8).build((channels,), dt=DT)
    with torch.no_grad():
        layer.learned["log_tau"] += torch.linspace(-1, 1, channels)
        layer.learned["log_threshold"] += torch.linspace(-0.5, 0.5, channels)
    return layer


@pytest.mark.parametrize("reset", ["subtract", "zero", "none"])
@pytest.mark.parametrize("reset_delay", [True, False])
def test_every_reset_keeps_the_contract(reset: str, reset_delay: bool) -> None:
    check_neuron(Leaky(reset=reset, reset_delay=reset_delay))


@pytest.mark.parametrize("surrogate", ["fast_sigmoid", "sigmoid", "straight_through"])
def test_every_surrogate_keeps_the_contract(surrogate: str) -> None:
    check_neuron(Leaky(surrogate=surrogate, surrogate_slope=5.0))


@pytest.mark.parametrize(
    ("learned_per", "shape"),
    [("layer", (1, 1)), ("channel", (4, 1)), ("neuron", (4, 3))],
)
def test_dynamics_are_learned_per(learned_per: str, shape: tuple[int, int]) -> None:
    layer = Leaky(learned_per=learned_per).build((4, 3), dt=DT)
    assert layer.learned["log_tau"].shape == shape
    spikes, membrane = layer.run(_currents(channels=12).reshape(60, 3, 4, 3))
    assert spikes.shape == (60, 3, 4, 3)
    assert membrane.shape == (3, 4, 3)
    spikes.sum().backward()
    assert (layer.learned["log_tau"].grad != 0).all()


@pytest.mark.parametrize("backend", ["torch", "snntorch"])
@pytest.mark.parametrize("reset", ["subtract", "zero", "none"])
def test_backends_give_the_same(
    backend: str, reset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Leaky(reset=reset, reset_gradient=False)
    compiled = model.build((5,), dt=DT)
    monkeypatch.setenv("BIOSPIKE_NEURONS", backend)
    other = model.build((5,), dt=DT)
    outputs = [layer.run(_currents()) for layer in (compiled, other)]
    for one, two in zip(*outputs, strict=True):
        assert torch.equal(one, two)
    for spikes, _ in outputs:
        (spikes * torch.linspace(0, 1, 60)[:, None, None]).sum().backward()
    for one, two in zip(compiled.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(one.grad, two.grad)


def test_snntorch_has_no_polynomial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIOSPIKE_NEURONS", "snntorch")
    with pytest.raises(ConfigError, match="Polynomial"):
        Polynomial().build((5,), dt=DT)
    with pytest.raises(ConfigError, match="only where that is at once"):
        Leaky().build((5,), dt=DT)
    monkeypatch.setenv("BIOSPIKE_NEURONS", "fast")
    with pytest.raises(ConfigError, match="fast"):
        Leaky().build((5,), dt=DT)


def test_a_constant_current_follows_the_closed_form() -> None:
    tau, current = 0.02, 0.1
    layer = Leaky(tau_mem_s=tau, threshold=10.0).build((1,), dt=DT)
    state = layer.initial_state(torch.zeros(1, 1))
    beta = math.exp(-DT / tau)
    for step in range(1, 30):
        spikes, *state = layer(torch.full((1, 1), current), *state)
        expected = current * (1 - beta**step) / (1 - beta)
        assert state[0].item() == pytest.approx(expected, rel=1e-5)
        assert spikes.item() == 0


def test_the_time_constant_is_in_seconds_whatever_the_step() -> None:
    coarse, _ = Leaky(tau_mem_s=0.05).build((1,), dt=0.01).constants()
    fine, _ = Leaky(tau_mem_s=0.05).build((1,), dt=0.0025).constants()
    torch.testing.assert_close(fine**4, coarse)


def test_it_learns_far_outside_the_start_without_a_dead_gradient() -> None:
    layer = Leaky().build((2,), dt=DT)
    with torch.no_grad():
        layer.learned["log_tau"].fill_(math.log(5.0))
    spikes, _ = layer.run(_currents(channels=2))
    spikes.sum().backward()
    assert (layer.constants()[0] < 1).all()
    assert (layer.learned["log_tau"].grad != 0).all()


def test_quantities_are_in_the_settings_units() -> None:
    quantities = Leaky(tau_mem_s=0.3, threshold=0.7).build((2,), dt=DT).quantities()
    torch.testing.assert_close(quantities["tau_mem_s"], torch.full((2,), 0.3))
    torch.testing.assert_close(quantities["threshold"], torch.full((2,), 0.7))


def test_an_unknown_learning_rate_is_refused() -> None:
    assert Leaky(learning_rates={"log_tau": 10.0}).learning_rates == {"log_tau": 10.0}
    with pytest.raises(ValueError, match="log_threshold are"):
        Leaky(learning_rates={"tau": 10.0})


@pytest.mark.parametrize("channels", [1, 4, 6])
def test_currents_of_another_width_are_refused(channels: int) -> None:
    with pytest.raises(DataError, match=rf"\({channels},\).*"):
        _layer(5).run(_currents(channels=channels))


def test_snntorch_does_not_keep_our_neurons_alive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BIOSPIKE_NEURONS", "snntorch")
    before = len(snntorch.SpikingNeuron.instances)
    layer = Leaky(reset_gradient=False).build((5,), dt=DT)
    for _ in range(5):
        layer.run(_currents())
    assert len(snntorch.SpikingNeuron.instances) == before


def test_nothing_stays_in_the_layer_after_a_training_run() -> None:
    layer, currents = _layer(), _currents()
    layer.run(currents)[0].sum().backward()
    copied = pickle.loads(pickle.dumps(copy.deepcopy(layer)))
    assert torch.equal(copied.run(currents)[0], layer.run(currents)[0])
    assert set(layer.state_dict()) == {"learned.log_tau", "learned.log_threshold"}


def test_relu_is_the_layer_without_memory() -> None:
    layer, currents = Relu().build((5,), dt=DT), _currents()
    assert Leaky().spiking
    assert not Relu().spiking
    assert layer.initial_state(currents[0]) == ()
    (outputs,) = layer.run(currents)
    assert torch.equal(outputs, currents.clamp(min=0))
    (output,) = layer(currents[0])
    assert torch.equal(output, currents[0].clamp(min=0))

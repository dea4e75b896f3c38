"""Sigma-delta neurons: a ReLU network that sends changes."""

import pytest
import torch
from torch import Tensor

from pipeline.kernels.neurons.surrogates import derivative, surrogate_options
from pipeline.neurons.sigma_delta import SigmaDelta
from pipeline.testing import check_neuron

DT = 0.01


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"threshold": 2.0, "learned_per": "neuron"},
        {"learned_per": "layer", "surrogate": "sigmoid"},
        {"surrogate": "straight_through"},
    ],
)
def test_it_keeps_the_contract(settings: dict[str, object]) -> None:
    check_neuron(SigmaDelta(**settings))


def _currents(steps: int = 80, size: float = 0.3) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    return size * torch.randn(steps, 4, 5, generator=generator)


def test_who_adds_up_the_events_has_the_senders_copy_within_the_threshold() -> None:
    layer = SigmaDelta(threshold=0.4).build((5,), dt=DT)
    received = torch.zeros(4, 5)
    state = layer.initial_state(received)
    total = torch.zeros(4, 5)
    for current in _currents(500):
        event, *state = layer(current, *state)
        received, total = received + event, total + current
        assert torch.equal(received, state[1])
        assert (received - total.relu()).abs().max() <= 0.4 * (1 + 1e-6)


def test_a_slow_ramp_is_sent_in_steps_above_the_threshold() -> None:
    layer = SigmaDelta(threshold=0.45).build((1,), dt=DT)
    events, *_ = layer.run(torch.full((40, 1, 1), 0.125))
    sent = events.flatten()
    assert sent[3::4].tolist() == [0.5] * 10
    assert sent.count_nonzero() == 10


def test_what_does_not_change_is_not_sent() -> None:
    currents = torch.zeros(50, 1, 3)
    currents[5] = torch.tensor([1.0, -1.0, 0.3])
    events, *_ = SigmaDelta().build((3,), dt=DT).run(currents)
    assert events.nonzero().tolist() == [[5, 0, 0]]
    assert events[5, 0, 0] == 1.0


def test_with_a_small_threshold_a_network_is_a_network_of_relus() -> None:
    """Two layers on changes give the changes of two ReLU layers."""
    generator = torch.Generator().manual_seed(1)
    first, second = torch.randn(2, 5, 5, generator=generator)
    layers = [SigmaDelta(threshold=1e-6).build((5,), dt=DT) for _ in range(2)]
    changes = _currents()
    hidden, *_ = layers[0].run(changes @ first)
    outputs, *_ = layers[1].run(hidden @ second)
    inputs = changes.cumsum(0)
    expected = ((inputs @ first).relu() @ second).relu()
    torch.testing.assert_close(outputs.cumsum(0), expected, atol=1e-4, rtol=1e-4)


def test_the_gradient_goes_straight_through_the_changes() -> None:
    layer = SigmaDelta().build((5,), dt=DT)
    currents = _currents(size=1.0).requires_grad_()
    weights = torch.randn(currents.shape, generator=torch.Generator().manual_seed(2))
    events, *_ = layer.run(currents)
    (events * weights).sum().backward()
    values = currents.detach().clone().requires_grad_()
    outputs = values.cumsum(0).relu()
    changes = outputs.diff(dim=0, prepend=torch.zeros_like(outputs[:1]))
    (changes * weights).sum().backward()
    torch.testing.assert_close(currents.grad, values.grad)


def test_the_thresholds_gradient_is_the_surrogate_times_the_change() -> None:
    layer = SigmaDelta(threshold=0.5).build((21,), dt=DT)
    currents = torch.linspace(-1, 2, 21).reshape(1, 1, 21)
    layer.run(currents)[0].sum().backward()
    change = currents[0, 0].relu()
    slope = derivative(change - 0.5, *surrogate_options("atan", 2.0))
    gradient = layer.learned["log_threshold"].grad
    torch.testing.assert_close(gradient, -change * slope * 0.5)

"""Recurrent networks whose first weights reach over several steps."""

from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from pipeline.networks.base import Shape
from pipeline.networks.parts.scaled import weight_of
from pipeline.networks.parts.stack import Stack
from pipeline.networks.recurrent import Recurrent
from pipeline.neurons.leaky import Leaky

SHAPE = Shape(n_steps=48, n_features=6, n_classes=3, dt=0.01)


def built(**settings: Any) -> Stack:
    """A network of nine neurons, always with the same first weights."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return Recurrent(units=(9,), bins=4, **settings).build(SHAPE, Leaky())


def spikes() -> Tensor:
    """Spikes of 48 steps, four windows, six features."""
    drawn = torch.rand(48, 4, 6, generator=torch.manual_seed(3))
    return (drawn < 0.3).float()


def test_the_kernel_adds_up_delayed_inputs() -> None:
    weights: Any = built(kernel=5, stride=2).layers[0].weights
    given, inner = spikes(), weights.convolution
    # The last column of a kernel is that of the newest step.
    by_delay = weight_of(inner).flip(2)
    for j, currents in enumerate(weights(given)):
        newest = 2 * (j + 1) - 1
        seen = [d for d in range(5) if d <= newest]
        expected = inner.bias + sum(
            given[newest - d] @ by_delay[..., d].t() for d in seen
        )
        torch.testing.assert_close(currents, expected)


def test_its_neurons_make_a_step_for_every_stride() -> None:
    network = built(kernel=4, stride=4, norm="batch")
    layer: Any = network.layers[0]
    assert network.stride == 4
    assert layer.unrolled.dt == pytest.approx(0.04)
    currents = layer.weights(spikes())
    assert currents.shape == (12, 4, 9)
    assert float(currents.detach().mean()) == pytest.approx(0, abs=1e-5)


def test_a_kernel_has_a_bias_only_if_asked() -> None:
    for bias in (True, False):
        weights: Any = built(bias=bias, kernel=3).layers[0].weights
        assert (weights.convolution.bias is not None) is bias


def test_pieces_of_time_with_a_kernel_are_computed_again() -> None:
    gradients = []
    for recompute in (False, True):
        network = built(kernel=5, recompute=recompute, dropout=0.0).double()
        network(spikes().double()).square().sum().backward()
        gradients.append([p.grad for p in network.parameters()])
    torch.testing.assert_close(gradients[1], gradients[0])


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"kernel": 3, "stride": 4}, "skip steps"),
        ({"kernel": 4, "stride": 2, "recompute": True}, "recompute"),
        ({"norm": "batch", "recompute": True}, "recompute"),
        ({"kernel": 0}, "greater than 0"),
    ],
)
def test_settings_that_do_not_fit_together(settings: Any, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Recurrent(**settings)

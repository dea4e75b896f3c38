"""Sliding PSN: a causal filter and a threshold."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv1d

from pipeline.kernels.neurons.sequence import UnstableError
from pipeline.neurons.parallel import Parallel
from pipeline.testing import check_neuron

DT = 0.01


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"order": 2, "learned_per": "neuron"},
        {"order": 5, "dilation": 3, "learned_per": "layer"},
        {"multiplication_free": True},
        {"order": 16, "dilation": 8, "surrogate": "sigmoid"},
    ],
)
def test_it_keeps_the_contract(settings: dict[str, object]) -> None:
    check_neuron(Parallel(**settings))


def _currents(steps: int = 80) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    return torch.randn(steps, 4, 5, generator=generator)


@pytest.mark.parametrize("dilation", [1, 3])
def test_spikes_are_a_depthwise_convolution_beyond_the_threshold(dilation: int) -> None:
    layer = Parallel(order=4, dilation=dilation).build((5,), dt=DT)
    with torch.no_grad():
        layer.learned["weights"] += _currents(4)[:, 0]
    spikes, *_ = layer.run(_currents())
    padded = torch.cat([torch.zeros(3 * dilation, 4, 5), _currents()])
    filters = layer.learned["weights"].flip(0).T[:, None]
    filtered = conv1d(padded.permute(1, 2, 0), filters, dilation=dilation, groups=5)
    expected = (filtered.permute(2, 0, 1) > 1).float()
    assert 0.05 < spikes.mean() < 0.95
    assert torch.equal(spikes, expected)


def test_weights_start_as_in_the_paper_and_nothing_resets() -> None:
    layer = Parallel(order=3).build((1,), dt=DT)
    assert layer.quantities()["weights"].flatten().tolist() == [1, 0.5, 0.25]
    spikes, *_ = layer.run(torch.full((9, 1, 1), 0.6))
    assert spikes.flatten().tolist() == [0, 0, 1, 1, 1, 1, 1, 1, 1]


def test_without_multiplications_weights_are_powers_of_two() -> None:
    layer = Parallel(order=64, multiplication_free=True).build((2,), dt=DT)
    drawn = torch.randn(64, 2, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        layer.learned["weights"].copy_(drawn * 10 ** torch.linspace(-6, 3, 64)[:, None])
    learned = layer.learned["weights"].detach()
    used = layer.quantities()["weights"].detach()
    mantissas, _ = torch.frexp(used)
    assert torch.equal(mantissas.abs(), torch.full_like(mantissas, 0.5))
    assert torch.equal(used.sign(), learned.sign())
    assert ((used / learned).log2().abs() <= 0.5 + 1e-6).all()
    assert layer.model.multiplications == 0


def test_the_rounding_passes_gradients_straight_through() -> None:
    free = Parallel(multiplication_free=True).build((5,), dt=DT)
    with torch.no_grad():
        free.learned["weights"] *= 1.2
    plain = Parallel().build((5,), dt=DT)
    gradients = []
    for layer in (free, plain):
        layer.run(_currents())[0].sum().backward()
        gradients.append(layer.learned["weights"].grad)
    assert torch.equal(*gradients)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -2e9])
def test_a_bad_current_is_named_though_it_is_soon_forgotten(value: float) -> None:
    currents = _currents()
    currents[7, 2, 3] = value
    with pytest.raises(UnstableError, match="step 7"):
        Parallel(order=2).build((5,), dt=DT).run(currents)

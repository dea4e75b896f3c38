"""Surrogate gradients against snnTorch's own, in torch and compiled."""

from typing import Any

import numba
import numpy as np
import pytest
import torch
from snntorch import surrogate

from pipeline.kernels.neurons.surrogates import (
    Surrogate,
    compiled_surrogate,
    spike,
    surrogate_gradient,
    surrogate_options,
)

SNNTORCH: dict[Surrogate, Any] = {
    "atan": surrogate.atan(3.0),
    "fast_sigmoid": surrogate.fast_sigmoid(3.0),
    "sigmoid": surrogate.sigmoid(3.0),
    "straight_through": surrogate.straight_through_estimator(),
}


def _gradient(function: Any, distance: torch.Tensor) -> torch.Tensor:
    distance = distance.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(function(distance).sum(), distance)
    return gradient


@pytest.mark.parametrize("name", SNNTORCH)
def test_spikes_and_gradients_are_snntorchs(name: Surrogate) -> None:
    distance = torch.linspace(-5, 5, 401)
    options = surrogate_options(name, 3.0)
    spikes = spike(distance, *options)
    assert torch.equal(spikes, SNNTORCH[name](distance))
    assert 0 < spikes.mean() < 1
    found = _gradient(lambda x: spike(x, *options), distance)
    torch.testing.assert_close(found, _gradient(SNNTORCH[name], distance))


@numba.njit
def _compiled_gradient(distances: Any, prepared: Any, gradient: Any) -> None:
    for k in range(len(distances)):
        gradient[k] = surrogate_gradient(distances[k], prepared)


@pytest.mark.parametrize("name", SNNTORCH)
@pytest.mark.parametrize("precision", [torch.float32, torch.float64])
def test_compiled_gradients_are_torchs(name: Surrogate, precision: torch.dtype) -> None:
    distance = torch.linspace(-50, 50, 1001, dtype=precision)
    options = surrogate_options(name, 3.0)
    expected = _gradient(lambda x: spike(x, *options), distance)
    found = np.empty_like(distance.numpy())
    prepared = compiled_surrogate(options, found.dtype)
    _compiled_gradient(distance.numpy(), prepared, found)
    torch.testing.assert_close(torch.from_numpy(found), expected)
    assert np.isfinite(found).all()


def test_the_sigmoid_does_not_overflow_as_snntorchs_does() -> None:
    far = torch.tensor([-40.0, 40.0])
    options = surrogate_options("sigmoid", 25.0)
    assert _gradient(SNNTORCH["sigmoid"], far).isnan().any()
    assert _gradient(lambda x: spike(x, *options), far).isfinite().all()

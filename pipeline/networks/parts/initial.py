"""Initial weights: neurons fire, and gradients neither grow nor vanish.

Time constants, surrogates, rates and networks differ by orders of magnitude, and so do
the currents that neurons need. No formula has all of them; a few passes over simulated
or real spikes do. Labels are not needed.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn

from pipeline.networks.parts.layers import Unrolled
from pipeline.networks.parts.scaled import ScaledConvolution, ScaledLinear, ScaledNorm
from pipeline.networks.parts.stack import Layer, Stack
from pipeline.networks.parts.weights import linear_of
from pipeline.neurons.parts.layer import NeuronLayer

RATE = 0.08
"""Share of its steps that a neuron fires in at first."""
LOOP = 0.5
"""The largest share of an output that returns through the recurrent weights."""
MOST_GROWTH, MOST_FIRING = 1.2, 2.0
"""With recurrent weights, beside without: gradients towards the past, and rates."""
HALVINGS = 12
"""Steps of the bisection of a scale, and the most halvings of a recurrent gain."""
WEAKEST, STRONGEST = -10.0, 12.0
"""Powers of two that a scale is looked for between, beside currents of spread 1."""
FAINTEST = 1e-12
"""Spread of currents that is still divided by."""
SMALLEST_RATIO = 0.01
STEPS, WINDOWS = 512, 64
"""The most steps and windows that are used."""


def calibrate(network: Stack, spikes: Tensor) -> None:
    """Scale the currents of a new network so that its neurons fire and can learn.

    Layer by layer, from the outputs of the layer before:

    - biases take the mean off each current, so that it swings around 0; a norm does it
      already;
    - each neuron's currents get the factor with which it fires in 8 % of the steps, by
      bisection on the logarithm; where none does, the layer's median;
    - recurrent weights, which are orthogonal, get the factor 0.5 / G, where G is how
      strongly a neuron's outputs answer a current, by surrogate gradients, at the
      frequency where they answer most. So one round of the loop is at most a half of
      the last, whatever the time constant, and gradients stay bounded. Where they still
      grow, or neurons begin to fire too often, the factors are halved.

    Weights themselves, norms and what neurons learn stay as they were, and so do layers
    that learn by local rules, rectified units, and layers which no spike reaches. It
    draws nothing at random.

    Parameters
    ----------
    network : Stack
        It is changed.
    spikes : Tensor, shape (time, batch, feature)
        Of training, or like it; of more, the first 512 steps and 64 windows are used.
    """
    values = spikes[:STEPS, :WINDOWS]
    with _as_in_training(network), torch.no_grad():
        for layer in network.layers:
            values = _calibrated(layer, values)


@contextmanager
def _as_in_training(network: nn.Module) -> Iterator[None]:
    """Let norms take the batch's statistics, and forget that they have."""
    training = network.training
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm1d)]
    kept = [
        {k: v.clone() for k, v in norm.named_buffers() if k != "gain"} for norm in norms
    ]
    network.train()
    try:
        yield
    finally:
        network.train(training)
        for norm, buffers in zip(norms, kept, strict=True):
            norm.load_state_dict(buffers, strict=False)


def _calibrated(layer: Layer, values: Tensor) -> Tensor:
    """Calibrate a layer; gives what it puts out."""
    neurons = layer.unrolled.dynamics
    currents: Tensor = layer.weights(values)
    if neurons is not None and bool(currents.any()):
        _set_off(layer.weights, currents)
        currents = layer.weights(values)
        target = min(RATE, _driven(layer, values))
        _strengthen(layer.weights, _strengths(neurons, currents, target))
        currents = layer.weights(values)
        _steady(layer.weights, neurons, currents)
        recurrent = layer.unrolled.recurrent_weights
        if isinstance(recurrent, ScaledLinear):
            _close_loop(layer.unrolled, recurrent.gain, neurons, currents)
    outputs, *_ = layer.unrolled(currents)
    return cast("Tensor", outputs)


def _scaled(weights: nn.Module) -> ScaledLinear | ScaledConvolution | None:
    """Give the linear map in weights; None if it has no factors."""
    linear = linear_of(weights)
    return linear if isinstance(linear, ScaledLinear | ScaledConvolution) else None


def _set_off(weights: nn.Module, currents: Tensor) -> None:
    """Let currents swing around 0 by 1 on average, as a norm does."""
    if (linear := _scaled(weights)) is None:
        return
    spread = currents.std(correction=0).clamp(min=FAINTEST)
    linear.gain.div_(spread)
    if linear.bias is not None:
        linear.bias.sub_(currents.mean((0, 1))).div_(spread)


def _strengthen(weights: nn.Module, factors: Tensor) -> None:
    """Multiply currents."""
    if isinstance(norm := getattr(weights, "norm", None), ScaledNorm):
        norm.gain.mul_(factors)
        return
    if (linear := _scaled(weights)) is not None:
        linear.gain.mul_(factors)
        linear.bias_gain.mul_(factors)


def _driven(layer: Layer, values: Tensor) -> float:
    """Count in which share of the steps something drives the neurons."""
    idle = 1 - float((values != 0).any(-1).to(values.dtype).mean())
    return float(1 - idle ** (layer.n_past + layer.stride))


def _steady(weights: nn.Module, neurons: NeuronLayer, currents: Tensor) -> None:
    """Let a lasting change of a bias count as much as one of the inputs' noise.

    A neuron that remembers for long adds up what lasts, and averages noise.
    """
    linear = _scaled(weights)
    if linear is None or linear.bias is None:
        return
    lasting = _reached(neurons.run, currents, currents.new_ones(len(currents), 1, 1))
    noise = _reached(neurons.run, currents, _signs(currents))
    sizes = [reached.square().mean((0, 1)).sqrt() for _, reached in (noise, lasting)]
    ratio = (sizes[0] / sizes[1].clamp(min=FAINTEST)).clamp(SMALLEST_RATIO, 1)
    linear.bias_gain.mul_(ratio)
    linear.bias.div_(ratio)


def _strengths(neurons: NeuronLayer, currents: Tensor, rate: float) -> Tensor:
    """Find what each neuron's currents are to be multiplied by."""
    n_inputs, width = neurons.model.inputs, neurons.shape[0]
    low = currents.new_full((width,), WEAKEST)
    high = currents.new_full((width,), STRONGEST)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        fired = _rates(neurons, currents * middle.exp2().repeat(n_inputs))
        low = torch.where(fired < rate, middle, low)
        high = torch.where(fired < rate, high, middle)
    fired = _rates(neurons, currents * high.exp2().repeat(n_inputs))
    # Where the rate leaps, it is the bias alone that fires.
    found = (high < STRONGEST) & (fired <= 2 * rate)
    powers = torch.where(found, high, high[found].median()) if found.any() else low
    return powers.exp2().repeat(n_inputs)


def _rates(neurons: NeuronLayer, currents: Tensor) -> Tensor:
    """Count in which share of the steps each neuron puts something out."""
    outputs, *_ = neurons.run(currents)
    return (outputs != 0).to(currents.dtype).mean((0, 1))


def _close_loop(
    layer: Unrolled, gain: Tensor, neurons: NeuronLayer, currents: Tensor
) -> None:
    """Choose the factors of recurrent weights, their `gain`."""
    gain.mul_(LOOP / _answers(neurons, currents))
    fired, alone = _trial(neurons.run, currents)
    for _ in range(HALVINGS):
        rate, growth = _trial(layer, currents)
        if growth <= MOST_GROWTH * alone and rate <= MOST_FIRING * fired:
            return
        gain.mul_(0.5)


def _answers(neurons: NeuronLayer, currents: Tensor) -> Tensor:
    """Find how strongly each neuron's outputs answer a current, at best."""
    times = torch.arange(len(currents), device=currents.device).to(currents.dtype)
    strongest = currents.new_full(currents.shape[2:], FAINTEST)
    period = 2.0
    while period <= 2 * len(currents):
        angles = (2 * torch.pi / period * times)[:, None, None]
        waves = angles.cos(), angles.sin()
        parts = [_reached(neurons.run, currents, wave)[1] for wave in waves]
        squares = parts[0].square() + parts[1].square()
        answer = squares.mean((0, 1)).sqrt()
        strongest = torch.maximum(strongest, answer)
        period *= 2
    # Where a current changes nothing there is no loop to bound.
    return strongest.clamp(min=0.01 * float(strongest.max()))


def _trial(run: Callable[..., Any], currents: Tensor) -> tuple[float, float]:
    """Measure how often neurons fire, and how gradients grow towards the past.

    That is how much larger they are in the first quarter than in the third.
    """
    outputs, reached = _reached(run, currents, _signs(currents))
    quarter = max(len(reached) // 4, 1)
    early = float(reached[:quarter].square().mean().sqrt())
    later = float(reached[2 * quarter :][:quarter].square().mean().sqrt())
    rate = float((outputs != 0).to(currents.dtype).mean())
    return rate, early / max(later, FAINTEST)


def _signs(currents: Tensor) -> Tensor:
    """Give +1 or −1 for every step, always the same."""
    generator = torch.Generator().manual_seed(0)
    shape = len(currents), 1, 1
    return torch.randint(0, 2, shape, generator=generator).to(currents) * 2 - 1


def _reached(
    run: Callable[..., Any], currents: Tensor, signs: Tensor
) -> tuple[Tensor, Tensor]:
    """Give outputs, and what each current changes in all outputs, times their signs."""
    with torch.enable_grad():
        inputs = currents.detach().requires_grad_()
        outputs, *_ = run(inputs)
        (reached,) = torch.autograd.grad((outputs * signs).sum(), inputs)
    return outputs.detach(), reached

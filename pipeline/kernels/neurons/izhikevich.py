"""Izhikevich's two-variable neuron over a complete sequence.

::

    r[t] = H(v[t−1] − 30)                          s[t−1]
    p[t] = c where r[t], else v[t−1]
    y[t] = w[t−1] + r[t]·d
    q[t] = p[t] + h·(f(p[t]) − y[t] + g·i[t])      two half-steps, h = dt / 2
    v[t] = q[t] + h·(f(q[t]) − y[t] + g·i[t])
    w[t] = y[t] + dt·a·(b·x(v[t]) − y[t])          the paper's u; with the new v
    s[t] = H((v[t] − 30) / 95)                     H' is the surrogate

    x(v) = min(max(v, −87.5), 30)
    f(v) = 0.04·x² + 5·x + 140 − 2·min(v + 87.5, 0)

The state is v, in millivolts and before its reset, and w. Between −87.5 and 30 mV this
is the published scheme. Below, f goes on as the straight line that touches it: a
half-step of 0.5 ms just does not overshoot there, where the parabola would throw an
inhibited neuron over its peak. Above the peak f is constant, so bounded currents give
bounded states. r carries no gradient; the surrogate's unit is 95 mV, from
−65 mV to the peak, like the distance of a leaky neuron's rest from its threshold.

Above −62.5 mV f' is positive: v drives itself up, and an upstroke multiplies gradients
by several hundreds. Over thousands of steps nothing could be learned from them. So f'
is 0 there for gradients: an upstroke passes them on unchanged.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from pipeline.kernels.compiling import compiled, inlined
from pipeline.kernels.neurons.sequence import SequenceKernel, State
from pipeline.kernels.neurons.surrogates import spike, surrogate_gradient

STEP, NUMBER = range(2)
"""Indices in the options: milliseconds a step, then the start of the surrogate."""

PEAK, LOWEST = 30.0, -87.5
SQUARE, LINEAR, OFFSET = 0.04, 5.0, 140.0
BELOW = LINEAR + 2 * SQUARE * LOWEST
"""f' at the lowest and below."""
VERTEX = -LINEAR / (2 * SQUARE)
"""The zero of f', in millivolts; above it, v drives itself up."""
UNIT = 1 / 95
"""The surrogate's unit, per millivolt."""


def step(
    current: Tensor, state: State, constants: State, options: Sequence[float]
) -> tuple[Tensor, State]:
    """Make one step in torch; constants are a, b, c, d and g."""
    (membrane, recovery), (a, b, c, d, gain) = state, constants
    fired = membrane > PEAK
    half = options[STEP] / 2
    drive = gain * current
    membrane = torch.where(fired, c, membrane)
    recovery = recovery + fired.to(recovery.dtype) * d
    membrane = membrane + half * (_rise(membrane) - recovery + drive)
    membrane = membrane + half * (_rise(membrane) - recovery + drive)
    towards = b * membrane.clamp(LOWEST, PEAK) - recovery
    recovery = recovery + options[STEP] * a * towards
    spikes = spike((membrane - PEAK) * UNIT, *options[NUMBER:])
    return spikes, (membrane, recovery)


def _rise(membrane: Tensor) -> Tensor:
    """Compute f(v), with the slope that gradients see."""
    calm = _parabola(membrane.clamp(max=VERTEX))
    # Nothing is added but a gradient.
    return _parabola(membrane).detach() + (calm - calm.detach())


def _parabola(membrane: Tensor) -> Tensor:
    """Compute f(v)."""
    inner = membrane.clamp(LOWEST, PEAK)
    below = membrane.clamp(max=LOWEST) - LOWEST
    return (SQUARE * inner + LINEAR) * inner + OFFSET + BELOW * below


def n_trace(options: Sequence[float]) -> int:
    """Keep v, w and i."""
    return 3


@inlined
def _clipped(v: Any, lowest: Any, peak: Any) -> Any:
    """Compute x(v)."""
    inner = lowest if v < lowest else v
    return peak if inner > peak else inner


@compiled
def _forward(
    currents: Any, state: Any, constants: Any, options: Any, spikes: Any, trace: Any
) -> None:
    real = currents.dtype.type
    one, zero = real(1), real(0)
    duration, half = real(options[STEP]), real(options[STEP] / 2)
    peak, lowest, below = real(PEAK), real(LOWEST), real(BELOW)
    square, linear, offset = real(SQUARE), real(LINEAR), real(OFFSET)
    a, b, gain = constants[0], constants[1], constants[4]
    c, d = constants[2], constants[3]
    for t in range(currents.shape[0]):
        for window in range(currents.shape[1]):
            membrane, recovery = state[0, window], state[1, window]
            current, fired = currents[t, window], spikes[t, window]
            for n in range(currents.shape[2]):
                reset = one if membrane[n] > peak else zero
                v = c[n] if membrane[n] > peak else membrane[n]
                w = recovery[n] + reset * d[n]
                drive = gain[n] * current[n]
                inner = _clipped(v, lowest, peak)
                rise = (square * inner + linear) * inner + offset
                rise = rise + below * ((v if v < lowest else lowest) - lowest)
                v = v + half * (rise - w + drive)
                inner = _clipped(v, lowest, peak)
                rise = (square * inner + linear) * inner + offset
                rise = rise + below * ((v if v < lowest else lowest) - lowest)
                v = v + half * (rise - w + drive)
                inner = _clipped(v, lowest, peak)
                w = w + duration * a[n] * (b[n] * inner - w)
                fired[n] = one if v > peak else zero
                if trace.shape[0]:
                    trace[0, t, window, n] = v
                    trace[1, t, window, n] = w
                    trace[2, t, window, n] = current[n]
                membrane[n] = v
                recovery[n] = w


@compiled
def _backward(
    grad_spikes: Any,
    grad_state: Any,
    trace: Any,
    state: Any,
    constants: Any,
    options: Any,
    surrogate: Any,
    grad_currents: Any,
    grad_constants: Any,
) -> None:
    real = constants.dtype.type
    one, zero, unit = real(1), real(0), real(UNIT)
    duration, half = real(options[STEP]), real(options[STEP] / 2)
    peak, lowest, below = real(PEAK), real(LOWEST), real(BELOW)
    square, linear, offset = real(SQUARE), real(LINEAR), real(OFFSET)
    twice = square + square
    a, b, gain = constants[0], constants[1], constants[4]
    c, d = constants[2], constants[3]
    for t in range(grad_spikes.shape[0] - 1, -1, -1):
        for window in range(grad_spikes.shape[1]):
            before = trace[0, t - 1, window] if t else state[0, window]
            slow = trace[1, t - 1, window] if t else state[1, window]
            fires, grad_i = grad_spikes[t, window], grad_currents[t, window]
            v, current = trace[0, t, window], trace[2, t, window]
            grad_v, grad_w = grad_state[0, window], grad_state[1, window]
            # Rows, because only loops over rows are vectorised.
            grad_a, grad_b = grad_constants[0, window], grad_constants[1, window]
            grad_c, grad_d = grad_constants[2, window], grad_constants[3, window]
            grad_gain = grad_constants[4, window]
            for n in range(grad_spikes.shape[2]):
                reset = one if before[n] > peak else zero
                first = c[n] if before[n] > peak else before[n]
                w = slow[n] + reset * d[n]
                inner = _clipped(first, lowest, peak)
                rise = (square * inner + linear) * inner + offset
                rise = rise + below * ((first if first < lowest else lowest) - lowest)
                second = first + half * (rise - w + gain[n] * current[n])
                steep = twice * inner + linear
                steep = zero if steep > zero else steep
                inner = _clipped(second, lowest, peak)
                steeper = twice * inner + linear
                steeper = zero if steeper > zero else steeper
                inner = _clipped(v[n], lowest, peak)
                within = one if inner == v[n] else zero
                pull = duration * a[n] * grad_w[n]
                slope = surrogate_gradient((v[n] - peak) * unit, surrogate)
                to_v = grad_v[n] + fires[n] * slope * unit + within * b[n] * pull
                to_second = to_v + half * steeper * to_v
                to_drive = half * (to_v + to_second)
                to_first = to_second + half * steep * to_second
                to_w = grad_w[n] - pull - to_drive
                grad_i[n] = to_drive * gain[n]
                grad_gain[n] += to_drive * current[n]
                grad_a[n] += duration * grad_w[n] * (b[n] * inner - w)
                grad_b[n] += pull * inner
                grad_c[n] += to_first * reset
                grad_d[n] += to_w * reset
                grad_v[n] = to_first * (one - reset)
                grad_w[n] = to_w


KERNEL = SequenceKernel("izhikevich", step, _forward, _backward, n_trace)

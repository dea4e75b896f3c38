"""Complementary leaky integrate-and-fire over a complete sequence.

::

    u[t] = γ·v[t−1] + i[t]
    s[t] = H(u[t] − θ)                            H' is the surrogate
    m[t] = m[t−1]·σ((1 − γ)·u[t]) + s[t]          σ(x) = 1 / (1 + exp(−x))
    v[t] = u[t] − s[t]·(θ + σ(m[t]))

The state is v and m. Every s carries its gradient, the one that resets too. In single
precision σ is computed by arithmetic alone, because no call of a library is vectorised;
it is within 2e-7 of torch's.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numba import types
from numba.extending import overload
from torch import Tensor

from pipeline.kernels.compiling import EXACT, compiled
from pipeline.kernels.neurons.sequence import SequenceKernel, State
from pipeline.kernels.neurons.surrogates import spike, surrogate_gradient

NUMBER = 0
"""The place in the options where the surrogate begins; there are no others."""

ONE, HALF = np.float32(1), np.float32(0.5)
LOWEST = np.float32(-87)
"""The lowest exponent whose exponential keeps all digits of single precision."""
PER_OCTAVE = np.float32(1 / math.log(2))
OCTAVE, OCTAVE_REST = np.float32(0.693359375), np.float32(math.log(2) - 0.693359375)
"""ln 2 in two parts; the first is short, so that its small multiples are exact."""
ROUNDING = np.float32(1.5 * 2**23)
"""Adding and subtracting it rounds to an integer."""
C3, C4, C5, C6, C7 = (np.float32(1 / math.factorial(k)) for k in range(3, 8))
BIAS, MANTISSA = np.int32(127), np.int32(23)
"""The bias of a single's exponent, and the number of bits below it."""


def step(
    current: Tensor, state: State, constants: State, options: Sequence[float]
) -> tuple[Tensor, State]:
    """Make one step in torch; constants are γ and θ."""
    (membrane, memory), (gamma, threshold) = state, constants
    membrane = gamma * membrane + current
    spikes = spike(membrane - threshold, *options[NUMBER:])
    memory = memory * ((1 - gamma) * membrane).sigmoid() + spikes
    membrane = membrane - spikes * (threshold + memory.sigmoid())
    return spikes, (membrane, memory)


def n_trace(options: Sequence[float]) -> int:
    """Keep u, m and σ(m)."""
    return 3


def logistic(value: Any) -> Any:
    """Compute σ; for compiled code only."""
    raise NotImplementedError


@overload(logistic, jit_options=EXACT)
def _choose_logistic(value: Any) -> Callable[..., Any]:
    """Choose by precision, when a loop is compiled."""
    return _single if value == types.float32 else _double


def _double(value: Any) -> Any:
    tail = math.exp(-abs(value))
    return (1.0 if value >= 0 else tail) / (1.0 + tail)


def _single(value: Any) -> Any:
    # exp(x) = 2^k·exp(x − k·ln 2), the second by its series on [−ln 2 / 2, ln 2 / 2].
    power = max(-abs(value), LOWEST)
    octaves = (power * PER_OCTAVE + ROUNDING) - ROUNDING
    rest = (power - octaves * OCTAVE) - octaves * OCTAVE_REST
    series = C3 + rest * (C4 + rest * (C5 + rest * (C6 + rest * C7)))
    series = ONE + rest * (ONE + rest * (HALF + rest * series))
    exponent = np.int32(octaves) + BIAS
    scale = np.int32(exponent << MANTISSA).view(np.float32)
    tail = series * scale
    return (ONE if value >= 0 else tail) / (ONE + tail)


@compiled
def _forward(
    currents: Any, state: Any, constants: Any, options: Any, spikes: Any, trace: Any
) -> None:
    one = currents.dtype.type(1)
    zero = currents.dtype.type(0)
    gamma, threshold = constants[0], constants[1]
    for t in range(currents.shape[0]):
        for b in range(currents.shape[1]):
            membrane, memory = state[0, b], state[1, b]
            current, fired = currents[t, b], spikes[t, b]
            for n in range(currents.shape[2]):
                u = gamma[n] * membrane[n] + current[n]
                s = one if u > threshold[n] else zero
                m = memory[n] * logistic((one - gamma[n]) * u) + s
                deep = logistic(m)
                v = u - s * (threshold[n] + deep)
                fired[n] = s
                if trace.shape[0]:
                    trace[0, t, b, n] = u
                    trace[1, t, b, n] = m
                    trace[2, t, b, n] = deep
                membrane[n] = v
                memory[n] = m


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
    one = constants.dtype.type(1)
    zero = constants.dtype.type(0)
    gamma, threshold = constants[0], constants[1]
    for t in range(grad_spikes.shape[0] - 1, -1, -1):
        # The first state is after its reset, the trace before it.
        traced = one if t else zero
        for b in range(grad_spikes.shape[1]):
            before = trace[0, t - 1, b] if t else state[0, b]
            slow = trace[1, t - 1, b] if t else state[1, b]
            dropped = trace[2, t - 1, b] if t else state[1, b]
            fires, grad_i = grad_spikes[t, b], grad_currents[t, b]
            u, deep = trace[0, t, b], trace[2, t, b]
            grad_v, grad_m = grad_state[0, b], grad_state[1, b]
            # Rows, because only loops over rows are vectorised.
            grad_gamma, grad_threshold = grad_constants[0, b], grad_constants[1, b]
            for n in range(grad_spikes.shape[2]):
                distance = u[n] - threshold[n]
                s = one if distance > zero else zero
                drop = threshold[n] + dropped[n]
                last = before[n] - drop * (traced if before[n] > threshold[n] else zero)
                keep = logistic((one - gamma[n]) * u[n])
                reset = grad_v[n] * s
                to_m = grad_m[n] - reset * deep[n] * (one - deep[n])
                to_s = fires[n] - grad_v[n] * (threshold[n] + deep[n]) + to_m
                to_s = to_s * surrogate_gradient(distance, surrogate)
                to_keep = to_m * slow[n] * keep * (one - keep)
                to_u = grad_v[n] + to_s + to_keep * (one - gamma[n])
                grad_i[n] = to_u
                grad_gamma[n] += to_u * last - to_keep * u[n]
                grad_threshold[n] -= to_s + reset
                grad_v[n] = to_u * gamma[n]
                grad_m[n] = to_m * keep


KERNEL = SequenceKernel("complementary", step, _forward, _backward, n_trace)

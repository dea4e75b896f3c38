"""Neurons that remember their last L membranes, over a complete sequence.

::

    r[t] = H(u[t−1] − θ)
    u[t] = i[t] + Σ_{j=1..L} a_j·u[t−j] − r[t]·θ
    s[t] = H(u[t] − θ)                                   H' is the surrogate

r carries a gradient if gradients flow through the reset. The state is the last L
membranes, newest first; the loops keep them in a ring, so that none has to move.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from pipeline.kernels.compiling import compiled, inlined
from pipeline.kernels.neurons.sequence import SequenceKernel, State
from pipeline.kernels.neurons.surrogates import spike, surrogate_gradient

THROUGH, NUMBER = range(2)
"""Places in the options: whether gradients flow through the reset, the surrogate."""


def step(
    current: Tensor, state: State, constants: State, options: Sequence[float]
) -> tuple[Tensor, State]:
    """Make one step in torch; constants are θ and a_1 to a_L."""
    threshold, *weights = constants
    membrane = current
    for weight, past in zip(weights, state, strict=True):
        membrane = membrane + weight * past
    reset = spike(state[0] - threshold, *options[NUMBER:])
    reset = reset if options[THROUGH] else reset.detach()
    membrane = membrane - reset * threshold
    return spike(membrane - threshold, *options[NUMBER:]), (membrane, *state[:-1])


@inlined
def _turn(ring: Any, places: Any) -> None:
    """Put row j + places, counted round the ring, into row j."""
    n_rows, n_windows, n_neurons = ring.shape
    rows = np.empty((n_rows, n_neurons), ring.dtype)
    for b in range(n_windows):
        for j in range(n_rows):
            for n in range(n_neurons):
                rows[j, n] = ring[(j + places) % n_rows, b, n]
        for j in range(n_rows):
            for n in range(n_neurons):
                ring[j, b, n] = rows[j, n]


@compiled
def _forward(
    currents: Any, state: Any, constants: Any, options: Any, spikes: Any, trace: Any
) -> None:
    one = currents.dtype.type(1)
    zero = currents.dtype.type(0)
    taps, n_neurons = len(state), state.shape[2]
    threshold = constants[0]
    for t in range(currents.shape[0]):
        for b in range(currents.shape[1]):
            # u[t − j] is in row (j − 1 − t) of the ring, and u[t] replaces u[t − L].
            membrane, before = state[(-1 - t) % taps, b], state[-t % taps, b]
            current, u = currents[t, b], spikes[t, b]
            for n in range(n_neurons):
                u[n] = current[n]
            for j in range(taps):
                weight, past = constants[1 + j], state[(j - t) % taps, b]
                for n in range(n_neurons):
                    u[n] += weight[n] * past[n]
            for n in range(n_neurons):
                reset = one if before[n] > threshold[n] else zero
                moved = u[n] - reset * threshold[n]
                u[n] = one if moved > threshold[n] else zero
                membrane[n] = moved
                if trace.shape[0]:
                    trace[0, t, b, n] = moved
    _turn(state, -currents.shape[0])


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
    through = constants.dtype.type(options[THROUGH])
    taps, n_steps, n_neurons = len(state), len(grad_spikes), state.shape[2]
    threshold = constants[0]
    for t in range(n_steps - 1, -1, -1):
        for b in range(grad_spikes.shape[1]):
            # The gradient of u[t − j] is in row (T − 1 − t + j) of the ring.
            row = n_steps - 1 - t
            before = trace[0, t - 1, b] if t else state[0, b]
            fires, u, grad_u = grad_spikes[t, b], trace[0, t, b], grad_currents[t, b]
            grad_m, grad_threshold = grad_state[row % taps, b], grad_constants[0, b]
            grad_before = grad_state[(row + 1) % taps, b]
            for n in range(n_neurons):
                reset = one if before[n] > threshold[n] else zero
                slope = surrogate_gradient(u[n] - threshold[n], surrogate)
                fired = fires[n] * slope
                grad_u[n] = grad_m[n] + fired
                grad_threshold[n] -= fired + grad_u[n] * reset
                grad_m[n] = zero
                slope = surrogate_gradient(before[n] - threshold[n], surrogate)
                to_reset = -through * grad_u[n] * threshold[n] * slope
                grad_before[n] += to_reset
                grad_threshold[n] -= to_reset
            for j in range(1, taps + 1):
                past = trace[0, t - j, b] if j <= t else state[j - t - 1, b]
                weight, grad_weight = constants[j], grad_constants[j, b]
                grad_past = grad_state[(row + j) % taps, b]
                for n in range(n_neurons):
                    grad_weight[n] += grad_u[n] * past[n]
                    grad_past[n] += grad_u[n] * weight[n]
    _turn(grad_state, n_steps)


KERNEL = SequenceKernel("fractional", step, _forward, _backward)

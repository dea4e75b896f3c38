"""Leaky integrate-and-fire over a complete sequence.

::

    r[t] = H(m[t−1] − θ)
    u[t] = β·m[t−1] + i[t] − r[t]·θ          reset by subtraction
    u[t] = β·(1 − r[t])·m[t−1] + i[t]        reset to zero
    s[t] = H(u[t] − θ)                       H' is the surrogate
    m[t] = u[t]                              delayed: the next step resets
    m[t] = u[t] − (s[t] − r[t])·θ            at once, by subtraction
    m[t] = u[t] − (s[t] − r[t])·u[t]         at once, to zero

Delayed is `snntorch.Leaky`'s `reset_delay=True`. Without a gradient through the reset
neither r nor this s carries one. With it, the spike that causes the reset carries one:
r if delayed, s if at once. In snnTorch only s does.
"""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from pipeline.kernels.compiling import compiled
from pipeline.kernels.neurons.sequence import SequenceKernel, State
from pipeline.kernels.neurons.surrogates import spike, surrogate_gradient

SUBTRACT, ZERO, AT_ONCE, THROUGH, NUMBER, STEEPNESS, PEAK = range(7)
"""Places in the options: four flags, 0 or 1, then the surrogate.

THROUGH: gradients flow through the reset.
"""


def step(
    current: Tensor, state: State, constants: State, options: Sequence[float]
) -> tuple[Tensor, State]:
    """Make one step in torch; constants are β and θ."""
    (membrane,), (beta, threshold) = state, constants
    reset = spike(membrane - threshold, *options[NUMBER:])
    if options[AT_ONCE] or not options[THROUGH]:
        reset = reset.detach()
    kept = (1 - options[ZERO] * reset) * membrane
    membrane = beta * kept + current - options[SUBTRACT] * reset * threshold
    spikes = spike(membrane - threshold, *options[NUMBER:])
    if options[AT_ONCE]:
        drop = options[SUBTRACT] * threshold + options[ZERO] * membrane
        fired = spikes if options[THROUGH] else spikes.detach()
        membrane = membrane - (fired - reset) * drop
    return spikes, (membrane,)


def n_trace(options: Sequence[float]) -> int:
    """Keep u and, where it differs, m."""
    return 2 if options[AT_ONCE] else 1


@compiled
def _forward(
    currents: Any, state: Any, constants: Any, options: Any, spikes: Any, trace: Any
) -> None:
    one = currents.dtype.type(1)
    zero = currents.dtype.type(0)
    subtract = currents.dtype.type(options[SUBTRACT])
    zeroing = currents.dtype.type(options[ZERO])
    at_once = options[AT_ONCE] != 0
    beta, threshold = constants[0], constants[1]
    for t in range(currents.shape[0]):
        for b in range(currents.shape[1]):
            membrane, current, fired = state[0, b], currents[t, b], spikes[t, b]
            for n in range(currents.shape[2]):
                reset = one if membrane[n] > threshold[n] else zero
                u = beta[n] * ((one - zeroing * reset) * membrane[n]) + current[n]
                u = u - subtract * reset * threshold[n]
                fired[n] = one if u > threshold[n] else zero
                if trace.shape[0]:
                    trace[0, t, b, n] = u
                if at_once:
                    drop = subtract * threshold[n] + zeroing * u
                    u = u - (fired[n] - reset) * drop
                    if trace.shape[0]:
                        trace[1, t, b, n] = u
                membrane[n] = u


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
    subtract = constants.dtype.type(options[SUBTRACT])
    zeroing = constants.dtype.type(options[ZERO])
    at_once = options[AT_ONCE] != 0
    through = options[THROUGH] != 0
    beta, threshold = constants[0], constants[1]
    for t in range(grad_spikes.shape[0] - 1, -1, -1):
        for b in range(grad_spikes.shape[1]):
            before = trace[-1, t - 1, b] if t else state[0, b]
            fires, grad_m = grad_spikes[t, b], grad_state[0, b]
            grad_i, u = grad_currents[t, b], trace[0, t, b]
            grad_beta, grad_threshold = grad_constants[0, b], grad_constants[1, b]
            for n in range(grad_spikes.shape[2]):
                reset = one if before[n] > threshold[n] else zero
                slope = surrogate_gradient(u[n] - threshold[n], surrogate)
                grad_s, grad_u, to_threshold = fires[n], grad_m[n], zero
                if at_once:
                    fired = one if u[n] > threshold[n] else zero
                    drop = subtract * threshold[n] + zeroing * u[n]
                    if through:
                        grad_s = grad_s - grad_u * drop
                    to_threshold = grad_u * (fired - reset) * subtract
                    grad_u = grad_u * (one - (fired - reset) * zeroing)
                grad_u = grad_u + grad_s * slope
                to_threshold = to_threshold + grad_s * slope + grad_u * subtract * reset
                kept = one - zeroing * reset
                grad_i[n] = grad_u
                grad_beta[n] += grad_u * kept * before[n]
                grad_threshold[n] -= to_threshold
                grad_m[n] = grad_u * beta[n] * kept
                if through and not at_once:
                    drop = subtract * threshold[n] + zeroing * beta[n] * before[n]
                    slope = surrogate_gradient(before[n] - threshold[n], surrogate)
                    to_reset = -grad_u * drop * slope
                    grad_m[n] += to_reset
                    grad_threshold[n] -= to_reset


KERNEL = SequenceKernel("leaky", step, _forward, _backward, n_trace)

"""Leaky integrate-and-fire whose threshold rises with each spike, over a sequence.

::

    r[t] = H(u[t−1] − h[t−1])                      s[t−1]
    a[t] = ρ·a[t−1] + r[t]
    h[t] = θ + j·a[t]                              the threshold
    u[t] = β·u[t−1] + i[t] − r[t]·h[t−1]           reset by subtraction
    u[t] = β·(1 − r[t])·u[t−1] + i[t]              reset to zero
    s[t] = H(u[t] − h[t])                          H' is the surrogate

The state is u and a. The r that resets carries no gradient, unless gradients flow
through the reset, as in the leaky kernel; the r that raises the threshold does. With
j = 0 it is the leaky kernel with a delayed reset, bit for bit.
"""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from pipeline.kernels.compiling import compiled
from pipeline.kernels.neurons.sequence import SequenceKernel, State
from pipeline.kernels.neurons.surrogates import spike, surrogate_gradient

SUBTRACT, ZERO, THROUGH, NUMBER, STEEPNESS, PEAK = range(6)
"""Places in the options: three flags, 0 or 1, then the surrogate.

THROUGH: gradients flow through the reset.
"""


def step(
    current: Tensor, state: State, constants: State, options: Sequence[float]
) -> tuple[Tensor, State]:
    """Make one step in torch; constants are β, θ, ρ and j."""
    (membrane, raised), (beta, threshold, rho, jump) = state, constants
    crossed = threshold + jump * raised
    fired = spike(membrane - crossed, *options[NUMBER:])
    reset = fired if options[THROUGH] else fired.detach()
    raised = rho * raised + fired
    kept = (1 - options[ZERO] * reset) * membrane
    membrane = beta * kept + current - options[SUBTRACT] * reset * crossed
    spikes = spike(membrane - (threshold + jump * raised), *options[NUMBER:])
    return spikes, (membrane, raised)


def n_trace(options: Sequence[float]) -> int:
    """Keep u and a."""
    return 2


@compiled
def _forward(
    currents: Any, state: Any, constants: Any, options: Any, spikes: Any, trace: Any
) -> None:
    one = currents.dtype.type(1)
    zero = currents.dtype.type(0)
    subtract = currents.dtype.type(options[SUBTRACT])
    zeroing = currents.dtype.type(options[ZERO])
    beta, threshold, rho, jump = constants[0], constants[1], constants[2], constants[3]
    for t in range(currents.shape[0]):
        for b in range(currents.shape[1]):
            membrane, raised = state[0, b], state[1, b]
            current, fired = currents[t, b], spikes[t, b]
            for n in range(currents.shape[2]):
                crossed = threshold[n] + jump[n] * raised[n]
                reset = one if membrane[n] > crossed else zero
                a = rho[n] * raised[n] + reset
                u = beta[n] * ((one - zeroing * reset) * membrane[n]) + current[n]
                u = u - subtract * reset * crossed
                fired[n] = one if u > threshold[n] + jump[n] * a else zero
                if trace.shape[0]:
                    trace[0, t, b, n] = u
                    trace[1, t, b, n] = a
                membrane[n] = u
                raised[n] = a


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
    through = constants.dtype.type(options[THROUGH])
    beta, threshold, rho, jump = constants[0], constants[1], constants[2], constants[3]
    for t in range(grad_spikes.shape[0] - 1, -1, -1):
        for b in range(grad_spikes.shape[1]):
            before = trace[0, t - 1, b] if t else state[0, b]
            slow = trace[1, t - 1, b] if t else state[1, b]
            fires, grad_i = grad_spikes[t, b], grad_currents[t, b]
            u, a = trace[0, t, b], trace[1, t, b]
            grad_u, grad_a = grad_state[0, b], grad_state[1, b]
            # Rows, because only loops over rows are vectorised.
            grad_beta, grad_threshold = grad_constants[0, b], grad_constants[1, b]
            grad_rho, grad_jump = grad_constants[2, b], grad_constants[3, b]
            for n in range(grad_spikes.shape[2]):
                distance = u[n] - (threshold[n] + jump[n] * a[n])
                to_s = fires[n] * surrogate_gradient(distance, surrogate)
                to_u = grad_u[n] + to_s
                to_a = grad_a[n] - jump[n] * to_s
                distance = before[n] - (threshold[n] + jump[n] * slow[n])
                reset = one if distance > zero else zero
                drop = subtract * (threshold[n] + jump[n] * slow[n])
                drop = drop + zeroing * beta[n] * before[n]
                to_r = to_a - through * to_u * drop
                to_r = to_r * surrogate_gradient(distance, surrogate)
                crossed = to_u * subtract * reset + to_r
                kept = one - zeroing * reset
                grad_i[n] = to_u
                grad_beta[n] += to_u * kept * before[n]
                grad_threshold[n] -= to_s + crossed
                grad_rho[n] += to_a * slow[n]
                grad_jump[n] -= to_s * a[n] + crossed * slow[n]
                grad_u[n] = to_u * beta[n] * kept + to_r
                grad_a[n] = to_a * rho[n] - jump[n] * crossed


KERNEL = SequenceKernel("adaptive_threshold", step, _forward, _backward, n_trace)

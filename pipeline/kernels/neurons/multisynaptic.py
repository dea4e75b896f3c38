"""Neurons with several thresholds and graded spikes, over a complete sequence.

::

    r[t] = H(u[t−1] − θ_0)
    u[t] = β·(1 − r[t])·u[t−1] + i[t]
    s[t] = Σ_k H(u[t] − θ_k)                             H' is the surrogate

The gradient of s is the sum of the thresholds' surrogates; r carries one if gradients
flow through the reset. With one threshold it is the leaky kernel with the delayed reset
to zero, bit for bit.
"""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from pipeline.kernels.compiling import compiled
from pipeline.kernels.neurons.sequence import SequenceKernel, State
from pipeline.kernels.neurons.surrogates import spike, surrogate_gradient

THROUGH, NUMBER = range(2)
"""Places in the options: whether gradients flow through the reset, the surrogate."""


def step(
    current: Tensor, state: State, constants: State, options: Sequence[float]
) -> tuple[Tensor, State]:
    """Make one step in torch; constants are β and the thresholds, lowest first."""
    (membrane,), (beta, *thresholds) = state, constants
    surrogate = options[NUMBER:]
    reset = spike(membrane - thresholds[0], *surrogate)
    reset = reset if options[THROUGH] else reset.detach()
    membrane = beta * ((1 - reset) * membrane) + current
    fired = [spike(membrane - threshold, *surrogate) for threshold in thresholds]
    return sum(fired[1:], fired[0]), (membrane,)


@compiled
def _forward(
    currents: Any, state: Any, constants: Any, options: Any, spikes: Any, trace: Any
) -> None:
    one = currents.dtype.type(1)
    zero = currents.dtype.type(0)
    beta, lowest = constants[0], constants[1]
    for t in range(currents.shape[0]):
        for b in range(currents.shape[1]):
            membrane, current, fired = state[0, b], currents[t, b], spikes[t, b]
            for n in range(currents.shape[2]):
                reset = one if membrane[n] > lowest[n] else zero
                u = beta[n] * ((one - reset) * membrane[n]) + current[n]
                fired[n] = one if u > lowest[n] else zero
                if trace.shape[0]:
                    trace[0, t, b, n] = u
                membrane[n] = u
            for k in range(2, constants.shape[0]):
                threshold = constants[k]
                for n in range(currents.shape[2]):
                    fired[n] += one if membrane[n] > threshold[n] else zero


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
    beta, lowest = constants[0], constants[1]
    for t in range(grad_spikes.shape[0] - 1, -1, -1):
        for b in range(grad_spikes.shape[1]):
            before = trace[0, t - 1, b] if t else state[0, b]
            fires, grad_m = grad_spikes[t, b], grad_state[0, b]
            grad_i, u, grad_beta = (
                grad_currents[t, b],
                trace[0, t, b],
                grad_constants[0, b],
            )
            for k in range(1, constants.shape[0]):
                threshold, grad_threshold = constants[k], grad_constants[k, b]
                for n in range(grad_spikes.shape[2]):
                    slope = surrogate_gradient(u[n] - threshold[n], surrogate)
                    grad_m[n] += fires[n] * slope
                    grad_threshold[n] -= fires[n] * slope
            grad_lowest = grad_constants[1, b]
            for n in range(grad_spikes.shape[2]):
                kept = zero if before[n] > lowest[n] else one
                grad_i[n] = grad_m[n]
                grad_beta[n] += grad_m[n] * kept * before[n]
                slope = surrogate_gradient(before[n] - lowest[n], surrogate)
                to_reset = -through * grad_m[n] * beta[n] * before[n] * slope
                grad_lowest[n] -= to_reset
                grad_m[n] = grad_m[n] * beta[n] * kept + to_reset


KERNEL = SequenceKernel("multisynaptic", step, _forward, _backward)

"""Leaky integrate-and-fire with a constant leak current, over a complete sequence.

::

    u[t] = β·(1 − H(u[t−1] − θ))·u[t−1] − d + i[t−1]        s[t] = H(u[t] − θ)

The reset carries no gradient.
"""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from pipeline.kernels.compiling import compiled
from pipeline.kernels.neurons.sequence import SequenceKernel, State
from pipeline.kernels.neurons.surrogates import spike, surrogate_gradient


def step(
    current: Tensor, state: State, constants: State, options: Sequence[float]
) -> tuple[Tensor, State]:
    """Make one step in torch; constants are β, θ and d, options the surrogate's."""
    (membrane, late), (beta, threshold, decay) = state, constants
    reset = spike(membrane - threshold, *options).detach()
    membrane = beta * ((1 - reset) * membrane) - decay + late
    return spike(membrane - threshold, *options), (membrane, current)


@compiled
def _forward(
    currents: Any, state: Any, constants: Any, options: Any, spikes: Any, trace: Any
) -> None:
    one, zero = currents.dtype.type(1), currents.dtype.type(0)
    beta, threshold, decay = constants[0], constants[1], constants[2]
    for t in range(currents.shape[0]):
        for b in range(currents.shape[1]):
            membrane, late = state[0, b], state[1, b]
            for n in range(currents.shape[2]):
                kept = zero if membrane[n] > threshold[n] else membrane[n]
                u = beta[n] * kept - decay[n] + late[n]
                spikes[t, b, n] = one if u > threshold[n] else zero
                if trace.shape[0]:
                    trace[0, t, b, n] = u
                membrane[n], late[n] = u, currents[t, b, n]


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
    zero = constants.dtype.type(0)
    beta, threshold = constants[0], constants[1]
    for t in range(grad_spikes.shape[0] - 1, -1, -1):
        for b in range(grad_spikes.shape[1]):
            before = trace[0, t - 1, b] if t else state[0, b]
            for n in range(grad_spikes.shape[2]):
                u = trace[0, t, b, n]
                slope = surrogate_gradient(u - threshold[n], surrogate)
                through = grad_spikes[t, b, n] * slope
                grad_u = grad_state[0, b, n] + through
                fires = before[n] > threshold[n]
                grad_currents[t, b, n] = grad_state[1, b, n]
                grad_constants[0, b, n] += grad_u * (zero if fires else before[n])
                grad_constants[1, b, n] -= through
                grad_constants[2, b, n] -= grad_u
                grad_state[0, b, n] = zero if fires else grad_u * beta[n]
                grad_state[1, b, n] = grad_u


KERNEL = SequenceKernel("drift", step, _forward, _backward)

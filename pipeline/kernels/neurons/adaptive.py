"""Adaptive leaky integrate-and-fire by the symplectic Euler rule, over a sequence.

::

    u[t] = β·m[t−1] + i[t] − (1 − β)·w[t−1]
    s[t] = H(u[t] − θ)                             H' is the surrogate
    m[t] = k·u[t] − j·θ where s[t], else u[t]      reset: k = 0 to zero, j = 1 subtracts
    w[t] = ρ·w[t−1] + A·m[t] + B·s[t]

The recovery w takes the membrane and the spike of its own step, which is what makes the
rule symplectic: without spikes the map's determinant is β·ρ whatever A is, so it is
stable while A·(1 − β) < (1 + β)·(1 + ρ). The s that resets carries no gradient, as in
the authors' code, unless gradients flow through the reset; the s that B feeds into w
does.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from pipeline.kernels.compiling import compiled
from pipeline.kernels.neurons.sequence import SequenceKernel, State
from pipeline.kernels.neurons.surrogates import spike, surrogate_gradient

SUBTRACT, ZERO, THROUGH, NUMBER = range(4)
"""Places in the options: three flags, 0 or 1, then where the surrogate begins.

THROUGH: gradients flow through the reset.
"""


def step(
    current: Tensor, state: State, constants: State, options: Sequence[float]
) -> tuple[Tensor, State]:
    """Make one step in torch; constants are β, θ, ρ, A and B."""
    membrane, recovery = state
    beta, threshold, rho, from_membrane, from_spike = constants
    membrane = beta * membrane + current - (1 - beta) * recovery
    spikes = spike(membrane - threshold, *options[NUMBER:])
    after = (1 - options[ZERO]) * membrane - options[SUBTRACT] * threshold
    drop = options[ZERO] * membrane + options[SUBTRACT] * threshold
    membrane = torch.where(membrane > threshold, after, membrane)
    if options[THROUGH]:
        # Nothing is added but a gradient.
        membrane = membrane - (spikes - spikes.detach()) * drop
    recovery = rho * recovery + from_membrane * membrane + from_spike * spikes
    return spikes, (membrane, recovery)


def n_trace(options: Sequence[float]) -> int:
    """Keep u and w."""
    return 2


@compiled
def _forward(
    currents: Any, state: Any, constants: Any, options: Any, spikes: Any, trace: Any
) -> None:
    one = currents.dtype.type(1)
    zero = currents.dtype.type(0)
    subtract = currents.dtype.type(options[SUBTRACT])
    left = currents.dtype.type(1 - options[ZERO])
    beta, threshold, rho = constants[0], constants[1], constants[2]
    from_membrane, from_spike = constants[3], constants[4]
    for t in range(currents.shape[0]):
        for b in range(currents.shape[1]):
            membrane, recovery = state[0, b], state[1, b]
            current, fired = currents[t, b], spikes[t, b]
            for n in range(currents.shape[2]):
                u = beta[n] * membrane[n] + current[n] - (one - beta[n]) * recovery[n]
                m = left * u - subtract * threshold[n] if u > threshold[n] else u
                s = one if u > threshold[n] else zero
                w = rho[n] * recovery[n] + from_membrane[n] * m + from_spike[n] * s
                fired[n] = s
                if trace.shape[0]:
                    trace[0, t, b, n] = u
                    trace[1, t, b, n] = w
                membrane[n] = m
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
    one = constants.dtype.type(1)
    zero = constants.dtype.type(0)
    subtract = constants.dtype.type(options[SUBTRACT])
    left = constants.dtype.type(1 - options[ZERO])
    zeroing = constants.dtype.type(options[ZERO])
    through = constants.dtype.type(options[THROUGH])
    beta, threshold, rho = constants[0], constants[1], constants[2]
    from_membrane, from_spike = constants[3], constants[4]
    for t in range(grad_spikes.shape[0] - 1, -1, -1):
        # The first state is after its reset, the trace before it.
        scale, drop = (left, subtract) if t else (one, zero)
        for b in range(grad_spikes.shape[1]):
            before = trace[0, t - 1, b] if t else state[0, b]
            slow = trace[1, t - 1, b] if t else state[1, b]
            fires, u, grad_i = grad_spikes[t, b], trace[0, t, b], grad_currents[t, b]
            grad_m, grad_w = grad_state[0, b], grad_state[1, b]
            # Rows, because only loops over rows are vectorised.
            grad_beta, grad_threshold = grad_constants[0, b], grad_constants[1, b]
            grad_rho, grad_from_membrane = grad_constants[2, b], grad_constants[3, b]
            grad_from_spike = grad_constants[4, b]
            for n in range(grad_spikes.shape[2]):
                above = u[n] > threshold[n]
                s = one if above else zero
                m = left * u[n] - subtract * threshold[n] if above else u[n]
                last = before[n]
                reset = scale * last - drop * threshold[n]
                last = reset if last > threshold[n] else last
                to_s = fires[n] + grad_w[n] * from_spike[n]
                to_m = grad_m[n] + grad_w[n] * from_membrane[n]
                lost = zeroing * u[n] + subtract * threshold[n]
                to_s = to_s - through * to_m * lost
                to_s = to_s * surrogate_gradient(u[n] - threshold[n], surrogate)
                to_u = to_s + (left * to_m if above else to_m)
                grad_i[n] = to_u
                grad_beta[n] += to_u * (last + slow[n])
                grad_threshold[n] -= to_s + s * subtract * to_m
                grad_rho[n] += grad_w[n] * slow[n]
                grad_from_membrane[n] += grad_w[n] * m
                grad_from_spike[n] += grad_w[n] * s
                grad_m[n] = to_u * beta[n]
                grad_w[n] = grad_w[n] * rho[n] - to_u * (one - beta[n])


KERNEL = SequenceKernel("adaptive", step, _forward, _backward, n_trace)

"""Neurons whose sub-threshold map is a polynomial, over a sequence.

::

    r[t] = H(u[t−1] − θ)
    p[t] = (1 − r[t])·u[t−1]                            reset to zero, else u[t−1]
    x[t] = min(max(p[t], −c), c)
    f[t] = β·p[t] + x[t]·x[t]·(a₂ + a₃·x[t]) + a₀       by Horner
    u[t] = f[t] + i[t] − r[t]·θ                         θ for resets by subtraction
    s[t] = H(u[t] − θ)                                  H' is the surrogate

Beyond ±c the map goes on as a straight line of slope β, so with 0 ≤ β < 1 bounded
currents give bounded membranes for any polynomial; with a₀ = a₂ = a₃ = 0 it is
the leaky kernel, bit for bit. r carries a gradient if gradients flow through the reset.
"""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from pipeline.kernels.compiling import compiled
from pipeline.kernels.neurons.sequence import SequenceKernel, State
from pipeline.kernels.neurons.surrogates import spike, surrogate_gradient

SUBTRACT, ZERO, CLIP, THROUGH, NUMBER, STEEPNESS, PEAK = range(7)
"""Places in the options: two flags, 0 or 1, c, a flag, then the surrogate.

THROUGH: gradients flow through the reset.
"""


def step(
    current: Tensor, state: State, constants: State, options: Sequence[float]
) -> tuple[Tensor, State]:
    """Make one step in torch; constants are β, θ, a₀, a₂ and a₃."""
    (membrane,), (beta, threshold, constant, square, cube) = state, constants
    reset = spike(membrane - threshold, *options[NUMBER:])
    reset = reset if options[THROUGH] else reset.detach()
    kept = (1 - options[ZERO] * reset) * membrane
    inner = kept.clamp(-options[CLIP], options[CLIP])
    bent = inner * inner * (square + cube * inner) + constant
    membrane = beta * kept + bent + current - options[SUBTRACT] * reset * threshold
    return spike(membrane - threshold, *options[NUMBER:]), (membrane,)


@compiled
def _forward(
    currents: Any, state: Any, constants: Any, options: Any, spikes: Any, trace: Any
) -> None:
    one = currents.dtype.type(1)
    zero = currents.dtype.type(0)
    subtract = currents.dtype.type(options[SUBTRACT])
    zeroing = currents.dtype.type(options[ZERO])
    clip = currents.dtype.type(options[CLIP])
    beta, threshold, constant = constants[0], constants[1], constants[2]
    square, cube = constants[3], constants[4]
    for t in range(currents.shape[0]):
        for b in range(currents.shape[1]):
            membrane, current, fired = state[0, b], currents[t, b], spikes[t, b]
            for n in range(currents.shape[2]):
                reset = one if membrane[n] > threshold[n] else zero
                kept = (one - zeroing * reset) * membrane[n]
                inner = -clip if kept < -clip else kept
                inner = clip if inner > clip else inner
                bent = inner * inner * (square[n] + cube[n] * inner) + constant[n]
                u = beta[n] * kept + bent + current[n]
                u = u - subtract * reset * threshold[n]
                fired[n] = one if u > threshold[n] else zero
                if trace.shape[0]:
                    trace[0, t, b, n] = u
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
    two = constants.dtype.type(2)
    three = constants.dtype.type(3)
    subtract = constants.dtype.type(options[SUBTRACT])
    zeroing = constants.dtype.type(options[ZERO])
    clip = constants.dtype.type(options[CLIP])
    through = options[THROUGH] != 0
    beta, threshold, square, cube = (
        constants[0],
        constants[1],
        constants[3],
        constants[4],
    )
    for t in range(grad_spikes.shape[0] - 1, -1, -1):
        for b in range(grad_spikes.shape[1]):
            before = trace[0, t - 1, b] if t else state[0, b]
            fires, grad_m = grad_spikes[t, b], grad_state[0, b]
            grad_i, u = grad_currents[t, b], trace[0, t, b]
            # Rows, because only loops over rows are vectorised.
            grad_beta, grad_threshold = grad_constants[0, b], grad_constants[1, b]
            grad_constant, grad_square = grad_constants[2, b], grad_constants[3, b]
            grad_cube = grad_constants[4, b]
            for n in range(grad_spikes.shape[2]):
                reset = one if before[n] > threshold[n] else zero
                kept = (one - zeroing * reset) * before[n]
                within = one if abs(kept) <= clip else zero
                inner = -clip if kept < -clip else kept
                inner = clip if inner > clip else inner
                slope = surrogate_gradient(u[n] - threshold[n], surrogate)
                fired = fires[n] * slope
                grad_u = grad_m[n] + fired
                grad_i[n] = grad_u
                grad_beta[n] += grad_u * kept
                grad_threshold[n] -= fired + grad_u * subtract * reset
                grad_constant[n] += grad_u
                grad_square[n] += grad_u * inner * inner
                grad_cube[n] += grad_u * inner * inner * inner
                rise = inner * (two * square[n] + three * cube[n] * inner) * within
                to_kept = grad_u * (beta[n] + rise)
                grad_m[n] = to_kept * (one - zeroing * reset)
                if through:
                    slope = surrogate_gradient(before[n] - threshold[n], surrogate)
                    drop = zeroing * to_kept * before[n]
                    to_reset = -slope * (drop + grad_u * subtract * threshold[n])
                    grad_m[n] += to_reset
                    grad_threshold[n] -= to_reset


KERNEL = SequenceKernel("polynomial", step, _forward, _backward)

"""Leaky membranes that never fire: exponential traces of their currents.

::

    y[t] = α·y[t−1] + (1 − α)·i[t]

The output is the trace itself, at every step.
"""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from pipeline.kernels.compiling import compiled
from pipeline.kernels.neurons.sequence import SequenceKernel, State
from pipeline.kernels.neurons.surrogates import surrogate_options

OPTIONS = surrogate_options("straight_through", 1.0)
"""Nothing fires, so no surrogate is used."""


def step(
    current: Tensor, state: State, constants: State, options: Sequence[float]
) -> tuple[Tensor, State]:
    """Make one step in torch; the constant is α."""
    (alpha,) = constants
    trace = alpha * state[0] + (1 - alpha) * current
    return trace, (trace,)


def n_trace(options: Sequence[float]) -> int:
    """Keep y[t−1] − i[t], for the gradient of α."""
    return 1


@compiled
def _forward(
    currents: Any, state: Any, constants: Any, options: Any, spikes: Any, trace: Any
) -> None:
    one = currents.dtype.type(1)
    alpha = constants[0]
    for t in range(currents.shape[0]):
        for b in range(currents.shape[1]):
            held, current, given = state[0, b], currents[t, b], spikes[t, b]
            for n in range(currents.shape[2]):
                if trace.shape[0]:
                    trace[0, t, b, n] = held[n] - current[n]
                y = alpha[n] * held[n] + (one - alpha[n]) * current[n]
                given[n] = y
                held[n] = y


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
    alpha = constants[0]
    for t in range(grad_spikes.shape[0] - 1, -1, -1):
        for b in range(grad_spikes.shape[1]):
            given, grad_i = grad_spikes[t, b], grad_currents[t, b]
            grad_y = grad_state[0, b]
            change, grad_alpha = trace[0, t, b], grad_constants[0, b]
            for n in range(grad_spikes.shape[2]):
                total = given[n] + grad_y[n]
                grad_i[n] = (one - alpha[n]) * total
                grad_alpha[n] += total * change[n]
                grad_y[n] = alpha[n] * total


KERNEL = SequenceKernel("integrator", step, _forward, _backward, n_trace)

"""Sigma-delta neurons, which send changes, over a complete sequence.

::

    y[t] = y[t−1] + i[t]                                 Σ: sum of all input
    e[t] = max(y[t], 0) − q[t−1]                         q: sum of all output
    s[t] = e[t]·H(|e[t]| − θ)                            Δ: a graded event
    q[t] = q[t−1] + s[t]

For the gradient s = e straight through, whether it was sent or not, and
∂s/∂θ = −e·H'(|e| − θ), where H' is the surrogate. So the gradient of s[t] reaches
max(y[t], 0) with weight 1 and max(y[t−1], 0) with weight −1.
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
    """Make one step in torch; the constant is θ."""
    (total, sent), (threshold,) = state, constants
    total = total + current
    change = total.relu() - sent
    size = change.detach()
    # The bracket is 0 and carries the gradient.
    event = size * spike(size.abs() - threshold, *options) + (change - size)
    return event, (total, sent + event)


def n_trace(options: Sequence[float]) -> int:
    """Keep y and e."""
    return 2


@compiled
def _forward(
    currents: Any, state: Any, constants: Any, options: Any, spikes: Any, trace: Any
) -> None:
    zero = currents.dtype.type(0)
    threshold = constants[0]
    for t in range(currents.shape[0]):
        for b in range(currents.shape[1]):
            total, sent = state[0, b], state[1, b]
            current, events = currents[t, b], spikes[t, b]
            for n in range(currents.shape[2]):
                y = total[n] + current[n]
                change = (y if y > zero else zero) - sent[n]
                event = change if abs(change) > threshold[n] else zero
                if trace.shape[0]:
                    trace[0, t, b, n] = y
                    trace[1, t, b, n] = change
                events[n] = event
                total[n] = y
                sent[n] = sent[n] + event


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
    threshold = constants[0]
    for t in range(grad_spikes.shape[0] - 1, -1, -1):
        for b in range(grad_spikes.shape[1]):
            grad_y, grad_q = grad_state[0, b], grad_state[1, b]
            y, change = trace[0, t, b], trace[1, t, b]
            events, grad_i = grad_spikes[t, b], grad_currents[t, b]
            grad_threshold = grad_constants[0, b]
            for n in range(grad_spikes.shape[2]):
                distance = abs(change[n]) - threshold[n]
                slope = surrogate_gradient(distance, surrogate)
                grad_e = events[n] + grad_q[n]
                grad_threshold[n] -= grad_e * change[n] * slope
                grad_i[n] = grad_y[n] + (grad_e if y[n] > zero else zero)
                grad_y[n] = grad_i[n]
                grad_q[n] = -events[n]


KERNEL = SequenceKernel("sigma_delta", step, _forward, _backward, n_trace)

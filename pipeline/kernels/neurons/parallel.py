"""Neurons that weigh the last few currents and never reset, over a complete sequence.

::

    h[t] = Σ_{i<k} w_i·x[t − i·d]
    s[t] = H(h[t] − θ)                                   H' is the surrogate

x are the currents, and the state is the last (k − 1)·d of them, newest first. No step
needs another step's result.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from pipeline.kernels.compiling import compiled
from pipeline.kernels.neurons.sequence import TOO_LARGE, SequenceKernel, State
from pipeline.kernels.neurons.surrogates import spike, surrogate_gradient

DILATION, NUMBER, STEEPNESS, PEAK = range(4)
"""Places in the options: d, then the surrogate."""


def step(
    current: Tensor, state: State, constants: State, options: Sequence[float]
) -> tuple[Tensor, State]:
    """Make one step in torch; constants are θ and the weights, the newest's first."""
    threshold, newest, *weights = constants
    dilation = int(options[DILATION])
    total = newest * current
    for weight, past in zip(weights, state[dilation - 1 :: dilation], strict=True):
        total = total + weight * past
    return spike(total - threshold, *options[NUMBER:]), (current, *state[:-1])


def n_trace(options: Sequence[float]) -> int:
    """Keep h and the currents."""
    return 2


@compiled
def _forward(
    currents: Any, state: Any, constants: Any, options: Any, spikes: Any, trace: Any
) -> None:
    one = currents.dtype.type(1)
    zero = currents.dtype.type(0)
    dilation = int(options[DILATION])
    n_steps, n_windows, n_neurons = currents.shape
    threshold = constants[0]
    no_number = currents.dtype.type(np.nan)
    bad = np.zeros((n_windows, n_neurons), currents.dtype)
    for t in range(n_steps):
        for b in range(n_windows):
            current, total, newest = currents[t, b], spikes[t, b], constants[1]
            for n in range(n_neurons):
                total[n] = newest[n] * current[n]
                bad[b, n] += zero if abs(current[n]) < TOO_LARGE else no_number
            for i in range(1, constants.shape[0] - 1):
                ago, weight = i * dilation, constants[1 + i]
                past = currents[t - ago, b] if ago <= t else state[ago - t - 1, b]
                for n in range(n_neurons):
                    total[n] += weight[n] * past[n]
            for n in range(n_neurons):
                if trace.shape[0]:
                    trace[0, t, b, n] = total[n]
                    trace[1, t, b, n] = current[n]
                total[n] = one if total[n] > threshold[n] else zero
    for j in range(state.shape[0] - 1, -1, -1):
        for b in range(n_windows):
            row, ago = state[j, b], n_steps - 1 - j
            kept = currents[ago, b] if ago >= 0 else state[-1 - ago, b]
            for n in range(n_neurons):
                # A current that is no number would else be forgotten unseen.
                row[n] = kept[n] + (bad[b, n] if j == 0 else zero)


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
    dilation = int(options[DILATION])
    n_steps, n_windows, n_neurons = grad_spikes.shape
    n_kept = state.shape[0]
    threshold = constants[0]
    grad_h = np.empty(n_neurons, constants.dtype)
    # The last state is the last currents and, after a short run, older ones.
    for t in range(n_steps):
        for b in range(n_windows):
            row, last = grad_currents[t, b], n_steps - 1 - t
            for n in range(n_neurons):
                row[n] = grad_state[last, b, n] if last < n_kept else zero
    for j in range(n_kept):
        for b in range(n_windows):
            row, older = grad_state[j, b], j + n_steps
            for n in range(n_neurons):
                row[n] = grad_state[older, b, n] if older < n_kept else zero
    for t in range(n_steps):
        for b in range(n_windows):
            grad_threshold = grad_constants[0, b]
            fires, h = grad_spikes[t, b], trace[0, t, b]
            for n in range(n_neurons):
                slope = surrogate_gradient(h[n] - threshold[n], surrogate)
                grad_h[n] = fires[n] * slope
                grad_threshold[n] -= grad_h[n]
            for i in range(constants.shape[0] - 1):
                ago, weight, grads = (
                    i * dilation,
                    constants[1 + i],
                    grad_constants[1 + i, b],
                )
                within = ago <= t
                past = trace[1, t - ago, b] if within else state[ago - t - 1, b]
                grad_past = (
                    grad_currents[t - ago, b] if within else grad_state[ago - t - 1, b]
                )
                for n in range(n_neurons):
                    grads[n] += grad_h[n] * past[n]
                    grad_past[n] += grad_h[n] * weight[n]


KERNEL = SequenceKernel("parallel", step, _forward, _backward, n_trace)

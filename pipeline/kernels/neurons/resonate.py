"""Balanced resonate-and-fire neurons over a complete sequence.

::

    k[t] = max(0, c − δ·q[t−1])
    x[t] = k[t]·x[t−1] − n·y[t−1] + i[t]          u = x + j·y turns and shrinks
    y[t] = n·x[t−1] + k[t]·y[t−1]
    s[t] = H(x[t] − θ·(1 + q[t−1]))               H' is the surrogate
    q[t] = γ·q[t−1] + s[t]

As k² ≤ c², every step without current shrinks u if c² + n² < 1, whatever q is.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline.kernels.compiling import compiled
from pipeline.kernels.neurons.sequence import SequenceKernel, State
from pipeline.kernels.neurons.surrogates import spike, surrogate_gradient


def step(
    current: Tensor, state: State, constants: State, options: Sequence[float]
) -> tuple[Tensor, State]:
    """Make one step in torch; constants are c, n, θ, γ and δ."""
    real, imaginary, tired = state
    most, sine, threshold, kept, per_spike = constants
    left = most - per_spike * tired
    left = torch.where(left > 0, left, torch.zeros_like(left))
    after = left * real - sine * imaginary + current
    imaginary = sine * real + left * imaginary
    spikes = spike(after - threshold * (1 + tired), *options)
    return spikes, (after, imaginary, kept * tired + spikes)


def n_trace(options: Sequence[float]) -> int:
    """Keep x, y and q."""
    return 3


@compiled
def _forward(
    currents: Any, state: Any, constants: Any, options: Any, spikes: Any, trace: Any
) -> None:
    one = currents.dtype.type(1)
    zero = currents.dtype.type(0)
    most, sine, threshold = constants[0], constants[1], constants[2]
    kept, per_spike = constants[3], constants[4]
    for t in range(currents.shape[0]):
        for b in range(currents.shape[1]):
            real, imaginary, tired = state[0, b], state[1, b], state[2, b]
            current, fired = currents[t, b], spikes[t, b]
            for n in range(currents.shape[2]):
                left = most[n] - per_spike[n] * tired[n]
                left = left if left > zero else zero
                x = left * real[n] - sine[n] * imaginary[n] + current[n]
                y = sine[n] * real[n] + left * imaginary[n]
                s = one if x - threshold[n] * (one + tired[n]) > zero else zero
                fired[n] = s
                real[n] = x
                imaginary[n] = y
                tired[n] = kept[n] * tired[n] + s
            # After the loop, which is vectorised only with few rows to write.
            if trace.shape[0]:
                kept_real, kept_imaginary = trace[0, t, b], trace[1, t, b]
                kept_tired = trace[2, t, b]
                for n in range(currents.shape[2]):
                    kept_real[n] = real[n]
                    kept_imaginary[n] = imaginary[n]
                    kept_tired[n] = tired[n]


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
    most, sine, threshold = constants[0], constants[1], constants[2]
    kept, per_spike = constants[3], constants[4]
    to_spike = np.empty(grad_spikes.shape[2], constants.dtype)
    to_left = np.empty(grad_spikes.shape[2], constants.dtype)
    for t in range(grad_spikes.shape[0] - 1, -1, -1):
        for b in range(grad_spikes.shape[1]):
            real = trace[0, t - 1, b] if t else state[0, b]
            imaginary = trace[1, t - 1, b] if t else state[1, b]
            tired = trace[2, t - 1, b] if t else state[2, b]
            fires, after, to_x = grad_spikes[t, b], trace[0, t, b], grad_currents[t, b]
            grad_x, grad_y = grad_state[0, b], grad_state[1, b]
            grad_q = grad_state[2, b]
            grad_most, grad_sine = grad_constants[0, b], grad_constants[1, b]
            grad_threshold = grad_constants[2, b]
            grad_kept, grad_per_spike = grad_constants[3, b], grad_constants[4, b]
            for n in range(grad_spikes.shape[2]):
                distance = after[n] - threshold[n] * (one + tired[n])
                slope = surrogate_gradient(distance, surrogate)
                to_s = (fires[n] + grad_q[n]) * slope
                to_spike[n] = to_s
                to_x[n] = grad_x[n] + to_s
            for n in range(grad_spikes.shape[2]):
                along = to_x[n] * real[n] + grad_y[n] * imaginary[n]
                left = most[n] - per_spike[n] * tired[n]
                along = along if left > zero else zero
                to_left[n] = along
                grad_most[n] += along
                grad_sine[n] += grad_y[n] * real[n] - to_x[n] * imaginary[n]
            for n in range(grad_spikes.shape[2]):
                grad_threshold[n] -= to_spike[n] * (one + tired[n])
                grad_kept[n] += grad_q[n] * tired[n]
                grad_per_spike[n] -= to_left[n] * tired[n]
            for n in range(grad_spikes.shape[2]):
                left = most[n] - per_spike[n] * tired[n]
                left = left if left > zero else zero
                to_y = grad_y[n]
                grad_x[n] = to_x[n] * left + to_y * sine[n]
                grad_y[n] = to_y * left - to_x[n] * sine[n]
                to_q = grad_q[n] * kept[n] - to_left[n] * per_spike[n]
                grad_q[n] = to_q - to_spike[n] * threshold[n]


KERNEL = SequenceKernel("resonate", step, _forward, _backward, n_trace)

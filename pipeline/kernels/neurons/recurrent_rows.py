"""Compiled sums over the rows of recurrent weights, and the gradient of the weights."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline.kernels.compiling import compiled
from pipeline.kernels.neurons.operators import as_arrays

SPARSE = 0.15
"""Share of neurons that fire below which the gradient of R is added row by row."""


def grad_weights(
    grads: Tensor, outputs: Tensor, spikes: Tensor, weights: Tensor
) -> Tensor:
    """Sum over steps the outer products of outputs and the next step's gradients."""
    if not len(grads):
        return torch.zeros_like(weights)
    first = grads[0].t() @ spikes
    sent, received = outputs[:-1].flatten(0, 1), grads[1:].flatten(0, 1)
    if int(sent.count_nonzero()) > SPARSE * sent.numel():
        return first + received.t() @ sent
    rows = torch.zeros_like(weights.t(), memory_format=torch.contiguous_format)
    senders, met, added = as_arrays(outputs, grads, rows)
    for t in range(1, len(grads)):
        _add_rows(senders[t - 1], met[t], added)
    return first + rows.t()


@compiled
def add_recurrent(currents: Any, spikes: Any, sent: Any, driven: Any) -> None:
    """Add to currents the rows of the neurons that fired, in order, four at a time."""
    n_inputs = currents.shape[1]
    fired = np.empty(spikes.shape[1], np.int64)
    for b in range(currents.shape[0]):
        given, total = currents[b], driven[b]
        count = 0
        for j in range(spikes.shape[1]):
            fired[count] = j
            count += spikes[b, j] != 0
        for n in range(n_inputs):
            total[n] = given[n]
        fours = count // 4 * 4
        for k in range(0, fours, 4):
            i0, i1, i2, i3 = fired[k], fired[k + 1], fired[k + 2], fired[k + 3]
            s0, s1, s2, s3 = spikes[b, i0], spikes[b, i1], spikes[b, i2], spikes[b, i3]
            r0, r1, r2, r3 = sent[i0], sent[i1], sent[i2], sent[i3]
            for n in range(n_inputs):
                total[n] = (
                    ((total[n] + s0 * r0[n]) + s1 * r1[n]) + s2 * r2[n]
                ) + s3 * r3[n]
        for k in range(fours, count):
            spike, row = spikes[b, fired[k]], sent[fired[k]]
            for n in range(n_inputs):
                total[n] += spike * row[n]


@compiled
def _add_rows(spikes: Any, grads: Any, rows: Any) -> None:
    """Add to each sender's row the gradients that its spikes met, four at a time."""
    n_inputs = grads.shape[1]
    fired = np.empty(spikes.shape[0], np.int64)
    for j in range(spikes.shape[1]):
        row = rows[j]
        count = 0
        for b in range(spikes.shape[0]):
            fired[count] = b
            count += spikes[b, j] != 0
        fours = count // 4 * 4
        for k in range(0, fours, 4):
            i0, i1, i2, i3 = fired[k], fired[k + 1], fired[k + 2], fired[k + 3]
            s0, s1, s2, s3 = spikes[i0, j], spikes[i1, j], spikes[i2, j], spikes[i3, j]
            g0, g1, g2, g3 = grads[i0], grads[i1], grads[i2], grads[i3]
            for n in range(n_inputs):
                row[n] += (s0 * g0[n] + s1 * g1[n]) + (s2 * g2[n] + s3 * g3[n])
        for k in range(fours, count):
            spike, grad = spikes[fired[k], j], grads[fired[k]]
            for n in range(n_inputs):
                row[n] += spike * grad[n]

"""Triplet STDP: pairs, and triplets that make it depend on rates.

::

    target fires:   w ← w + r₁·(A₂⁺ + A₃⁺·o₂)
    source fires:   w ← w − o₁·(A₂⁻ + A₃⁻·r₂)

r₁, r₂ are a fast and a slow trace of the source, o₁, o₂ of the target, as they were
before the step's own spikes. Spikes of the same step change nothing.
"""

from typing import Any, NamedTuple

import numpy as np

from pipeline.kernels.rules.learning import Traces, decay, implements


class Triplet(NamedTuple):
    """The constants: factors of each trace in a step (2, neuron), and amplitudes."""

    pre_decay: Any
    post_decay: Any
    pair_plus: Any
    pair_minus: Any
    triplet_plus: Any
    triplet_minus: Any
    w_max: Any


@implements(Triplet)
def _update(rule: Any, synapses: Any, traces: Any, now: Any) -> None:
    (r1, r2), (o1, o2) = (
        (traces.pre[0], traces.pre[1]),
        (traces.post[0], traces.post[1]),
    )
    decay(r1, rule.pre_decay[0])
    decay(r2, rule.pre_decay[1])
    decay(o1, rule.post_decay[0])
    decay(o2, rule.post_decay[1])
    fired = np.flatnonzero(now.post)
    for i in range(len(r1)):
        row = synapses.weights[i]
        if now.pre[i]:
            fall = rule.pair_minus + rule.triplet_minus * r2[i]
            for j in range(len(row)):
                earlier = o1.dtype.type(0) if now.post[j] else o1[j]
                row[j] = max(row[j] - fall * earlier, np.float32(0))
        else:
            for k in fired:
                rise = rule.pair_plus + rule.triplet_plus * o2[k]
                row[k] = min(row[k] + rise * r1[i], rule.w_max)
    for i in range(len(r1)):
        r1[i] += now.pre[i]
        r2[i] += now.pre[i]
    for j in range(len(o1)):
        o1[j] += now.post[j]
        o2[j] += now.post[j]


def plain_learn(
    rule: Triplet,
    weights: np.ndarray,
    traces: Traces,
    pre: np.ndarray,
    post: np.ndarray,
) -> None:
    """Do the same with complete matrices in numpy: the reference implementation."""
    for before, after in zip(pre, post, strict=True):
        traces.pre[:] *= rule.pre_decay
        traces.post[:] *= rule.post_decay
        (r1, r2), (o1, o2) = traces.pre, traces.post
        rise = (rule.pair_plus + rule.triplet_plus * o2) * r1[:, None]
        fall = (rule.pair_minus + rule.triplet_minus * r2[:, None]) * o1
        grown = np.minimum(weights + rise, rule.w_max)
        shrunk = np.maximum(weights - fall, 0)
        np.copyto(weights, grown, where=after & ~before[:, None])
        np.copyto(weights, shrunk, where=before[:, None] & ~after)
        traces.pre[:] += before
        traces.post[:] += after

"""STDP with reward: pairs change an eligibility, and reward applies it to weights.

::

    e ← e·exp(−dt/τ_e) + a₊·x_pre     target fires, source does not
    e ← e·exp(−dt/τ_e) − a₋·x_post    source fires, target does not
    w ← w + η·reward·e                clipped to [0, w_max]
"""

from typing import Any, NamedTuple

import numpy as np

from pipeline.kernels.rules.learning import Traces, decay, implements


class Reward(NamedTuple):
    """The constants: factors of traces and eligibility in a step, and amplitudes."""

    pre_decay: Any
    post_decay: Any
    eligibility_decay: Any
    a_plus: Any
    a_minus: Any
    rate: Any
    w_max: Any


@implements(Reward)
def _update(rule: Any, synapses: Any, traces: Any, now: Any) -> None:
    sources, targets = traces.pre[0], traces.post[0]
    decay(sources, rule.pre_decay)
    decay(targets, rule.post_decay)
    gain = rule.rate * now.reward
    for i in range(len(sources)):
        row, eligibility = synapses.weights[i], traces.synapse[0, i]
        for j in range(len(targets)):
            eligibility[j] *= rule.eligibility_decay
            if now.post[j] and not now.pre[i]:
                eligibility[j] += rule.a_plus * sources[i]
            if now.pre[i] and not now.post[j]:
                eligibility[j] -= rule.a_minus * targets[j]
        if gain != 0:
            for j in range(len(targets)):
                moved = row[j] + gain * eligibility[j]
                row[j] = min(max(moved, np.float32(0)), rule.w_max)
    for i in range(len(sources)):
        sources[i] += now.pre[i]
    for j in range(len(targets)):
        targets[j] += now.post[j]


def plain_learn(
    rule: Reward,
    weights: np.ndarray,
    traces: Traces,
    pre: np.ndarray,
    post: np.ndarray,
    rewards: np.ndarray,
) -> None:
    """Do the same with complete matrices in numpy: the reference implementation."""
    sources, targets, eligibility = traces.pre[0], traces.post[0], traces.synapse[0]
    for before, after, reward in zip(pre, post, rewards, strict=True):
        sources *= rule.pre_decay
        targets *= rule.post_decay
        eligibility *= rule.eligibility_decay
        eligibility += rule.a_plus * sources[:, None] * (after & ~before[:, None])
        eligibility -= rule.a_minus * targets * (before[:, None] & ~after)
        moved = weights + rule.rate * reward * eligibility
        weights[:] = np.clip(moved, 0, rule.w_max)
        sources += before
        targets += after

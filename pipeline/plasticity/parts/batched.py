"""Pair rules over many windows at once, as matrix products: torch, on any device.

All windows of a batch see the same weights, and their changes are added up before the
weights move, once a step. With traces (batch, neuron), s who fires, and ∘ leaving out
who fires in the same step, an additive step of the entire batch is one product::

                      ⎡ x_pre∘ ⎤ᵀ   ⎡   a₊·s_post  ⎤
    w ← clip( w  +    ⎢        ⎥  · ⎢              ⎥ ,  0, w_max )
                      ⎣ s_pre  ⎦    ⎣ −a₋·x_post∘  ⎦

(2·batch, source) against (2·batch, target). The power law multiplies its two halves
by different functions of the weight, so it takes two products. Beside the traces there
are at most three matrices of the weights' size, however large the batch.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from pipeline.errors import ConfigError, DataError
from pipeline.kernels.rules.learning import PowerLaw
from pipeline.plasticity.pair import Pair
from pipeline.plasticity.parts.learner import Learner
from pipeline.plasticity.three_variable import ThreeVariable


class BatchTraces(NamedTuple):
    """Traces of every window's own neurons.

    Parameters
    ----------
    pre : Tensor, shape (batch, source)
    post : Tensor, shape (batch, target)
    """

    pre: Tensor
    post: Tensor


def learn_batch(
    learner: Learner,
    weights: Tensor,
    pre: Tensor,
    post: Tensor,
    traces: BatchTraces | None = None,
) -> BatchTraces:
    """Learn from a batch of spike trains; `weights` are changed.

    With one window the additive rule gives the weights of `Learner.learn`, bit for bit
    on a CPU.

    Parameters
    ----------
    learner : Learner
        Of one rule, `Pair` or `ThreeVariable` in float32.
    weights : Tensor, shape (source, target), float32
        In [0, w_max], on any device.
    pre, post : Tensor, shape (time, batch, source) and (time, batch, target), bool
        On the device of the weights.
    traces : BatchTraces, optional
        What the windows' last piece left; silence without. Not changed.

    Returns
    -------
    BatchTraces
        To go on with.

    Raises
    ------
    ConfigError
        The rule has no batched form.
    DataError
        Weights, trains or traces do not fit, or weights are out of range.
    """
    rule = _pair_rule(learner)
    _check(learner, weights, pre, post)
    pre_decay, post_decay = (
        torch.from_numpy(factors).to(weights.device)
        for factors in (rule.pre_decay, rule.post_decay)
    )
    theta, step = float(getattr(rule, "theta", 0)), _stepper(rule.dependence, weights)
    x_pre, x_post = _first_traces(weights, pre, post, traces)
    for before, after in zip(pre, post, strict=True):
        x_pre.mul_(pre_decay)
        x_post.mul_(post_decay)
        earlier = x_pre.masked_fill(before | (x_pre <= theta), 0)
        later = x_post.masked_fill(after, 0)
        before, after = before.to(x_pre), after.to(x_post)
        step(earlier, before, after, later)
        x_pre.add_(before)
        x_post.add_(after)
    return BatchTraces(x_pre, x_post)


Step = Callable[[Tensor, Tensor, Tensor, Tensor], None]
"""Moves weights by traces and spikes of sources, spikes and traces of targets."""


def _stepper(dependence: Any, weights: Tensor) -> Step:
    """Prepare what moves the weights, with room for the products."""
    a_plus, a_minus, w_max = (float(value) for value in dependence[:3])
    rise, fall = torch.empty_like(weights), torch.empty_like(weights[:0])

    def additive(earlier: Tensor, before: Tensor, after: Tensor, later: Tensor) -> None:
        """Change weights by sums that do not depend on them."""
        sources = torch.cat([earlier, before])
        targets = torch.cat([a_plus * after, -a_minus * later])
        # Added afterwards: in one call a library may leave the product unrounded.
        torch.mm(sources.T, targets, out=rise)
        weights.add_(rise).clamp_(0, w_max)

    def power_law(
        earlier: Tensor, before: Tensor, after: Tensor, later: Tensor
    ) -> None:
        """Add up rise and fall, which the weights scale."""
        torch.mm(earlier.T, a_plus * after, out=rise)
        torch.mm(before.T, a_minus * later, out=fall)
        rise.mul_(weights**mu)
        weights.sub_(fall.mul_(weights)).add_(rise).clamp_(0, w_max)

    if not isinstance(dependence, PowerLaw):
        return additive
    mu, fall = float(dependence.mu), torch.empty_like(weights)
    return power_law


def _pair_rule(learner: Learner) -> Any:
    """Give the constants of the learner's only rule; refuse others."""
    kinds = [type(rule) for rule in learner.rules]
    if (
        kinds not in ([Pair], [ThreeVariable])
        or learner.weight_type.__name__ != "float32"
    ):
        raise ConfigError(
            "plasticity",
            " and ".join(kind.__name__ for kind in kinds) + " in a batch",
            expected="Pair or ThreeVariable alone, in float32",
        )
    return learner.constants[0]


def _first_traces(
    weights: Tensor, pre: Tensor, post: Tensor, traces: BatchTraces | None
) -> BatchTraces:
    """Copy the traces that windows begin with, or make silence."""
    shapes = [pre.shape[1:], post.shape[1:]]
    if traces is None:
        return BatchTraces(*(weights.new_zeros(shape) for shape in shapes))
    for name, trace, shape in zip(BatchTraces._fields, traces, shapes, strict=True):
        _check_tensor(f"traces {name}", trace, torch.float32, tuple(shape))
    return BatchTraces(*(x.clone() for x in traces))


def _check(learner: Learner, weights: Tensor, pre: Tensor, post: Tensor) -> None:
    batch = pre.shape[:2]
    _check_tensor("weights", weights, torch.float32, (learner.n_pre, learner.n_post))
    _check_tensor("spikes pre", pre, torch.bool, (*batch, learner.n_pre))
    _check_tensor("spikes post", post, torch.bool, (*batch, learner.n_post))
    if not ((weights >= 0) & (weights <= learner.w_max)).all():
        raise DataError(
            "weights",
            "are out of range",
            expected=f"within 0 and w_max = {learner.w_max:g}, and no NaN",
        )


def _check_tensor(
    name: str, tensor: Tensor, dtype: torch.dtype, shape: tuple[int, ...]
) -> None:
    if tensor.dtype != dtype or tensor.shape != shape:
        raise DataError(
            name,
            f"{tensor.dtype} of shape {tuple(tensor.shape)}",
            expected=f"{dtype} of shape {shape}",
        )

"""Prune the weights that matter least, and train the others.

Pruning is global and unstructured: weights of all convolutions and linear maps that
learn by gradient are ranked together by a score,

::

    magnitude   |w|
    lamp        w² / Σ_{v: |v| ≥ |w|} v²          the sum within the weight's layer

and the lowest are 0 from then on. The second, a weight's share of what its layer would
be left with, never takes all of a layer, and asks nothing of layers' scales. What is
left is trained for some epochs on the schedule of the training, its rates included.

References
----------
.. [1] J. Lee et al., "Layer-adaptive sparsity for the magnitude-based pruning",
   ICLR 2021 (the LAMP score).
.. [2] A. Renda, J. Frankle, M. Carbin, "Comparing rewinding and fine-tuning in neural
   network pruning", ICLR 2020 (why the training's own rates).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import prune as torch_prune

from pipeline.networks.parts.scaled import mask_of, weight_of
from pipeline.training.fitting import Epoch
from pipeline.training.settings import PruningSettings, TrainingSettings


@dataclass(frozen=True, kw_only=True)
class PrunedEpoch(Epoch):
    """The results of an epoch with a share of the weights at 0."""

    pruned: float


def prune_and_train(
    network: nn.Module,
    epochs: Iterator[Epoch],
    train_on: Callable[[TrainingSettings], Iterator[Epoch]],
    settings: TrainingSettings,
    pruning: PruningSettings | None,
) -> Iterator[Epoch]:
    """Train, prune once, and train what is left; yields all epochs.

    Parameters
    ----------
    network : nn.Module
        It is changed, and left with the best epoch after pruning.
    epochs : iterator of Epoch
        The training, which ends with the network as it is to be pruned.
    train_on : callable
        Trains the network again.
    settings : TrainingSettings
    pruning : PruningSettings or None
        None: nothing is pruned.
    """
    number = 0
    for epoch in epochs:
        number = epoch.epoch
        yield epoch
    if not pruning:
        return
    take_away(network, pruning)
    with zeros_kept(network):
        for epoch in train_on(settings.model_copy(update={"epochs": pruning.epochs})):
            values = {**asdict(epoch), "epoch": number + epoch.epoch}
            yield PrunedEpoch(**values, pruned=pruning.share)


def take_away(network: nn.Module, pruning: PruningSettings) -> None:
    """Set the share of the weights with the lowest scores to 0.

    Weights that a mask of the network hides are none.
    """
    layers = prunable(network)
    scores = {(layer, "weight"): _scores(layer, pruning.method) for layer in layers}
    hidden = sum(int((score == 0).sum()) for score in scores.values())
    count = sum(score.numel() for score in scores.values()) - hidden
    torch_prune.global_unstructured(
        list(scores),
        pruning_method=torch_prune.L1Unstructured,
        importance_scores=scores,
        amount=hidden + round(pruning.share * count),
    )
    for layer in layers:
        torch_prune.remove(layer, "weight")  # type: ignore[no-untyped-call]


def prunable(network: nn.Module) -> list[nn.Conv1d | nn.Linear]:
    """List the convolutions and linear maps whose weights learn by gradient."""
    layers = [m for m in network.modules() if isinstance(m, nn.Conv1d | nn.Linear)]
    return [layer for layer in layers if layer.weight.requires_grad]


@contextmanager
def zeros_kept(network: nn.Module) -> Iterator[None]:
    """Keep weights that are 0 as they are, whatever is trained meanwhile.

    Without a gradient from the first step on, AdamW moves no zero. Masks of
    `torch.nn.utils.prune` would not do: they are applied when a layer is called, which
    compiled recurrent layers never are.
    """
    weights: list[Any] = [layer.weight for layer in prunable(network)]
    hooks = [w.register_hook(partial(torch.mul, (w != 0).to(w))) for w in weights]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def lamp(weights: Tensor) -> Tensor:
    """Compute w² / Σ_{v: |v| ≥ |w|} v² of a layer's weights."""
    squares = weights.detach().double().square().flatten()
    ordered, order = squares.sort(descending=True)
    sums = ordered.cumsum(0)
    # Of equal weights each stands in the sum of the others.
    last = torch.searchsorted(-ordered, -ordered, right=True) - 1
    scores = torch.zeros_like(squares)
    scores[order] = ordered / sums[last].clamp_min(torch.finfo(sums.dtype).tiny)
    return scores.reshape(weights.shape)


def _scores(layer: nn.Conv1d | nn.Linear, method: str) -> Tensor:
    """Score a layer's weights; above 0, but for those that a mask hides."""
    mask = mask_of(layer)
    shown = 1.0 if mask is None else mask.expand_as(layer.weight)
    weights = weight_of(layer).detach().double()
    scores = lamp(weights) if method == "lamp" else weights.abs()
    return scores.clamp_min(torch.finfo(scores.dtype).tiny) * shown

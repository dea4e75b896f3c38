"""What training makes small.

::

    cross_entropy   L = CE(logits, label)
    tet             L = (1/T)·Σₜ CE(logits[t], label)
    rates           + λ·(1/K)·Σₖ (rₖ/r* − 1)²      rₖ: mean rate of layer k, in hertz

The rates' penalty is differentiable through the spikes, by their surrogate gradient;
it is relative to the target r*, so λ has no unit. That it is a square, and of layers'
means rather than of neurons', are our choices.

References
----------
.. [1] S. Deng et al., "Temporal efficient training of spiking neural network via
   gradient re-weighting", ICLR 2022.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.errors import ConfigError
from pipeline.networks._heads import StepHead
from pipeline.networks._layers import Unrolled
from pipeline.training.settings import TrainingSettings


def differentiate(
    network: nn.Module, spikes: Tensor, targets: Tensor, settings: TrainingSettings
) -> float:
    """Compute the loss of a batch, and add its gradient to the parameters'.

    Parameters
    ----------
    network : nn.Module
    spikes : Tensor, shape (time, batch, feature)
    targets : Tensor, shape (batch,)
    settings : TrainingSettings
    """
    totals: dict[Unrolled, tuple[Tensor, float]] = {}

    def see(layer: Unrolled, outputs: Tensor) -> None:
        # Not abs: it has no gradient at 0, where silent neurons are.
        sizes = torch.where(outputs < 0, -outputs, outputs)
        total, lived_s = totals.get(layer, (outputs.new_zeros(()), 0.0))
        totals[layer] = total + sizes.sum(), lived_s + outputs.numel() * layer.dt

    # Until the gradients are there: what is computed again must be seen again.
    with watched(network, see) if settings.rate_weight else nullcontext():
        loss = label_loss(network, spikes, targets, settings)
        if totals:
            rates = [total / lived_s for total, lived_s in totals.values()]
            penalty = rate_penalty(torch.stack(rates), settings.rate_target_hz)
            loss = loss + settings.rate_weight * penalty
        loss.backward()  # type: ignore[no-untyped-call]
    return float(loss.detach())


def label_loss(
    network: nn.Module, spikes: Tensor, targets: Tensor, settings: TrainingSettings
) -> Tensor:
    """Compute the cross-entropy of the window's logits, or the mean over its steps'."""
    if settings.loss == "cross_entropy":
        return functional.cross_entropy(network(spikes), targets)
    stack: Any = network
    steps: Tensor = stack.steps(spikes)
    return functional.cross_entropy(steps.flatten(0, 1), targets.repeat(len(steps)))


def rate_penalty(rates: Tensor, target_hz: float) -> Tensor:
    """Average the squared relative deviations of the layers' rates (layer,)."""
    return (rates / target_hz - 1).square().mean()


@contextmanager
def watched(
    network: nn.Module, see: Callable[[Unrolled, Tensor], None]
) -> Iterator[None]:
    """See what every layer of spiking neurons puts out, piece by piece."""

    def hook(layer: Unrolled, inputs: Any, results: tuple[Tensor, ...]) -> None:
        see(layer, results[0])

    layers = [m for m in network.modules() if isinstance(m, Unrolled) and m.spiking]
    hooks = [layer.register_forward_hook(hook) for layer in layers]
    try:
        yield
    finally:
        for handle in hooks:
            handle.remove()


def check_loss(network: nn.Module, settings: TrainingSettings) -> None:
    """Refuse TET where the network has no logits at every step.

    Raises
    ------
    ConfigError
        The read-out has none.
    """
    head = getattr(network, "head", None)
    if settings.loss == "tet" and not isinstance(head, StepHead):
        raise ConfigError(
            "params.yaml: training.loss",
            "tet, but the network's read-out has no logits at every step",
            expected="read_out: count or membrane",
            remedy="change models.*.network.read_out, or training.loss",
        )

"""The losses of training.

::

    cross_entropy   L = CE(logits, label)
    tet             L = (1/T)·Σₜ CE(logits[t], label)
    one_vs_rest     L = Σₖ BCE(logits[k], label = k)      each class against the rest
    rates           + λ·(1/K)·Σₖ (rₖ/r* − 1)²      rₖ: mean rate of layer k, in hertz
    hoyer           + μ·(1/K)·Σₖ ⟨(Σ|a|)² / (n·Σa²)⟩

The rates' penalty is differentiable through the spikes, by their surrogate gradient;
it is relative to the target r*, so λ has no unit. That it is a square, and of layers'
means rather than of neurons', are our choices.

Hoyer-square [2]_ is taken of what layer k puts out in one window, its n outputs a[t, i]
of all steps and neurons, and averaged over the windows. Divided by n it lies between
1/n, one output, and 1, all outputs alike; of a window without any it is 0. So μ means
the same for every width, length and batch. Of spikes it is the share of outputs that
spike. Its gradient, the surrogate's to follow,

    ∂/∂a = (2/n)·(Σ|a|/Σa²)·(sign a − a·Σ|a|/Σa²)        sign 0 = 1

leaves spikes alone and keeps those down that nearly were. Outputs of rectified linear
units are penalised in the same way.

References
----------
.. [1] S. Deng et al., "Temporal efficient training of spiking neural network via
   gradient re-weighting", ICLR 2022.
.. [2] H. Yang, W. Wen, H. Li, "DeepHoyer: learning sparser neural network with
   differentiable scale-invariant sparsity measures", ICLR 2020; there of weights.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.errors import ConfigError
from pipeline.networks.parts.heads import Head
from pipeline.networks.parts.layers import Unrolled
from pipeline.networks.parts.stepped import Inner, SteppedModule
from pipeline.training.batches import Batch
from pipeline.training.settings import SparsitySettings, TrainingSettings

DENSE = SparsitySettings()
"""Nothing is spent less."""


def differentiate(
    network: nn.Module,
    batch: Batch,
    settings: TrainingSettings,
    sparsity: SparsitySettings = DENSE,
) -> float:
    """Compute the loss of a batch, and add its gradient to the parameters'.

    Parameters
    ----------
    network : nn.Module
    batch : Batch
    settings : TrainingSettings
    sparsity : SparsitySettings
        What activity costs.
    """
    layers: dict[Unrolled, _Activity] = {}

    def see(layer: Unrolled, outputs: Tensor) -> None:
        """Add a layer's outputs to its activity."""
        layers.setdefault(layer, _Activity(outputs)).see(layer, outputs)

    # Until the gradients are there: what is computed again must be seen again.
    watching = watched(network, see, graded=sparsity.hoyer_weight > 0)
    with watching if sparsity.penalised else nullcontext():
        loss = label_loss(network, batch, settings)
        loss = loss + penalties(layers, sparsity) if layers else loss
        loss.backward()  # type: ignore[no-untyped-call]
    return float(loss.detach())


class _Activity:
    """The outputs of a layer in the windows of a batch, added up piece by piece."""

    def __init__(self, like: Tensor) -> None:
        self.total = like.new_zeros(())
        self.sizes = self.squares = like.new_zeros(like.shape[1])
        self.lived_s, self.per_window = 0.0, 0

    def see(self, layer: Unrolled, outputs: Tensor) -> None:
        """Add a piece of time."""
        # Not abs: it has no gradient at 0, where silent neurons are.
        sizes = torch.where(outputs < 0, -outputs, outputs)
        self.total = self.total + sizes.sum()
        self.lived_s += outputs.numel() * layer.dt
        self.sizes = self.sizes + sizes.sum((0, 2))
        self.squares = self.squares + outputs.square().sum((0, 2))
        self.per_window += outputs.shape[0] * outputs.shape[2]


def penalties(
    layers: Mapping[Unrolled, _Activity], sparsity: SparsitySettings
) -> Tensor:
    """Add up what the activity of layers costs."""
    seen = layers.values()
    parts = []
    rates = [
        each.total / each.lived_s for layer, each in layers.items() if layer.spiking
    ]
    if sparsity.rate_weight and rates:
        penalty = rate_penalty(torch.stack(rates), sparsity.rate_target_hz)
        parts.append(sparsity.rate_weight * penalty)
    if sparsity.hoyer_weight:
        each = [hoyer_square(a.sizes, a.squares, a.per_window).mean() for a in seen]
        parts.append(sparsity.hoyer_weight * torch.stack(each).mean())
    return sum(parts, torch.zeros(()))


def label_loss(network: nn.Module, batch: Batch, settings: TrainingSettings) -> Tensor:
    """Compute the loss of the decisions, or the mean over a window's steps."""
    stack: Any = network
    if settings.loss == "tet":
        steps: Tensor = stack.steps(batch.spikes)
        targets = batch.targets.repeat(len(steps))
        return functional.cross_entropy(steps.flatten(0, 1), targets)
    decided = (
        one_vs_rest if settings.loss == "one_vs_rest" else functional.cross_entropy
    )
    if batch.at is None:
        return decided(network(batch.spikes), batch.targets)
    pieces = batch.pieces(stack.stride)
    logits = stack.decide(pieces, batch.at, detach=batch.reach is not None)
    losses = decided(logits, batch.targets, reduction="none")
    weights = torch.ones_like(losses) if batch.weights is None else batch.weights
    return (losses * weights).sum() / weights.sum()


def one_vs_rest(logits: Tensor, targets: Tensor, reduction: str = "mean") -> Tensor:
    """Add up the binary cross-entropies of a decision's classes, as torch's losses do.

    Parameters
    ----------
    logits : Tensor, shape (decision, class)
    targets : Tensor, shape (decision,), int64
    reduction : str
        mean: over the decisions; none: the losses, (decision,).
    """
    marks = functional.one_hot(targets, logits.shape[1]).to(logits.dtype)
    losses = functional.binary_cross_entropy_with_logits(
        logits, marks, reduction="none"
    ).sum(1)
    return losses.mean() if reduction == "mean" else losses


def rate_penalty(rates: Tensor, target_hz: float) -> Tensor:
    """Average the squared relative deviations of the layers' rates (layer,)."""
    return (rates / target_hz - 1).square().mean()


def hoyer_square(sizes: Tensor, squares: Tensor, count: int) -> Tensor:
    """Compute (Σ|a|)² / (n·Σa²) from the sums, (window,), and n; 0 of nothing."""
    something = torch.where(squares > 0, squares, torch.ones_like(squares))
    return sizes.square() / something / count


@contextmanager
def watched(
    network: nn.Module, see: Callable[[Any, Tensor], None], *, graded: bool = False
) -> Iterator[None]:
    """See what every layer of neurons puts out, piece by piece; also `graded` ones.

    `see` is given the layer, or what stands for one of snnTorch's, and its outputs,
    (time, batch, neuron).
    """

    def hook(layer: Unrolled, inputs: Any, results: tuple[Tensor, ...]) -> None:
        """Hand a layer's outputs on."""
        see(layer, results[0])

    def hook_step(inner: Inner, _: Any, __: Any, results: Any) -> None:
        """Hand on what a layer of snnTorch's puts out in a step."""
        outputs = results[0] if isinstance(results, tuple) else results
        see(inner, outputs.flatten(1)[None])

    layers = [m for m in network.modules() if isinstance(m, Unrolled)]
    modules = [m for m in layers if isinstance(m, SteppedModule)]
    layers = [m for m in layers if m not in modules and (m.spiking or graded)]
    hooks = [layer.register_forward_hook(hook) for layer in layers]
    for inner in (each for module in modules for each in module.inner()):
        step = partial(hook_step, inner)
        hooks.append(inner.neurons.register_forward_hook(step))
    try:
        yield
    finally:
        for handle in hooks:
            handle.remove()


def check_loss(network: nn.Module, settings: TrainingSettings) -> None:
    """Refuse TET where the network has no logits at every step of a window.

    Raises
    ------
    ConfigError
        The read-out has none.
    """
    head: Head | None = getattr(network, "head", None)
    if settings.loss == "tet" and not (head and head.has_steps):
        raise ConfigError(
            "params.yaml: training.loss",
            "tet, but the network's read-out has no logits at every step",
            expected="read_out: count, membrane or traces",
            remedy="change models.*.network.read_out, or training.loss",
        )

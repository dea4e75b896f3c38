"""Let a network learn on while it computes with rounded weights and activations.

Gradients are taken as if nothing were rounded (the straight-through estimator) and go
to the weights as they were before rounding.

References
----------
.. [1] Y. Bengio, N. Léonard and A. Courville, "Estimating or propagating gradients
   through stochastic neurons for conditional computation", 2013, arXiv:1308.3432.
.. [2] B. Jacob et al., "Quantization and training of neural networks for efficient
   integer-arithmetic-only inference", CVPR 2018.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.kernels.neurons.sequence import UnstableError
from pipeline.networks.parts.head_maps import RateMap
from pipeline.networks.parts.stack import Stack
from pipeline.networks.parts.weights import linear_of
from pipeline.quantization.bounds import QuantizationError
from pipeline.quantization.heads import lengths, linear_map
from pipeline.quantization.layers import kind_of
from pipeline.quantization.network import IntegerNetwork
from pipeline.quantization.quantize import (
    activation_scale,
    checked,
    outputs_of,
    quantize,
)
from pipeline.quantization.scales import LARGEST, faked, weight_steps
from pipeline.training.batches import Batch, Windows, some_of_each_class
from pipeline.training.fitting import Examples, parameter_groups
from pipeline.training.local import hidden, read_out
from pipeline.training.losses import differentiate
from pipeline.training.read_out import EPOCHS_FITTED, fit_read_out
from pipeline.training.settings import TrainingSettings

TUNED_EPOCHS = 5
SOFTER = 0.1
"""The learning rate as a share of the training's: it must not undo the training."""

Linear = nn.Linear | nn.Conv1d


class Maps(NamedTuple):
    """Linear maps whose weights are rounded to the same steps, row by row.

    Parameters
    ----------
    linears : tuple of nn.Linear or nn.Conv1d
    steps : callable
        Gives the steps of rows of weights.
    """

    linears: tuple[Linear, ...]
    steps: Callable[[Tensor], Tensor] = weight_steps


def tuned(
    network: Stack,
    plain: IntegerNetwork,
    train: Examples,
    calibration: Tensor,
    settings: TrainingSettings,
    rng: np.random.Generator,
) -> Iterator[IntegerNetwork]:
    """Give networks that might be better than one that was only rounded.

    Layers that learned by local rules stay as they are; what is tuned then is their
    read-out. All others learn on.

    Parameters
    ----------
    network : Stack
        The network of floats; it is not changed.
    plain : IntegerNetwork
        What it became by rounding alone.
    train : Windows or Stretches
    calibration : Tensor, shape (time, window, feature)
    settings : TrainingSettings
        Of the training.
    rng : Generator
        Draws windows and what is dropped out.
    """
    if any(layer.unrolled.local for layer in network.layers):
        return _with_new_read_out(network, plain, train, settings, rng)
    return _fine_tuned(network, train, calibration, settings, rng)


def _with_new_read_out(
    network: Stack,
    plain: IntegerNetwork,
    train: Examples,
    settings: TrainingSettings,
    rng: np.random.Generator,
) -> Iterator[IntegerNetwork]:
    """Fit read-outs anew, to the spikes that the integer layer makes.

    Weights that are 0 stay 0: the regression gets no inputs that are connected to no
    class; where one is connected to some classes only, and of traces, the read-out
    learns by gradients.
    """
    rest = read_out(deepcopy(network))
    count = EPOCHS_FITTED * settings.windows_per_class
    hidden_spikes = _windows(hidden(plain, train, count, rng), count, rng)
    calibration = hidden_spikes.spikes(torch.arange(1))
    zeros = _linears(rest)[0].weight == 0
    silent = zeros.all(0)
    mapped = rest.head.rate_map
    if mapped is None or bool((zeros & ~silent).any()):
        heads = _fine_tuned(rest, hidden_spikes, calibration, settings, rng)
    else:
        hidden_spikes = _silenced(hidden_spikes, mapped, silent)
        # The caller scores each strength in integers on validation windows; not here.
        fits = fit_read_out(rest, hidden_spikes, hidden_spikes, settings, rng)
        heads = (quantize(rest, calibration) for _ in fits)
    for quantized in heads:
        yield IntegerNetwork(plain.layers, quantized.head).eval()


def _windows(hidden_spikes: Examples, count: int, rng: np.random.Generator) -> Windows:
    """Cut out the intervals of up to so many labels of each class."""
    if isinstance(hidden_spikes, Windows):
        return hidden_spikes
    rows = some_of_each_class(hidden_spikes, count, rng)
    spikes = hidden_spikes.windows().spikes(rows).to(torch.uint8)
    return Windows(
        spikes.transpose(0, 1).flatten(0, 1).contiguous(),
        torch.arange(len(rows)) * hidden_spikes.n_steps,
        hidden_spikes.targets[rows],
        hidden_spikes.n_steps,
        hidden_spikes.dt,
    )


def _silenced(hidden_spikes: Windows, mapped: RateMap, silent: Tensor) -> Windows:
    """Take out the spikes that a read-out's silent columns would receive."""
    columns = (mapped.bins, -1)
    inside = lengths(mapped, hidden_spikes.n_steps).reshape(columns)[:, 0]
    mask = (~silent).reshape(columns).repeat_interleave(inside, 0).to(torch.uint8)
    windows = hidden_spikes.trains.reshape(-1, *mask.shape)
    return replace(hidden_spikes, trains=(windows * mask).flatten(0, 1))


def _fine_tuned(
    network: Stack,
    train: Examples,
    calibration: Tensor,
    settings: TrainingSettings,
    rng: np.random.Generator,
) -> Iterator[IntegerNetwork]:
    """Learn on with rounded weights and activations; gives every epoch's network.

    The normalisation is in the weights and no longer moves. What is 0 stays 0.
    """
    learner = checked(network)
    optimizer = _optimizer(learner, settings)
    divisors = _divisors(learner, calibration)
    for epoch in range(TUNED_EPOCHS):
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * (1 - epoch / TUNED_EPOCHS)
        with (
            torch.random.fork_rng(devices=[]),
            _rounded_activations(learner, calibration),
        ):
            torch.manual_seed(int(rng.integers(2**31)))
            batches = train.batches(settings, rng)
            if not _learn(learner, divisors, batches, settings, optimizer):
                return
        try:
            made = quantize(learner, calibration)
        except QuantizationError:
            continue
        except UnstableError:
            return
        yield made


def _optimizer(learner: Stack, settings: TrainingSettings) -> torch.optim.AdamW:
    for module in _linears(learner):
        if module.bias is not None:
            # A normalisation that was folded in leaves a bias that does not learn.
            module.bias.requires_grad_(module.weight.requires_grad)
    groups = parameter_groups(learner, settings)
    for group in groups:
        group["peak"] = SOFTER * group.pop("max_lr")
    return torch.optim.AdamW(groups)


def _linears(learner: Stack) -> list[Linear]:
    return [linear for maps in _maps(learner) for linear in maps.linears]


def _maps(learner: Stack) -> list[Maps]:
    """List what is rounded; the weights of spiking recurrent layers share a scale."""
    maps: list[Maps] = []
    for layer in learner.layers:
        inputs, unrolled = linear_of(layer.weights), layer.unrolled
        recurrent = unrolled.recurrent_weights
        own = () if recurrent is None else (recurrent,)
        steps = partial(kind_of("", unrolled).weight_steps, neurons=unrolled)
        apart = [(inputs, *own)] if unrolled.spiking else [(m,) for m in (inputs, *own)]
        maps += [Maps(linears, steps) for linears in apart]
    return [*maps, Maps((linear_map(learner.head),))]


def _divisors(learner: Stack, calibration: Tensor) -> dict[Maps, Tensor]:
    """Give the divisor by which weights are divided before they are rounded."""
    divisors: dict[Maps, Tensor] = {maps: torch.ones(()) for maps in _maps(learner)}
    if mapped := learner.head.rate_map:
        outputs = outputs_of(learner, calibration)
        n_steps = len(outputs[-1] if outputs else calibration)
        divisors[Maps((mapped.linear,))] = lengths(mapped, n_steps)
    return divisors


def _learn(
    learner: Stack,
    divisors: Mapping[Maps, Tensor],
    batches: Iterable[Batch],
    settings: TrainingSettings,
    optimizer: torch.optim.AdamW,
) -> bool:
    """Make one epoch; gives whether its numbers stayed numbers."""
    learner.train()
    for batch in batches:
        optimizer.zero_grad()
        try:
            with _rounded_weights(divisors):
                loss = differentiate(learner, batch, settings)
        except UnstableError:
            return False
        if not math.isfinite(loss):
            return False
        _pin_zeros(learner)
        nn.utils.clip_grad_norm_(learner.parameters(), max_norm=1.0)
        optimizer.step()
    return True


def _pin_zeros(learner: Stack) -> None:
    """Take the gradients from weights that are 0: a step leaves them there."""
    for module in _linears(learner):
        if module.weight.grad is not None:
            module.weight.grad.masked_fill_(module.weight == 0, 0.0)


@contextmanager
def _rounded_weights(divisors: Mapping[Maps, Tensor]) -> Iterator[None]:
    """Let layers compute with rounded weights; gradients then go to the true ones."""
    true = {module: module.weight.data for maps in divisors for module in maps.linears}
    try:
        for maps, divisor in divisors.items():
            divided = [each.weight.data.double() / divisor for each in maps.linears]
            scales = maps.steps(torch.cat([each.flatten(1) for each in divided], 1))
            for module, each in zip(maps.linears, divided, strict=True):
                module.weight.data = (faked(each, scales) * divisor).float()
        yield
    finally:
        for module, weights in true.items():
            module.weight.data = weights


@contextmanager
def _rounded_activations(learner: Stack, calibration: Tensor) -> Iterator[None]:
    """Let rectified units put out what 127 steps can express."""
    learner.eval()
    outputs = outputs_of(learner, calibration)
    with ExitStack() as hooks:
        for layer, seen in zip(learner.layers, outputs, strict=True):
            if not layer.unrolled.spiking:
                hook = _rounding(activation_scale(seen))
                hooks.callback(layer.unrolled.register_forward_hook(hook).remove)
        yield


def _rounding(scale: float) -> Any:
    def hook(_: nn.Module, __: Any, results: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Round outputs as integers hold them; gradients pass."""
        outputs, *state = results
        within = outputs.clamp(max=scale * LARGEST)
        rounded = (within / scale).round() * scale
        return within + (rounded - within).detach(), *state

    return hook

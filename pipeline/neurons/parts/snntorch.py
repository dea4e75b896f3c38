"""snnTorch's own loop over time, the reference of the leaky kernel."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import snntorch
import torch
from snntorch import surrogate
from torch import Tensor

from pipeline.kernels.neurons.leaky import AT_ONCE, NUMBER, SUBTRACT, THROUGH, ZERO
from pipeline.kernels.neurons.sequence import UnstableError, find, is_unstable
from pipeline.kernels.neurons.surrogates import (
    ATAN,
    FAST_SIGMOID,
    SIGMOID,
    STRAIGHT_THROUGH,
)

if TYPE_CHECKING:
    from pipeline.neurons.parts.spiking import SpikingNeuron


def runs_as_snntorch(model: "SpikingNeuron") -> bool:
    """Whether a model is one of `snntorch.Leaky`'s, its gradient too."""
    if model.kernel != "leaky":
        return False
    options = model.options()
    return bool(options[AT_ONCE]) == bool(options[THROUGH])


def run_snntorch(
    currents: Tensor, state: Tensor, constants: Tensor, options: Sequence[float]
) -> tuple[Tensor, Tensor]:
    """Step through currents (time, batch, neuron) with `snntorch.Leaky`."""
    beta, threshold = constants.unbind(0)
    cell = _cell(beta, threshold, options)
    membrane, spikes = state[0], []
    for current in currents.unbind(0):
        fired, membrane = cell(current, membrane)
        spikes.append(fired)
    outputs = torch.stack(spikes) if spikes else torch.zeros_like(currents)
    if is_unstable(membrane):
        rows = constants.unbind(0)
        step = find("leaky").first_bad_step(currents, state, rows, options)
        raise UnstableError(step)
    return outputs, membrane[None]


def _cell(beta: Tensor, threshold: Tensor, options: Sequence[float]) -> snntorch.Leaky:
    """Make the snnTorch neuron of the present constants.

    Each run makes a new one, because snnTorch's neurons keep their last membrane, and
    with it the complete graph. It is removed from snnTorch's list of all neurons, which
    would keep it alive for good.
    """
    reset = "subtract" if options[SUBTRACT] else "zero" if options[ZERO] else "none"
    cell = snntorch.Leaky(
        beta,
        threshold,
        spike_grad=_surrogate(*options[NUMBER:]),
        reset_mechanism=reset,
        reset_delay=not options[AT_ONCE],
    )
    snntorch.SpikingNeuron.instances.remove(cell)
    return cell


def _surrogate(number: float, steepness: float, peak: float) -> Any:
    """Name snnTorch's surrogate of the kernels' three numbers."""
    makers = {
        ATAN: lambda: surrogate.atan(2 * peak),
        FAST_SIGMOID: lambda: surrogate.fast_sigmoid(steepness),
        SIGMOID: lambda: surrogate.sigmoid(steepness),
        STRAIGHT_THROUGH: surrogate.straight_through_estimator,
    }
    return makers[int(number)]()

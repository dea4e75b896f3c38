"""Neurons that inhibit each other, in integers."""

from typing import cast

import torch
from torch import Tensor

from pipeline.networks.parts.competing import Competing
from pipeline.networks.parts.layers import Unrolled
from pipeline.quantization.arithmetic import LEAK_BITS, fitting, rounded
from pipeline.quantization.bounds import as_integers, finest, fits, settled
from pipeline.quantization.neurons.base import (
    MOST_SHIFT,
    IntegerNeurons,
    Quantised,
    columns,
    leaks,
)
from pipeline.quantization.scales import LinearMap, channel_scales


class IntegerCompeting(IntegerNeurons):
    """Neurons that inhibit each other, as `pipeline.kernels.rules.competitive`.

    ::

        v[t] = rounded(β·v[t−1], 15) + g[t−1]
        s[t] = v[t] ≥ ϑ; if more than k neurons are, only the k furthest above fire
               (of equals the first)
        v[t] → 0 where s[t], v[t] − h·Σs[t] elsewhere
        g[t] = rounded(α·g[t−1], 15) + (i[t] ≪ shift)
    """

    kind = "competing"
    TENSORS = ("threshold",)
    SHARED = ("shift", "beta", "alpha", "inhibition", "winners")
    STATES = ("membrane", "synaptic")
    LEAKS = ("beta", "alpha")
    spiking, multiplications = True, 0

    @property
    def inhibition(self) -> float:
        """What each spike takes off all other membranes, in their unit."""
        return float(self.constants["inhibition"])

    @classmethod
    def quantise(cls, inputs: LinearMap, neurons: Unrolled, scale: float) -> Quantised:
        """Express all membranes in one unit, because they are compared."""
        layer = cast("Competing", neurons)
        model = layer.population.neurons
        thresholds = layer.thresholds.double()
        inhibition = torch.tensor([float(model.inhibition)], dtype=torch.float64)
        offset = (thresholds.abs().amax() + inhibition).reshape(1)
        step = channel_scales(inputs.weights.reshape(1, -1), offset)
        weights, charges = inputs.quantised(step.expand(layer.width))
        beta, alpha = leaks(torch.tensor([float(model.beta), float(model.alpha)]))
        winners = int(model.winners)

        def attempt(shift: int) -> IntegerCompeting | None:
            """Make the neurons with a shift; None if a value may overflow."""
            unit = step * 2.0**-shift
            threshold, (drop,) = (
                as_integers(v / unit) for v in (thresholds, inhibition)
            )
            rows = zip(charges, threshold, strict=True)
            most = drop * winners
            peaks = [competing_peak(c, shift, alpha, beta, most, t) for c, t in rows]
            if not fits(peaks):
                return None
            return IntegerCompeting(
                columns(threshold=threshold),
                dt=layer.dt, beta=beta, alpha=alpha, shift=shift,
                inhibition=drop, winners=winners,
            )  # fmt: skip

        return weights, finest(inputs.name, MOST_SHIFT, attempt)

    def forward(self, currents: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Turn sums (time, batch, neuron) into spikes and the last state."""
        (threshold,) = self.wide()
        beta, alpha, inhibition, winners, shift = (
            self.constants[name]
            for name in ("beta", "alpha", "inhibition", "winners", "shift")
        )
        rest = torch.zeros_like(currents[:1].expand(2, *currents.shape[1:]))
        potential, synaptic = (state[0] if state else rest).unbind(0)
        spikes = []
        for current in currents.unbind(0):
            potential = rounded(beta * potential, LEAK_BITS) + synaptic
            potential = fitting(potential, "competing neurons: potential")
            fired = furthest(potential - threshold, winners)
            drop = inhibition * fired.sum(1, keepdim=True)
            potential = torch.where(fired, 0, potential - drop)
            synaptic = rounded(alpha * synaptic, LEAK_BITS) + (current << shift)
            synaptic = fitting(synaptic, "competing neurons: synaptic current")
            spikes.append(fired.long())
        return torch.stack(spikes), torch.stack([potential, synaptic])


def furthest(above: Tensor, winners: int) -> Tensor:
    """Mark the neurons of (batch, neuron) furthest above; of equals the first."""
    width = above.shape[1]
    # No two keys are equal, so the result does not depend on the order of the search.
    keys = above * width + torch.arange(width - 1, -1, -1)
    chosen = keys.topk(min(winners, width), dim=1, sorted=False).indices
    marked = torch.zeros_like(above, dtype=torch.bool).scatter(1, chosen, True)
    return marked & (above >= 0)


def competing_peak(
    charge: int, shift: int, alpha: int, beta: int, drop: int, threshold: int
) -> int:
    """Bound potential, synaptic current and their distance to the threshold.

    Parameters
    ----------
    drop : int
        The largest inhibition by the spikes of a step.
    """
    synaptic = settled(charge << shift, alpha)
    return settled(synaptic + drop, beta) + abs(threshold)

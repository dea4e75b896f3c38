"""A read-out that learns from reward: class neurons that count against each other.

::

    units ─► gates ─► [weights ─► class neurons ⊣ class neurons] ─► counts
"""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.networks.parts.competing import Competing, EventLinear
from pipeline.networks.parts.heads import Head, segment_edges, segment_ends
from pipeline.networks.parts.reward_settings import RewardReadOut
from pipeline.plasticity.parts.population import Population


class Gates(nn.Module):
    """Copies of every unit, each connected in one segment of the window alone.

    Source f·bins + k is unit f in segment k: on a device, one counter of segments that
    selects the row of weights a spike adds.
    """

    def __init__(self, bins: int) -> None:
        super().__init__()
        self.bins = bins

    def forward(
        self, spikes: Tensor, start: int = 0, n_steps: int | None = None
    ) -> Tensor:
        """Map (time, batch, unit) to (time, batch, unit·bins).

        A piece begins with step `start` of a window of `n_steps`.
        """
        edges = segment_edges(n_steps or len(spikes), self.bins)
        lengths = torch.tensor([stop - first for first, stop in edges])
        segments = torch.arange(self.bins).repeat_interleave(lengths)
        here = functional.one_hot(segments[start : start + len(spikes)], self.bins)
        opened = here[:, None, None].to(spikes)
        return (spikes.unsqueeze(-1) * opened).flatten(2)


class RewardHead(Head):
    """Neurons of each class, of which the class that fires most is chosen.

    A logit is the spikes of the class's neurons over the temperature, so that the
    network is as sure of a class as it was while it learned.

    Parameters
    ----------
    n_in, n_classes : int
    bins : int
        Segments of the window.
    dt : float
        Seconds a step.
    choices : RewardReadOut
    """

    def __init__(
        self, n_in: int, n_classes: int, *, bins: int, dt: float, choices: RewardReadOut
    ) -> None:
        super().__init__()
        population = _population(n_in * bins, n_classes, dt, choices)
        self.n_classes, self.temperature = n_classes, choices.temperature
        self.gates = Gates(bins)
        self.weights = EventLinear(population.n_pre, population.n_post)
        self.neurons = Competing(population)
        self.neurons.thresholds.fill_(choices.threshold)

    def ends(self, n_steps: int) -> list[int]:
        """List the ends of the segments in which its gates open."""
        return segment_ends(n_steps, self.gates.bins)

    def read(self, outputs: Tensor, start: int, n_steps: int) -> Tensor:
        """Give the currents of the class neurons, (time, batch, neuron)."""
        return cast("Tensor", self.weights(self.gates(outputs, start, n_steps)))

    def logits(self, readings: Sequence[Tensor]) -> Tensor:
        """Run the neurons through the full window, and count."""
        spikes, _ = self.neurons(torch.cat(list(readings)))
        counts: Tensor = spikes.sum(0).unflatten(1, (self.n_classes, -1)).sum(2)
        return counts / self.temperature


def _population(
    n_sources: int, n_classes: int, dt: float, choices: RewardReadOut
) -> Population:
    return Population(
        choices.rules,
        n_sources,
        n_classes * choices.per_class,
        dt=dt,
        tau_mem_s=choices.tau_mem_s,
        tau_syn_s=choices.tau_syn_s,
        inhibition=choices.inhibition,
        winners=choices.winners,
    )

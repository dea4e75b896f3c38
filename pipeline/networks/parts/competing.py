"""The parts of a competitive layer that has learned."""

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.kernels.rules.competitive import compete, deliver, plain_compete
from pipeline.networks.parts.layers import Unrolled, with_past
from pipeline.networks.parts.weights import Taps, Weights, delayed_taps
from pipeline.neurons.parts.layer import UpdateWords
from pipeline.plasticity.parts.population import Population


class Delays(nn.Module):
    """Each feature at several delays, side by side.

    Source f·count + k is feature f, k·every steps ago: on a device, bits in a ring.

    Attributes
    ----------
    n_past : int
        Steps before a piece of time that its first outputs need.
    """

    def __init__(self, count: int, every: int) -> None:
        super().__init__()
        self.count, self.every = count, every
        self.n_past = (count - 1) * every

    def forward(self, spikes: Tensor, past: Tensor | None = None) -> Tensor:
        """Map (time, batch, feature) to (time, batch, feature·count)."""
        values, n_steps = with_past(spikes, self.n_past, past), len(spikes)
        firsts = [self.n_past - k * self.every for k in range(self.count)]
        copies = [values[first : first + n_steps] for first in firsts]
        return torch.stack(copies, dim=-1).flatten(2)


class EventLinear(nn.Linear):
    """Weights that add a row for each spike, in the order of the sources.

    So a sum has the same bits here as in the loop that learned. Off the CPU, and for
    gradients, it is a product.
    """

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__(n_in, n_out, bias=False)
        self.weight.requires_grad = False

    def forward(self, spikes: Tensor) -> Tensor:
        """Map (time, batch, source) to currents (time, batch, target)."""
        plain = spikes.dtype != torch.float32 or spikes.device.type != "cpu"
        if plain or spikes.requires_grad:
            return functional.linear(spikes, self.weight)
        currents = np.empty((*spikes.shape[:2], self.out_features), np.float32)
        rows = self.weight.detach().t().contiguous().numpy()
        deliver(spikes.contiguous().numpy(), rows, currents)
        return torch.from_numpy(currents)


class DelayedWeights(Weights):
    """Delays, and the weights that were learned on them."""

    kind = "delayed"

    def __init__(self, delays: Delays, n_in: int, n_out: int) -> None:
        super().__init__()
        self.delays, self.n_past = delays, delays.n_past
        self.constants = {"count": delays.count, "every": delays.every}
        self.linear = EventLinear(n_in * delays.count, n_out)

    @property
    def linear_map(self) -> EventLinear:
        """The weights of the copies."""
        return self.linear

    def taps(self) -> Taps:
        """Give the matrix of each delay."""
        return delayed_taps(self.linear.weight, **self.constants)

    def forward(self, spikes: Tensor, past: Tensor | None = None) -> Tensor:
        """Map (time, batch, feature) to currents (time, batch, target)."""
        return cast("Tensor", self.linear(self.delays(spikes, past)))


class Competing(Unrolled):
    """The neurons of a population whose weights and thresholds no longer change.

    The currents are those of weights as numbers, also where learning keeps codes of
    them; of codes, sums then differ by rounding.
    """

    local = True
    thresholds: Tensor

    def __init__(self, population: Population, equations: str = "") -> None:
        nn.Module.__init__(self)
        self.population, self._equations = population, equations
        self.width, self.dt = population.n_post, population.dt
        self.spiking, self.multiplications = True, 2
        self.register_buffer("thresholds", torch.ones(self.width))

    @property
    def equations(self) -> str:
        """Those of `pipeline.kernels.rules.competitive`, as the network names them."""
        return self._equations

    @property
    def inhibition(self) -> float:
        """What each spike takes off all other membranes."""
        return float(self.population.inhibition)

    def update_words(self) -> UpdateWords:
        """Count membrane and synaptic current; a threshold differs between neurons."""
        return UpdateWords(2, 2, 2, constants=1)

    def firing_thresholds(self) -> Tensor:
        """Give the thresholds, (neuron,)."""
        return self.thresholds

    def membranes(self, state: Sequence[Tensor]) -> Tensor:
        """Find the membranes, which stand before the synaptic currents."""
        return state[0][0, 0]

    def forward(self, currents: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Turn currents (time, batch, target) into spikes and the last state."""
        membranes = state[0] if state else currents.new_zeros(2, *currents.shape[1:])
        neurons = self.population.neurons._replace(scale=np.float32(1))
        if currents.device.type != "cpu":
            return plain_compete(neurons, currents, self.thresholds, membranes)
        spikes = np.empty(currents.shape, np.float32)
        after = membranes.detach().clone().contiguous()
        compete(
            neurons,
            currents.detach().contiguous().numpy(),
            self.thresholds.numpy(),
            after.numpy(),
            spikes,
        )
        return torch.from_numpy(spikes), after

"""The layers behind the neuron models.

They stand apart from the models' settings so that reading `params.yaml` does not
import torch.
"""

import math

import snntorch
import torch
from snntorch import surrogate
from torch import Tensor, nn


class NeuronLayer(nn.Module):
    """A layer whose state is passed and returned, never kept."""

    def initial_state(self, current: Tensor) -> tuple[Tensor, ...]:
        """Make the state before the first step, for current (batch, channel)."""
        return ()

    def run(self, currents: Tensor) -> Tensor:
        """Step through currents of shape (time, batch, channel)."""
        # unbind, because the backward pass of currents[t] is quadratic in time.
        steps = currents.unbind(0)
        state = self.initial_state(steps[0])
        outputs = []
        for current in steps:
            output, *state = self(current, *state)
            outputs.append(output)
        return torch.stack(outputs)


class LeakyLayer(NeuronLayer):
    """Leaky integrate-and-fire neurons: `snntorch.Leaky` with learnable constants.

    Parameters
    ----------
    n_channels : int
        Neurons of the layer; each learns its time constant and threshold.
    dt : float
        Seconds a step.
    tau_mem_s : float
        Membrane time constant at the start, seconds.
    threshold : float
        Threshold at the start.
    slope : float
        α of the arctangent surrogate gradient.
    """

    def __init__(
        self,
        n_channels: int,
        *,
        dt: float,
        tau_mem_s: float,
        threshold: float,
        slope: float,
    ) -> None:
        super().__init__()
        self.dt = dt
        self.slope = slope
        self.log_tau = nn.Parameter(torch.full((n_channels,), math.log(tau_mem_s)))
        self.log_threshold = nn.Parameter(
            torch.full((n_channels,), math.log(threshold))
        )

    @property
    def beta(self) -> Tensor:
        """The share of the membrane that a step keeps, exp(−dt / τ), (channel,)."""
        return torch.exp(-self.dt / self.log_tau.exp())

    @property
    def threshold(self) -> Tensor:
        """The membrane value that fires, (channel,)."""
        return self.log_threshold.exp()

    def cell(self) -> snntorch.Leaky:
        """Make the snnTorch neuron of the present constants.

        A new one a run, because snnTorch's neurons keep their last membrane, and with
        it the whole graph; and taken from its list of all neurons ever made, which
        would keep them alive for good.
        """
        cell = snntorch.Leaky(
            self.beta,
            self.threshold,
            spike_grad=surrogate.atan(self.slope),
            reset_mechanism="subtract",
        )
        snntorch.SpikingNeuron.instances.remove(cell)
        return cell

    def initial_state(self, current: Tensor) -> tuple[Tensor, ...]:
        """Make membranes at rest."""
        return (torch.zeros_like(current),)

    def forward(self, current: Tensor, membrane: Tensor) -> tuple[Tensor, Tensor]:
        """Make one step; gives spikes and membrane, (batch, channel)."""
        spikes, membrane = self.cell()(current, membrane)
        return spikes, membrane

    def run(self, currents: Tensor) -> Tensor:
        """Step through currents of shape (time, batch, channel)."""
        cell, steps = self.cell(), currents.unbind(0)
        (membrane,) = self.initial_state(steps[0])
        spikes = []
        for current in steps:
            fired, membrane = cell(current, membrane)
            spikes.append(fired)
        return torch.stack(spikes)


class ReluLayer(NeuronLayer):
    """Rectified linear units, each step by itself."""

    def forward(self, current: Tensor) -> tuple[Tensor]:
        """Rectify a current of any shape."""
        return (torch.relu(current),)

    def run(self, currents: Tensor) -> Tensor:
        """Rectify all steps at once: they do not depend on each other."""
        return torch.relu(currents)

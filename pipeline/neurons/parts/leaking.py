"""Neurons whose one membrane leaks: their learned time constant and threshold."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pipeline.neurons.parts.spiking import (
    MEMBRANES_S,
    MembraneTime,
    SpikingNeuron,
    Start,
    Threshold,
    logarithms,
)

if TYPE_CHECKING:
    from torch import Tensor


class LeakingNeuron(SpikingNeuron):
    """Settings of neurons with one leaking membrane and one threshold.

    Learned are log τ and log θ; constants are exp(−dt/τ) and θ.
    """

    tau_mem_s: MembraneTime = MEMBRANES_S
    threshold: Threshold = 1.0

    def start(self) -> dict[str, Start]:
        """Give log τ and log θ."""
        return {
            "log_tau": logarithms(self.tau_mem_s),
            "log_threshold": math.log(self.threshold),
        }

    def quantities(
        self, learned: "Mapping[str, Tensor]", dt: float
    ) -> "dict[str, Tensor]":
        """Give τ in seconds and θ."""
        return {
            "tau_mem_s": learned["log_tau"].exp(),
            "threshold": learned["log_threshold"].exp(),
        }

    def constants(
        self, learned: "Mapping[str, Tensor]", dt: float
    ) -> "tuple[Tensor, ...]":
        """Compute exp(−dt/τ), the share of the membrane that stays, and θ."""
        kept = (-dt * (-learned["log_tau"]).exp()).exp()
        return kept, learned["log_threshold"].exp()

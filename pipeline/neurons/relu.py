"""Rectified linear units: what makes a network its own matched ANN."""

from typing import TYPE_CHECKING

from pipeline.neurons.base import Neuron

if TYPE_CHECKING:
    from pipeline.neurons._layers import ReluLayer


class Relu(Neuron):
    """Rectified linear units, y[t] = max(0, i[t]): no state and no spikes."""

    @property
    def spiking(self) -> bool:
        """False."""
        return False

    def build(self, n_channels: int, *, dt: float) -> "ReluLayer":
        """Make a layer; it has no parameters."""
        from pipeline.neurons._layers import ReluLayer

        return ReluLayer()

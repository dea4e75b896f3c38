"""Rectified linear units: what makes a network its own matched ANN."""

from typing import TYPE_CHECKING

from pipeline.neurons.base import Neuron

if TYPE_CHECKING:
    from pipeline.neurons.parts.relu_layer import ReluLayer


class Relu(Neuron):
    """Rectified linear units, y[t] = max(0, i[t]): no state and no spikes."""

    @property
    def spiking(self) -> bool:
        """False."""
        return False

    def build(self, shape: tuple[int, ...], *, dt: float) -> "ReluLayer":
        """Make a layer; it has no parameters."""
        from pipeline.neurons.parts.relu_layer import ReluLayer

        return ReluLayer()

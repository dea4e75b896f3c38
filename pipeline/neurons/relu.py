"""Rectified linear units: what makes a network its own matched ANN."""

from typing import TYPE_CHECKING

from pipeline.neurons.base import Neuron

if TYPE_CHECKING:
    from pipeline.neurons.parts.circuit import Added, Circuit, Currents, LayerValues
    from pipeline.neurons.parts.relu_layer import ReluLayer


class Relu(Neuron):
    """Rectified linear units, y[t] = max(0, i[t]): no state and no spikes."""

    @classmethod
    def equations(cls) -> str:
        """Name its equations: its own."""
        return "relu"

    @property
    def spiking(self) -> bool:
        """False."""
        return False

    def build(self, shape: tuple[int, ...], *, dt: float) -> "ReluLayer":
        """Make a layer; it has no parameters."""
        from pipeline.neurons.parts.relu_layer import ReluLayer

        return ReluLayer(self)

    def to_nir(
        self, circuit: "Circuit", values: "LayerValues", currents: "Currents"
    ) -> "Added":
        """Refuse: NIR has nodes for spikes and linear maps."""
        raise values.refuse("NIR has no rectified units")

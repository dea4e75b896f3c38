"""A network of recurrent layers."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from pipeline.networks.dense import Dense
from pipeline.networks.parts.settings import Counts
from pipeline.neurons.base import Neuron

if TYPE_CHECKING:
    from pipeline.networks.parts.layers import Unrolled


class Recurrent(Dense):
    """Dense layers whose neurons also receive recurrent input, a step later.

        spikes ─► [weights ─► neurons ⟲ weights] × layers ─► read-out

    Dropout silences neurons towards the next layer, not towards their own.
    """

    units: Annotated[Counts, Field(description="neurons of every layer")] = (128,)

    def unrolled(self, neuron: Neuron, width: int, *, dt: float) -> "Unrolled":
        """Make the neurons of a layer, with their weights on each other."""
        from pipeline.networks.parts.layers import Recurrent

        return Recurrent(neuron, width, dt=dt)

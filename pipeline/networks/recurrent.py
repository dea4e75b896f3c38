"""A network of recurrent layers."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, PositiveInt, model_validator

from pipeline.networks.base import Shape
from pipeline.networks.dense import Dense
from pipeline.networks.parts.settings import Counts
from pipeline.neurons.base import Neuron

if TYPE_CHECKING:
    from torch import nn

    from pipeline.networks.parts.layers import Unrolled
    from pipeline.networks.parts.weights import Weights


class Recurrent(Dense):
    """Dense layers whose neurons also receive recurrent input, a step later.

        spikes ─► [weights ─► neurons ⟲ weights] × layers ─► read-out

    Dropout silences neurons towards the next layer, not towards their own.

    The first layer's weights reach over the `kernel` last steps, as synapses with that
    many delays do, and all layers make one step for `stride` steps of the input:

        i[j] = Σ_d W[d]·x[(j + 1)·stride − 1 − d],    d = 0 … kernel − 1
    """

    units: Annotated[Counts, Field(description="neurons of every layer")] = (128,)
    kernel: Annotated[
        PositiveInt, Field(description="steps that the first layer's weights see")
    ] = 1
    stride: Annotated[
        PositiveInt, Field(description="steps of the input for one of the layers")
    ] = 1
    norm: Annotated[
        Literal["batch", "none"],
        Field(description="of the first layer's currents, over a batch"),
    ] = "none"

    @model_validator(mode="after")
    def _check_kernel(self) -> "Recurrent":
        if self.kernel < self.stride:
            raise ValueError("a kernel shorter than its stride would skip steps")
        if self.recompute and (self.stride > 1 or self.norm == "batch"):
            raise ValueError("with a stride or a norm, no piece of time can recompute")
        return self

    @property
    def mixes_persons(self) -> bool:
        """A norm takes its mean and spread over a batch."""
        return self.norm == "batch"

    def n_read(self, shape: Shape) -> int:
        """Count what the stride leaves of a window."""
        return shape.n_steps // self.stride

    def weights(
        self, n_in: int, n_out: int, neuron: Neuron, *, first: bool
    ) -> "Weights | nn.Linear":
        """Make the weights of a layer; those of the first one have the kernel."""
        from pipeline.networks.parts.layers import CausalConvolution

        if not first or (self.kernel == 1 and self.norm == "none"):
            return super().weights(n_in, n_out, neuron, first=first)
        return CausalConvolution(
            n_in,
            n_out,
            kernel=self.kernel,
            stride=self.stride,
            branches=neuron.inputs,
            normalised=self.norm == "batch",
            bias=self.bias,
        )

    def unrolled(self, neuron: Neuron, width: int, *, dt: float) -> "Unrolled":
        """Make the neurons of a layer, with their weights on each other."""
        from pipeline.networks.parts.layers import Recurrent

        return Recurrent(neuron, width, dt=dt * self.stride)

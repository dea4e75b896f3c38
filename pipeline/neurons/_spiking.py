"""What spiking neurons with learned dynamics share: settings, without torch.

A model says three things: from which values learning starts, what the learned values
mean, and which constants they give the kernel that steps through time. Everything else
is the layer's (`_layer.py`) and the kernel's.
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from pipeline.neurons.base import Neuron

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.neurons._layer import NeuronLayer

Start = float | tuple[float, ...]
"""A learned parameter's first value, or several values a neuron."""

Seconds = Annotated[float, Field(gt=0, le=100)]
Threshold = Annotated[
    float, Field(gt=0, le=100, description="membrane value that fires")
]


class SpikingNeuron(Neuron):
    """A neuron whose constants are learned and whose loop over time is compiled."""

    kernel: ClassVar[str]
    """The file in `pipeline/kernels` that steps through time."""

    learned_per: Annotated[
        Literal["layer", "channel", "neuron"],
        Field(description="what shares learned dynamics; a channel is a neuron here"),
    ] = "channel"
    learning_rates: Annotated[
        dict[str, Annotated[float, Field(ge=0, le=1000)]],
        Field(
            default_factory=dict,
            description="by learned parameter: × the training's rate; 0 keeps it",
        ),
    ]
    surrogate: Annotated[
        Literal["atan", "fast_sigmoid", "sigmoid", "straight_through"],
        Field(description="snnTorch's surrogate gradients"),
    ] = "atan"
    surrogate_slope: Annotated[float, Field(gt=0, le=1000)] = 2.0

    @property
    def spiking(self) -> bool:
        """True."""
        return True

    @abstractmethod
    def start(self) -> dict[str, Start]:
        """Give what is learned, in an unconstrained space, with its first values."""

    @abstractmethod
    def quantities(
        self, learned: Mapping[str, "Tensor"], dt: float
    ) -> "dict[str, Tensor]":
        """Say what the learned values mean, in the units of the settings."""

    @abstractmethod
    def constants(
        self, learned: Mapping[str, "Tensor"], dt: float
    ) -> "tuple[Tensor, ...]":
        """Compute the kernel's constants, each of the learned values' shape."""

    def drive(
        self, currents: "Tensor", learned: Mapping[str, "Tensor"], dt: float
    ) -> "Tensor":
        """Scale currents (time, batch, ...) as the membrane takes them: not at all."""
        return currents

    def unit(self, quantities: Mapping[str, "Tensor"]) -> "Tensor | float | None":
        """Give the value of the first state variable that fires, for portraits.

        None if the state is not a membrane and at most one variable beside it.
        """
        return quantities.get("threshold", getattr(self, "threshold", 1.0))

    def options(self) -> tuple[float, ...]:
        """Give the kernel's options without the surrogate's."""
        return ()

    def rest(self) -> tuple[float, ...]:
        """Give the state variables before the first step."""
        return (0.0,)

    def build(self, shape: tuple[int, ...], *, dt: float) -> "NeuronLayer":
        """Make a layer of such neurons."""
        from pipeline.neurons._layer import NeuronLayer

        return NeuronLayer(self, shape, dt=dt)

    @model_validator(mode="after")
    def _check_learning_rates(self) -> "SpikingNeuron":
        for name in self.learning_rates:
            if name not in (learned := self.start()):
                raise ValueError(f"{name} is not learned: {', '.join(learned)} are")
        return self

"""Settings that spiking neurons with learned dynamics share, without torch.

A model defines three things: the values from which learning starts, the quantities that
the learned values stand for, and the constants of the kernel that steps through time.
Everything else belongs to the layer (`layer.py`) and the kernel.
"""

import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from pipeline.neurons.base import Neuron
from pipeline.neurons.parts.starts import Spread
from pipeline.neurons.parts.starts import Start as Start

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.neurons.parts.layer import NeuronLayer


def _in_order(ends: tuple[float, float]) -> tuple[float, float]:
    if ends[0] > ends[1]:
        raise ValueError("the lower end first")
    return ends


Seconds = Annotated[float, Field(gt=0, le=100)]
TimeConstants = Seconds | Annotated[tuple[Seconds, Seconds], AfterValidator(_in_order)]
"""One for all neurons, or the ends of the range over which neurons are spread."""

Hertz = Annotated[float, Field(gt=0, le=1000)]
Frequencies = Hertz | Annotated[tuple[Hertz, Hertz], AfterValidator(_in_order)]
"""Frequencies, like time constants."""

MEMBRANES_S = (0.01, 0.5)
"""Default range of membrane time constants, in seconds."""

MembraneTime = Annotated[
    TimeConstants,
    Field(description="membrane time constant, or [low, high] to spread it over"),
]
ResetGradient = Annotated[
    bool, Field(description="whether gradients flow through the reset")
]
Threshold = Annotated[
    float, Field(gt=0, le=100, description="membrane value that fires")
]


class SpikingNeuron(Neuron):
    """A neuron whose constants are learned and whose loop over time is compiled."""

    kernel: ClassVar[str]
    """The file in `pipeline/kernels/neurons` that steps through time."""

    learned_per: Annotated[
        Literal["layer", "channel", "neuron"],
        Field(description="unit of learned dynamics; a channel is a neuron here"),
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

    @classmethod
    def equations(cls) -> str:
        """Name its equations: those of its kernel."""
        return cls.kernel

    @property
    def spiking(self) -> bool:
        """True."""
        return True

    @property
    def slowest_s(self) -> float:
        """Longest time constant before learning, seconds; 0 without any."""
        times = [v for k, v in self.model_dump().items() if k.startswith("tau_")]
        ends = [max(v) if isinstance(v, tuple) else float(v) for v in times]
        return max(ends, default=0.0)

    @abstractmethod
    def start(self) -> dict[str, Start]:
        """Give the learned parameters, in an unconstrained space, with first values."""

    @abstractmethod
    def quantities(
        self, learned: Mapping[str, "Tensor"], dt: float
    ) -> "dict[str, Tensor]":
        """Convert the learned values to the units of the settings."""

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

    def moved_by_update(self) -> tuple[int, int]:
        """Count the words of state that an update reads, and writes: all of them."""
        variables = len(self.rest())
        return variables, variables

    def build(self, shape: tuple[int, ...], *, dt: float) -> "NeuronLayer":
        """Make a layer of such neurons."""
        from pipeline.neurons.parts.layer import NeuronLayer

        return NeuronLayer(self, shape, dt=dt)

    @model_validator(mode="after")
    def _check_learning_rates(self) -> "SpikingNeuron":
        for name in self.learning_rates:
            if name not in (learned := self.start()):
                raise ValueError(f"{name} is not learned: {', '.join(learned)} are")
        return self


def logarithms(tau_s: float | tuple[float, float], *, mixed: bool = False) -> Start:
    """Give the logarithm of a time constant, or of a range spread evenly in it."""
    if isinstance(tau_s, tuple):
        low, high = tau_s
        return Spread(math.log(low), math.log(high), mixed)
    return math.log(tau_s)


def middle(tau_s: float | tuple[float, float]) -> float:
    """Give a time constant, or the geometric mean of a range's ends."""
    return math.sqrt(tau_s[0] * tau_s[1]) if isinstance(tau_s, tuple) else tau_s

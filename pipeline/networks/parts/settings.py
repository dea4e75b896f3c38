"""The settings of all layered networks, without torch."""

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, PositiveInt

from pipeline.errors import ConfigError
from pipeline.networks.base import MEMBRANE_TAU_S, Network, Restart, Shape
from pipeline.networks.parts.class_parts import check_heads
from pipeline.neurons.base import Neuron

if TYPE_CHECKING:
    from pipeline.networks.parts.heads import Head
    from pipeline.networks.parts.stack import Layer, Stack

Counts = Annotated[tuple[PositiveInt, ...], Field(min_length=1, max_length=8)]
Dropout = Annotated[
    float, Field(ge=0, lt=1, description="share of outputs dropped in training")
]

Restarting = Annotated[
    Restart,
    Field(
        description="when its state starts anew, besides at every change of "
        "person, session, segment and role: never; before each decision's window; "
        "or at labelled blocks, as an oracle that knows where labels change"
    ),
]

FORGOTTEN = 3.0
"""Time constants after which a twentieth is left of what was seen."""


class LayeredNetwork(Network):
    """Layers of weights and neurons, if any, and a read-out.

    The read-out is of `rates` in equal segments of the window, of the spike `count` in
    it, of the `membrane` of a neuron a class that never fires, or of a bank of `traces`
    from fast to slow. The last three have logits at every step. What they read is
    dropped in training a neuron and window at a time, of rates one at a time.
    """

    read_out: Annotated[
        Literal["rates", "count", "membrane", "traces"],
        Field(description="what the classes are decided by"),
    ] = "rates"
    bins: Annotated[
        int, Field(ge=1, le=64, description="segments of the window, for rates")
    ] = 8
    traces: Annotated[
        int, Field(ge=1, le=64, description="time constants, for traces")
    ] = 8
    longest_s: Annotated[
        float, Field(gt=0, le=3600, description="the slowest trace before learning")
    ] = 2.0
    restart: Restarting = "never"
    dropout: Dropout = 0.2
    heads: Annotated[
        dict[str, Annotated[tuple[str, ...], Field(min_length=1)]],
        Field(
            default_factory=dict,
            description="parts of a joined code by class, which alone it is decided "
            "by; a class that is not named is decided by all",
        ),
    ]

    @property
    def restarts(self) -> Restart:
        """When its state starts anew."""
        return self.restart

    @property
    def is_oracle(self) -> bool:
        """Whether it knows where labels change."""
        return self.restart == "blocks"

    @property
    def reads_steps(self) -> bool:
        """Whether it has logits at every step."""
        return self.read_out != "rates"

    def remembers_s(self, shape: Shape, neuron: Neuron) -> float:
        """Estimate how far back a decision reaches before learning, seconds."""
        window_s = shape.n_steps * shape.dt
        read_s = {
            "membrane": FORGOTTEN * MEMBRANE_TAU_S,
            "traces": FORGOTTEN * self.longest_s,
        }.get(self.read_out, window_s)
        return read_s + FORGOTTEN * neuron.slowest_s

    @abstractmethod
    def n_read(self, shape: Shape) -> int:
        """Count the steps of a window that the read-out sees."""

    @abstractmethod
    def layers(self, shape: Shape, neuron: Neuron) -> "list[Layer]":
        """Make the layers, if any, the last of which is not yet dropped out."""

    def build(self, shape: Shape, neuron: Neuron) -> "Stack":
        """Make the network.

        Raises
        ------
        ConfigError
            The windows are too short, or `heads` name what is not there.
        """
        from pipeline.networks.parts.stack import Stack

        self.check_shape(shape)
        layers = self.layers(shape, neuron)
        last = layers[-1].unrolled if layers else None
        width, dt = (last.width, last.dt) if last else (shape.n_features, shape.dt)
        network = Stack(layers, self._head(width, shape, dt))
        if self.reads_steps:
            read = layers[-1] if layers else network
            read.dropout = self.dropout
        if self.heads:
            from pipeline.networks.parts.separate import separate

            separate(network, self.heads, shape)
        return network

    def _head(self, width: int, shape: Shape, dt: float) -> "Head":
        from pipeline.networks.parts.heads import RateHead
        from pipeline.networks.parts.step_heads import (
            CountHead,
            MembraneHead,
            TracesHead,
        )

        n_read, n_classes = self.n_read(shape), shape.n_classes
        match self.read_out:
            case "count":
                return CountHead(width, n_classes, n_read=n_read)
            case "membrane":
                return MembraneHead(width, n_classes, dt=dt)
            case "traces":
                longest_s = max(self.longest_s, dt)
                return TracesHead(
                    width, n_classes, traces=self.traces, longest_s=longest_s, dt=dt
                )
        return RateHead(
            width, n_classes, n_read=n_read, bins=self.bins, dropout=self.dropout
        )

    def check_shape(self, shape: Shape) -> None:
        """Refuse windows that leave too few steps to read out, and unknown heads.

        Raises
        ------
        ConfigError
        """
        check_heads(self.heads, shape)
        needed = self.bins if self.read_out == "rates" else 1
        if (left := self.n_read(shape)) < needed:
            raise ConfigError(
                "params.yaml: models.*.network",
                f"windows of {shape.n_steps} steps leave {left} to read out, for "
                f"{needed} bins",
                expected="at least one step a bin",
                remedy="fewer bins, shorter strides, or longer windows",
            )

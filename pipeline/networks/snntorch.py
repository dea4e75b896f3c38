"""A network of snnTorch's layers that somebody wrote, as it is."""

import math
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from pipeline.errors import ConfigError
from pipeline.networks.base import Network, Restart, Shape
from pipeline.networks.parts.modules import check_watched, imported, made, placed
from pipeline.networks.parts.settings import FORGOTTEN, Restarting
from pipeline.neurons.base import Neuron
from pipeline.neurons.leaky import Leaky

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.networks.parts.stack import Stack
    from pipeline.networks.parts.stepped import SteppedModule

MOST_REMEMBERED = 10
"""Windows that a module is thought to remember, at most."""


class Snntorch(Network):
    """A torch module of snnTorch's layers, with a neuron a class.

        spikes ─► module ─► read-out

    The module is made by `Class(n_inputs, n_outputs, **options)`, or without the sizes.
    It takes the spikes of a step, (batch, feature), or those of all steps, (time,
    batch, feature), and gives spikes or membranes in the same order, alone or before
    others; how it does is found out by running it. Its read-out has no weights: a class
    is decided by its spikes in the window, or by the last value that the module gives,
    such as membranes, at the decision.

    It trains, evaluates, is counted and runs on. It has no form in integers, in C or in
    NIR.
    """

    own_neurons: ClassVar[bool] = True

    module: Annotated[
        str,
        AfterValidator(placed),
        Field(description="where the class is: package.module:Class"),
    ]
    options: Annotated[
        dict[str, bool | int | float | str],
        Field(default_factory=dict, description="what else the class is made with"),
    ]
    read_out: Annotated[
        Literal["spikes", "membrane"],
        Field(description="what the classes are decided by"),
    ] = "spikes"
    restart: Restarting = "never"

    @property
    def named_modules(self) -> tuple[str, ...]:
        """Its module."""
        return (self.module.partition(":")[0],)

    @property
    def restarts(self) -> Restart:
        """When its state starts anew."""
        return self.restart

    @property
    def is_oracle(self) -> bool:
        """Whether it knows where labels change."""
        return self.restart == "blocks"

    def check(self, neuron: Neuron) -> None:
        """Refuse neurons beside the module's own, and what is no module.

        Raises
        ------
        ConfigError
        """
        if neuron != Leaky.model_validate({}):
            raise ConfigError(
                "params.yaml: models.*.neuron",
                "neurons beside a module, which has its own",
                expected="no `neuron`",
                remedy="leave it out",
            )
        check_watched(self.module)
        imported(self.module)

    def check_shape(self, shape: Shape) -> None:
        """Refuse a module of other inputs or outputs, or of states of its own.

        Raises
        ------
        ConfigError
        """
        import torch

        with torch.random.fork_rng(devices=[]):
            self._stepped(shape)

    def remembers_s(self, shape: Shape, neuron: Neuron) -> float:
        """Estimate how far back a decision reaches before learning, seconds.

        By the slowest decay in the module, and for at most ten windows.
        """
        import torch

        from pipeline.networks.parts.stepped import layers_in

        with torch.random.fork_rng(devices=[]):
            module = self._stepped(shape).module
        decays = [
            float(value.detach().max())
            for each in layers_in(module)
            for name in ("alpha", "beta")
            if (value := _decay(each, name)) is not None
        ]
        slowest, window_s = max(decays, default=0.0), shape.n_steps * shape.dt
        if slowest >= 1:
            return MOST_REMEMBERED * window_s
        tau_s = -shape.dt / math.log(slowest) if slowest > 0 else 0.0
        read_s = window_s if self.read_out == "spikes" else 0.0
        return min(read_s + FORGOTTEN * tau_s, MOST_REMEMBERED * window_s)

    def build(self, shape: Shape, neuron: Neuron) -> "Stack":
        """Make the network.

        Raises
        ------
        ConfigError
            The module does not keep the contract.
        """
        from pipeline.networks.parts.plain_heads import LastValueHead, SpikeCountHead
        from pipeline.networks.parts.stack import Layer, Stack
        from pipeline.networks.parts.stepped import Direct

        layer = Layer(Direct(), self._stepped(shape))
        if self.read_out == "membrane":
            return Stack([layer], LastValueHead())
        return Stack([layer], SpikeCountHead(n_read=shape.n_steps))

    def _stepped(self, shape: Shape) -> "SteppedModule":
        from pipeline.networks.parts.probing import stepped

        sizes = shape.n_features, shape.n_classes
        module = made(self.module, *sizes, self.options)
        last = self.read_out == "membrane"
        return stepped(module, *sizes, dt=shape.dt, last=last)


def _decay(neurons: Any, name: str) -> "Tensor | None":
    value: Tensor | None = getattr(neurons, name, None)
    return value

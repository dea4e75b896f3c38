"""A network whose hidden layer learns by local rules, without labels."""

from typing import TYPE_CHECKING, Annotated, cast

from pydantic import Field, PositiveInt, model_validator

from pipeline.components import chosen
from pipeline.errors import ConfigError
from pipeline.networks.base import Restart, Shape
from pipeline.networks.parts.reward_settings import RewardReadOut
from pipeline.networks.parts.settings import LayeredNetwork
from pipeline.neurons.base import Neuron
from pipeline.neurons.leaky import Leaky
from pipeline.neurons.parts.spiking import middle
from pipeline.plasticity.adaptive_threshold import AdaptiveThreshold
from pipeline.plasticity.base import Rule
from pipeline.plasticity.parts.agreement import disagreement
from pipeline.plasticity.parts.settings import Shares
from pipeline.plasticity.three_variable import ThreeVariable

if TYPE_CHECKING:
    from pipeline.networks.parts.heads import Head
    from pipeline.networks.parts.stack import Layer
    from pipeline.plasticity.parts.population import Population


INTEGERS = "competing"
"""The form of its neurons in integers, in `pipeline.quantization.neurons`."""


class Competitive(LayeredNetwork):
    """Leaky neurons that inhibit each other and learn by STDP; a read-out of theirs.

        spikes ─► delays ─► [weights ─► neurons ⊣ neurons] ─► read-out

    Its neurons are alike: of a range of time constants they have the geometric mean.

    The layer learns first, from training windows without their labels; then it is kept
    as it is and the read-out learns from its spikes: by regression or gradients, or, if
    `reward` sets its class neurons, from reward alone.
    """

    units: PositiveInt = 64
    delays: Annotated[
        int, Field(ge=1, le=64, description="copies of every feature, each later")
    ] = 16
    delay_s: Annotated[
        float, Field(gt=0, le=1, description="between one copy and the next, seconds")
    ] = 0.008
    tau_syn_s: Annotated[
        float, Field(gt=0, le=1, description="time constant of synaptic currents")
    ] = 0.01
    inhibition: Annotated[
        float, Field(ge=0, le=100, description="what a spike takes from the others")
    ] = 1.0
    winners: Annotated[
        int, Field(ge=0, description="neurons that at most fire in a step; 0: all")
    ] = 1
    first_weights: Shares = (0.2, 0.6)
    windows: Annotated[
        int, Field(ge=0, le=10**7, description="training windows that the layer sees")
    ] = 2000
    reward: Annotated[
        RewardReadOut | None,
        Field(description="class neurons that learn from reward, for the read-out"),
    ] = None
    rules: Annotated[
        tuple[Annotated[Rule, *chosen("plasticity")], ...],
        Field(description="what changes the layer, step by step, in this order"),
    ] = (ThreeVariable(), AdaptiveThreshold())

    @model_validator(mode="after")
    def _check_rules(self) -> "Competitive":
        if fault := disagreement(self.rules):
            raise ValueError(fault)
        if all(rule.heaviest is None for rule in self.rules):
            raise ValueError("no rule that changes weights; windows: 0 keeps them")
        if any(rule.takes_reward for rule in self.rules):
            raise ValueError("rule reward: the layer gets none; it belongs in `reward`")
        if self.reward and self.read_out != "rates":
            raise ValueError(f"read_out {self.read_out} beside `reward`: one of them")
        if self.heads:
            raise ValueError("heads: every neuron of its layer receives all parts")
        return self

    def check(self, neuron: Neuron) -> None:
        """Refuse neurons but `leaky`, and thresholds that would not stay.

        Raises
        ------
        ConfigError
        """
        if not isinstance(neuron, Leaky):
            raise ConfigError(
                "params.yaml: models.*.neuron",
                f"{type(neuron).__name__} in a competitive network",
                expected="name: leaky, whose tau_mem_s and threshold it takes",
            )
        rests = {r.resting for r in self.rules if r.resting is not None}
        if rests - {neuron.threshold}:
            raise ConfigError(
                "params.yaml: models.*.neuron.threshold",
                f"{neuron.threshold:g}, and adaptive thresholds rest at {min(rests):g}",
                expected="the same number",
            )

    @property
    def local(self) -> "Competitive":
        """Its layer learns by its rules."""
        return self

    @property
    def learns_activity(self) -> bool:
        """Its layer does not learn by gradients."""
        return False

    @property
    def prunable(self) -> bool:
        """Its read-out learns by gradients, if not from reward."""
        return self.reward is None

    @property
    def restarts(self) -> Restart:
        """Class neurons count in windows: what learns from reward restarts for each."""
        return "windows" if self.reward else self.restart

    def n_read(self, shape: Shape) -> int:
        """Count every step."""
        return shape.n_steps

    def check_shape(self, shape: Shape) -> None:
        """Refuse windows that its delays or its read-out reach over.

        Raises
        ------
        ConfigError
        """
        super().check_shape(shape)
        latest = (self.delays - 1) * self._steps_between(shape)
        if latest >= shape.n_steps:
            raise ConfigError(
                "params.yaml: models.*.network",
                f"the last of {self.delays} delays is {latest} steps, windows have "
                f"{shape.n_steps}",
                expected="delays that end within a window",
                remedy="fewer delays, or a smaller delay_s",
            )

    def _steps_between(self, shape: Shape) -> int:
        """Count the steps between one copy of a feature and the next."""
        return max(1, round(self.delay_s / shape.dt))

    def population(self, shape: Shape, neuron: Neuron) -> "Population":
        """Make the layer that learns.

        Raises
        ------
        ConfigError
            The neuron is not `leaky`, or time constants do not fit the code's step.
        """
        from pipeline.plasticity.parts.population import Population

        self.check(neuron)
        tau_mem_s = middle(cast("Leaky", neuron).tau_mem_s)
        return Population(
            self.rules,
            shape.n_features * self.delays,
            self.units,
            dt=shape.dt,
            tau_mem_s=tau_mem_s,
            tau_syn_s=self.tau_syn_s,
            inhibition=self.inhibition,
            winners=self.winners,
        )

    def layers(self, shape: Shape, neuron: Neuron) -> "list[Layer]":
        """Make the layer as it is when it has learned."""
        from pipeline.networks.parts.competing import Competing, DelayedWeights, Delays
        from pipeline.networks.parts.stack import Layer

        delays = Delays(self.delays, self._steps_between(shape))
        weights = DelayedWeights(delays, shape.n_features, self.units)
        competing = Competing(self.population(shape, neuron), INTEGERS)
        competing.thresholds.fill_(cast("Leaky", neuron).threshold)
        return [Layer(weights, competing)]

    def _head(self, width: int, shape: Shape, dt: float) -> "Head":
        if self.reward is None:
            return super()._head(width, shape, dt)
        from pipeline.networks.parts.reward_head import RewardHead

        bins, n_classes = self.bins, shape.n_classes
        return RewardHead(width, n_classes, bins=bins, dt=dt, choices=self.reward)

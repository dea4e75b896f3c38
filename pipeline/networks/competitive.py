"""A network whose hidden layer learns by local rules, without labels."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field, PositiveInt

from pipeline.components import chosen
from pipeline.errors import ConfigError
from pipeline.networks._reward_settings import RewardReadOut
from pipeline.networks._settings import LayeredNetwork
from pipeline.networks.base import Shape
from pipeline.neurons.base import Neuron
from pipeline.neurons.leaky import Leaky
from pipeline.plasticity.adaptive_threshold import AdaptiveThreshold
from pipeline.plasticity.base import Rule
from pipeline.plasticity.three_variable import ThreeVariable

if TYPE_CHECKING:
    from pipeline.networks._heads import Head
    from pipeline.networks._stack import Layer
    from pipeline.plasticity._population import Population


class Competitive(LayeredNetwork):
    """Leaky neurons that inhibit each other and learn by STDP; a read-out of theirs.

        spikes ─► delays ─► [weights ─► neurons ⊣ neurons] ─► read-out

    The layer learns first, from training windows without their labels; then it is kept
    as it is and the read-out learns from its spikes: by regression or gradients, or, if
    `reward` says of which class neurons, from reward alone.
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
    first_weights: Annotated[
        tuple[float, float],
        Field(description="ends of what weights are drawn from, in shares of w_max"),
    ] = (0.2, 0.6)
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

    def n_read(self, shape: Shape) -> int:
        """Count every step."""
        return shape.n_steps

    def population(self, shape: Shape, neuron: Neuron) -> "Population":
        """Make the layer that learns.

        Raises
        ------
        ConfigError
            The neuron is not `leaky`, or time constants do not fit the code's step.
        """
        from pipeline.plasticity._population import Population

        neuron = _leaky(neuron)
        return Population(
            self.rules,
            shape.n_features * self.delays,
            self.units,
            dt=shape.dt,
            tau_mem_s=neuron.tau_mem_s,
            tau_syn_s=self.tau_syn_s,
            inhibition=self.inhibition,
            winners=self.winners,
        )

    def layers(self, shape: Shape, neuron: Neuron) -> "list[Layer]":
        """Make the layer as it is when it has learned."""
        from pipeline.networks._plastic import Competing, DelayedWeights, Delays
        from pipeline.networks._stack import Layer

        every = max(1, round(self.delay_s / shape.dt))
        delays = Delays(self.delays, every)
        weights = DelayedWeights(delays, shape.n_features, self.units)
        competing = Competing(self.population(shape, neuron))
        competing.thresholds.fill_(_threshold(neuron, self.rules))
        return [Layer(weights, competing)]

    def _head(self, width: int, n_classes: int, dt: float) -> "Head":
        if self.reward is None:
            return super()._head(width, n_classes, dt)
        from pipeline.networks._reward_head import RewardHead

        return RewardHead(width, n_classes, bins=self.bins, dt=dt, choices=self.reward)


def _leaky(neuron: Neuron) -> Leaky:
    if isinstance(neuron, Leaky):
        return neuron
    raise ConfigError(
        "params.yaml: models.*.neuron",
        f"{type(neuron).__name__} in a competitive network",
        expected="name: leaky, whose tau_mem_s and threshold it takes",
    )


def _threshold(neuron: Neuron, rules: tuple[Rule, ...]) -> float:
    """Give the first threshold, which is where adaptive ones go back to."""
    threshold = _leaky(neuron).threshold
    rests = {rule.rest for rule in rules if isinstance(rule, AdaptiveThreshold)}
    if rests - {threshold}:
        raise ConfigError(
            "params.yaml: models.*.neuron.threshold",
            f"{threshold:g}, and adaptive thresholds rest at {min(rests):g}",
            expected="the same number",
        )
    return threshold

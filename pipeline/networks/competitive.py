"""A network whose hidden layer learns by local rules, without labels."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field, PositiveInt

from pipeline.components import chosen
from pipeline.errors import ConfigError
from pipeline.networks._settings import LayeredNetwork
from pipeline.networks.base import Shape
from pipeline.neurons.base import Neuron
from pipeline.neurons.leaky import Leaky
from pipeline.plasticity.adaptive_threshold import AdaptiveThreshold
from pipeline.plasticity.base import Rule
from pipeline.plasticity.three_variable import ThreeVariable

if TYPE_CHECKING:
    from pipeline.networks._stack import Layer
    from pipeline.plasticity._population import Population


class Competitive(LayeredNetwork):
    """Leaky neurons that inhibit each other and learn by STDP; a read-out of theirs.

        spikes ─► delays ─► [weights ─► neurons ⊣ neurons] ─► read-out

    The layer learns first, from training windows without their labels; then it is kept
    as it is and the read-out learns from its spikes.
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

        if not isinstance(neuron, Leaky):
            raise ConfigError(
                "params.yaml: models.*.neuron",
                f"{type(neuron).__name__} in a competitive network",
                expected="name: leaky, whose tau_mem_s and threshold it takes",
            )
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
        return [Layer(weights, Competing(self.population(shape, neuron)))]

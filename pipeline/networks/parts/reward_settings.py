"""Settings of a read-out that learns from reward, without torch."""

from typing import Annotated

from pydantic import Field, PositiveInt, model_validator

from pipeline.components import Settings, chosen
from pipeline.plasticity.base import Rule
from pipeline.plasticity.normalisation import Normalisation
from pipeline.plasticity.parts.agreement import disagreement
from pipeline.plasticity.parts.settings import Shares
from pipeline.plasticity.reward import Reward


class RewardReadOut(Settings):
    """Class neurons, and the rules by which their synapses learn from reward.

    `temperature` is in spikes of a class in a window, so it goes with what sets how
    many those are: weights, time constants, inhibition and threshold.
    """

    per_class: PositiveInt = 1
    tau_mem_s: Annotated[float, Field(gt=0, le=10)] = 0.2
    tau_syn_s: Annotated[float, Field(gt=0, le=1)] = 0.01
    threshold: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    inhibition: Annotated[
        float, Field(ge=0, le=100, description="what a spike takes from the others")
    ] = 0.1
    winners: Annotated[
        int, Field(ge=0, description="neurons that at most fire in a step; 0: all")
    ] = 0
    temperature: Annotated[
        float, Field(gt=0, le=1e6, description="spikes that make a class e times surer")
    ] = 3.0
    first_weights: Shares = (0.1, 0.2)
    rules: Annotated[
        tuple[Annotated[Rule, *chosen("plasticity")], ...],
        Field(
            description="one `reward`, and what keeps class neurons from running off"
        ),
    ] = (
        Reward(
            a_plus=1.0,
            a_minus=0.0,
            tau_pre_s=0.1,
            tau_post_s=0.1,
            tau_eligibility_s=10.0,
            rate=0.01,
        ),
        Normalisation(mean=0.15, every_s=1.0),
    )

    @model_validator(mode="after")
    def _check_rules(self) -> "RewardReadOut":
        if sum(rule.takes_reward for rule in self.rules) != 1:
            raise ValueError("a read-out of reward needs exactly one rule `reward`")
        if fault := disagreement(self.rules):
            raise ValueError(fault)
        rests = {r.resting for r in self.rules if r.resting is not None}
        if rests - {self.threshold}:
            raise ValueError("adaptive thresholds rest elsewhere than at `threshold`")
        return self

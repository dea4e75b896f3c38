"""Reward-modulated STDP: pairs leave an eligibility, and reward makes it count."""

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from pipeline.plasticity.parts.settings import PairRule, Seconds, check_tau

if TYPE_CHECKING:
    from pipeline.kernels.rules.reward import Reward as Constants


class Reward(PairRule):
    """Reward-modulated STDP with an eligibility trace a synapse.

    ::

        target fires:  e ← e + a₊·x_pre          de/dt = −e/τ_e
        source fires:  e ← e − a₋·x_post
        every step:    w ← clip(w + η·reward·e, 0, w_max)

    It needs a variable a synapse beside the weight, and dense weights.

    References
    ----------
    .. [1] R. V. Florian, "Reinforcement learning through modulation of
       spike-timing-dependent synaptic plasticity", Neural Computation 19, 2007.
    .. [2] E. M. Izhikevich, "Solving the distal reward problem through linkage of STDP
       and dopamine signaling", Cerebral Cortex 17, 2007.
    """

    n_traces: ClassVar[tuple[int, int, int]] = (1, 1, 1)
    takes_reward: ClassVar[bool] = True

    tau_eligibility_s: Annotated[
        Seconds, Field(description="how long a pair may wait for its reward")
    ] = 1.0
    rate: Annotated[float, Field(gt=0, le=1000, description="η")] = 1.0

    def constants(self, n_pre: int, n_post: int, dt: float) -> "Constants":
        """Compute the decays and amplitudes."""
        from pipeline.kernels.rules.learning import decays, float32s
        from pipeline.kernels.rules.reward import Reward as Constants

        self.check(n_pre, n_post, dt)
        check_tau("tau_eligibility_s", self.tau_eligibility_s, n_pre, dt)
        return Constants(
            decays(self.tau_pre_s, n_pre, dt),
            decays(self.tau_post_s, n_post, dt),
            decays(self.tau_eligibility_s, 1, dt)[0],
            *float32s(self.a_plus, self.a_minus, self.rate, self.w_max),
        )

"""Neurons that learn online: a stream of input spikes in, their spikes out."""

from dataclasses import dataclass, field

import numpy as np

from pipeline import files
from pipeline.axes import SpikeBits
from pipeline.errors import ConfigError
from pipeline.kernels.rules.competitive import Population as Constants
from pipeline.kernels.rules.competitive import live
from pipeline.kernels.rules.learning import float32s
from pipeline.plasticity.parts.checks import check_train, rewards_of
from pipeline.plasticity.parts.learner import Learner
from pipeline.plasticity.parts.state import LearningState, synapses


@dataclass(frozen=True)
class Population(Learner):
    """Leaky neurons that inhibit each other, and whose synapses learn.

    Three variables a neuron: membrane, synaptic current and the rule's trace; adaptive
    thresholds are a fourth. See `pipeline.kernels.rules.competitive` for the equations.

    Parameters
    ----------
    tau_mem_s, tau_syn_s : float
        Time constants of membrane and synaptic current, seconds.
    inhibition : float
        What every spike takes from the other neurons' membranes.
    winners : int
        How many neurons at most fire in a step; 0 for all that would.
    """

    tau_mem_s: float = field(default=0.02, kw_only=True)
    tau_syn_s: float = field(default=0.005, kw_only=True)
    inhibition: float = field(default=0.0, kw_only=True)
    winners: int = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("tau_mem_s", "tau_syn_s"):
            if not 0 < getattr(self, name) < np.inf:
                raise ConfigError(f"plasticity: {name}", "is not a positive time")
        if not 0 <= self.inhibition < np.inf:
            raise ConfigError("plasticity: inhibition", "is negative or not finite")
        if self.winners < 0:
            raise ConfigError("plasticity: winners", "is negative")

    @property
    def neurons(self) -> Constants:
        """The constants of the neurons for compiled loops."""
        coded = self.weight_type is not np.float32
        scale = self.w_max / 255 if coded else 1.0
        beta, alpha = (np.exp(-self.dt / t) for t in (self.tau_mem_s, self.tau_syn_s))
        beta, alpha, inhibition, scale = float32s(beta, alpha, self.inhibition, scale)
        return Constants(beta, alpha, inhibition, self.winners or self.n_post, scale)

    def run(
        self,
        state: LearningState,
        pre: SpikeBits,
        rewards: np.ndarray | None = None,
        *,
        learning: bool = True,
    ) -> SpikeBits:
        """Live through a train of input spikes; `state` is changed.

        Any division of a train into pieces gives the same spikes and the same state.

        Parameters
        ----------
        state : LearningState
        pre : array, shape (time, source), bool
        rewards : array, shape (time,), optional
        learning : bool
            Whether weights, thresholds and traces change.

        Returns
        -------
        post : array, shape (time, target), bool

        Raises
        ------
        DataError
            The train does not fit, or the state is another network's.
        """
        self.check_state(state)
        check_train("pre", pre, self.n_pre, len(pre))
        post = np.zeros((len(pre), self.n_post), np.bool_)
        live(
            self.neurons,
            self.constants if learning else (),
            synapses(state),
            state.membranes,
            state.traces if learning else (),
            pre,
            post,
            state.clock,
            rewards_of(rewards, len(pre)),
        )
        state.clock += len(pre) if learning else 0
        return post

    def rest(self, state: LearningState) -> None:
        """Silence membranes, currents and what rules remember of single spikes."""
        state.membranes[:] = 0
        for rule, traces in zip(self.rules, state.traces, strict=True):
            for array in traces:
                array *= rule.lasting

    def _name(self, state: LearningState) -> str:
        """Digest the neurons' settings too."""
        neurons = self.tau_mem_s, self.tau_syn_s, self.inhibition, self.winners
        return files.inputs_digest(super()._name(state), neurons)

"""The base class of local learning rules."""

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from pipeline.components import Component

if TYPE_CHECKING:
    import numpy as np

    from pipeline.plasticity.parts.learner import Learner


class Rule(Component):
    """A rule that changes weights or thresholds at every step, by who fires.

    It has no state of its own: `build` gives a learner, whose state is passed.
    """

    takes_rows: ClassVar[bool] = False
    """Whether weights may be a sparse matrix (CSR)."""
    n_traces: ClassVar[tuple[int, int, int]] = (0, 0, 0)
    """Variables that it keeps of every source, target and synapse."""
    lasting: ClassVar[bool] = False
    """Whether they outlast a pause between windows, as estimates of rates do."""
    takes_reward: ClassVar[bool] = False
    """Whether it changes weights by reward."""

    @abstractmethod
    def constants(self, n_pre: int, n_post: int, dt: float) -> Any:
        """Compute what the compiled loop needs, a NamedTuple of its kernel.

        Raises
        ------
        ConfigError
            Time constants do not fit the step or the number of neurons.
        """

    @property
    def heaviest(self) -> float | None:
        """The largest weight; None if the rule does not touch weights."""
        return getattr(self, "w_max", None)

    @property
    def resting(self) -> float | None:
        """The threshold that neurons return to; None if it leaves thresholds alone."""
        return None

    @property
    def trace_type(self) -> "type[np.generic]":
        """Give the type that traces are kept in."""
        import numpy as np

        return np.float32

    @property
    def weight_type(self) -> "type[np.generic]":
        """Give the type that weights are kept in."""
        import numpy as np

        return np.float32

    def build(self, n_pre: int, n_post: int, *, dt: float) -> "Learner":
        """Make a learner of this rule alone, for spike trains.

        Parameters
        ----------
        n_pre, n_post : int
            Sources and targets.
        dt : float
            Seconds a step.

        Raises
        ------
        ConfigError
            Time constants do not fit the step or the number of neurons.
        """
        from pipeline.plasticity.parts.learner import Learner

        return Learner((self,), n_pre, n_post, dt=dt)

"""Homeostasis by scaling: a target's weights follow its rate."""

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from pipeline.plasticity.base import Rule
from pipeline.plasticity.parts.settings import Seconds, Weight, check_tau

if TYPE_CHECKING:
    from pipeline.kernels.rules.homeostasis import Scaling as Constants


class Scaling(Rule):
    """Synaptic scaling: weights of targets that fire too much shrink, others grow.

    ::

        r ← r·exp(−dt/τ) + s·(1 − exp(−dt/τ))/dt
        w_ij ← min(w_ij·max(½, 1 + g·(1 − r_j/r*)), w_max)      every so often

    It multiplies, so the shares of a target's weights stay as they are.

    References
    ----------
    .. [1] M. C. W. van Rossum, G. Q. Bi, G. G. Turrigiano, "Stable Hebbian learning
       from spike timing-dependent plasticity", Journal of Neuroscience 20, 2000.
    """

    n_traces: ClassVar[tuple[int, int, int]] = (0, 1, 0)
    lasting: ClassVar[bool] = True

    target_hz: Annotated[float, Field(gt=0, le=1000, description="r*")] = 10.0
    gain: Annotated[float, Field(gt=0, le=1, description="g")] = 0.01
    tau_s: Seconds = 10.0
    every_s: Seconds = 1.0
    w_max: Weight = 1.0

    def constants(self, n_pre: int, n_post: int, dt: float) -> "Constants":
        """Compute what a step leaves of the rates, and what a spike adds."""
        from pipeline.kernels.rules.homeostasis import Scaling as Constants
        from pipeline.kernels.rules.learning import decays, float32s

        check_tau("tau_s", self.tau_s, n_post, dt)
        decay = decays(self.tau_s, 1, dt)[0]
        increment, target = float32s((1 - float(decay)) / dt, self.target_hz)
        gain, w_max = float32s(self.gain, self.w_max)
        period = max(1, round(self.every_s / dt))
        return Constants(decay, increment, target, gain, period, w_max)

"""Pair STDP with two traces: the textbook rule, and the reference of the others."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from pipeline.plasticity.parts.settings import PairRule


class Pair(PairRule):
    """Pair STDP, all pairs, those of one step excluded.

    ::

        target fires:  w ← min(w + a₊·x_pre, w_max)      dx/dt = −x/τ, +1 a spike
        source fires:  w ← max(w − a₋·x_post, 0)

    `power_law` makes the changes a₊·w₀^(1−μ)·w^μ·x_pre and a₋·w·x_post.

    References
    ----------
    .. [1] S. Song, K. D. Miller, L. F. Abbott, "Competitive Hebbian learning through
       spike-timing-dependent synaptic plasticity", Nature Neuroscience 3, 2000.
    .. [2] A. Morrison, A. Aertsen, M. Diesmann, "Spike-timing-dependent plasticity in
       balanced random networks", Neural Computation 19, 2007.
    """

    n_traces: ClassVar[tuple[int, int, int]] = (1, 1, 0)

    dependence: Annotated[
        Literal["additive", "power_law"],
        Field(description="how changes depend on the weight"),
    ] = "additive"
    mu: Annotated[float, Field(ge=0, le=1, description="exponent of the power law")] = (
        0.4
    )
    w_ref: Annotated[float, Field(gt=0, le=1e6, description="w₀ of the power law")] = (
        1.0
    )

    def constants(self, n_pre: int, n_post: int, dt: float) -> Any:
        """Compute the decays, and how changes depend on weights."""
        from pipeline.kernels.rules.learning import decays
        from pipeline.kernels.rules.pair import Pair as Constants
        from pipeline.plasticity.parts.dependence import weight_dependence

        self.check(n_pre, n_post, dt)
        return Constants(
            decays(self.tau_pre_s, n_pre, dt),
            decays(self.tau_post_s, n_post, dt),
            weight_dependence(self),
        )

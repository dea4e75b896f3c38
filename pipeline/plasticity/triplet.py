"""Triplet STDP: pairs, and triplets that make it depend on rates."""

from typing import TYPE_CHECKING, ClassVar

from pipeline.plasticity.base import Rule
from pipeline.plasticity.parts.settings import Amplitude, Tau, Weight, check_tau

if TYPE_CHECKING:
    from pipeline.kernels.rules.triplet import Triplet as Constants


class Triplet(Rule):
    """Triplet STDP, all triplets, spikes of one step excluded.

    ::

        target fires:  w ← min(w + r₁·(A₂⁺ + A₃⁺·o₂), w_max)
        source fires:  w ← max(w − o₁·(A₂⁻ + A₃⁻·r₂), 0)

    r₁, r₂ (source) and o₁, o₂ (target) decay with τ₊, τ_x, τ₋, τ_y and rise by 1 a
    spike. With both A₃ zero it is pair STDP. The defaults are the minimal set fitted to
    visual cortex: A₂⁺ = A₃⁻ = 0.

    References
    ----------
    .. [1] J.-P. Pfister, W. Gerstner, "Triplets of spikes in a model of spike
       timing-dependent plasticity", Journal of Neuroscience 26, 2006.
    """

    n_traces: ClassVar[tuple[int, int, int]] = (2, 2, 0)

    pair_plus: Amplitude = 0.0
    pair_minus: Amplitude = 0.0071
    triplet_plus: Amplitude = 0.0065
    triplet_minus: Amplitude = 0.0
    tau_plus_s: Tau = 0.0168
    tau_x_s: Tau = 0.101
    tau_minus_s: Tau = 0.0337
    tau_y_s: Tau = 0.114
    w_max: Weight = 1.0

    def constants(self, n_pre: int, n_post: int, dt: float) -> "Constants":
        """Compute the decays and amplitudes."""
        import numpy as np

        from pipeline.kernels.rules.learning import decays, float32s
        from pipeline.kernels.rules.triplet import Triplet as Constants

        for name in ("tau_plus_s", "tau_x_s"):
            check_tau(name, getattr(self, name), n_pre, dt)
        for name in ("tau_minus_s", "tau_y_s"):
            check_tau(name, getattr(self, name), n_post, dt)
        fast, slow = (decays(tau, n_pre, dt) for tau in (self.tau_plus_s, self.tau_x_s))
        near, far = (
            decays(tau, n_post, dt) for tau in (self.tau_minus_s, self.tau_y_s)
        )
        return Constants(
            np.stack([fast, slow]),
            np.stack([near, far]),
            *float32s(self.pair_plus, self.pair_minus),
            *float32s(self.triplet_plus, self.triplet_minus, self.w_max),
        )

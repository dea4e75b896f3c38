"""Complementary leaky integrate-and-fire, CLIF."""

from typing import TYPE_CHECKING, ClassVar

from pipeline.neurons.parts.leaking import LeakingNeuron

if TYPE_CHECKING:
    from pipeline.neurons.parts.circuit import Added, Circuit, Currents, LayerValues


class Complementary(LeakingNeuron):
    """Leaky integrate-and-fire with a memory of its spikes that deepens their reset.

        u[t] = γ·v[t−1] + i[t]                      γ = exp(−dt / τ)
        s[t] = 1 if u[t] > θ else 0
        m[t] = m[t−1]·σ((1 − γ)·u[t]) + s[t]
        v[t] = u[t] − s[t]·(θ + σ(m[t]))            σ(x) = 1 / (1 + exp(−x))

    The memory m counts spikes and forgets by about a half each step, slower while the
    membrane is high; so there is a second way back through time for gradients, which
    needs no constants of its own. All of them flow, through the reset too, as in the
    authors' code.

    The paper sets γ = 1 − 1/τ with τ = 2 steps and θ = 1 for all neurons. Ours learns
    log τ and log θ, from `leaky`'s values, and takes γ as `leaky` takes β: our choice.
    m has no time constant, so unlike the others this neuron depends on dt.

    References
    ----------
    .. [1] Y. Huang et al., "CLIF: Complementary leaky integrate-and-fire neuron for
       spiking neural networks", ICML 2024, arXiv:2402.04663.
    """

    kernel: ClassVar[str] = "complementary"

    @property
    def multiplications(self) -> int:
        """Three: the leak, and u into m; the two σ are not counted."""
        return 3

    def rest(self) -> tuple[float, ...]:
        """Begin with nothing: membrane and memory."""
        return 0.0, 0.0

    def to_nir(
        self, circuit: "Circuit", values: "LayerValues", currents: "Currents"
    ) -> "Added":
        """Refuse: NIR has no sigmoid."""
        raise values.refuse(
            "their reset is a sigmoid of a second state, and NIR has none"
        )

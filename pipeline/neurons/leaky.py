"""Leaky integrate-and-fire."""

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from pipeline.neurons.parts.leaking import LeakingNeuron
from pipeline.neurons.parts.spiking import ResetGradient

if TYPE_CHECKING:
    from pipeline.neurons.parts.circuit import Added, Circuit, Currents, LayerValues


class Leaky(LeakingNeuron):
    """Leaky integrate-and-fire, snnTorch's `Leaky`.

        u[t] = β·u[t−1] + i[t] − θ·s[t−1]        β = exp(−dt / τ)
        s[t] = 1 if u[t] > θ else 0

    s[t−1] is what u[t−1] fired. Gradients flow through it too, where a reset is delayed
    as where it is at once; in `snntorch.Leaky` only the latter. Learned are τ and θ, as
    their logarithms, so they stay positive and their gradients never vanish at a bound.
    `pipeline.kernels.neurons.leaky` documents the other resets.

    References
    ----------
    .. [1] J. K. Eshraghian et al., "Training spiking neural networks using lessons
       from deep learning", Proceedings of the IEEE 111(9), 2023.
    """

    kernel: ClassVar[str] = "leaky"

    reset: Annotated[
        Literal["subtract", "zero", "none"], Field(description="what a spike does")
    ] = "subtract"
    reset_delay: Annotated[
        bool, Field(description="reset in the next step, as snnTorch, or at once")
    ] = True
    reset_gradient: ResetGradient = True

    @property
    def multiplications(self) -> int:
        """One: the leak."""
        return 1

    def options(self) -> tuple[float, ...]:
        """Give the options of the reset."""
        resets = self.reset == "subtract", self.reset == "zero"
        return *resets, not self.reset_delay, self.reset_gradient

    def to_nir(
        self, circuit: "Circuit", values: "LayerValues", currents: "Currents"
    ) -> "Added":
        """Add membranes, spikes and their reset."""
        from pipeline.neurons.parts.leaky_circuit import add_leaky

        return add_leaky(circuit, values, currents)

"""Leaky integrate-and-fire."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from pipeline.neurons.base import Neuron

if TYPE_CHECKING:
    from pipeline.neurons._layers import LeakyLayer


class Leaky(Neuron):
    """Leaky integrate-and-fire with subtractive reset, snnTorch's `Leaky`.

        u[t] = β·u[t−1] + i[t] − θ·s[t−1]        β = exp(−dt / τ)
        s[t] = 1 if u[t] > θ else 0

    s[t−1] is what u[t−1] fired. Every neuron learns τ and θ as their logarithms, so
    they stay positive and their gradients never vanish at a bound.

    References
    ----------
    .. [1] J. K. Eshraghian et al., "Training spiking neural networks using lessons
       from deep learning", Proceedings of the IEEE 111(9), 2023.
    .. [2] W. Fang et al., "Incorporating learnable membrane time constants to enhance
       learning of spiking neural networks", ICCV 2021.
    """

    tau_mem_s: Annotated[
        float, Field(gt=0, le=10, description="membrane time constant, seconds")
    ] = 0.05
    threshold: Annotated[
        float, Field(gt=0, le=100, description="membrane value that fires")
    ] = 1.0
    surrogate_slope: Annotated[
        float, Field(gt=0, le=100, description="α of the arctangent surrogate")
    ] = 2.0

    @property
    def spiking(self) -> bool:
        """True."""
        return True

    def build(self, n_channels: int, *, dt: float) -> "LeakyLayer":
        """Make a layer; the time constants' start does not depend on `dt`."""
        from pipeline.neurons._layers import LeakyLayer

        return LeakyLayer(
            n_channels,
            dt=dt,
            tau_mem_s=self.tau_mem_s,
            threshold=self.threshold,
            slope=self.surrogate_slope,
        )

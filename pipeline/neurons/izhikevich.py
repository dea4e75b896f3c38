"""Izhikevich's neuron, with the named firing patterns of cortex."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from pipeline.neurons.parts.spiking import (
    SpikingNeuron,
    Start,
)

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.neurons.parts.circuit import Added, Circuit, Currents, LayerValues

PATTERNS = {
    "regular_spiking": (0.02, 0.2, -65.0, 8.0),
    "intrinsically_bursting": (0.02, 0.2, -55.0, 4.0),
    "chattering": (0.02, 0.2, -50.0, 2.0),
    "fast_spiking": (0.1, 0.2, -65.0, 2.0),
    "low_threshold_spiking": (0.02, 0.25, -65.0, 2.0),
    "thalamo_cortical": (0.02, 0.25, -65.0, 0.05),
    "resonator": (0.1, 0.26, -65.0, 2.0),
}
"""a, b, c and d of the paper's figure 2."""

PEAK_MV = 30.0


class Izhikevich(SpikingNeuron):
    """Izhikevich's simple model of spiking neurons, in millivolts and milliseconds.

        dv/dt = 0.04·v² + 5·v + 140 − u + g·i
        du/dt = a·(b·v − u)
        if v > 30: a spike, and then v ← c, u ← u + d

    Each step of the network is `step_ms` of the model's own time, whatever the
    network's dt: the equations are stiff, and at the 8–100 ms a step of these networks
    no explicit rule follows a spike of 2 ms. So a pattern lasts as many steps as it has
    milliseconds, and the network learns to use it at its own pace. As in the paper's
    program, v takes two half-steps and u one step with the new v, and what is over the
    peak is reset at the start of the next step. Ours are the straight line below
    −87.5 mV, the bound of v in f and in u's step at the peak (the program lets one
    spike overshoot by up to a thousand millivolts, which moves u by as much as d) and
    the surrogate's unit, as in `pipeline.kernels.neurons.izhikevich`.

    Learned are log a, log b, log d, log(30 − c), which keeps the reset below the peak,
    and log g: with g = 10 unit currents would be the paper's usual 10, above all
    patterns' rheobase; from 30 networks learned better, whose currents are noise
    around 0. It begins at the resting potential of the pattern that it starts from:
    −70 mV where b = 0.2, about −64 mV elsewhere.

    References
    ----------
    .. [1] E. M. Izhikevich, "Simple model of spiking neurons", IEEE Transactions on
       Neural Networks 14(6), 2003, doi:10.1109/TNN.2003.820440.
    """

    kernel: ClassVar[str] = "izhikevich"

    pattern: Annotated[
        Literal[
            "regular_spiking",
            "intrinsically_bursting",
            "chattering",
            "fast_spiking",
            "low_threshold_spiking",
            "thalamo_cortical",
            "resonator",
        ],
        Field(description="the paper's a, b, c and d to start from"),
    ] = "regular_spiking"
    step_ms: Annotated[
        float, Field(gt=0, le=1, description="model time a step, not the network's dt")
    ] = 1.0
    gain: Annotated[
        float, Field(gt=0, le=1e4, description="factor of the currents")
    ] = 30.0

    @property
    def multiplications(self) -> int:
        """Nine: three a half-step of v, two for u, and the gain."""
        return 9

    def start(self) -> dict[str, Start]:
        """Give the logarithms of a, b, 30 − c, d and g."""
        a, b, c, d = PATTERNS[self.pattern]
        return {
            "log_a": math.log(a),
            "log_b": math.log(b),
            "log_drop": math.log(PEAK_MV - c),
            "log_d": math.log(d),
            "log_gain": math.log(self.gain),
        }

    def quantities(
        self, learned: "Mapping[str, Tensor]", dt: float
    ) -> "dict[str, Tensor]":
        """Give a, b, c, d and g as the paper has them."""
        return {
            "a": learned["log_a"].exp(),
            "b": learned["log_b"].exp(),
            "c": PEAK_MV - learned["log_drop"].exp(),
            "d": learned["log_d"].exp(),
            "gain": learned["log_gain"].exp(),
        }

    def constants(
        self, learned: "Mapping[str, Tensor]", dt: float
    ) -> "tuple[Tensor, ...]":
        """Compute a, b, c, d and g; dt has no part in them."""
        return tuple(self.quantities(learned, dt).values())

    def unit(self, quantities: "Mapping[str, Tensor]") -> "Tensor | float | None":
        """Give the peak, in millivolts."""
        return PEAK_MV

    def options(self) -> tuple[float, ...]:
        """Give the length of a step."""
        return (self.step_ms,)

    def rest(self) -> tuple[float, ...]:
        """Solve 0.04·v² + 5·v + 140 = u = b·v for the lower v."""
        _, b, _, _ = PATTERNS[self.pattern]
        slope = 5 - b
        v = (-slope - math.sqrt(slope**2 - 4 * 0.04 * 140)) / (2 * 0.04)
        return v, b * v

    def to_nir(
        self, circuit: "Circuit", values: "LayerValues", currents: "Currents"
    ) -> "Added":
        """Refuse: NIR has linear nodes."""
        raise values.refuse(
            "their membrane is quadratic in itself, and NIR's are linear"
        )

"""The memory-efficient rule: three variables a neuron, one weight a synapse."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from pipeline.errors import ConfigError
from pipeline.plasticity.pair import Pair

if TYPE_CHECKING:
    import numpy as np


class ThreeVariable(Pair):
    """Pair STDP from one signed trace a neuron, by walking rows of sources.

    A neuron has a membrane, a synaptic current and this trace, whose sign means that it
    has just fired. All updates come from the source's side, along one row of weights;
    see `pipeline.kernels.rules.three_variable` for the steps.

    At θ = 0 the weights are `Pair`'s, bit for bit. A larger θ drops strengthening by
    traces of at most θ: a weight of the additive rule in float32 is then, up to
    rounding, at most a₊·θ for each spike of its target away from `Pair`'s, as clipping
    brings no two values further apart.

    References
    ----------
    .. [1] P. Urbizagastegui, A. van Schaik, R. Wang, "Memory-efficient neurons and
       synapses for spike-timing-dependent-plasticity in large-scale spiking networks",
       Frontiers in Neuroscience 18:1450640, 2024.
    """

    takes_rows: ClassVar[bool] = True

    theta: Annotated[
        float, Field(ge=0, le=1, description="a trace of at most this is gone")
    ] = 0.01
    precision: Annotated[
        Literal["float32", "int8"],
        Field(description="of traces and weights; int8 rounds at random"),
    ] = "float32"
    seed: Annotated[int, Field(ge=0, lt=2**31, description="of int8's rounding")] = 0

    @model_validator(mode="after")
    def _check_precision(self) -> "ThreeVariable":
        if self.precision == "int8" and self.dependence != "additive":
            raise ValueError("int8 knows the additive rule only")
        return self

    @property
    def trace_type(self) -> "type[np.generic]":
        """Give the type that traces are kept in."""
        import numpy as np

        return np.int8 if self.precision == "int8" else np.float32

    @property
    def weight_type(self) -> "type[np.generic]":
        """Give the type that weights are kept in."""
        import numpy as np

        return np.uint8 if self.precision == "int8" else np.float32

    def constants(self, n_pre: int, n_post: int, dt: float) -> Any:
        """Compute the decays, θ, and how changes depend on weights."""
        import numpy as np

        from pipeline.kernels.rules.three_variable import ThreeVariable as Constants

        floats = super().constants(n_pre, n_post, dt)
        if self.precision == "float32":
            return Constants(
                floats.pre_decay,
                floats.post_decay,
                np.float32(self.theta),
                floats.dependence,
            )
        return Constants(*self._codes(floats))

    def _codes(self, floats: Any) -> "tuple[Any, ...]":
        """Express the same in integers."""
        import numpy as np

        from pipeline.kernels.rules.three_variable_int8 import HEAVIEST, ONE, Rounded

        unit = 2**16 * HEAVIEST / (ONE * self.w_max)
        rise, fall = (round(unit * a) for a in (self.a_plus, self.a_minus))
        if (self.a_plus and not rise) or (self.a_minus and not fall):
            raise ConfigError(
                "plasticity: three_variable",
                f"amplitudes {self.a_plus:g} and {self.a_minus:g} of a largest weight "
                f"of {self.w_max:g}, too small for int8",
                expected=f"0, or at least {1 / unit:.2g}",
            )
        rounded = Rounded(rise, fall, self.seed)
        decays = [
            np.floor(2.0**16 * factors).astype(np.int64)
            for factors in (floats.pre_decay, floats.post_decay)
        ]
        return *decays, int(ONE * self.theta), rounded

    def error_bound(self, n_spikes: int) -> float:
        """Bound how far θ moves a weight whose target fired so often (additive)."""
        return min(self.a_plus * self.theta * n_spikes, self.w_max)

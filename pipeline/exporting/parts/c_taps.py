"""Weights of any kind in the one form that the C has, and what it has no form for."""

from dataclasses import dataclass

import numpy as np

from pipeline.errors import PipelineError
from pipeline.exporting.parts.c_neurons import kinds_in_c
from pipeline.quantization.weights import Convolution, Delayed, Dense


class InexpressibleError(PipelineError):
    """Something that there is no C of."""

    def __init__(self, layer: str, reason: str, *, remedy: str = "") -> None:
        super().__init__(
            f"C export, {layer}",
            reason,
            expected=f"neurons of the kinds {', '.join(kinds_in_c())} in integers",
            remedy=remedy,
        )


@dataclass(frozen=True)
class Taps:
    """Weights in the one form that the C has: (tap, channel, target).

    Tap k meets the step k·spacing steps ago; targets are due every `stride` steps.
    """

    weights: np.ndarray
    spacing: int
    stride: int

    @property
    def span(self) -> int:
        """Steps that are remembered."""
        return (len(self.weights) - 1) * self.spacing + 1


def to_taps(weights: object, layer: str) -> Taps:
    """Bring weights of any kind into the one form.

    Raises
    ------
    InexpressibleError
    """
    match weights:
        case Convolution():
            kernel = weights.weight.numpy()[:, :, ::-1]
            return Taps(kernel.transpose(2, 1, 0), 1, weights.constants["stride"])
        case Dense():
            return Taps(weights.weight.numpy().T[None], 1, 1)
        case Delayed():
            count, every = (weights.constants[name] for name in ("count", "every"))
            by_source = weights.weight.numpy().T
            taps = by_source.reshape(-1, count, by_source.shape[1]).swapaxes(0, 1)
            return Taps(taps, every, 1)
    raise InexpressibleError(layer, f"has weights of the kind {type(weights).__name__}")

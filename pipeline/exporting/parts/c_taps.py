"""Weights of any kind in the one form that the C has, and what it has no form for."""

from dataclasses import dataclass

import numpy as np
from torch import nn

from pipeline.errors import PipelineError
from pipeline.exporting.parts.c_neurons import kinds_in_c
from pipeline.networks.parts.weights import taps_of


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


def to_taps(weights: nn.Module, layer: str) -> Taps:
    """Bring weights of any kind into the one form.

    Raises
    ------
    InexpressibleError
    """
    taps = taps_of(weights)
    if taps is None:
        kind = type(weights).__name__
        raise InexpressibleError(layer, f"has weights of the kind {kind}")
    matrices = taps.matrices.numpy().swapaxes(1, 2)
    return Taps(matrices, taps.spacing, taps.stride)

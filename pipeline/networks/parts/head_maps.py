"""Read-outs as maps, for what runs them otherwise: integers, C and NIR."""

from typing import NamedTuple

from torch import Tensor, nn


class RateMap(NamedTuple):
    """A linear map of the mean outputs in equal segments of a window.

    Parameters
    ----------
    linear : nn.Linear
        From (segment·channel) to classes.
    bins : int
        Segments.
    """

    linear: nn.Linear
    bins: int


class TraceMap(NamedTuple):
    """Exponential traces of a linear map of the outputs, added up for each class.

    Parameters
    ----------
    linear : nn.Linear
        From channels to (trace·class).
    alpha : Tensor, shape (trace·class,), float64
        What a step leaves of each trace.
    n_classes : int
    """

    linear: nn.Linear
    alpha: Tensor
    n_classes: int

"""The interface of a layer's weights."""

from typing import ClassVar, cast

from torch import nn


class Weights(nn.Module):
    """Weights that reach over time, with a linear map in them.

    Those of one step are a linear map themselves.
    """

    kind: ClassVar[str]
    """What they are; the same in integers."""

    n_past: int = 0
    """Steps before a piece of time that its first outputs need."""

    stride: int = 1
    """Steps of input for one of output."""

    constants: dict[str, int]
    """What the same weights in integers are made with, besides their values."""

    @property
    def linear_map(self) -> nn.Linear | nn.Conv1d:
        """The linear map in them."""
        raise NotImplementedError


def linear_of(weights: nn.Module) -> nn.Linear | nn.Conv1d:
    """Give the linear map in a layer's weights, or the weights that are one."""
    return (
        weights.linear_map
        if isinstance(weights, Weights)
        else cast("nn.Linear", weights)
    )

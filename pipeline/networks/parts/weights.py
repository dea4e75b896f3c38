"""The interface of a layer's weights."""

from typing import ClassVar, NamedTuple, cast

from torch import Tensor, nn

from pipeline.networks.parts.scaled import weight_of


class Taps(NamedTuple):
    """Weights as matrices of single steps.

    Parameters
    ----------
    matrices : Tensor, shape (tap, target, source)
        The k-th meets the step k·spacing steps ago.
    spacing : int
    stride : int
        Steps of input for one of output.
    """

    matrices: Tensor
    spacing: int = 1
    stride: int = 1


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

    def taps(self) -> Taps | None:
        """Give its weights as matrices of single steps; None if they are not linear."""
        return None


def kernel_taps(kernel: Tensor, stride: int) -> Taps:
    """Give the taps of a convolution, (target, source, time), whose last is newest."""
    return Taps(kernel.flip(2).permute(2, 0, 1), stride=stride)


def delayed_taps(weights: Tensor, count: int, every: int) -> Taps:
    """Give the taps of weights (target, source·count) of copies `every` steps apart."""
    return Taps(weights.reshape(len(weights), -1, count).permute(2, 0, 1), every)


def taps_of(weights: nn.Module) -> Taps | None:
    """Give the taps of a layer's weights, or of weights that are a linear map."""
    if isinstance(weights, Weights):
        return weights.taps()
    return Taps(weight_of(weights)[None]) if isinstance(weights, nn.Linear) else None


def linear_of(weights: nn.Module) -> nn.Linear | nn.Conv1d:
    """Give the linear map in a layer's weights, or the weights that are one."""
    return (
        weights.linear_map
        if isinstance(weights, Weights)
        else cast("nn.Linear", weights)
    )

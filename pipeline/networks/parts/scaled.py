"""Weights and norms with factors beside them that are not learned, and with masks."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional


class ScaledLinear(nn.Linear):
    """A linear map whose weights and biases have factors that are not learned.

        i = (g·W)·x + h·b        a g and an h for each current

    A factor beside the weights, and not in them, also scales what a step of an
    optimizer changes: of neurons that remember long, as little as of others. Both are
    1 until `pipeline.networks.parts.initial.calibrate` sets them. Under a mask, only
    some weights exist.
    """

    mask: Tensor | None
    gain: Tensor
    bias_gain: Tensor

    def __init__(
        self, n_in: int, n_out: int, *, bias: bool, mask: Tensor | None = None
    ) -> None:
        super().__init__(n_in, n_out, bias=bias)
        _add_factors(self, mask)

    def forward(self, values: Tensor) -> Tensor:
        """Map (…, feature) to (…, current)."""
        return functional.linear(values, weight_of(self), bias_of(self))


class ScaledConvolution(nn.Conv1d):
    """A convolution over time, with factors and a mask as `ScaledLinear` has them."""

    mask: Tensor | None
    gain: Tensor
    bias_gain: Tensor

    def __init__(
        self,
        n_in: int,
        n_out: int,
        kernel: int,
        stride: int,
        *,
        bias: bool,
        mask: Tensor | None = None,
    ) -> None:
        super().__init__(n_in, n_out, kernel, stride, bias=bias)
        _add_factors(self, None if mask is None else mask[..., None])

    def forward(self, values: Tensor) -> Tensor:
        """Map (batch, feature, time) to currents."""
        return cast(
            "Tensor", self._conv_forward(values, weight_of(self), bias_of(self))
        )


class ScaledNorm(nn.BatchNorm1d):
    """A normalisation whose outputs have a factor that is not learned."""

    gain: Tensor

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.register_buffer("gain", torch.ones(width))

    def forward(self, values: Tensor) -> Tensor:
        """Normalise (batch, channel, time)."""
        return super().forward(values) * self.gain[:, None]


def _add_factors(layer: nn.Linear | nn.Conv1d, mask: Tensor | None) -> None:
    layer.register_buffer("mask", mask)
    for name in ("gain", "bias_gain"):
        layer.register_buffer(name, torch.ones(len(layer.weight)))


def weight_of(layer: nn.Linear | nn.Conv1d) -> Tensor:
    """Give a layer's weights times their factors; those that a mask hides are 0."""
    if not isinstance(layer, ScaledLinear | ScaledConvolution):
        return layer.weight
    weights = layer.weight * layer.gain.view(-1, *(1 for _ in layer.weight.shape[1:]))
    return weights if layer.mask is None else weights * layer.mask


def bias_of(layer: nn.Linear | nn.Conv1d) -> Tensor | None:
    """Give a layer's biases times their factors, if it has any."""
    if layer.bias is None or not isinstance(layer, ScaledLinear | ScaledConvolution):
        return layer.bias
    return layer.bias * layer.bias_gain


def mask_of(layer: nn.Linear | nn.Conv1d) -> Tensor | None:
    """Give the mask of a layer's weights; None if all of them exist."""
    return layer.mask if isinstance(layer, ScaledLinear | ScaledConvolution) else None


def dense_weights(n_in: int, n_out: int, branches: int, *, bias: bool) -> ScaledLinear:
    """Make weights from every input to every neuron, to one of its branches."""
    mask = branch_mask(n_in, n_out, branches) if branches > 1 else None
    return ScaledLinear(n_in, branches * n_out, bias=bias, mask=mask)


def branch_mask(n_in: int, n_out: int, branches: int) -> Tensor:
    """Choose at random which branch of each neuron an input reaches.

    The branches of a neuron share the inputs evenly. Torch's own generator draws.

    Returns
    -------
    mask : Tensor, shape (branches·n_out, n_in)
        0 and 1; row b·n_out + n is branch b of neuron n.
    """
    reached = torch.rand(n_out, n_in).argsort(1) % branches
    each = [reached == branch for branch in range(branches)]
    return torch.cat(each).float()

"""Networks as they would run on a device, without parts that only training needs."""

from copy import deepcopy
from itertools import pairwise
from typing import cast

from torch import nn
from torch.nn.utils import skip_init
from torch.nn.utils.fusion import fuse_conv_bn_eval

from pipeline.networks.parts.scaled import (
    ScaledConvolution,
    ScaledLinear,
    ScaledNorm,
    bias_of,
    weight_of,
)
from pipeline.networks.parts.stack import Stack
from pipeline.neurons.parts.layer import NeuronLayer


def deployed(network: nn.Module) -> nn.Module:
    """Copy a network as it would run on a device.

    It evaluates, its masks and factors are in its weights, and so is its normalisation.
    """
    network = _unscaled(network)
    for parent in list(network.modules()):
        for (name, layer), (next_name, norm) in pairwise(list(parent.named_children())):
            if isinstance(layer, nn.Conv1d) and isinstance(norm, nn.BatchNorm1d):
                setattr(parent, name, _fused(layer, norm))
                setattr(parent, next_name, nn.Identity())
    return network


def fixed(network: Stack) -> Stack:
    """Copy a network that no longer learns, to the same bits, and faster in pieces.

    What it computes of its parameters alone is computed once.
    """
    copied = _unscaled(network)
    for module in copied.modules():
        if isinstance(module, NeuronLayer):
            module.fix()
    return cast("Stack", copied)


def _unscaled(network: nn.Module) -> nn.Module:
    """Copy a network, with masks and factors in its weights."""
    network = deepcopy(network).eval()
    for parent in list(network.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, ScaledLinear | ScaledConvolution):
                setattr(parent, name, _plain(layer))
    return network


def _plain(layer: ScaledLinear | ScaledConvolution) -> nn.Linear | nn.Conv1d:
    """Make the same layer with zeros where the mask hides weights; draws nothing."""
    plain: nn.Linear | nn.Conv1d
    bias = bias_of(layer)
    if isinstance(layer, ScaledConvolution):
        sizes = layer.in_channels, layer.out_channels, layer.kernel_size[0]
        stride, biased = layer.stride[0], bias is not None
        plain = skip_init(  # type: ignore[no-untyped-call]
            nn.Conv1d, *sizes, stride, bias=biased
        )
    else:
        widths = layer.in_features, layer.out_features
        plain = skip_init(  # type: ignore[no-untyped-call]
            nn.Linear, *widths, bias=bias is not None
        )
    plain.weight = nn.Parameter(weight_of(layer).detach())
    if bias is not None:
        plain.bias = nn.Parameter(bias.detach())
    return plain.eval()


def _fused(layer: nn.Conv1d, norm: nn.BatchNorm1d) -> nn.Conv1d:
    """Put a norm, and the factor of what it gives, into the layer before."""
    fused = fuse_conv_bn_eval(layer, norm)
    if isinstance(norm, ScaledNorm) and fused.bias is not None:
        fused.weight.data *= norm.gain[:, None, None]
        fused.bias.data *= norm.gain
    return fused

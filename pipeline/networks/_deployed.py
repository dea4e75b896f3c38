"""Networks as they would run on a device: what only training needs folded away."""

from copy import deepcopy
from itertools import pairwise

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from pipeline.networks._layers import MaskedConvolution, MaskedLinear, weight_of


def deployed(network: nn.Module) -> nn.Module:
    """Copy a network as it would run on a device.

    It evaluates, its masks are in its weights, and so is its normalisation.
    """
    network = deepcopy(network).eval()
    for parent in list(network.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, MaskedLinear | MaskedConvolution):
                setattr(parent, name, _unmasked(layer))
    for parent in list(network.modules()):
        for (name, layer), (next_name, norm) in pairwise(list(parent.named_children())):
            if isinstance(layer, nn.Conv1d) and isinstance(norm, nn.BatchNorm1d):
                setattr(parent, name, fuse_conv_bn_eval(layer, norm))
                setattr(parent, next_name, nn.Identity())
    return network


def _unmasked(layer: MaskedLinear | MaskedConvolution) -> nn.Linear | nn.Conv1d:
    """Make the same layer with zeros where the mask hides weights."""
    plain: nn.Linear | nn.Conv1d
    if isinstance(layer, MaskedConvolution):
        sizes = layer.in_channels, layer.out_channels, layer.kernel_size[0]
        plain = nn.Conv1d(*sizes, layer.stride[0], bias=False)
    else:
        has_bias = layer.bias is not None
        plain = nn.Linear(layer.in_features, layer.out_features, bias=has_bias)
        plain.bias = layer.bias
    plain.weight = nn.Parameter(weight_of(layer).detach())
    return plain.eval()

"""Masks that keep a joined code's parts apart in a network, up to its read-out.

::

    logit[k] = b[k] + Σ_{p read by k} Σ_{i in p} W[k, i]·y[i]

y are the outputs of the last layer, or the spikes. Each layer is divided evenly among
the parts, and what belongs to one receives nothing of another: as many networks side by
side as there are parts. The weights that are left out exist and are 0.
"""

from typing import Any

import torch
from torch import Tensor, nn

from pipeline.networks.base import Shape
from pipeline.networks.parts.class_parts import (
    Heads,
    check_columns,
    part_names,
    part_of_features,
    part_of_neurons,
    parts_of_class,
)
from pipeline.networks.parts.heads import Head
from pipeline.networks.parts.scaled import ScaledConvolution, ScaledLinear
from pipeline.networks.parts.stack import Stack
from pipeline.networks.parts.weights import linear_of


def separate(network: Stack, heads: Heads, shape: Shape) -> None:
    """Let each class's logit read its parts alone.

    Parameters
    ----------
    network : Stack
        A new one; it is changed.
    heads : mapping of str to sequence of str
        The parts' names by class.
    shape : Shape

    Raises
    ------
    ConfigError
        A layer has fewer neurons than the code has parts.
    """
    check_columns([layer.unrolled.width for layer in network.layers], shape)
    owner = torch.tensor(part_of_features(shape))
    for layer in network.layers:
        n_parts = len(part_names(shape))
        own = torch.tensor(part_of_neurons(layer.unrolled.width, n_parts))
        _divide(layer.weights, own, owner)
        if (recurrent := layer.unrolled.recurrent_weights) is not None:
            _divide(recurrent, own, own)
        owner = own
    read = [sorted(parts_of_class(heads, shape, label)) for label in shape.labels]
    mask = torch.stack([torch.isin(owner, torch.tensor(parts)) for parts in read])
    _restrict(network.head, mask.float())


def _divide(weights: nn.Module, own: Tensor, owner: Tensor) -> None:
    """Hide the weights between neurons and inputs of different parts."""
    linear = linear_of(weights)
    if not isinstance(linear, ScaledLinear | ScaledConvolution):
        raise TypeError(f"{type(weights).__name__} has no mask")
    same = (own[:, None] == owner).float()
    mask = same.repeat(len(linear.weight) // len(own), 1)
    if isinstance(linear, ScaledConvolution):
        mask = mask[..., None]
    linear.mask = mask if linear.mask is None else linear.mask * mask


def _restrict(head: Head, mask: Tensor) -> None:
    """Replace a head's linear map by one under a mask (class, channel).

    Its columns are the channels, segment after segment, its rows the classes, trace
    after trace. Hidden weights are 0 themselves, for what reads them directly.
    """
    linear: Any = head.linear
    plain: nn.Linear = linear
    full = mask.repeat(
        plain.out_features // len(mask), plain.in_features // mask.shape[1]
    )
    masked = ScaledLinear(plain.in_features, plain.out_features, bias=True, mask=full)
    with torch.no_grad():
        masked.weight.copy_(plain.weight * full)
        masked.bias.copy_(plain.bias)
    head.linear = masked

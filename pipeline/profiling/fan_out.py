"""The weights that each input element of a layer meets, which no data changes."""

from copy import deepcopy

import torch
from torch import Tensor, nn

from pipeline.networks.parts.heads import SegmentRates, segment_edges

Weights = nn.Conv1d | nn.Linear


def fan_out(layer: Weights, marks: Tensor, shape: torch.Size) -> Tensor:
    """Count the marked weights that each element of one input meets.

    Parameters
    ----------
    layer : nn.Conv1d or nn.Linear
    marks : bool Tensor
        Of the shape of its weights.
    shape : torch.Size
        Of one input, (feature,) or (feature, time).

    Returns
    -------
    reached : int64 Tensor of that shape
    """
    if isinstance(layer, nn.Linear):
        return marks.sum(0)
    # The slope of the sum of its outputs, so that borders come out exact.
    probe = torch.ones(1, *shape, dtype=torch.float64, requires_grad=True)
    with torch.enable_grad():
        total = _marked(layer, marks)(probe).sum()
        (slope,) = torch.autograd.grad(total, probe)
    return slope[0].round().long()


def pooled_fan_out(pool: SegmentRates, marks: Tensor, shape: torch.Size) -> Tensor:
    """Count the classes that a spike at each (step, channel) has a weight on."""
    n_steps, n_channels = shape
    reached = marks.sum(0).reshape(pool.bins, n_channels)
    edges = segment_edges(n_steps, pool.bins)
    lengths = torch.tensor([stop - first for first, stop in edges])
    return reached.repeat_interleave(lengths, dim=0)


def _marked(layer: nn.Conv1d, marks: Tensor) -> nn.Conv1d:
    """Copy a layer with 1 for each marked weight, 0 for others, and no bias."""
    copy = deepcopy(layer).double()
    # The counters of the layer must not see the probe.
    copy._forward_hooks.clear()
    copy._forward_pre_hooks.clear()
    copy.weight = nn.Parameter(marks.double(), requires_grad=False)
    copy.bias = None
    return copy

"""Trained read-outs in integers."""

import torch
from torch import Tensor

from pipeline.networks.parts.heads import Head, RateMap, segment_edges
from pipeline.quantization.bounds import (
    QuantizationError,
    as_integers,
    charges,
    finest,
    fits,
)
from pipeline.quantization.network import IntegerHead
from pipeline.quantization.scales import channel_scales, multipliers, quantised, safe

MOST_BITS = 12
"""A unit of the logits is by so many bits finer than the coarsest weights' steps."""


def rate_map(head: Head) -> RateMap:
    """Give the linear map of a read-out, or refuse one that does not run in integers.

    Raises
    ------
    QuantizationError
    """
    if head.rate_map is None:
        raise QuantizationError(
            "read-out",
            f"a {type(head).__name__} has no integer form",
            expected="a linear read-out of rates or of the spike count",
            remedy="read_out: rates, or count",
        )
    return head.rate_map


def lengths(head: Head, n_steps: int) -> Tensor:
    """Count the steps that each column of a read-out's weights averages.

    Raises
    ------
    QuantizationError
        A window has fewer steps than segments.
    """
    linear, bins = rate_map(head)
    if n_steps < bins:
        raise QuantizationError("read-out", f"{n_steps} steps for {bins} segments")
    inside = [stop - start for start, stop in segment_edges(n_steps, bins)]
    width = linear.in_features // bins
    return torch.tensor(inside).repeat_interleave(width)


def quantise_head(head: Head, n_steps: int, *, most: int, unit: float) -> IntegerHead:
    """Put a read-out in integers.

    The segments' lengths go into the weights, so that sums replace rates. Each class
    has its own scale; a multiplier takes its sum to the unit that all logits share.

    Parameters
    ----------
    head : Head
        A read-out that `rate_map` accepts.
    n_steps : int
        Steps of a window at the read-out.
    most : int
        The largest integer input: 1 for spikes.
    unit : float
        The value of one step of those integers.

    Raises
    ------
    QuantizationError
        Its numbers might overflow.
    """
    (linear, bins), inside = rate_map(head), lengths(head, n_steps)
    weights = linear.weight.detach().double() * unit / inside
    bias = linear.bias.detach().double()
    scales = channel_scales(weights, bias)
    integers, biases = quantised(weights, scales), as_integers(bias / safe(scales))
    columns = charges(integers, [most * steps for steps in inside.tolist()])
    sums = [charge + abs(b) for charge, b in zip(columns, biases, strict=True)]
    coarsest = float(safe(scales.amax()))

    def attempt(bits: int) -> IntegerHead | None:
        """Make the head with so many bits; None if a sum may overflow."""
        scale = coarsest * 2.0**-bits
        multiplier, shift = multipliers("read-out", (scales / scale).tolist())
        logits = [(s * m >> shift) + 1 for s, m in zip(sums, multiplier, strict=True)]
        if not fits([*sums, *logits]):
            return None
        tensors = {"bias": torch.tensor(biases), "multiplier": torch.tensor(multiplier)}
        return IntegerHead(
            integers, tensors, n_read=n_steps, bins=bins, shift=shift, scale=scale
        )

    return finest("read-out", MOST_BITS, attempt)

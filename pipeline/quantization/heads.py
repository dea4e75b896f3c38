"""Trained read-outs in integers."""

import torch
from torch import Tensor, nn

from pipeline.networks.parts.head_maps import RateMap
from pipeline.networks.parts.heads import Head, segment_edges
from pipeline.quantization.bounds import (
    QuantizationError,
    as_integers,
    charges,
    finest,
    fits,
)
from pipeline.quantization.read_outs import IntegerHead, IntegerReadOut
from pipeline.quantization.scales import channel_scales, multipliers, quantised, safe
from pipeline.quantization.traces import quantise_traces

MOST_BITS = 12
"""A unit of the logits is by so many bits finer than the coarsest weights' steps."""


def linear_map(head: Head) -> nn.Linear:
    """Give the linear map of a read-out, or refuse one that does not run in integers.

    Raises
    ------
    QuantizationError
    """
    mapped = head.rate_map or head.trace_map
    if mapped is None:
        raise QuantizationError(
            "read-out",
            f"a {type(head).__name__} has no integer form",
            expected="a linear read-out of rates, the spike count, membranes or traces",
            remedy="read_out: rates, count, membrane or traces",
        )
    return mapped.linear


def lengths(mapped: RateMap, n_steps: int) -> Tensor:
    """Count the steps that each column of a map of rates averages.

    Raises
    ------
    QuantizationError
        A window has fewer steps than segments.
    """
    linear, bins = mapped
    if n_steps < bins:
        raise QuantizationError("read-out", f"{n_steps} steps for {bins} segments")
    inside = [stop - start for start, stop in segment_edges(n_steps, bins)]
    width = linear.in_features // bins
    return torch.tensor(inside).repeat_interleave(width)


def quantise_head(
    head: Head, n_steps: int, *, most: int, unit: float
) -> IntegerReadOut:
    """Put a read-out in integers.

    Parameters
    ----------
    head : Head
        A read-out that `linear_map` accepts.
    n_steps : int
        Steps of a window at the read-out.
    most : int
        The largest integer input: 1 for spikes.
    unit : float
        The value of one step of those integers.

    Raises
    ------
    QuantizationError
        It has no integer form, or its numbers might overflow.
    """
    linear_map(head)
    if head.rate_map:
        return _quantise_rates(head.rate_map, n_steps, most, unit)
    assert head.trace_map
    return quantise_traces(head.trace_map, most=most, unit=unit)


def _quantise_rates(
    mapped: RateMap, n_steps: int, most: int, unit: float
) -> IntegerHead:
    """Put a map of rates in integers.

    The segments' lengths go into the weights, so that sums replace rates. Each class
    has its own scale; a multiplier takes its sum to the unit that all logits share.
    """
    (linear, bins), inside = mapped, lengths(mapped, n_steps)
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

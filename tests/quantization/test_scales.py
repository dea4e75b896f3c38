"""Scales of weights, and multipliers."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipeline.quantization.bounds import QuantizationError
from pipeline.quantization.scales import (
    channel_scales,
    faked,
    multipliers,
    quantised,
    safe,
)


def test_the_largest_weight_of_a_neuron_is_127_and_none_is_off_by_over_half() -> None:
    weights = torch.randn(5, 3, 7, dtype=torch.float64) * torch.logspace(
        -4, 2, 5, dtype=torch.float64
    ).reshape(-1, 1, 1)
    scales = channel_scales(weights, torch.zeros(5))
    integers = quantised(weights, scales)
    assert integers.dtype == torch.int8
    assert integers.flatten(1).abs().amax(1).tolist() == [127] * 5
    off = (faked(weights, scales) - weights).abs().flatten(1).amax(1)
    assert bool((off <= scales * 0.5000001).all())


def test_a_neuron_without_weights_has_integers_without_weights() -> None:
    weights = torch.tensor([[0.0, 0.0], [1.0, -0.5]], dtype=torch.float64)
    scales = channel_scales(weights, torch.zeros(2))
    assert scales[0] == 0
    assert bool(safe(scales).gt(0).all())
    assert quantised(weights, scales).tolist() == [[0, 0], [127, -64]]
    assert bool(faked(weights, scales).isfinite().all())


def test_a_threshold_far_above_the_weights_makes_their_steps_coarser() -> None:
    weights = torch.full((1, 2), 1e-9, dtype=torch.float64)
    scales = channel_scales(weights, torch.tensor([1.0]))
    assert float(1.0 / scales) == 2**14


@given(
    st.lists(
        st.one_of(st.just(0.0), st.floats(-7, 3).map(lambda exponent: 10**exponent)),
        min_size=1,
        max_size=6,
    )
)
def test_multipliers_keep_what_lies_orders_below_the_largest(
    ratios: list[float],
) -> None:
    found, shift = multipliers("here", ratios)
    for multiplier, ratio in zip(found, ratios, strict=True):
        assert 0 <= multiplier < 2**31
        assert abs(multiplier * 2.0**-shift - ratio) <= 2.0**-shift
    largest = max(ratios)
    if largest > 1e-6:
        assert max(found) >= 2**30


def test_a_ratio_beyond_32_bits_is_refused() -> None:
    with pytest.raises(QuantizationError, match="layer 2"):
        multipliers("layer 2", [3e9])

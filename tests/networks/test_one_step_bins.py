"""Windows of as many steps as segments, and of one less."""

from typing import Any

import pytest
import torch
from torch import Tensor

from pipeline.errors import ConfigError, DataError
from pipeline.networks.base import Shape
from pipeline.networks.dense import Dense
from pipeline.networks.parts.heads import RateHead, segment_edges
from pipeline.neurons.leaky import Leaky
from pipeline.quantization.bounds import QuantizationError
from pipeline.quantization.quantize import quantize

BINS = 4


def _spikes(n_steps: int) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return (torch.rand(n_steps, 3, 5, generator=generator) < 0.4).float()


def test_segments_are_then_steps() -> None:
    assert segment_edges(BINS, BINS) == [(0, 1), (1, 2), (2, 3), (3, 4)]


def test_a_read_out_then_reads_the_steps_themselves() -> None:
    head = RateHead(5, 2, n_read=BINS, bins=BINS, dropout=0.0).eval()
    spikes = _spikes(BINS)
    expected = head.linear(spikes.permute(1, 0, 2).flatten(1))
    torch.testing.assert_close(head(spikes), expected)
    with pytest.raises(DataError, match="leave 3 steps to read out"):
        head(spikes[:-1])


def test_a_network_is_built_for_it_and_not_for_less() -> None:
    network = Dense(units=(6,), bins=BINS)
    built = network.build(Shape(BINS, 5, 2, 0.01), Leaky())
    assert built(_spikes(BINS)).shape == (3, 2)
    with pytest.raises(ConfigError, match="windows of 3 steps leave 3 to read out"):
        network.build(Shape(BINS - 1, 5, 2, 0.01), Leaky())


def test_it_runs_in_integers_and_less_does_not() -> None:
    built: Any = Dense(units=(), bins=BINS).build(Shape(BINS, 5, 2, 0.01), Leaky())
    built.eval()
    integers = quantize(built, _spikes(BINS))
    with torch.no_grad():
        expected = built(_spikes(BINS))
    found = integers(_spikes(BINS)) * integers.scale
    torch.testing.assert_close(found, expected, rtol=0, atol=0.02)
    with pytest.raises(QuantizationError, match="read-out: 3 steps for 4 segments"):
        quantize(built, _spikes(BINS - 1))

"""Counting what is not 0, in blocks, against comparisons."""

import pytest
import torch

from pipeline.profiling.nonzero import BLOCK, NonzeroCounts


@pytest.mark.parametrize("rows", [1, 7, 3 * BLOCK // 5 + 1])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64])
def test_blocks_and_waiting_rows_add_up(rows: int, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    values = (torch.rand(rows, 5, generator=generator) < 0.3).to(dtype)
    values[::3] *= -1
    counts = NonzeroCounts()
    for piece in (values, values[: rows // 2], values[:1]):
        counts.add(piece)
    expected = sum((v != 0).sum(0) for v in (values, values[: rows // 2], values[:1]))
    assert torch.equal(counts.nonzero(), expected)
    assert counts.rows == rows + rows // 2 + 1
    assert not counts.graded()


@pytest.mark.parametrize("odd", [0.5, 2.0, -3.0, 1e-30, 1e-45, 1 + 2**-23, 1 - 2**-24])
@pytest.mark.parametrize("rows", [2, BLOCK])
def test_one_odd_value_among_spikes_is_found(odd: float, rows: int) -> None:
    values = torch.ones(rows, 3)
    values[-1, 2] = odd
    counts = NonzeroCounts()
    counts.add(values)
    assert counts.graded()
    assert counts.nonzero().tolist() == [rows] * 3


def test_what_waits_is_a_copy() -> None:
    values, counts = torch.ones(2, 3), NonzeroCounts()
    counts.add(values)
    values.zero_()
    assert counts.nonzero().tolist() == [2, 2, 2]

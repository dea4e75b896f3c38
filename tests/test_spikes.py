"""Packed spike trains against plain numpy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from pipeline.spikes import Spikes, counts, pack, unpack

BITS = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=70))


def packed(bits: np.ndarray, dt: float = 0.004) -> Spikes:
    names = tuple(f"f{row}" for row in range(len(bits)))
    return pack(bits, dt=dt, delay_s=0.0, features=names)


@given(BITS)
def test_unpack_undoes_pack(bits: np.ndarray) -> None:
    spikes = packed(bits)
    assert spikes.packed.shape == (len(bits), -(-bits.shape[1] // 8))
    assert unpack(spikes).dtype == np.bool_
    np.testing.assert_array_equal(unpack(spikes), bits)


@given(BITS, st.data())
def test_a_slice_is_numpys(bits: np.ndarray, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, bits.shape[1]))
    stop = data.draw(st.integers(start, bits.shape[1]))
    np.testing.assert_array_equal(
        unpack(packed(bits), start, stop), bits[:, start:stop]
    )


@given(BITS)
def test_counts_are_numpys(bits: np.ndarray) -> None:
    np.testing.assert_array_equal(counts(packed(bits)), bits.sum(axis=1))


@given(BITS, st.integers(0, 69))
def test_full_bytes_can_be_joined(bits: np.ndarray, cut: int) -> None:
    cut = min(cut, bits.shape[1]) // 8 * 8
    pieces = [np.packbits(bits[:, :cut], axis=1), np.packbits(bits[:, cut:], axis=1)]
    np.testing.assert_array_equal(np.hstack(pieces), packed(bits).packed)


@pytest.mark.parametrize(("start", "stop"), [(-1, 3), (4, 3), (0, 11), (11, 11)])
def test_steps_outside_the_train_are_refused(start: int, stop: int) -> None:
    with pytest.raises(IndexError, match="a train of 10"):
        unpack(packed(np.ones((1, 10), dtype=bool)), start, stop)

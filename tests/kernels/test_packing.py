"""Packing: the bits of numpy's `packbits`, and no others."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.kernels.compiling import compiled
from pipeline.kernels.encoders.packing import WORDS, pack, store
from pipeline.kernels.encoders.vectors import BLOCK, STEPS

UNTOUCHED = 0xA5


@compiled
def _packed(tile: np.ndarray, start: int, count: int, packed: np.ndarray) -> None:
    words = np.full((BLOCK, WORDS), 7, np.uint64)
    for event in range(packed.shape[2]):
        pack(tile, start, count, event, words, packed)


@compiled
def _stored(word: int, count: int, target: np.ndarray) -> None:
    store(word, count, target)


@settings(deadline=None, max_examples=80)
@given(
    n_channels=st.integers(1, 70),
    count=st.integers(1, STEPS),
    most=st.integers(1, 3),
    before=st.integers(0, 2),
)
def test_equals_packbits(n_channels: int, count: int, most: int, before: int) -> None:
    """What the tile has beyond the channels and steps shows nowhere."""
    rng = np.random.default_rng([n_channels, count, most, before])
    width = -(-n_channels // BLOCK) * BLOCK
    tile = rng.choice([-3.0, -2.0, -1.0, -0.0, 0.0, 1.0, 2.0, 3.0], (STEPS, width))
    counts = tile[:count, :n_channels].T.copy()
    n_bytes = -(-count // 8)
    packed = np.full((n_channels, 2, most, before + n_bytes + 1), UNTOUCHED, np.uint8)
    _packed(tile, 8 * before, count, packed)
    for event in range(most):
        for sign, spikes in enumerate((counts > event, counts < -event)):
            found = packed[:, sign, event, before : before + n_bytes]
            np.testing.assert_array_equal(found, np.packbits(spikes, axis=1))
    assert (packed[..., :before] == UNTOUCHED).all()
    assert (packed[..., before + n_bytes :] == UNTOUCHED).all()


@pytest.mark.parametrize("count", [1, 8, 9, 63, 64])
def test_the_first_bits_of_a_word_are_stored(count: int) -> None:
    word, target = np.uint64(0x123456789ABCDEF1), np.zeros(8, np.uint8)
    _stored(word, count, target)
    n_bytes = -(-count // 8)
    assert target.tobytes() == int(word).to_bytes(8, "little")[:n_bytes].ljust(8, b"\0")

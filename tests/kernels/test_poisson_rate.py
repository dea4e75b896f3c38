"""The compiled draws against numpy's, bit for bit."""

import numpy as np
import pytest

from pipeline.encoders.parts.generators import copied
from pipeline.kernels.encoders.poisson_rate import plain_poisson_rate, poisson_rate


@pytest.mark.parametrize("shape", [(1, 0), (1, 1), (3, 7), (2, 8), (9, 100), (0, 9)])
@pytest.mark.parametrize("bits", [np.random.PCG64, np.random.Philox])
def test_equals_its_twin(shape: tuple[int, int], bits: type) -> None:
    signal = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    signal[:, ::5] = np.nan
    signal[:, 3::7] = -np.inf
    one, other = np.random.Generator(bits(2)), np.random.Generator(bits(2))
    found = poisson_rate(signal, 1.5, one)
    np.testing.assert_array_equal(found, plain_poisson_rate(signal, 1.5, other))
    assert one.random() == other.random()


@pytest.mark.parametrize("bits", [np.random.PCG64, np.random.MT19937])
def test_a_copy_draws_the_same_and_leaves_the_first_alone(bits: type) -> None:
    first = np.random.Generator(bits(3))
    first.random(5)
    expected = np.random.Generator(bits(3)).random(9)[5:]
    assert copied(first).random(4).tolist() == expected.tolist()
    assert first.random(4).tolist() == expected.tolist()

"""A quick copy of a random generator, for codes that draw at every sample."""

from typing import Any

import numpy as np
from numpy.random.bit_generator import ISeedSequence


class _Unseeded(ISeedSequence):
    """Zeros, for a generator whose state is set anyway: entropy takes longer."""

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> np.ndarray:
        """Give words of zeros: the state is set afterwards."""
        return np.zeros(n_words, dtype)


def copied(rng: np.random.Generator) -> np.random.Generator:
    """Copy a generator: both then draw the same numbers.

    `deepcopy` takes several times as long, which counts in a stream of single samples.
    """
    bits: Any = rng.bit_generator
    other = type(bits)(_Unseeded())
    other.state = bits.state
    return np.random.Generator(other)

"""How the codes of signed events are compiled: one loop serves every code.

A code's kernel brings a type of constants, a NamedTuple of integers, and defines how a
sample and its scale become a signed count of events: it overloads `advance`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Int8, Int64
from numba.extending import overload

from pipeline.kernels.compiling import EXACT, compiled, inlined, kind_of
from pipeline.kernels.front_end.integer import Steps

Counts = Int8[np.ndarray, "channel step"]
"""Events at each step, negative for OFF."""

Words = Int64[np.ndarray, "channel word"]
"""What a code remembers of each channel: 0 before the first sample."""


def advance(code: Any, level: Any, scale: Any, words: Any) -> Any:
    """Encode one sample of a channel; for compiled code only.

    Parameters
    ----------
    code : NamedTuple
        The constants; their type chooses the code.
    level, scale : int
        The sample x and its scale s, in one unit.
    words : array, shape (word,), int64
        The channel's memory, which is moved on.

    Returns
    -------
    count : int
    """
    raise NotImplementedError


def implements(kind: type) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a formula the `advance` of codes with constants of a kind."""

    def register(formula: Callable[..., Any]) -> Callable[..., Any]:
        """Overload `advance` for constants of the kind."""

        @overload(advance, jit_options=EXACT)
        def choose(code: Any, level: Any, scale: Any, words: Any) -> Any:
            return formula if kind_of(code) is kind else None

        return formula

    return register


@inlined
def ratio(level: Any, bits: Any, scale: Any) -> Any:
    """Give x / s with fraction bits, rounded to nearest, halves away from 0."""
    size = ((abs(level) << bits) + (scale >> 1)) // scale
    return size if level >= 0 else -size


def encode_events(
    code: Any, levels: Steps, scales: Steps, words: Words
) -> tuple[Counts, Words]:
    """Encode a chunk.

    Parameters
    ----------
    code : NamedTuple
    levels, scales : array, shape (channel, step), int64
        Samples and their scales.
    words : array, shape (channel, word), int64
        The memory after the chunk before. It is not changed.

    Returns
    -------
    counts : array, shape (channel, step), int8
    words : array, shape (channel, word), int64
    """
    counts, words = np.empty(levels.shape, np.int8), words.copy()
    _encode(code, levels, scales, words, counts)
    return counts, words


@compiled
def _encode(code: Any, levels: Any, scales: Any, words: Any, counts: Any) -> None:
    """Fill `counts` and move `words` on, in place."""
    for channel in range(levels.shape[0]):
        for step in range(levels.shape[1]):
            counts[channel, step] = advance(
                code, levels[channel, step], scales[channel, step], words[channel]
            )

"""The slow, obvious form of framed codes, and signals to try them on."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import chisquare

from pipeline.encoders.base import Encoder

SFREQ = 100.0
Slow = Callable[[Sequence[float], int], list[list[bool]]]
"""Gives the spikes of all rows, step by step, from x of all rows and the steps."""

STRANGE = st.sampled_from([math.nan, math.inf, -math.inf, -0.0, 0.0, 1e6, -1e6, 4.0])
SIGNALS = arrays(
    np.float32,
    st.tuples(st.integers(1, 3), st.integers(0, 90)),
    elements=st.floats(-6, 6, width=32) | STRANGE,
)


def amplitude(samples: Sequence[float], full_scale: float) -> float:
    """x of a frame: the mean of its numbers, by full scale, at most 1."""
    total, count = 0.0, 0
    for sample in samples:
        if not math.isnan(sample):
            total += sample
            count += 1
    if count == 0 or math.isnan(total):
        return math.nan
    return min(1.0, max(-1.0, total / count / full_scale))


def by_sign(signal: np.ndarray) -> list[list[float]]:
    """Rectify the signal for ON and for OFF."""
    rows = []
    for channel in signal.astype(float).tolist():
        rows.append([s if math.isnan(s) else max(s, 0.0) for s in channel])
        rows.append([s if math.isnan(s) else max(-s, 0.0) for s in channel])
    return rows


def slow_encode(
    rows: list[list[float]], n_steps: int, full_scale: float, slow: Slow
) -> list[list[bool]]:
    """Send every frame by the next one, the first by nothing."""
    n_samples, sent = len(rows[0]), []
    for start in range(0, n_samples, n_steps):
        before = [row[max(0, start - n_steps) : start] for row in rows]
        xs = [amplitude(frame, full_scale) for frame in before]
        sent.append(slow(xs, n_steps))
    n_features = len(slow([math.nan] * len(rows), n_steps))
    return [
        [step for frame in sent for step in frame[feature]][:n_samples]
        for feature in range(n_features)
    ]


def encode(
    encoder: Encoder[Any],
    signal: np.ndarray,
    cuts: Sequence[int] = (),
    *,
    seed: int = 1,
    sfreq: float = SFREQ,
) -> np.ndarray:
    """Encode a signal in chunks that end at `cuts`."""
    state = encoder.initial_state(len(signal), sfreq, np.random.default_rng(seed))
    pieces = []
    for start, stop in pairwise([0, *sorted(cuts), signal.shape[1]]):
        piece, state = encoder.encode(signal[:, start:stop], state)
        pieces.append(piece)
    return np.concatenate(pieces, axis=1)


def held(levels: Sequence[float], n_steps: int) -> np.ndarray:
    """One channel that keeps each level for a frame, and one frame of silence."""
    return np.repeat([[*levels, 0.0]], n_steps, axis=1).astype(np.float32)


def counted(counts: Sequence[Sequence[int]], n_steps: int) -> np.ndarray:
    """Channels with so many ON events at the start of each frame."""
    rows = [
        [value for n in row for value in [1.0] * n + [0.0] * (n_steps - n)]
        for row in counts
    ]
    return np.array(rows, dtype=np.float32)


def check_law(observed: np.ndarray, expected: np.ndarray) -> None:
    """Counts follow their expectation; places that expect under 5 are one."""
    few = expected < 5
    observed, expected = ([*a[~few], a[few].sum()] for a in (observed, expected))
    n = len(observed) - (not few.any())
    assert chisquare(observed[:n], expected[:n]).pvalue > 0.01


def at_step(step: float | None, n_steps: int) -> list[bool]:
    """One spike."""
    return [step == each for each in range(n_steps)]

"""Means of frames in one pass over the signal, compiled, and in plain Python.

Samples are added in the order of time, one after the other, so that any division into
chunks gives the same bits; numpy's sums are taken in another order.
"""

from typing import Any

import numpy as np
from jaxtyping import Float32, Float64, Int64

from pipeline.axes import FrameMeans
from pipeline.kernels.compiling import compiled

Rows = Float32[np.ndarray, "row time"]
"""What is averaged: one row for every amplitude of a frame."""

Sums = Float64[np.ndarray, " row"]
Counts = Int64[np.ndarray, " row"]


def frame_means(
    rows: Rows, sums: Sums, counts: Counts, place: int, n_steps: int
) -> tuple[FrameMeans, Sums, Counts]:
    """Average the frames that end in a chunk.

    ::

        mean = Σ x / number of x,   over the x of a frame that are not NaN

    Parameters
    ----------
    rows : array, shape (row, time), float32
    sums, counts : array, shape (row,), float64 and int64
        Of the samples that the current frame has before the chunk.
    place : int
        How many samples that are, those which are NaN included.
    n_steps : int
        Samples a frame.

    Returns
    -------
    means : array, shape (row, frame), float64
    sums, counts : array, shape (row,), float64 and int64
        Of the frame that the chunk leaves incomplete.
    """
    n_frames = (place + rows.shape[1]) // n_steps
    means = np.empty((rows.shape[0], n_frames))
    sums, counts = sums.copy(), counts.copy()
    _average(np.ascontiguousarray(rows), sums, counts, place, n_steps, means)
    return means, sums, counts


def plain_frame_means(
    rows: Rows, sums: Sums, counts: Counts, place: int, n_steps: int
) -> tuple[FrameMeans, Sums, Counts]:
    """Do the same without compiled code: the oracle."""
    means = []
    for step, sample in enumerate(rows.T.astype(np.float64), place + 1):
        is_number = ~np.isnan(sample)
        sums = np.where(is_number, sums + sample, sums)
        counts = counts + is_number
        if step % n_steps == 0:
            means.append(np.where(counts, sums / np.maximum(counts, 1), np.nan))
            sums, counts = np.zeros_like(sums), np.zeros_like(counts)
    return np.reshape(means, (-1, rows.shape[0])).T, sums.copy(), counts.copy()


@compiled
def _average(
    rows: Any, sums: Any, counts: Any, place: Any, n_steps: Any, means: Any
) -> None:
    """Fill `means`, and move `sums` and `counts` on, in place."""
    for row in range(rows.shape[0]):
        total, count, at, frame = sums[row], counts[row], place, 0
        for step in range(rows.shape[1]):
            sample = np.float64(rows[row, step])
            if not np.isnan(sample):
                total += sample
                count += 1
            at += 1
            if at == n_steps:
                means[row, frame] = total / count if count else np.nan
                total, count, at, frame = 0.0, 0, 0, frame + 1
        sums[row], counts[row] = total, count

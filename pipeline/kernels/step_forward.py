"""The step-forward code's inner loop, compiled, and its reference implementation.

Each sample's reference depends on the one before, so time cannot be vectorised. The
reference implementation runs all channels at once in numpy; both give the same bits.
"""

from typing import Any

import numba
import numpy as np
from jaxtyping import Float64

from pipeline.axes import Samples, SpikeBits

Reference = Float64[np.ndarray, " channel"]
"""The reference of each channel; NaN before its first sample."""


def step_forward(
    signal: Samples, reference: Reference, threshold: float
) -> tuple[SpikeBits, Reference]:
    """Follow a signal with a reference that moves at most one threshold a sample.

    ::

        ON[k]  = x[k] > r[k] + threshold
        OFF[k] = x[k] < r[k] - threshold
        r[k+1] = r[k] + threshold * (ON[k] - OFF[k])

    Parameters
    ----------
    signal : array, shape (channel, time), float32
    reference : array, shape (channel,), float64
        r before the first sample; where it is NaN, it becomes that sample.
    threshold : float
        In the signal's unit.

    Returns
    -------
    spikes : array, shape (2 * channel, time), bool
        ON in even rows, OFF in odd rows.
    reference : array, shape (channel,), float64
        r after the last sample.
    """
    spikes = np.zeros((2 * signal.shape[0], signal.shape[1]), dtype=np.bool_)
    reference = reference.copy()
    _compiled_loop(np.ascontiguousarray(signal), reference, threshold, spikes)
    return spikes, reference


def plain_step_forward(
    signal: Samples, reference: Reference, threshold: float
) -> tuple[SpikeBits, Reference]:
    """Do the same without compiled code: the reference implementation."""
    spikes = np.zeros((2 * signal.shape[0], signal.shape[1]), dtype=np.bool_)
    for step, sample in enumerate(signal.T.astype(np.float64)):
        reference = np.where(np.isnan(reference), sample, reference)
        spikes[0::2, step] = rises = sample > reference + threshold
        spikes[1::2, step] = falls = sample < reference - threshold
        reference = reference + threshold * rises - threshold * falls
    return spikes, reference.copy()


def _loop(
    signal: Samples, reference: Reference, threshold: float, spikes: SpikeBits
) -> None:
    """Fill `spikes` and move `reference` on, in place."""
    for channel in range(signal.shape[0]):
        level = reference[channel]
        for step in range(signal.shape[1]):
            sample = np.float64(signal[channel, step])
            if np.isnan(level):
                level = sample
            if sample > level + threshold:
                spikes[2 * channel, step] = True
                level += threshold
            elif sample < level - threshold:
                spikes[2 * channel + 1, step] = True
                level -= threshold
        reference[channel] = level


_compiled_loop: Any = numba.njit(cache=True, nogil=True)(_loop)

"""Arrays with named axes and units, and where a recording has pauses."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int, UInt8

Samples = Float32[np.ndarray, "channel time"]
"""A piece of signal: volts until scaled, dimensionless after."""

Precise = Float[np.ndarray, "channel time"]
"""The same before rounding to float32."""

SpikeBits = Bool[np.ndarray, "feature time"]
"""A piece of a spike train."""

FrameMeans = Float64[np.ndarray, "row frame"]
"""The mean of each frame of time; NaN where it has no sample that is a number."""

PackedBits = UInt8[np.ndarray, "feature byte"]
"""A spike train, eight steps to a byte."""

Confusion = Int[np.ndarray, "label predicted"]
"""Counts of windows, true label down, predicted label across."""


@dataclass(frozen=True)
class Segment:
    """A part of a recording without a pause.

    Parameters
    ----------
    start : int
        Its first sample, of the samples that the file holds.
    onset_s : float
        Time of that sample on the recording's own clock, seconds.
    """

    start: int
    onset_s: float

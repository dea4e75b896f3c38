"""Arrays with named axes and units; the names are those of `docs/` and of the tests."""

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8

Samples = Float32[np.ndarray, "channel time"]
"""A piece of signal: volts until scaled, dimensionless after."""

Precise = Float[np.ndarray, "channel time"]
"""The same before rounding to float32."""

SpikeBits = Bool[np.ndarray, "feature time"]
"""A piece of a spike train."""

PackedBits = UInt8[np.ndarray, "feature byte"]
"""A spike train, eight steps to a byte."""

Confusion = Int[np.ndarray, "label predicted"]
"""Counts of windows, true label down, predicted label across."""

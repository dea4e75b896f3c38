"""Ben's Spiker Algorithm: spikes that give the signal back through a filter."""

from typing import Annotated, Any

import numpy as np
from pydantic import Field

from pipeline.axes import Samples, SpikeBits
from pipeline.encoders.parts.stepwise import Stepwise
from pipeline.errors import ConfigError


class Bsa(Stepwise):
    """A spike where subtracting a filter's response brings the signal nearer to zero.

    ::

        s[k] = Σⱼ |x[k+j] − h[j]| ≤ Σⱼ |x[k+j]| − threshold · Σⱼ h[j]
        x[k+j] ← x[k+j] − h[j] where s[k]

    with j = 0 … length − 1, for ON, and on −x for OFF; each is a unipolar code with a
    rest of its own. h is a low-pass (Hamming window) whose taps add up to full_scale,
    the signal that fires at every step. A low threshold fires too early, a high one too
    seldom: 0.7 reconstructs noise below 8 Hz best (250 Hz, 16 taps). The algorithm
    looks length − 1 samples ahead: the spike is sent that much later (`delay_s`).

    References
    ----------
    Schrauwen and Van Campenhout (2003), BSA, a fast and accurate spike train encoding
    scheme, IJCNN.
    """

    threshold: Annotated[
        float,
        Field(
            gt=0,
            lt=1,
            description="What a spike must gain, of what one in its right place gains.",
        ),
    ] = 0.7
    full_scale: Annotated[
        float,
        Field(gt=0, description="Signal that fires at every step, in RMS units."),
    ] = 5.0
    length: Annotated[
        int, Field(ge=2, le=256, description="Taps of the filter, samples.")
    ] = 16
    cutoff_hz: Annotated[
        float, Field(gt=0, description="Where the filter halves amplitudes, in Hz.")
    ] = 20.0

    def taps(self, sfreq: float) -> np.ndarray:
        """Design the filter h.

        Raises
        ------
        ConfigError
            The cutoff does not lie below half of the sampling rate.
        """
        from scipy.signal import firwin

        if self.cutoff_hz >= sfreq / 2:
            raise ConfigError(
                "the encoder bsa: cutoff_hz",
                f"{self.cutoff_hz:g} Hz",
                expected=f"below {sfreq / 2:g} Hz, half of the sampling rate",
                remedy="lower cutoff_hz",
            )
        taps = firwin(self.length, self.cutoff_hz, fs=sfreq)
        return np.asarray(self.full_scale * taps, dtype=np.float64)

    def first_threshold(self) -> float:
        """Give what a spike must gain, RMS times samples: a part of the taps' sum."""
        return self.threshold * self.full_scale

    def start(self, n_channels: int, sfreq: float) -> tuple[Any, np.ndarray]:
        """Give the kernel's constants and its values before the first sample."""
        from pipeline.kernels.encoders import bsa as kernel

        taps = self.taps(sfreq)
        return kernel.Bsa(taps), kernel.first_values(n_channels, len(taps))

    def decode(self, spikes: SpikeBits, sfreq: float) -> Samples:
        """Convolve ON − OFF with the filter; late by `delay_s`, as the spikes are."""
        from scipy.signal import lfilter

        counts = self.counts(spikes).astype(np.float64)
        decoded = lfilter(self.taps(sfreq), [1.0], counts, axis=1)
        return np.asarray(decoded, dtype=np.float32)

    def delay_s(self, sfreq: float) -> float:
        """Give what it looks ahead, length − 1 samples."""
        return (self.length - 1) / sfreq

    def operations(self) -> dict[str, int]:
        """Two differences and a sum a tap and sign; a subtraction a tap at a spike."""
        return {"addition": 7 * self.length + 2}

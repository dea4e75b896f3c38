"""Phase: the binary digits of a frame's amplitude, sent again in every period."""

from typing import Annotated

import numpy as np
from pydantic import Field

from pipeline.encoders.parts.framed import Amplitudes, FramedEncoder
from pipeline.encoders.parts.frames import Patterns
from pipeline.errors import ConfigError


class Phase(FramedEncoder):
    """Binary expansion of a frame's amplitude x; a spike's weight is its phase.

    ::

        x ≈ Σ 2^−(1 + k) · digit[k],   k = 0 … K − 1;   step t sends digit[t mod K]

    The digits repeat through the frame; an incomplete last period sends the first of
    them. x = 1 is sent as 1 − 2^−K.

    References
    ----------
    Kim, Kim, Huh, Lee and Choi (2018), Deep neural networks with weighted spikes,
    Neurocomputing 311.
    """

    digits: Annotated[
        int, Field(ge=1, le=16, description="K, the steps of a period.")
    ] = 8

    def patterns(
        self, x: Amplitudes, sfreq: float, rng: np.random.Generator | None
    ) -> Patterns:
        """Fire where a digit is 1."""
        levels = 1 << self.digits
        sent = np.minimum(np.floor(np.nan_to_num(x) * levels), levels - 1)
        weights = 1 << (self.digits - 1 - np.arange(self.n_steps(sfreq)) % self.digits)
        fires: Patterns = (
            sent.astype(np.int32)[..., None] & weights.astype(np.int32)
        ) > 0
        return fires

    def amplitudes(self, patterns: Patterns, sfreq: float) -> Amplitudes:
        """Sum the weights of the first period's spikes."""
        weights = 0.5 ** np.arange(1, self.digits + 1)
        x: Amplitudes = patterns[..., : self.digits] @ weights
        return x

    def amplitude_bound(self, sfreq: float) -> float:
        """Bound it: the last digit, 2^−K of full scale."""
        return self.decode_bound()

    def decode_bound(self) -> float:
        """Bound the error: ON and OFF are both too small, by a last digit at most."""
        return self.full_scale / (1 << self.digits)

    def n_steps(self, sfreq: float) -> int:
        """Count the samples of a frame.

        Raises
        ------
        ConfigError
            Less than two, or less than the digits.
        """
        n_steps = super().n_steps(sfreq)
        if n_steps < self.digits:
            raise ConfigError(
                "the encoder phase, digits",
                f"{self.digits}, and a frame of {self.frame_s:g} s has {n_steps} "
                f"samples at {sfreq:g} Hz",
                expected="a sample for every digit",
                remedy=f"set frame_s to {self.digits / sfreq:g} or more",
            )
        return n_steps

    def operations(self) -> dict[str, int]:
        """Sum, clip and read digits; of a frame, of two samples at least, x."""
        return {"addition": 5, "multiplication": 1}

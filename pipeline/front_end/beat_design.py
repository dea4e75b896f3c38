"""How codes of beats become integers: a detector with fraction bits, then the code.

From the beats on the codes of `pipeline.encoders` are in integers already.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from pipeline import qrs
from pipeline.axes import SpikeBits
from pipeline.encoders.parts.beats import BeatCode
from pipeline.errors import ConfigError
from pipeline.front_end.code_design import CodeInput
from pipeline.front_end.constants import integer_sections, section_gains
from pipeline.kernels.front_end.beats import BeatFinder, Words, find_beats, n_words
from pipeline.kernels.front_end.integer import Steps

MOST_BITS, FEWEST_BITS = 16, 8
"""Fraction bits of the detector's samples."""

FILTERED_LIMIT = 2**24
"""The bound of a filtered sample: a square of a difference has 50 bits."""

WIDEST = 2**10
"""Samples of the longest integral: 2^10 such squares have 60 bits, their root 30."""


@dataclass(frozen=True)
class IntegerDetector:
    """The beat detector of a device, in the place of `pipeline.qrs.Detector`.

    Parameters
    ----------
    sfreq : float
        Samples per second.
    bits : int
        Fraction bits of its samples.
    constants : BeatFinder
    """

    sfreq: float
    bits: int
    constants: BeatFinder

    @property
    def delay(self) -> int:
        """Samples after a beat at which it is known at the latest."""
        return self.constants.width + self.constants.reach

    def start(self) -> Words:
        """Make the state before the first sample."""
        return np.zeros(n_words(self.constants), np.int64)

    def detect(
        self, chunk: Float[np.ndarray, " time"], state: Words
    ) -> tuple[np.ndarray, Words]:
        """Find the beats that are certain at the end of a chunk of exact samples."""
        samples = (chunk * 2.0**self.bits).astype(np.int64)
        return find_beats(self.constants, samples, state)

    def numbers(self) -> dict[str, list[int]]:
        """Name the constants that its C reads, in their order."""
        named = {"bits": self.bits, **self.constants._asdict()}
        return {name: [value] for name, value in named.items()}


@dataclass(frozen=True)
class BeatForm:
    """A code of beats.

    Parameters
    ----------
    encoder : BeatCode
    finder : IntegerDetector
    settings : dict
        What its C reads after the detector's constants.
    n_channels, n_features : int
    n_words, n_shared : int
        Words that its C remembers of a channel, and of all of them together.
    """

    encoder: BeatCode[Any]
    finder: IntegerDetector
    settings: dict[str, list[int]]
    n_channels: int
    n_features: int
    n_words: int
    n_shared: int = 0

    @property
    def memory_words(self) -> int:
        """Words that its C remembers."""
        return self.n_shared + self.n_channels * self.n_words

    def numbers(self) -> dict[str, list[int]]:
        """Name the constants that its C reads, in their order."""
        return self.finder.numbers() | self.settings

    def start(self) -> Any:
        """Make the memory before the first sample."""
        return self.encoder.begin(self.finder, self.n_channels)

    def encode(
        self, levels: Steps, scales: Steps, memory: Any
    ) -> tuple[SpikeBits, Any]:
        """Encode a chunk; see `EventCode.encode`."""
        return self.encoder.encode(exact(levels, scales, self.finder.bits), memory)


def exact(levels: Steps, scales: Steps, bits: int) -> Float[np.ndarray, "channel step"]:
    """Give x / s, rounded to fraction bits, halves away from 0."""
    size = ((np.abs(levels) << bits) + (scales >> 1)) // scales
    samples: np.ndarray = np.where(levels >= 0, size, -size) / 2.0**bits
    return samples


def integer_detector(encoder: BeatCode[Any], given: CodeInput) -> IntegerDetector:
    """Choose the fraction bits of a detector.

    Raises
    ------
    ConfigError
        The beats are annotated ones, or the numbers do not fit their words.
    DataError
        The sampling rate is too low to detect beats.
    """
    if encoder.is_oracle:
        raise ConfigError(
            "encoder: beats",
            "annotated: no device has annotations",
            expected="detected",
            remedy="export a cell whose encoder detects beats",
        )
    detector = qrs.Detector(given.sfreq)
    sections = integer_sections(_band_pass(given.sfreq))
    largest = 2 * given.largest * max(section_gains(sections))
    bits = min(MOST_BITS, math.floor(math.log2(FILTERED_LIMIT / largest)))
    if bits < FEWEST_BITS or detector.width > WIDEST:
        raise ConfigError(
            "encoder: the beat detector",
            f"samples up to {given.largest:.3g} RMS at {given.sfreq:g} Hz",
            expected=f"{FEWEST_BITS} fraction bits, and up to {WIDEST} samples of a "
            "moving integral, in 32 bits",
            remedy="shorten signal.scale.tau_s, or lower signal.sfreq",
        )
    ((b0, _, _, c1, c2),) = sections.tolist()
    constants = BeatFinder(
        detector.width,
        detector.reach,
        round(given.sfreq * 256),
        round(qrs.LONGEST_S * given.sfreq),
        b0,
        c1,
        c2,
    )
    return IntegerDetector(given.sfreq, bits, constants)


def _band_pass(sfreq: float) -> np.ndarray:
    """Design the filter of `pipeline.qrs`."""
    from scipy import signal as sp

    sections: np.ndarray = sp.butter(1, qrs.BAND, "bandpass", fs=sfreq, output="sos")
    return sections

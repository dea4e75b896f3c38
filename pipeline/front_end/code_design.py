"""How integer forms of encoders choose their fraction bits."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.axes import SpikeBits
from pipeline.encoders.parts.steered import Steered
from pipeline.errors import ConfigError
from pipeline.kernels.front_end.events import Counts, Words, encode_events
from pipeline.kernels.front_end.integer import Steps
from pipeline.preparation.causal import Design

LIMIT = 2**30
"""The bound of what a code remembers: a difference of two such values fits 32 bits."""

MOST_BITS = 20
"""Most fraction bits: a unit is a millionth of the signal's RMS."""

FEWEST_UNITS = 16
"""Fewest units in a threshold, which is itself rounded to one."""


@dataclass(frozen=True)
class CodeInput:
    """What a code is given.

    Parameters
    ----------
    n_channels : int
    sfreq : float
        Steps a second.
    largest : float
        Bound of |x / s|.
    """

    n_channels: int
    sfreq: float
    largest: float


@dataclass(frozen=True)
class EventCode:
    """A code of signed events, sample by sample.

    Parameters
    ----------
    constants : NamedTuple of int
        Of its kernel.
    n_channels : int
    most : int
        Events of one sign at a step, at most.
    n_words : int
        Words that it remembers of a channel.
    """

    constants: Any
    n_channels: int
    most: int
    n_words: int

    @property
    def memory_words(self) -> int:
        """Words that its C remembers of all its channels."""
        return self.n_channels * self.n_words

    @property
    def n_features(self) -> int:
        """Rows of its spikes."""
        return 2 * self.most * self.n_channels

    def numbers(self) -> dict[str, list[int]]:
        """Name the constants that its C reads, in their order."""
        return {name: [value] for name, value in self.constants._asdict().items()}

    def start(self) -> Words:
        """Make the memory before the first sample."""
        return np.zeros((self.n_channels, self.n_words), np.int64)

    def encode(
        self, levels: Steps, scales: Steps, memory: Words
    ) -> tuple[SpikeBits, Words]:
        """Encode a chunk.

        Parameters
        ----------
        levels, scales : array, shape (channel, step), int64
        memory : array, shape (channel, word), int64
            After the chunk before. It is not changed.

        Returns
        -------
        spikes : array, shape (feature, step), bool
        memory : array, shape (channel, word), int64
        """
        counts, memory = encode_events(self.constants, levels, scales, memory)
        return thermometer(counts, self.most), memory


def thermometer(counts: Counts, most: int) -> SpikeBits:
    """Let the n events of a sample fire the first n rows of their sign."""
    least = np.arange(1, most + 1)[:, None]
    by_sign = np.stack([counts, -counts], axis=1)[:, :, None]
    shape = 2 * most * len(counts), counts.shape[1]
    spikes: SpikeBits = (by_sign >= least).reshape(shape)
    return spikes


def given_by(plan: Design, n_channels: int) -> CodeInput:
    """Describe the signal of a front end.

    No x/s is above √(channels / (1 − decay)), as x² is part of s².
    """
    joined = n_channels if plan.shared else 1
    largest = 1.25 * math.sqrt(joined / (1 - plan.decay))
    return CodeInput(n_channels, plan.sfreq, largest)


def bits_of(largest: float, threshold: float, where: str) -> int:
    """Choose the fraction bits of numbers up to `largest`.

    Raises
    ------
    ConfigError
        The threshold would have too few units.
    """
    bits = min(MOST_BITS, math.floor(math.log2(LIMIT / largest)))
    if bits < 0 or threshold * 2**bits < FEWEST_UNITS:
        raise ConfigError(
            f"encoder: {where}",
            f"{threshold:g}, of {threshold * 2.0**bits:.3g} units where numbers up to "
            f"{largest:.3g} fit 32 bits",
            expected=f"at least {FEWEST_UNITS} units",
            remedy="raise it, or shorten the time constants and windows",
        )
    return bits


def refuse_moving(encoder: Steered) -> None:
    """Refuse a threshold that sets itself.

    Raises
    ------
    ConfigError
    """
    if encoder.moves:
        aim = "snr_db" if encoder.events_per_s is None else "events_per_s"
        raise ConfigError(
            f"encoder: {aim}",
            f"{getattr(encoder, aim):g}: a threshold that moves has no integer form",
            expected="null",
            remedy=f"export a cell of the {encoder.own_name} encoder without {aim}",
        )

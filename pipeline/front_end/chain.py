"""The front end of a device in integers: converter's samples in, spikes out.

It does in 32-bit words what `pipeline.preparation.causal` and the encoder do in
floating point. The kernel defines how each number is computed; here the numbers of
fraction bits are chosen so that no sample can make a number overflow: each
filter's output is at most the sum of its impulse response's magnitudes times the
converter's largest sample.

References
----------
.. [1] Texas Instruments, "ADS1299", data sheet SBAS499A, 2012, "Data format": a unit is
   V_ref / (2²³ − 1) behind the amplifier, and codes clip at full scale.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from pipeline.axes import Precise, SpikeBits
from pipeline.encoders.base import Encoder
from pipeline.errors import ConfigError, DataError
from pipeline.front_end.code_design import given_by
from pipeline.front_end.coding import Part, parts_of
from pipeline.front_end.constants import UNIT_V, integer_constants
from pipeline.kernels.front_end.integer import ConverterSamples, prepared
from pipeline.kernels.front_end.state import (
    RAIL,
    SATURATIONS,
    Constants,
    Memory,
    first_memory,
)
from pipeline.preparation.signals import SignalSettings, design


class FrontEndMemory(NamedTuple):
    """The state between two chunks.

    Parameters
    ----------
    signal : Memory
        Of the filters and the scale.
    codes : tuple
        Of each part of the encoder.
    """

    signal: Memory
    codes: tuple[Any, ...]


@dataclass(frozen=True)
class FrontEnd:
    """A front end for recordings of one sampling rate and number of channels.

    Parameters
    ----------
    constants : Constants
    parts : tuple of Part
        The encoder's, in the order of their features.
    n_channels : int
    recorded_sfreq, sfreq : float
        Samples of the converter and steps of the spike train, a second.
    delay_s : float
        Of the anti-alias filter.
    """

    constants: Constants
    parts: tuple[Part, ...]
    n_channels: int
    recorded_sfreq: float
    sfreq: float
    delay_s: float

    def encode(
        self, codes: ConverterSamples, memory: FrontEndMemory | None = None
    ) -> tuple[SpikeBits, FrontEndMemory]:
        """Turn a recording, or a chunk of it, into spikes.

        Parameters
        ----------
        codes : array, shape (channel, time), int32
            Samples of the converter.
        memory : FrontEndMemory, optional
            The memory after the chunk before; any chunks give the same bits.

        Returns
        -------
        spikes : array, shape (feature, step), bool
            In the order of the encoder's features.
        memory : FrontEndMemory

        Raises
        ------
        ValueError
            The samples are of other channels, or not int32.
        """
        if codes.dtype != np.int32 or codes.shape[0] != self.n_channels:
            raise ValueError(
                f"expected int32 samples of {self.n_channels} channels, "
                f"found {codes.dtype} {codes.shape}"
            )
        memory = memory or self._first_memory()
        levels, scales, signal = prepared(codes, memory.signal, self.constants)
        encoded = [
            part.code.encode(levels[list(part.rows)], scales[list(part.rows)], own)
            for part, own in zip(self.parts, memory.codes, strict=True)
        ]
        spikes = np.concatenate([fired for fired, _ in encoded])
        return spikes, FrontEndMemory(signal, tuple(after for _, after in encoded))

    @property
    def n_features(self) -> int:
        """Rows of the spikes."""
        return sum(part.code.n_features for part in self.parts)

    @property
    def settling_steps(self) -> int:
        """Steps that the anti-alias filter delays the signal by.

        The first ones encode no signal yet: no segment has them, and nothing decides.
        """
        return round(self.delay_s * self.sfreq)

    @property
    def spike_bytes(self) -> int:
        """Bytes of one step's spikes."""
        return -(-self.n_features // 8)

    def _first_memory(self) -> FrontEndMemory:
        signal = first_memory(self.constants, self.n_channels)
        return FrontEndMemory(signal, tuple(part.code.start() for part in self.parts))


def design_front_end(
    settings: SignalSettings,
    encoder: Encoder[Any],
    sfreq: float,
    channels: int | tuple[str, ...],
) -> FrontEnd:
    """Design the integers for recordings of one sampling rate.

    Parameters
    ----------
    settings : SignalSettings
    encoder : Encoder
        One that has an integer form, or joins such.
    sfreq : float
        Of the converter, Hz.
    channels : int or tuple of str
        How many, or their names, for codes that name theirs.

    Raises
    ------
    ConfigError
        The encoder has no integer form, the channels have shares of a scale, or the
        settings do not fit 32 bits.
    """
    if settings.scale is None:
        raise ConfigError(
            "signal.scale",
            "null: the signal is not scaled",
            expected="a running scale, by which a device divides what its converter "
            "gives",
            remedy="export a cell of a data set with signal.scale",
        )
    if settings.scale.profile_s is not None:
        raise ConfigError(
            "signal.scale.profile_s",
            f"{settings.scale.profile_s:g} s: shares of a scale have no integer form",
            expected="one scale for all channels, or one each",
            remedy="export a cell of a data set without signal.scale.profile_s",
        )
    plan = design(settings, sfreq)
    names = tuple(map(str, range(channels))) if isinstance(channels, int) else channels
    parts = parts_of(encoder, given_by(plan, len(names)), names)
    constants = integer_constants(plan, len(names))
    return FrontEnd(constants, parts, len(names), sfreq, plan.sfreq, plan.delay_s)


def digitise(volts: Precise) -> ConverterSamples:
    """Convert volts to the codes of a 24-bit converter.

    ::

        code = min(max(round(volts / UNIT_V), −RAIL), RAIL)

    Parameters
    ----------
    volts : array, shape (channel, time)

    Raises
    ------
    DataError
        A sample is not a number.
    """
    bad = np.isnan(volts)
    if bad.any():
        channel, first = np.argwhere(bad)[0]
        raise DataError(
            f"channel {channel}",
            f"{bad.sum()} samples are not numbers, the first at sample {first}",
            expected="volts: a converter gives a code for every sample",
        )
    codes = np.rint(np.asarray(volts, np.float64) / UNIT_V)
    return np.clip(codes, -RAIL, RAIL).astype(np.int32)


def saturations(memory: FrontEndMemory) -> int:
    """Count the samples at the converter's rails."""
    return int(memory.signal.counters[SATURATIONS])

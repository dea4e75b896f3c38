"""The front end of a device in integers: converter's samples in, spikes out.

It does in 32-bit words what `pipeline.preparation.causal` and the delta encoder do in
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
from typing import Any

import numpy as np

from pipeline.axes import Precise, SpikeBits
from pipeline.device.front_end_design import UNIT_V, integer_constants
from pipeline.encoders.base import Encoder
from pipeline.encoders.delta import Delta
from pipeline.errors import ConfigError, DataError
from pipeline.kernels.front_end.integer import Codes, front_end
from pipeline.kernels.front_end.state import (
    RAIL,
    SATURATIONS,
    Constants,
    Memory,
    first_memory,
)
from pipeline.preparation.signals import SignalSettings, design


@dataclass(frozen=True)
class FrontEnd:
    """A front end for recordings of one sampling rate and number of channels.

    Parameters
    ----------
    constants : Constants
    n_channels : int
    recorded_sfreq, sfreq : float
        Samples of the converter and steps of the spike train, a second.
    delay_s : float
        Of the anti-alias filter.
    """

    constants: Constants
    n_channels: int
    recorded_sfreq: float
    sfreq: float
    delay_s: float

    def encode(
        self, codes: Codes, memory: Memory | None = None
    ) -> tuple[SpikeBits, Memory]:
        """Turn a recording, or a chunk of it, into spikes.

        Parameters
        ----------
        codes : array, shape (channel, time), int32
            Samples of the converter.
        memory : Memory, optional
            The memory after the chunk before; any chunks give the same bits.

        Returns
        -------
        spikes : array, shape (2 * channel, step), bool
            ON in even rows, OFF in odd rows.
        memory : Memory

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
        memory = memory or first_memory(self.constants, self.n_channels)
        return front_end(codes, memory, self.constants)

    @property
    def spike_bytes(self) -> int:
        """Bytes of one step's spikes."""
        return -(-2 * self.n_channels // 8)


def design_front_end(
    settings: SignalSettings, encoder: Encoder[Any], sfreq: float, n_channels: int
) -> FrontEnd:
    """Design the integers for recordings of one sampling rate.

    Parameters
    ----------
    settings : SignalSettings
    encoder : Delta
    sfreq : float
        Of the converter, Hz.
    n_channels : int

    Raises
    ------
    ConfigError
        The encoder has no integer form, or the settings do not fit 32 bits.
    """
    if not isinstance(encoder, Delta):
        raise ConfigError(
            "encoder",
            f"{type(encoder).__name__} has no integer form",
            expected="delta",
            remedy="export a cell of the delta encoder",
        )
    if encoder.events_per_s is not None:
        raise ConfigError(
            "encoder: events_per_s",
            f"{encoder.events_per_s:g}: a threshold that moves has no integer form",
            expected="null",
            remedy="export a cell of the delta encoder without events_per_s",
        )
    if settings.scale is None:
        raise ConfigError(
            "signal.scale",
            "null: the signal is not scaled",
            expected="a running scale, by which a device divides what its converter "
            "gives",
            remedy="export a cell of a data set with signal.scale",
        )
    plan = design(settings, sfreq)
    constants = integer_constants(plan, encoder.threshold, n_channels)
    return FrontEnd(constants, n_channels, sfreq, plan.sfreq, plan.delay_s)


def digitise(volts: Precise) -> Codes:
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


def saturations(memory: Memory) -> int:
    """Count the samples at the converter's rails."""
    return int(memory.counters[SATURATIONS])

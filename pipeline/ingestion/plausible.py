"""Signals that no body makes: constant channels, and amplitudes out of bounds.

The bounds are wide. They are meant for a unit that is wrong by a factor of a thousand,
a gain that is none, or numbers that are no signal; a poor recording passes. Events
(channels of the type stim) are no voltages and have no bounds.
"""

from collections.abc import Collection, Mapping

import numpy as np

from pipeline.errors import DataError
from pipeline.quality import Measured
from pipeline.readers.base import LEAVE_OUT, Check, Content, either, unchecked_if

SWINGS: Mapping[str, tuple[float, float]] = {
    "ecg": (10e-6, 50e-3),
    "eeg": (0.5e-6, 10e-3),
    "emg": (0.2e-6, 50e-3),
}
"""Volts between which a channel's `quality.Measured.swing` lies, by its type.

- ecg: QRS complexes reach 0.1 to 5 mV, and what conforms to IEC 60601-2-25 records
  10 mV peak to peak
- eeg: 10 to 200 µV at the scalp, a few mV inside the skull; IFCN's standards (Nuwer et
  al., doi 10.1016/S0013-4694(97)00106-5) let amplifiers alone make 1.5 µV
- emg: at most 10 mV at the skin (De Luca, doi 10.1123/jab.13.2.135) and 20 mV at a
  needle; at rest little but noise, of 0.2 µV or more
"""
LARGEST = 10.0
"""Volts, of any sample: electrodes have offsets of up to 0.3 V, artefacts end where the
amplifier does, and converters take ±10 V at most."""


def refuse_implausible(
    where: str, content: Content, measured: Measured, unchecked: Collection[Check]
) -> None:
    """Refuse a recording with a channel that no body makes.

    Parameters
    ----------
    where : str
        The recording.
    content : Content
    measured : Measured
        Of the same recording.
    unchecked : collection of str
        `flat` and `amplitude` turn off a check each.

    Raises
    ------
    DataError
        A channel has one value all along, or an amplitude out of bounds.
    """
    flat = ~(measured.least < measured.largest)
    if "flat" not in unchecked and flat.any():
        raise _flat(where, content, measured, np.flatnonzero(flat).tolist())
    low, high = np.array([SWINGS.get(kind, (0.0, np.inf)) for kind in content.types]).T
    beyond = (measured.swing < low) | (measured.swing > high)
    voltage = np.array([kind in SWINGS for kind in content.types])
    beyond |= voltage & (np.maximum(-measured.least, measured.largest) > LARGEST)
    if "amplitude" not in unchecked and beyond.any():
        raise _beyond(where, content, measured, np.flatnonzero(beyond).tolist())


def _flat(
    where: str, content: Content, measured: Measured, channels: list[int]
) -> DataError:
    first = channels[0]
    return DataError(
        f"{where}, channel {content.channels[first]}",
        f"it has one value all along, {measured.least[first]:g} V{_more(channels)}",
        expected="a signal that changes",
        remedy=either(
            "choose other channels",
            LEAVE_OUT,
            unchecked_if("the channel is right", "flat"),
        ),
    )


def _beyond(
    where: str, content: Content, measured: Measured, channels: list[int]
) -> DataError:
    first = channels[0]
    low, high = SWINGS[content.types[first]]
    swing, extremes = (
        measured.swing[first],
        (measured.least[first], measured.largest[first]),
    )
    if swing < low or swing > high:
        found = f"it swings by {swing:.3g} V in two seconds"
        expected = f"{low:.3g} to {high:.3g} V for {content.types[first].upper()}"
    else:
        found = f"it has a sample of {max(extremes, key=abs):.3g} V"
        expected = f"at most {LARGEST:g} V, which converters hold"
    return DataError(
        f"{where}, channel {content.channels[first]}",
        found + _more(channels),
        expected=expected,
        remedy=either(
            "correct the reader's unit, scale or channel_type",
            "choose other channels",
            LEAVE_OUT,
            unchecked_if("the signal is right", "amplitude"),
        ),
    )


def _more(channels: list[int]) -> str:
    others = len(channels) - 1
    return f"; likewise {others} other channel{'s' * (others > 1)}" if others else ""

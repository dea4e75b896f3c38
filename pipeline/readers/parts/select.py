"""Selection of the signals that are channels, with their rate and unit.

The same rules serve every format.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.components import did_you_mean
from pipeline.errors import DataError
from pipeline.names import text_fault
from pipeline.readers.base import Check, Reader
from pipeline.readers.parts.units import ACCEPTED, volts

TYPES = ("ecg", "eeg", "emg")
LEAST_RATE, LARGEST_RATE = 1.0, 1e6
SAME_RATE = 1e-5
"""Relative difference below which two rates are one: files keep rates in float32."""


@dataclass(frozen=True)
class FileSignal:
    """One signal, as its file describes it.

    Parameters
    ----------
    name : str
    sfreq : float or None
        Samples per second; None if the file does not state it.
    unit : str
        As the file writes it; "" if the file does not state it.
    type : str or None
        ecg, eeg, emg, another word (such as misc), or None if not stated.
    """

    name: str
    sfreq: float | None
    unit: str = ""
    type: str | None = None


@dataclass(frozen=True)
class Selected:
    """The channels of a recording.

    Parameters
    ----------
    names, types : tuple of str
    places : tuple of int
        Of each channel among the file's signals.
    factors : tuple of float
        Volts of the file's unit; 1 for events, which have none.
    sfreq : float
    """

    names: tuple[str, ...]
    types: tuple[str, ...]
    places: tuple[int, ...]
    factors: tuple[float, ...]
    sfreq: float


def select(reader: Reader, where: str, have: Sequence[FileSignal]) -> Selected:
    """Choose the channels of a recording and check that they belong together.

    Parameters
    ----------
    reader : Reader
        Its `channels`, `channel_type`, `unit` and `sfreq` are followed.
    where : str
        The file.
    have : sequence of FileSignal

    Raises
    ------
    DataError
        A channel is not there, two signals have its name, our files cannot hold it, the
        channels have several rates, a unit is not known, or the file contradicts the
        settings.
    """
    chosen = _choose(reader, where, have)
    _refuse_unwritable(where, chosen)
    signals = [have[place] for place in chosen.values()]
    return Selected(
        names=tuple(chosen),
        types=tuple(_type(reader, where, signal) for signal in signals),
        places=tuple(chosen.values()),
        factors=tuple(_factor(reader, where, signal) for signal in signals),
        sfreq=_rate(reader, where, signals),
    )


def _choose(reader: Reader, where: str, have: Sequence[FileSignal]) -> dict[str, int]:
    """Give each channel the place of a signal."""
    names = [signal.name for signal in have]
    if reader.channels is None:
        _refuse_repeated(where, names)
        return {name: place for place, name in enumerate(names)}
    chosen: dict[str, int] = {}
    for channel, alternatives in reader.channels.items():
        if channel in TYPES and channel not in names and alternatives == (channel,):
            taken = set(chosen.values())
            found = _of_type(where, have, channel)
            chosen |= {name: k for name, k in found.items() if k not in taken}
            continue
        free = [
            name
            for name in alternatives
            if name in names and names.index(name) not in chosen.values()
        ]
        if not free:
            raise _no_channel(where, channel, alternatives, names)
        _refuse_repeated(where, [name for name in names if name == free[0]])
        chosen[channel] = names.index(free[0])
    return chosen


def _refuse_unwritable(where: str, names: Iterable[str]) -> None:
    for name in names:
        if fault := text_fault(name):
            raise DataError(
                where,
                f"channel {name!r} {fault}",
                expected="a name in Latin letters",
                remedy="give it one by the reader's channels: {C3: [its name here]}",
            )


def _of_type(where: str, have: Sequence[FileSignal], kind: str) -> dict[str, int]:
    found = {s.name: place for place, s in enumerate(have) if s.type == kind}
    if not found:
        kinds = ", ".join(sorted({str(s.type) for s in have if s.type})) or "none"
        raise DataError(
            where,
            f"has no channel of type {kind}; types that it states: {kinds}",
            remedy="name the reader's channels in params.yaml",
        )
    _refuse_repeated(where, [s.name for s in have if s.type == kind])
    return found


def _no_channel(
    where: str, channel: str, alternatives: tuple[str, ...], names: list[str]
) -> DataError:
    wanted = " or ".join(alternatives)
    return DataError(
        where,
        f"no signal can be channel '{channel}', among {', '.join(names)}",
        expected=wanted if len(alternatives) > 1 else did_you_mean(wanted, names),
        remedy="correct the reader's channels in params.yaml",
    )


def _refuse_repeated(where: str, names: list[str]) -> None:
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise DataError(
            where,
            f"{names.count(repeated[0])} signals are called '{repeated[0]}'",
            expected="one name each",
            remedy="name the reader's channels in params.yaml, without this one",
        )


def _type(reader: Reader, where: str, signal: FileSignal) -> str:
    if reader.channel_type is not None:
        return reader.channel_type
    if signal.type in TYPES:
        return str(signal.type)
    raise DataError(
        where,
        f"what channel '{signal.name}' measures is "
        + (f"'{signal.type}'" if signal.type else "not stated"),
        expected="one of " + ", ".join(TYPES),
        remedy="choose other channels, or set the reader's channel_type",
    )


def _factor(reader: Reader, where: str, signal: FileSignal) -> float:
    if reader.channel_type == "stim":
        return 1.0
    stated, written = reader.unit and volts(reader.unit), volts(signal.unit)
    if stated and written and not math.isclose(stated, written):
        raise DataError(
            where,
            f"channel '{signal.name}' is in {signal.unit} by the file, in "
            f"{reader.unit} by the reader's settings",
            expected="the same unit",
            remedy="leave out the reader's unit, unless the file is wrong",
        )
    if not (factor := stated or written):
        raise DataError(
            where,
            f"the unit of channel '{signal.name}' is "
            + (f"'{signal.unit}'" if signal.unit.strip() else "not stated"),
            expected=ACCEPTED,
            remedy="set the reader's unit in params.yaml, or choose other channels",
        )
    return factor


def _rate(reader: Reader, where: str, signals: Sequence[FileSignal]) -> float:
    rates = [signal.sfreq for signal in signals if signal.sfreq is not None]
    for rate in rates:
        if not math.isclose(rate, rates[0], rel_tol=SAME_RATE):
            listed = ", ".join(f"{s.name} {s.sfreq:g}" for s in signals if s.sfreq)
            raise DataError(
                where,
                f"channels of several rates: {listed} Hz",
                expected="one rate",
                remedy="choose channels of one rate in the reader's settings",
            )
    stated = reader.sfreq or (rates[0] if rates else 0.0)
    if not (math.isfinite(stated) and stated > 0):
        raise DataError(
            where,
            f"the sampling rate is {stated:g} Hz"
            if rates
            else "states no sampling rate",
            expected="a rate in Hz",
            remedy="set the reader's sfreq in params.yaml",
        )
    if rates and not math.isclose(stated, rates[0], rel_tol=SAME_RATE):
        raise DataError(
            where,
            f"{rates[0]:g} Hz by the file, {stated:g} Hz by the reader's settings",
            expected="the same rate",
            remedy="correct the reader's sfreq in params.yaml, or leave it out",
        )
    if reader.sfreq is not None:
        return reader.sfreq
    refuse_odd_rate(where, stated, reader.unchecked)
    return _as_meant(stated)


def refuse_odd_rate(where: str, rate: float, unchecked: Collection[Check]) -> None:
    """Refuse a rate that no recorder of biosignals has, by what a file states.

    Raises
    ------
    DataError
        It is below 1 Hz or above 1 MHz.
    """
    if "rate" not in unchecked and not LEAST_RATE <= rate <= LARGEST_RATE:
        raise DataError(
            where,
            f"the sampling rate is {rate:g} Hz",
            expected="a rate from 1 Hz to 1 MHz",
            remedy="correct the file, or the unit of its clock; state the reader's "
            "sfreq, or if the rate is right, set its unchecked to [rate]",
        )


def _as_meant(rate: float) -> float:
    """Give a rate that a file keeps in float32 the digits that were meant.

    249.89 is 249.88999938964844 there; of numbers that are float32, the shortest digits
    that give them again are taken.
    """
    short = np.float32(rate)
    return float(np.format_float_positional(short)) if float(short) == rate else rate

"""The signals of a WFDB record, and a check that its parts agree on them."""

import math

from pipeline.errors import DataError
from pipeline.readers.base import Reader
from pipeline.readers.parts.select import FileSignal
from pipeline.readers.parts.units import volts
from pipeline.readers.parts.wfdb.header import HeaderSignal
from pipeline.readers.parts.wfdb.record import WfdbRecord

UNIT = "mV"
"""The value where a header states none (WFDB's header(5))."""


def file_signals(record: WfdbRecord, reader: Reader) -> list[FileSignal]:
    """Describe a record's signals.

    WFDB does not state what a signal measures: voltages are of the reader's type.

    Raises
    ------
    DataError
        The sampling rate is no number, and the reader states none.
    """
    if record.rate is None and reader.sfreq is None:
        raise DataError(
            record.rate_where,
            f"'{record.rate_text}' is no sampling rate"
            if record.rate_text
            else "states no sampling rate",
            expected="a number above 0, third in its first line",
            remedy="set the reader's sfreq in params.yaml",
        )
    kind = reader.channel_type or "ecg"
    return [
        FileSignal(
            signal.name,
            None if record.rate is None else record.rate * signal.per_frame,
            unit := signal.unit or (UNIT if reader.unit is None else ""),
            "misc" if unit and volts(unit) is None else kind,
        )
        for signal in record.signals
    ]


def check_signal(
    where: str,
    signal: HeaderSignal,
    chosen: HeaderSignal,
    factor: float,
    reader: Reader,
) -> None:
    """Check a channel's line in the header of one part of the record.

    Parameters
    ----------
    where : str
        The header.
    signal : HeaderSignal
    chosen : HeaderSignal
        As the record's own header states it.
    factor : float
        Volts of the channel's unit.
    reader : Reader

    Raises
    ------
    DataError
        wfdb cannot read the line, the signal is not calibrated, or its rate or unit is
        not the channel's.
    """
    if signal.unclear:
        raise DataError(
            where,
            f"the format, gain or unit of channel '{signal.name}' cannot be read: "
            f"'{signal.unclear}'",
            expected="such as '212 200(0)/mV'",
            remedy="correct the header, or choose other channels",
        )
    if signal.gain is None and reader.unit is None:
        raise DataError(
            where,
            f"channel '{signal.name}' is not calibrated: its gain is 0 or not stated",
            expected="ADC units per mV",
            remedy="write the gain into the header, or set the reader's unit to take "
            "WFDB's default, 200 ADC units per unit",
        )
    size = (
        volts(signal.unit or UNIT)
        if reader.unit is None
        else (volts(signal.unit) or volts(reader.unit))
    )
    if signal.per_frame != chosen.per_frame or not math.isclose(size or 0, factor):
        raise DataError(
            where,
            f"channel '{signal.name}' is in {signal.unit or UNIT}, with "
            f"{signal.per_frame} samples per frame",
            expected=f"{chosen.unit or UNIT} and {chosen.per_frame}, as in the other "
            "headers of the record",
            remedy="choose other channels in the reader's settings",
        )


def uncalibrated(record: WfdbRecord, names: tuple[str, ...]) -> str:
    """List the channels that have WFDB's default gain; "" if none."""
    found = {
        signal.name
        for part in record.parts
        for signal in part.header.signals
        if signal.name in names and signal.gain is None
    }
    listed = ", ".join(sorted(found))
    return f"no gain in the header, 200 per unit assumed: {listed}" if found else ""

"""The header of an EDF or BDF file, and a check of the file's length.

MNE accepts a file cut short, takes samples of an unknown unit for volts and raises all
channels to the highest rate; the header settles all three beforehand.
Layout: Kemp & Olivan 2003, doi 10.1016/S1388-2457(03)00123-8.
"""

import math
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from typing import TypeVar

from pipeline.errors import DataError
from pipeline.readers.base import LEAVE_OUT, REPLACE, Check, either
from pipeline.readers.parts.lengths import spare

FIXED = 256
"""Bytes of the fixed part, and of each signal's part after it."""
BDF = b"\xffBIOSEMI"
"""The bytes of BDF in the place of EDF's version."""
FIELDS = {
    "label": (0, 16),
    "unit": (96, 8),
    "physical minimum": (104, 8),
    "physical maximum": (112, 8),
    "digital minimum": (120, 8),
    "digital maximum": (128, 8),
    "samples a record": (216, 8),
}
"""Bytes of a signal's part before a field, and the field's width; the header holds
one field of all signals, then the next."""
NOTES = ("EDF Annotations", "BDF Annotations")
PATIENT = ("code", "sex", "birthdate", "name")
RECORDING = ("", "startdate", "admincode", "technician", "equipment")
"""The parts of EDF+'s two identification fields, in order."""

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)

T = TypeVar("T", int, float)


@dataclass(frozen=True)
class EdfSignal:
    """The header of one signal.

    Parameters
    ----------
    label, unit : str
        As they stand in the file, such as `EEG Fp1`.
    ranges : tuple of str
        Physical minimum and maximum, digital minimum and maximum.
    samples : int
        In each data record.
    start : int
        Bytes of a data record before this signal.
    """

    label: str
    unit: str
    ranges: tuple[str, ...]
    samples: int
    start: int


@dataclass(frozen=True)
class EdfHeader:
    """The header of the file.

    Parameters
    ----------
    identity : dict of str to str
        Fields `patient` and `recording`, and the parts of them that EDF+ defines.
    begin : datetime or None
        When the recording began; None if the header does not hold a date.
    kind : str
        "EDF+C" (continuous), "EDF+D" (with pauses), else what stands there.
    n_records : int
        Complete data records of the file.
    record_s : float
        Seconds of a data record.
    record_bytes, sample_bytes, header_bytes : int
        Lengths of a data record, of a sample (EDF 2, BDF 3) and of the header.
    signals : tuple of EdfSignal
    remarks : tuple of str
        What was mended.
    """

    identity: dict[str, str]
    begin: datetime | None
    kind: str
    n_records: int
    record_s: float
    record_bytes: int
    sample_bytes: int
    header_bytes: int
    signals: tuple[EdfSignal, ...]
    remarks: tuple[str, ...] = ()


def read_edf_header(
    path: Path, where: str, unchecked: Collection[Check] = ()
) -> EdfHeader:
    """Read the header of a file and hold the file's length against it.

    Parameters
    ----------
    path : Path
    where : str
        The file.
    unchecked : collection of str
        The reader's setting.

    Raises
    ------
    DataError
        The header is damaged, or the file shorter than it promises, or much longer.
    """
    with path.open("rb") as stream:
        fixed = stream.read(FIXED)
        if _text(fixed[:8]) != "0" and not fixed.startswith(BDF):
            raise damaged(
                where,
                f"its first 8 bytes are {fixed[:8]!r}",
                "0 and blanks in EDF, byte 255 and BIOSEMI in BDF",
            )
        n_signals = number(where, "number of signals", fixed[252:256], int)
        content = stream.read(max(0, FIXED * n_signals))
    header_bytes = number(where, "length of the header", fixed[184:192], int)
    if header_bytes != FIXED * (1 + n_signals) or len(content) < FIXED * n_signals:
        raise damaged(
            where,
            f"it holds {len(fixed) + len(content)} bytes and states {header_bytes}",
            f"{FIXED * (1 + n_signals)} bytes for {n_signals} signals",
        )
    sample_bytes = 3 if fixed.startswith(BDF) else 2
    signals = _signals(where, content, n_signals, sample_bytes)
    header = EdfHeader(
        identity=_identity(fixed),
        begin=_begin(_text(fixed[168:184])),
        kind=_text(fixed[192:236])[:5].replace("BDF", "EDF"),
        n_records=number(where, "number of data records", fixed[236:244], int),
        record_s=number(where, "seconds of a data record", fixed[244:252], float),
        record_bytes=sum(signal.samples for signal in signals) * sample_bytes,
        sample_bytes=sample_bytes,
        header_bytes=header_bytes,
        signals=signals,
    )
    return _measured(where, path.stat().st_size, header, unchecked)


def _signals(
    where: str, content: bytes, n_signals: int, sample_bytes: int
) -> tuple[EdfSignal, ...]:
    columns = {name: list(_fields(content, n_signals, name)) for name in FIELDS}
    samples = [
        number(where, "samples a record", field, int)
        for field in columns["samples a record"]
    ]
    if min(samples, default=0) < 0:
        raise damaged(
            where, f"a signal has {min(samples)} samples a record", "0 or more"
        )
    starts = accumulate(samples, initial=0)
    ranges = zip(*(columns[name] for name in list(FIELDS)[2:6]), strict=True)
    return tuple(
        EdfSignal(
            label=_text(columns["label"][k]),
            unit=_text(columns["unit"][k]),
            ranges=tuple(_text(field) for field in limits),
            samples=samples[k],
            start=start * sample_bytes,
        )
        for k, (limits, start) in enumerate(zip(ranges, starts, strict=False))
    )


def _fields(content: bytes, n_signals: int, name: str) -> Iterator[bytes]:
    begin, width = FIELDS[name]
    start = n_signals * begin
    for signal in range(n_signals):
        yield content[start + signal * width : start + (signal + 1) * width]


def _text(field: bytes) -> str:
    """Read a field: ASCII by the standard, UTF-8 or Latin-1 in the wild."""
    try:
        text = field.decode("utf-8")
    except UnicodeDecodeError:
        text = field.decode("latin-1")
    return text.strip(" \0")


def number(where: str, what: str, field: bytes, kind: Callable[[str], T]) -> T:
    """Read a number from a field, or refuse the file."""
    text = _text(field).replace(",", ".")
    with suppress(ValueError):
        # Python also takes 1_0, nan and inf for numbers.
        if NUMBER.fullmatch(text) and math.isfinite(value := kind(text)):
            return value
    raise damaged(where, f"its {what} is {_text(field)!r}", "a number")


def damaged(where: str, found: str, expected: str) -> DataError:
    """Make the error of a header that makes no sense."""
    return DataError(
        where,
        f"the header is damaged: {found}",
        expected=expected,
        remedy=either(REPLACE, LEAVE_OUT),
    )


def _identity(fixed: bytes) -> dict[str, str]:
    patient, recording = _text(fixed[8:88]), _text(fixed[88:168])
    identity = {"patient": patient, "recording": recording}
    if fixed[193:196] == b"DF+":
        for names, text in ((PATIENT, patient), (RECORDING, recording)):
            identity |= dict(zip(names, text.split(), strict=False))
    identity.pop("", None)
    return identity


def _begin(text: str) -> datetime | None:
    """Read date and time; a year of 85 or later is one of the 20th century."""
    with suppress(ValueError):
        begin = datetime.strptime(text, "%d.%m.%y%H.%M.%S").replace(tzinfo=UTC)
        year = begin.year % 100
        return begin.replace(year=year + (1900 if year >= 85 else 2000))
    return None


def _measured(
    where: str, found: int, header: EdfHeader, unchecked: Collection[Check]
) -> EdfHeader:
    """Compare the file's length with the header; count records that it does not."""
    if not header.record_bytes:
        raise damaged(where, "its data records hold no samples", "one or more")
    is_open = header.n_records == -1
    there = (found - header.header_bytes) // header.record_bytes
    n_records = there if is_open else header.n_records
    expected = header.header_bytes + n_records * header.record_bytes
    if header.n_records <= 0 and not is_open:
        raise damaged(where, f"it states {n_records} data records", "one or more")
    if n_records <= 0 or found < expected:
        held = "" if is_open else f" of {n_records}"
        raise DataError(
            where,
            f"is cut short: {found} bytes hold {max(there, 0)}{held} data records",
            expected=f"{expected} bytes by its header, and some data",
            remedy=either(REPLACE, LEAVE_OUT),
        )
    remarks = []
    if is_open:
        remarks.append(
            "the recorder was switched off before it wrote the number of data records: "
            f"the file holds {n_records}"
        )
    padding = 2 * header.record_bytes
    remarks += spare(where, found, expected, "its header", unchecked, padding=padding)
    if header.record_s <= 0 and any(s.label not in NOTES for s in header.signals):
        raise damaged(where, f"a data record lasts {header.record_s:g} s", "over 0 s")
    return replace(header, n_records=n_records, remarks=tuple(remarks))

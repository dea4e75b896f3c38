"""The clock and the notes of EDF+ and BDF+: time-stamped lists in each data record.

MNE reads the notes but not the clock, so a pause moves everything behind it.
Layout: Kemp & Olivan 2003, doi 10.1016/S1388-2457(03)00123-8, section 2.2.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.axes import Segment
from pipeline.errors import DataError
from pipeline.readers._mne.edf_header import NOTES, EdfHeader
from pipeline.readers.base import Marks

CLOCK = re.compile(rb"([+-]\d+(?:\.\d*)?)\x14\x14")
"""Start of a data record: the first entry of its first list, without a text."""
NOTE = re.compile(
    rb"([+-]\d+(?:\.\d*)?)(?:\x15(\d+(?:\.\d*)?))?\x14(.*)\x14", re.DOTALL
)
"""Onset, duration and texts of an entry."""
DRIFT = 1e-3
"""By which the clock may run slower or faster than the samples, relative."""


@dataclass(frozen=True)
class EdfClock:
    """When data records and notes were written.

    Parameters
    ----------
    starts : tuple of str
        Start of each data record as the file writes it, seconds; empty if it keeps no
        clock.
    notes : Marks
        Onsets since the start of the first data record.
    remarks : tuple of str
        What was mended.
    """

    starts: tuple[str, ...]
    notes: Marks
    remarks: tuple[str, ...] = ()


def read_edf_clock(path: Path, where: str, header: EdfHeader) -> EdfClock:
    """Read the time-stamped lists of all data records, and nothing else of them.

    Raises
    ------
    DataError
        The file has pauses, but data records without a time.
    """
    starts: list[str] = []
    notes: list[tuple[float, float, bytes]] = []
    for lists in _lists(path, header):
        if found := CLOCK.match(lists[0]):
            starts.append(found[1].decode())
        notes += (note for each in lists for note in _notes(each))
    remarks = []
    if len(starts) < header.n_records and (starts or header.kind == "EDF+D"):
        missing = f"data records without a time: {header.n_records - len(starts)}"
        if header.kind == "EDF+D":
            raise DataError(
                where,
                f"is marked as a recording with pauses (EDF+D); {missing}",
                expected="a time in each data record",
                remedy="fetch the file again, or ask who delivered it",
            )
        remarks.append(f"{missing}; taken for a recording without pauses")
    first = float(starts[0]) if starts else 0.0
    marks, n_latin = _marks(notes, first, [s.label for s in header.signals])
    if n_latin:
        remarks.append(f"notes that are not in UTF-8, read as Latin-1: {n_latin}")
    complete = len(starts) == header.n_records
    return EdfClock(tuple(starts) if complete else (), marks, tuple(remarks))


def segments(
    where: str, starts: Sequence[str], header: EdfHeader, samples: int
) -> tuple[Segment, ...]:
    """Find the pauses between data records.

    Parameters
    ----------
    where : str
        The file.
    starts : sequence of str
        Start of each data record as the file writes it, seconds.
    header : EdfHeader
    samples : int
        Samples of a channel in a data record.

    Raises
    ------
    DataError
        A data record starts before the one before it ends.
    """
    onsets = np.array(starts or ["0"], float)
    tolerance = _tolerance(starts, header, samples)
    found = [Segment(0, 0.0)]
    first = 0
    for k in range(1, len(onsets)):
        late = onsets[k] - onsets[k - 1] - header.record_s
        # Small steps add up, but to more than a clock's drift only over a pause.
        lasts = (k - first) * header.record_s
        drift = onsets[k] - onsets[first] - lasts
        if min(late, drift + DRIFT * lasts) < -tolerance:
            raise DataError(
                where,
                f"the clock jumps back: data record {k + 1} starts at {starts[k]} s, "
                f"{-min(late, drift):g} s before the one before it ends",
                expected="data records one after the other",
                remedy="leave the recording out with on_bad_recording: skip",
            )
        pause = max(late, drift - DRIFT * lasts) > tolerance
        if pause:
            end_s = found[-1].onset_s + lasts
            onset_s = max(float(onsets[k] - onsets[0]), end_s)
            found.append(Segment(k * samples, onset_s))
        if pause or header.kind != "EDF+D":
            first = k
    return tuple(found)


def _tolerance(starts: Sequence[str], header: EdfHeader, samples: int) -> float:
    """Half a sample, or what a clock with few decimals cannot resolve.

    A data record if the file is marked as continuous, for its clock may drift.
    """
    if header.kind != "EDF+D":
        return header.record_s
    decimals = max((len(s.partition(".")[2]) for s in starts), default=0)
    steps = header.record_s * 10**decimals
    is_exact = abs(steps - round(steps)) < 1e-6
    half = 0.5 * header.record_s / samples
    # A hair more, since sums of decimals are not exact in binary.
    return max(half, 0.0 if is_exact else 10.0**-decimals) + 1e-9


def _lists(path: Path, header: EdfHeader) -> Iterator[list[bytes]]:
    """Read the lists of each data record."""
    places = [
        (header.header_bytes + signal.start, signal.samples * header.sample_bytes)
        for signal in header.signals
        if signal.label in NOTES
    ]
    if not places:
        return
    with path.open("rb", buffering=0) as stream:
        for record in range(header.n_records):
            lists = []
            for start, length in places:
                stream.seek(start + record * header.record_bytes)
                lists.append(stream.read(length))
            yield lists


def _notes(entries: bytes) -> Iterator[tuple[float, float, bytes]]:
    for entry in entries.rstrip(b"\0").split(b"\0"):
        if found := NOTE.fullmatch(entry):
            onset, duration, texts = found.groups()
            for text in texts.split(b"\x14"):
                if text:
                    yield float(onset), float(duration or "nan"), text


def _marks(
    notes: list[tuple[float, float, bytes]], first: float, labels: Sequence[str]
) -> tuple[Marks, int]:
    """Sort the notes by their onsets, and count those that are not in UTF-8."""
    notes.sort(key=lambda note: note[0])
    texts, n_latin = [], 0
    for _, _, text in notes:
        try:
            decoded = text.decode("utf-8")
        except UnicodeDecodeError:
            decoded, n_latin = text.decode("latin-1"), n_latin + 1
        # "spike@@EEG Fp1" is a note on one channel.
        before, _, channel = decoded.rpartition("@@")
        texts.append(before if before and channel in labels else decoded)
    onsets = np.array([note[0] for note in notes], float) - first
    durations = np.array([note[1] for note in notes], float)
    return Marks(onsets, durations, tuple(texts)), n_latin

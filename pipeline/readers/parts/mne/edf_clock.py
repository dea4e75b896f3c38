"""The clock and the notes of EDF+ and BDF+: time-stamped lists in each data record.

MNE reads the notes but not the clock, so a pause moves everything behind it.
Layout: Kemp & Olivan 2003, doi 10.1016/S1388-2457(03)00123-8, section 2.2.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.axes import Segment
from pipeline.errors import DataError
from pipeline.readers.base import LEAVE_OUT, REPLACE, Check, Marks, either, unchecked_if
from pipeline.readers.parts.mne.edf_header import NOTES, EdfHeader

CLOCK = re.compile(rb"([+-]\d+(?:\.\d*)?)\x14\x14")
"""Start of a data record: the first entry of its first list, without a text."""
NOTE = re.compile(
    rb"([+-]\d+(?:\.\d*)?)(?:\x15(\d+(?:\.\d*)?)?)?\x14(.*)\x14", re.DOTALL
)
"""Onset, duration and texts of an entry."""
SAME_LENGTH, USUAL = 0.01, 0.5
"""Tolerance of the mean distance of records, and the least share it is taken of."""
DRIFT = 1e-3
"""The most by which the clock may run slower or faster than the samples, relative."""


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


def read_edf_clock(
    path: Path, where: str, header: EdfHeader, unchecked: Collection[Check] = ()
) -> EdfClock:
    """Read the time-stamped lists of all data records, and nothing else of them.

    Parameters
    ----------
    path : Path
    where : str
        The file.
    header : EdfHeader
    unchecked : collection of str
        The reader's setting.

    Raises
    ------
    DataError
        Data records have no time, though others have one or the file has pauses; or
        entries cannot be read.
    """
    starts: list[str] = []
    notes: list[tuple[float, float, bytes]] = []
    unread = 0
    for lists in _lists(path, header):
        if found := CLOCK.match(lists[0]):
            starts.append(found[1].decode())
        for each in lists:
            entries, bad = _notes(each)
            notes += entries
            unread += bad
    missing = header.n_records - len(starts)
    listed = any(signal.label in NOTES for signal in header.signals)
    needed = bool(starts) or header.kind == "EDF+D"
    needed = needed or (listed and header.kind == "EDF+C")
    remarks = _judge(where, header, missing if needed else 0, unread, unchecked)
    first = float(starts[0]) if starts else 0.0
    marks, n_latin = _marks(notes, first, [s.label for s in header.signals])
    if n_latin:
        remarks.append(f"notes that are not in UTF-8, read as Latin-1: {n_latin}")
    return EdfClock(() if missing else tuple(starts), marks, tuple(remarks))


def _judge(
    where: str,
    header: EdfHeader,
    missing: int,
    unread: int,
    unchecked: Collection[Check],
) -> list[str]:
    """Refuse lists that are damaged, or remark on them if that is not checked."""
    faults = []
    if missing:
        pauses = ", of a recording with pauses (EDF+D)" * (header.kind == "EDF+D")
        faults.append(f"data records without a time: {missing}{pauses}")
    if unread:
        faults.append(f"entries in the lists of notes that cannot be read: {unread}")
    essential = missing and header.kind == "EDF+D"
    if faults and ("end" not in unchecked or essential):
        raise DataError(
            where,
            "; ".join(faults),
            expected="a time in each data record, and notes as EDF+ describes them",
            remedy=f"{REPLACE}, {LEAVE_OUT}"
            + (
                ""
                if essential
                else ", or if the notes that can be read are all, set the reader's "
                "unchecked to [end]: it is taken for a recording without pauses then"
            ),
        )
    return faults


def segments(
    where: str,
    starts: Sequence[str],
    header: EdfHeader,
    samples: int,
    unchecked: Collection[Check] = (),
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
    unchecked : collection of str
        The reader's setting.

    Raises
    ------
    DataError
        A data record starts before the one before it ends, or by the clock most last
        longer or shorter than the header states.
    """
    onsets = np.array(starts or ["0"], float)
    tolerance, overlap = _tolerances(starts, header, samples)
    if "rate" not in unchecked and header.kind != "EDF+D":
        _refuse_other_rate(where, starts, onsets, header.record_s)
    found = [Segment(0, 0.0)]
    first = 0
    for k in range(1, len(onsets)):
        late = onsets[k] - onsets[k - 1] - header.record_s
        # Small steps add up, but to more than a clock's drift only over a pause.
        lasts = (k - first) * header.record_s
        drift = onsets[k] - onsets[first] - lasts
        if min(late, drift + DRIFT * lasts) < -overlap:
            raise DataError(
                where,
                f"the clock jumps back: data record {k + 1} starts at {starts[k]} s, "
                f"{-min(late, drift):g} s before the one before it ends",
                expected="data records one after the other",
                remedy=LEAVE_OUT,
            )
        pause = max(late, drift - DRIFT * lasts) > tolerance
        if pause:
            end_s = found[-1].onset_s + lasts
            onset_s = max(float(onsets[k] - onsets[0]), end_s)
            found.append(Segment(k * samples, onset_s))
        if pause or header.kind != "EDF+D":
            first = k
    return tuple(found)


def _refuse_other_rate(
    where: str, starts: Sequence[str], onsets: np.ndarray, record_s: float
) -> None:
    """Refuse a recording without pauses whose records come at another distance."""
    steps, rounding = np.diff(onsets), 10.0 ** -_decimals(starts)
    # Rounded times are off by chance, but do not add up; over a pause they jump.
    inner = steps[steps <= 1.5 * record_s + rounding]
    few = inner.size < USUAL * steps.size
    off = abs(inner.sum() - inner.size * record_s)
    if few or off > SAME_LENGTH * inner.size * record_s + rounding:
        raise DataError(
            where,
            f"data records of {record_s:g} s by the header, of {np.median(steps):g} s "
            "by the clock in them",
            expected="the same length, in a file without pauses",
            remedy=either(
                "correct the header",
                LEAVE_OUT,
                unchecked_if("the header is right", "rate"),
            ),
        )


def _decimals(starts: Sequence[str]) -> int:
    return max((len(start.partition(".")[2]) for start in starts), default=0)


def _tolerances(
    starts: Sequence[str], header: EdfHeader, samples: int
) -> tuple[float, float]:
    """Give what is no pause yet, and what is no overlap yet, in seconds.

    Half a sample, or what a clock with few decimals cannot resolve. More if the file is
    marked as continuous, for its clock may drift: a data record is no pause, and half
    of one no overlap.
    """
    decimals = _decimals(starts)
    steps = header.record_s * 10**decimals
    is_exact = abs(steps - round(steps)) < 1e-6
    unresolved = 0.0 if is_exact else 10.0**-decimals
    # A hair more, since sums of decimals are not exact in binary.
    if header.kind == "EDF+D":
        tolerance = max(0.5 * header.record_s / samples, unresolved) + 1e-9
        return tolerance, tolerance
    overlap = max(0.5 * header.record_s, unresolved) + 1e-9
    return header.record_s, min(header.record_s, overlap)


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


def _notes(entries: bytes) -> tuple[list[tuple[float, float, bytes]], int]:
    """Give the notes in a list, and how many entries are none.

    Bytes of 0 fill a list behind its last entry; between two there is one alone.
    """
    notes, unread = [], 0
    filled = entries.rstrip(b"\0")
    for entry in filled.split(b"\0") if filled else ():
        if found := NOTE.fullmatch(entry):
            onset, duration, texts = found.groups()
            notes += [
                (float(onset), float(duration or "nan"), text)
                for text in texts.split(b"\x14")
                if text
            ]
        else:
            unread += 1
    return notes, unread


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

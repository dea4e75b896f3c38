"""A WFDB record's samples, read piece by piece."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from pipeline.axes import Precise, Segment
from pipeline.errors import DataError
from pipeline.readers.base import LEAVE_OUT, Reader
from pipeline.readers.parts.opening import opening
from pipeline.readers.parts.select import Selected
from pipeline.readers.parts.wfdb.header import HeaderSignal
from pipeline.readers.parts.wfdb.record import Part, WfdbRecord
from pipeline.readers.parts.wfdb.signals import check_signal
from pipeline.readers.parts.wfdb.sizes import check_files, longer_files
from pipeline.readers.parts.wfdb.tally import BIG_ENDIAN, Tally, big_endian_digits

KEPT = 2**22
"""Records of as many values are read once (32 MB)."""


@dataclass(frozen=True)
class Stretch:
    """Frames that wfdb reads from one header.

    Parameters
    ----------
    folder : Path
    where : str
        The header's path.
    onset : int
        Its first frame on the record's clock, pauses included.
    length : int
        Frames.
    per_frame : int
        Samples per frame of the channels.
    places : tuple of int or None
        Of each channel among the header's signals; None if it is not there.
    skews : tuple of int
        Of each channel: frames by which its samples lie late in the file.
    factors : tuple of float
        Volts of the unit.
    at_once : bool
        Whether wfdb can only read it from the beginning to the end.
    big_endian : bool
    kept : bool
        Whether it is read once.
    tally : Tally or None
        Holds the samples against the header; None if they are not to be compared.
    remarks : tuple of str
    """

    folder: Path
    where: str
    onset: int
    length: int
    per_frame: int
    places: tuple[int | None, ...]
    skews: tuple[int, ...]
    factors: tuple[float, ...]
    at_once: bool
    big_endian: bool
    kept: bool
    tally: Tally | None
    remarks: tuple[str, ...]

    @property
    def n_samples(self) -> int:
        """Samples of each channel."""
        return self.length * self.per_frame

    def read(self, start: int, stop: int) -> Precise:
        """Give these samples, in volts; NaN for channels that are not there."""
        if self.kept:
            return self._all[:, start:stop].copy()
        first = start // self.per_frame
        frames = self._frames(first, -(-stop // self.per_frame))
        return frames[:, start - first * self.per_frame :][:, : stop - start]

    @cached_property
    def _all(self) -> Precise:
        return self._frames(0, self.length)

    def _frames(self, first: int, last: int) -> Precise:
        """Read frames: skew is ours to undo, as wfdb fails if signals have several."""
        import wfdb

        wanted = [place for place in self.places if place is not None]
        end = None if self.at_once else last + max(self.skews)
        with opening(self.folder, self.where):
            record = wfdb.rdrecord(
                str(self.folder / self.where).removesuffix(".hea"),
                sampfrom=first,
                sampto=end,
                channels=wanted,
                smooth_frames=False,
                ignore_skew=True,
                # Of big-endian samples wfdb only gives physical values.
                physical=self.big_endian,
                return_res=64 if self.big_endian else 32,
            )
            if self.tally is not None:
                self.tally.add(first, record.e_d_signal or big_endian_digits(record))
            if not self.big_endian:
                record.dac(expanded=True, inplace=True)
        length = (last - first) * self.per_frame
        samples = np.empty((len(self.places), length))
        for channel, place in enumerate(self.places):
            if place is None:
                samples[channel] = np.nan
            else:
                late = self.skews[channel] * self.per_frame
                found = record.e_p_signal[wanted.index(place)][late : late + length]
                np.multiply(found, self.factors[channel], out=samples[channel])
        return samples


@dataclass(frozen=True)
class Samples:
    """All stretches of a record.

    Parameters
    ----------
    stretches : tuple of Stretch
    starts : tuple of int
        First sample of each, of the samples that there are, and their number.
    frame_rate : float
        Frames per second.
    """

    stretches: tuple[Stretch, ...]
    starts: tuple[int, ...]
    frame_rate: float

    @property
    def n_samples(self) -> int:
        """Samples of each channel, without pauses."""
        return self.starts[-1]

    def read(self, start: int, stop: int) -> Precise:
        """Give these samples of each channel, in volts."""
        pieces = [
            stretch.read(max(start - begin, 0), min(stop - begin, stretch.n_samples))
            for stretch, begin in zip(self.stretches, self.starts, strict=False)
            if begin < stop and start < begin + stretch.n_samples
        ]
        if not pieces:
            return np.empty((len(self.stretches[0].places), 0))
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces, axis=1)

    @property
    def lead_s(self) -> float:
        """Seconds of the record's clock before the first sample."""
        return self.stretches[0].onset / self.frame_rate

    def segments(self) -> tuple[Segment, ...]:
        """List the parts between pauses; the first starts at 0 s."""
        first = self.stretches[0].onset
        ends = [None, *(s.onset + s.length for s in self.stretches)]
        return tuple(
            Segment(begin, (stretch.onset - first) / self.frame_rate)
            for stretch, begin, end in zip(
                self.stretches, self.starts, ends, strict=False
            )
            if stretch.onset != end
        )

    @property
    def remarks(self) -> tuple[str, ...]:
        """The parts left out: samples that some channels lack, and spare bytes."""
        lost = sum(max(each.skews) * each.per_frame for each in self.stretches)
        skewed = f"{lost} samples that skewed channels lack at the end"
        spare = (remark for each in self.stretches for remark in each.remarks)
        return (*(skewed,) * bool(lost), *dict.fromkeys(spare))


def find_samples(
    folder: Path, record: WfdbRecord, selected: Selected, reader: Reader
) -> Samples:
    """Find the samples of the chosen channels.

    Parameters
    ----------
    folder : Path
    record : WfdbRecord
    selected : Selected
        Of the record's signals.
    reader : Reader

    Raises
    ------
    DataError
        A signal file is missing or cut short, the record has no samples, or its
        segments contradict each other.
    """
    chosen = [record.signals[place] for place in selected.places]
    wanted = (_wanted(part, chosen, selected, reader) for part in record.parts)
    stretches = [
        stretch
        for part, signals in zip(record.parts, wanted, strict=True)
        if any(signals)
        and (stretch := _stretch(folder, part, signals, selected, reader)).length > 0
    ]
    if not stretches:
        raise DataError(
            record.where,
            "holds no samples of " + ", ".join(selected.names),
            expected="one or more",
            remedy=LEAVE_OUT,
        )
    starts = np.cumsum([0, *(stretch.n_samples for stretch in stretches)])
    small = starts[-1] * len(chosen) <= KEPT
    kept = (replace(each, kept=small or each.at_once) for each in stretches)
    frame_rate = selected.sfreq / chosen[0].per_frame
    return Samples(tuple(kept), tuple(starts.tolist()), frame_rate)


def _wanted(
    part: Part, chosen: Sequence[HeaderSignal], selected: Selected, reader: Reader
) -> list[HeaderSignal | None]:
    """Find each channel among the signals of a part; None if it is not there."""
    have = {signal.name: signal for signal in part.header.signals}
    wanted = [have.get(signal.name) for signal in chosen]
    for signal, other, factor in zip(wanted, chosen, selected.factors, strict=True):
        if signal is not None:
            check_signal(part.header.where, signal, other, factor, reader)
    return wanted


def _stretch(
    folder: Path,
    part: Part,
    wanted: Sequence[HeaderSignal | None],
    selected: Selected,
    reader: Reader,
) -> Stretch:
    """Check the files of the channels that a part has."""
    there = [signal for signal in wanted if signal is not None]
    length = check_files(folder, part.header, there, part.length)
    complete = part.header.length in (None, length)
    stated = complete and "checksum" not in reader.unchecked
    skews = tuple(signal.skew if signal else 0 for signal in wanted)
    place = part.header.signals.index
    return Stretch(
        folder,
        part.header.where,
        onset=part.start,
        length=length - max(skews),
        per_frame=there[0].per_frame,
        places=tuple(None if signal is None else place(signal) for signal in wanted),
        skews=skews,
        factors=selected.factors,
        at_once=part.header.length is None or any(s.fmt == "8" for s in there),
        big_endian=any(s.fmt == BIG_ENDIAN for s in there),
        kept=False,
        tally=Tally(part.header.where, there, length) if stated else None,
        remarks=longer_files(folder, part.header, there, reader.unchecked),
    )

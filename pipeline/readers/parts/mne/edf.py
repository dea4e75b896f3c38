"""Samples of EDF and BDF files, read piece by piece.

MNE reads these files too, but ignores pauses, takes unknown units for volts, refuses
notes in Latin-1 and repeats warnings about the number of data records; what remains is
a table of integers.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from pipeline.axes import Precise
from pipeline.errors import DataError
from pipeline.quality import FLAT_S
from pipeline.readers.base import Check
from pipeline.readers.parts.mne.edf_clock import read_edf_clock, segments
from pipeline.readers.parts.mne.edf_header import (
    NOTES,
    EdfHeader,
    EdfSignal,
    read_edf_header,
)
from pipeline.readers.parts.mne.edf_range import Calibration, Outside, calibration
from pipeline.readers.parts.mne.opened import Chosen, Opened
from pipeline.readers.parts.select import FileSignal, Selected

SUFFIXES = (".edf", ".bdf", ".rec")
TYPES = ("eeg", "ecg", "emg", "eog", "resp", "temp", "misc", "sao2", "bio", "seeg")
"""Types that EDF+ writes before the name of the sensor: `EEG Fp1`."""
TRIGGERS = ("status", "trigger")
BLOCK_BYTES = 1 << 24
"""Data records of about this many bytes are decoded at a time."""


def open_edf(path: Path, where: str, unchecked: Collection[Check] = ()) -> Opened:
    """Open a file.

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
        The header or the clock is damaged, or the file cut short.
    """
    header = read_edf_header(path, where, unchecked)
    clock = read_edf_clock(path, where, header, unchecked)
    signals = [signal for signal in header.signals if signal.label not in NOTES]

    def choose(selected: Selected) -> Chosen:
        """Read the selected signals."""
        chosen = [signals[place] for place in selected.places]
        scales = [calibration(where, s, header.sample_bytes) for s in chosen]
        names = [signal.label for signal in chosen]
        n_samples = header.n_records * chosen[0].samples
        outside = Outside(where, names, scales, n_samples, unchecked)
        samples = _Samples(
            path, where, header, chosen, scales, selected.factors, outside
        )
        parts = segments(where, clock.starts, header, chosen[0].samples, unchecked)
        end = _end(samples, selected.sfreq)
        remarks = _padded(samples.n_samples - end, selected.sfreq)
        remarks += _inverted(names, scales)
        return Chosen(n_samples, samples.read, parts, end, remarks, outside.remarks)

    return Opened(
        signals=tuple(_described(signal, header.record_s) for signal in signals),
        choose=choose,
        marks=clock.notes,
        identity=header.identity,
        begin=header.begin,
        plain=without_type,
        remarks=header.remarks + clock.remarks,
    )


def without_type(label: str) -> str:
    """Drop the type that EDF+ writes before the name: `EEG Fp1` becomes `Fp1`."""
    kind, _, name = label.partition(" ")
    return name.strip() if kind.lower() in TYPES and name.strip() else label


def _described(signal: EdfSignal, record_s: float) -> FileSignal:
    rate = signal.samples / record_s if record_s > 0 else None
    kind = signal.label.partition(" ")[0].lower()
    if signal.label.lower() in TRIGGERS:
        kind = "trigger"
    elif without_type(signal.label) == signal.label:
        kind = ""
    return FileSignal(signal.label, rate, signal.unit, kind or None)


@dataclass(frozen=True)
class _Samples:
    """The chosen signals of a file, all with the same number of samples a record."""

    path: Path
    where: str
    header: EdfHeader
    signals: Sequence[EdfSignal]
    scales: Sequence[Calibration]
    factors: Sequence[float]
    """Volts of each signal's unit."""
    outside: Outside

    @property
    def n_samples(self) -> int:
        """Count the samples of a signal."""
        return self.header.n_records * self.signals[0].samples

    def read(self, start: int, stop: int) -> Precise:
        """Give samples in volts, shape (channel, time)."""
        out = np.empty((len(self.signals), stop - start))
        each = self.signals[0].samples
        step = max(1, BLOCK_BYTES // self.header.record_bytes)
        with self.path.open("rb") as stream:
            for first in range(start // each, -(-stop // each), step):
                last = min(first + step, -(-stop // each))
                block = self._records(stream, first, last)
                low, high = max(start, first * each), min(stop, last * each)
                piece = slice(low - first * each, high - first * each)
                self._decode(block, piece, low, out[:, low - start : high - start])
        return out

    def _decode(
        self, block: np.ndarray, piece: slice, start: int, out: Precise
    ) -> None:
        for k, (row, signal) in enumerate(zip(out, self.signals, strict=True)):
            digital = self._digital(block, signal)[piece]
            self.outside.count(k, start, digital)
            np.multiply(digital, self.scales[k].gain * self.factors[k], out=row)
            row += self.scales[k].offset * self.factors[k]

    def _records(self, stream: BinaryIO, first: int, last: int) -> np.ndarray:
        size = self.header.record_bytes
        stream.seek(self.header.header_bytes + first * size)
        content = stream.read((last - first) * size)
        if len(content) < (last - first) * size:
            raise DataError(
                self.where,
                "became shorter while it was read",
                remedy="run the stage again when nothing writes to the file",
            )
        return np.frombuffer(content, np.uint8).reshape(last - first, size)

    def _digital(self, block: np.ndarray, signal: EdfSignal) -> np.ndarray:
        """Give one signal's integers in some data records."""
        size = self.header.sample_bytes
        columns = block[:, signal.start : signal.start + signal.samples * size]
        if size == 2:
            return np.ascontiguousarray(columns).view("<i2").ravel()
        padded = np.zeros((len(block), signal.samples, 4), np.uint8)
        padded[..., 1:] = columns.reshape(len(block), signal.samples, 3)
        # The sign is that of the highest byte.
        return (padded.view("<i4") >> 8).ravel()


def _end(samples: _Samples, sfreq: float) -> int:
    """Find where the signal ends: constants may fill up the last data records.

    The file is searched from its end, piece by piece, for the last change that comes
    soon after another; what lies behind is no signal if it is long enough.
    """
    near = FLAT_S * sfreq
    overlap = int(near) + 2
    step = max(4 * overlap, samples.signals[0].samples)
    stop = n_samples = samples.n_samples
    while stop > overlap:
        start = max(0, stop - step)
        changes = start + np.flatnonzero(
            np.diff(samples.read(start, stop), axis=1).any(axis=0)
        )
        lively = changes[1:][np.diff(changes) < near]
        if lively.size:
            length = int(lively[-1]) + 2
            return length if n_samples - length >= near else n_samples
        stop = start + overlap if start else 0
    return n_samples


def _inverted(names: Sequence[str], scales: Sequence[Calibration]) -> tuple[str, ...]:
    inverted = ", ".join(
        name for name, scale in zip(names, scales, strict=True) if scale.gain < 0
    )
    if not inverted:
        return ()
    return (
        f"physical ranges that run downwards, for inverting amplifiers: {inverted}",
    )


def _padded(n_samples: int, sfreq: float) -> tuple[str, ...]:
    if not n_samples:
        return ()
    return (
        f"the last {n_samples / sfreq:.3g} s hold one value: no part of the signal",
    )

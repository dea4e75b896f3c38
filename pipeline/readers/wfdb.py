"""WFDB records: header, signal files and beat annotations, as on PhysioNet."""

import math
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from pipeline.axes import Precise
from pipeline.errors import DataError
from pipeline.readers._beats import BEATS, check_alignment
from pipeline.readers._raw import (
    ChannelType,
    LineFrequency,
    annotate,
    make_raw,
    opening,
    present,
)
from pipeline.readers.base import Entry, Reader

if TYPE_CHECKING:
    import mne
    from wfdb import Annotation, Record

AAMI = MappingProxyType(
    dict.fromkeys("NLRej", "N")
    | dict.fromkeys("AaJS", "S")
    | dict.fromkeys("VE", "V")
    | {"F": "F"}
    | dict.fromkeys("/fQ", "Q")
)
"""ANSI/AAMI EC57 classes, as de Chazal 2004 maps MIT-BIH's symbols
(doi 10.1109/TBME.2004.827359)."""

SAMPLES_TO_BYTES = {
    "8": (1, 1), "16": (1, 2), "24": (1, 3), "32": (1, 4), "61": (1, 2),
    "80": (1, 1), "160": (1, 2), "212": (2, 3), "310": (3, 4), "311": (3, 4),
}  # fmt: skip
"""How many samples of a format fill how many bytes (WFDB's signal(5))."""

VOLTS = {"V": 1.0, "mV": 1e-3, "uV": 1e-6, "µV": 1e-6, "nV": 1e-9}


class Wfdb(Reader):
    """WFDB records; a subject is a record, but for those of `same_person`."""

    annotations: Annotated[
        str, Field(min_length=1, description="extension of the annotation files")
    ] = "atr"
    labels: Annotated[
        dict[str, str],
        Field(description="label of an annotation symbol; AAMI's classes by default"),
    ] = Field(default_factory=lambda: dict(AAMI))
    channels: Annotated[
        dict[str, tuple[str, ...]] | None,
        Field(
            description="our channels in order, each with the signals that can be it: "
            "a record's first that matches and is not taken; null: all, as they come"
        ),
    ] = None
    channel_type: ChannelType = "ecg"
    same_person: Annotated[
        dict[str, str], Field(description="subject of a record that is not its own")
    ] = Field(default_factory=dict)
    line_freq: LineFrequency = None

    def entries(self, folder: Path) -> list[Entry]:
        """List the records, one a header."""
        headers = sorted(folder.rglob("*.hea"), key=lambda path: path.stem)
        return [self._entry(header.relative_to(folder), folder) for header in headers]

    def read(self, folder: Path, entry: Entry) -> "mne.io.BaseRaw":
        """Read one record.

        Parameters
        ----------
        folder : Path
        entry : Entry

        Returns
        -------
        raw : mne.io.BaseRaw
            Volts; the header's comments (age, sex, medication) are left out.

        Raises
        ------
        DataError
            A file is missing, cut short or damaged; the record lacks a channel, has
            several segments, other units, or channels of several rates; or the
            annotations are those of another record.
        """
        import wfdb

        path, where = _record_path(folder, entry), entry.files[0].as_posix()
        with opening(folder, where):
            header = wfdb.rdheader(path)
        _refuse_segments(where, header)
        present(folder, entry.files)
        _check_sizes(folder, entry, header)
        chosen = self._choose(where, list(header.sig_name))
        with opening(folder, where):
            record = wfdb.rdrecord(
                path, channels=list(chosen.values()), smooth_frames=False
            )
            beats = wfdb.rdann(path, self.annotations)
        samples, sfreq = _volts(where, record)
        raw = make_raw(
            samples,
            sfreq=sfreq,
            channels=list(chosen),
            channel_type=self.channel_type,
            line_freq=self.line_freq,
        )
        self._annotate(raw, samples, beats, float(header.fs), entry)
        return raw

    def _entry(self, header: Path, folder: Path) -> Entry:
        record = header.stem
        signals = (header.with_name(name) for name in _signal_files(folder / header))
        annotations = header.with_suffix(f".{self.annotations}")
        return Entry(
            record,
            subject=self.same_person.get(record, record),
            session="",
            run="",
            files=(header, *signals, annotations),
        )

    def _choose(self, where: str, have: list[str]) -> dict[str, int]:
        """Give each of our channels the place of a signal of the record."""
        if self.channels is None:
            return {name: place for place, name in enumerate(have)}
        chosen: dict[str, int] = {}
        for channel, names in self.channels.items():
            places = (have.index(name) for name in names if name in have)
            free = [place for place in places if place not in chosen.values()]
            if not free:
                raise DataError(
                    where,
                    f"no signal can be channel '{channel}', among {', '.join(have)}",
                    expected=" or ".join(names),
                    remedy="correct the reader's channels in params.yaml",
                )
            chosen[channel] = free[0]
        return chosen

    def _annotate(
        self,
        raw: "mne.io.BaseRaw",
        samples: Precise,
        beats: "Annotation",
        fs: float,
        entry: Entry,
    ) -> None:
        """Check that the annotations belong to the signal, and label it."""
        onset = beats.sample / float(beats.fs or fs)
        is_beat = np.array([symbol in BEATS for symbol in beats.symbol], bool)
        where = entry.files[-1].as_posix()
        check_alignment(where, samples, raw.info["sfreq"], onset[is_beat])
        annotate(raw, onset, np.zeros(len(onset)), beats.symbol, self.labels)


def _record_path(folder: Path, entry: Entry) -> str:
    return str((folder / entry.files[0]).with_suffix(""))


def _signal_files(header: Path) -> list[str]:
    """Name the signal files of a header, each once."""
    lines = header.read_text(encoding="latin-1").splitlines()
    told = [line for line in lines if line.strip() and not line.startswith("#")]
    return list(dict.fromkeys(line.split()[0] for line in told[1:]))


def _refuse_segments(where: str, header: object) -> None:
    import wfdb

    if isinstance(header, wfdb.MultiRecord):
        raise DataError(
            where,
            f"a record of {header.n_seg} segments",
            expected="one segment",
            remedy="read the segments as records of their own: remove this header",
        )


def _check_sizes(folder: Path, entry: Entry, header: "Record") -> None:
    """Hold each signal file's size against the header's length."""
    for file in entry.files[1:-1]:
        own = [k for k, name in enumerate(header.file_name) if name == file.name]
        found = (folder / file).stat().st_size
        if found < (expected := _expected_bytes(header, own)):
            raise DataError(
                file.as_posix(),
                f"is cut short: {found} bytes",
                expected=f"{expected} bytes for the {header.sig_len} samples of "
                f"{entry.files[0].name}",
                remedy="fetch the file again, or leave the recording out with "
                "on_bad_recording: skip",
            )


def _expected_bytes(header: "Record", own: list[int]) -> int:
    """Least length of the file of these signals; 0 where the header does not say."""
    per_sample = SAMPLES_TO_BYTES.get(header.fmt[own[0]])
    if header.sig_len is None or per_sample is None:
        return 0
    n_samples, n_bytes = per_sample
    total = int(header.sig_len) * sum(header.samps_per_frame[k] for k in own)
    length: int = math.ceil(total * n_bytes / n_samples)
    return int(header.byte_offset[own[0]] or 0) + length


def _volts(where: str, record: "Record") -> tuple[Precise, float]:
    """Give a record's signals, (channel, time), in volts, and their common rate."""
    per_frame = set(record.samps_per_frame)
    if len(per_frame) > 1:
        rates = ", ".join(f"{record.fs * n:g}" for n in record.samps_per_frame)
        raise DataError(
            where,
            f"signals of several rates: {rates} Hz",
            expected="one rate",
            remedy="choose channels of one rate in the reader's settings",
        )
    factors = [_factor(where, unit) for unit in record.units]
    samples = np.stack(record.e_p_signal) * np.array(factors)[:, None]
    return samples, float(record.fs * per_frame.pop())


def _factor(where: str, unit: str) -> float:
    if unit not in VOLTS:
        raise DataError(
            where,
            f"a signal has the unit '{unit}'",
            expected="one of " + ", ".join(VOLTS),
            remedy="choose other channels in the reader's settings",
        )
    return VOLTS[unit]

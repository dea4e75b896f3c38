"""Text and CSV files, or zip archives of them: a row a sample, a column a channel."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated
from zipfile import ZipFile

import numpy as np
import pandas as pd
from pydantic import Field

from pipeline.axes import Precise
from pipeline.errors import DataError
from pipeline.readers._held import even_out
from pipeline.readers._pattern import Template, fitting
from pipeline.readers._raw import (
    ChannelType,
    LineFrequency,
    annotate,
    choose,
    make_raw,
    opening,
    present,
)
from pipeline.readers.base import Entry, Reader

if TYPE_CHECKING:
    import mne


class Table(Reader):
    """Tables with a column of time, columns of signal and a column of label codes."""

    pattern: Template
    delimiter: Annotated[str, Field(min_length=1, description="between columns")] = "\t"
    time: Annotated[str, Field(description="column of time")]
    time_unit_s: Annotated[float, Field(gt=0, description="its unit, seconds")] = 1.0
    channels: Annotated[
        tuple[str, ...], Field(min_length=1, description="columns of signal, in order")
    ]
    channel_type: ChannelType
    unit_v: Annotated[float, Field(gt=0, description="unit of the signal, volts")] = 1.0
    label: Annotated[str, Field(description="column of label codes")]
    labels: Annotated[
        dict[int, str], Field(description="label of a code; other codes are left out")
    ]
    sfreq: Annotated[float, Field(gt=0, description="the device's own rate, Hz")]
    held: Annotated[
        bool, Field(description="rows repeat the last sample until the next one comes")
    ] = False
    line_freq: LineFrequency = None

    def entries(self, folder: Path) -> list[Entry]:
        """List the tables that fit the pattern, in folders and in archives."""
        return list(self._tables(folder).values())

    def read(self, folder: Path, entry: Entry) -> "mne.io.BaseRaw":
        """Read one table.

        Parameters
        ----------
        folder : Path
        entry : Entry

        Returns
        -------
        raw : mne.io.BaseRaw
            Volts; each run of rows with one code is a block of its label.

        Raises
        ------
        DataError
            The table cannot be parsed, lacks a column, or has a clock that
            contradicts `sfreq`.
        """
        present(folder, entry.files)
        (where,) = (p for p, e in self._tables(folder).items() if e == entry)
        table = self._numbers(folder, entry, where)
        time_s = table[self.time].to_numpy() * self.time_unit_s
        signal = table[list(self.channels)].to_numpy().T * self.unit_v
        samples, origin_s = self._even(where, time_s, signal)
        raw = make_raw(
            samples,
            sfreq=self.sfreq,
            channels=self.channels,
            channel_type=self.channel_type,
            line_freq=self.line_freq,
        )
        codes = table[self.label].to_numpy().astype(int)
        end_s = raw.n_times / self.sfreq
        annotate(raw, *_blocks(time_s - origin_s, codes, end_s), self.labels)
        return raw

    def _tables(self, folder: Path) -> dict[str, Entry]:
        return fitting(self.pattern, _members(folder))

    def _numbers(self, folder: Path, entry: Entry, where: str) -> pd.DataFrame:
        """Read the columns that are wanted, as numbers."""
        wanted = [self.time, *self.channels, self.label]
        with opening(folder, where), _stream(folder, entry, where) as stream:
            table = pd.read_csv(stream, sep=self.delimiter)
        choose(list(table.columns), wanted, where)
        numbers: pd.DataFrame = table[wanted].apply(pd.to_numeric, errors="coerce")
        # A logger that is stopped in the middle of a line leaves the last one short.
        if len(numbers) and numbers.iloc[-1].isna().any():
            numbers = numbers.iloc[:-1]
        if numbers.empty or numbers[[self.time, self.label]].isna().any(axis=None):
            raise DataError(
                where,
                "a row without time or label" if len(numbers) else "holds no row",
                expected=f"numbers in the columns {self.time} and {self.label}",
                remedy="correct the file, or leave the recording out with "
                "on_bad_recording: skip",
            )
        return numbers

    def _even(
        self, where: str, time_s: np.ndarray, signal: Precise
    ) -> tuple[Precise, float]:
        """Give the samples on an even grid, and the time of the first."""
        if np.any(np.diff(time_s) < 0):
            raise _clock(where, "time runs backwards")
        if self.held:
            return even_out(where, time_s, signal, self.sfreq)
        steps = np.diff(time_s) * self.sfreq
        drift = abs(steps.sum() - steps.size)
        if drift > 1 or np.any(np.abs(steps - 1) > 0.5):
            raise _clock(where, f"{1 / np.median(np.diff(time_s)):.6g} rows a second")
        return signal, float(time_s[0])


def _clock(where: str, found: str) -> DataError:
    return DataError(
        where,
        found,
        expected="rows at the even distance of the reader's sfreq",
        remedy="correct sfreq and time_unit_s in params.yaml, or say `held: true` if "
        "rows repeat the last sample until the next one comes",
    )


def _members(folder: Path) -> dict[str, Path]:
    """Name every file below a folder, and every member of a zip archive."""
    members: dict[str, Path] = {}
    for path in sorted(folder.rglob("*.*")):
        file = path.relative_to(folder)
        members[file.as_posix()] = file
        if path.suffix == ".zip":
            with opening(folder, file.as_posix()), ZipFile(path) as archive:
                names = archive.namelist()
            members |= {f"{file.as_posix()}/{name}": file for name in names}
    return members


@contextmanager
def _stream(folder: Path, entry: Entry, where: str) -> Iterator[IO[bytes]]:
    """Open a table, in its folder or in its archive."""
    (file,) = entry.files
    member = where.removeprefix(file.as_posix()).removeprefix("/")
    if not member:
        with (folder / file).open("rb") as stream:
            yield stream
        return
    with ZipFile(folder / file) as archive, archive.open(member) as stream:
        yield stream


def _blocks(
    time_s: np.ndarray, codes: np.ndarray, end_s: float
) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Find the runs of one code: onsets and durations in seconds, and the codes."""
    first = np.flatnonzero(np.diff(codes, prepend=codes[0] - 1))
    onset = np.maximum(time_s[first], 0)
    stop = np.append(onset[1:], end_s)
    return onset, stop - onset, codes[first].tolist()

"""Text files: a row a sample and a column a channel, or a row a channel's value."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from pipeline.components import did_you_mean
from pipeline.errors import DataError
from pipeline.readers.base import Content, Origin
from pipeline.readers.parts.opening import opening, present
from pipeline.readers.parts.select import FileSignal, Selected, select
from pipeline.readers.parts.tables.arrange import Samples, long, wide
from pipeline.readers.parts.tables.head import (
    no_text,
    open_text,
    read_head,
    texts_after,
)
from pipeline.readers.parts.tables.rows import File, Rows, Wanted, read_rows
from pipeline.readers.parts.tables.settings import TableSettings
from pipeline.readers.parts.tables.time import in_time
from pipeline.readers.parts.tables.usable import usable


class Table(TableSettings):
    """Text files with columns of signal, of time and of labels."""

    origins: ClassVar[frozenset[str]] = frozenset({"column", "header"})
    formats: ClassVar[Mapping[str, str]] = {
        ".csv": "CSV",
        ".tsv": "TSV",
        ".txt": "text",
        ".asc": "text",
    }
    beside: ClassVar[bool] = True
    looked_at: ClassVar[int] = 3

    def read(
        self, folder: Path, files: Sequence[str], origins: Collection[Origin]
    ) -> Content:
        """Read one text file.

        Parameters
        ----------
        folder : Path
        files : sequence of str
            One file; it may be packed (gz, bz2).
        origins : collection of Origin
            `("column", name)` gives a block of each run of rows with one value;
            `("header", key)` the texts after `key:` or `key=` among comments and
            skipped lines, `("header", "")` all of these.

        Raises
        ------
        DataError
            A row has too few or too many fields or lacks a number, a column is not
            there, or the clock jumps back or contradicts `sfreq`.
        """
        (where, *_) = files
        present(folder, files[:1])
        with opening(folder, where):
            stream, encoding = open_text(folder / where, self.encoding)
            with stream:
                try:
                    head = read_head(where, stream, self, encoding)
                    return _content(File(where, stream, head, self), origins)
                except UnicodeDecodeError as error:
                    raise no_text(where, error) from error


def _content(file: File, origins: Collection[Origin]) -> Content:
    """Read an open file."""
    labels = {key: _place(file, (key,)) for kind, key in origins if kind == "column"}
    clock = _place(file, file.settings.time) if file.settings.time else None
    rows, samples, selected = _samples(file, labels, clock)
    samples, remarks = usable(file, rows, samples)
    if file.settings.encoding is None and rows.encoding == "cp1252":
        remarks.insert(0, "read as Windows-1252 text, for it is no UTF-8")
    timed = in_time(file, samples)
    samples_v = timed.values
    # In place: a second copy of a long table costs a tenth of reading it.
    samples_v *= np.array(selected.factors)[:, None]
    return Content(
        channels=selected.names,
        types=selected.types,
        sfreq=timed.sfreq,
        n_samples=timed.values.shape[1],
        read=lambda start, stop: samples_v[:, start:stop],
        marks={("column", key): marks for key, marks in timed.marks.items()},
        texts={
            ("header", key): _notes(file, key)
            for kind, key in origins
            if kind == "header"
        },
        segments=timed.segments,
        line_freq=file.settings.line_freq,
        remarks=(*remarks, *timed.remarks),
    )


def _place(file: File, names: Sequence[str]) -> int:
    """Find the column with the first of these names that is there."""
    have = file.head.names
    for name in names:
        if have.count(name) == 1:
            return have.index(name)
        if name in have:
            raise DataError(
                file.where,
                f"{have.count(name)} columns are called '{name}'",
                expected="one",
                remedy="name another column in params.yaml, or correct the header",
            )
    raise DataError(
        file.where,
        f"has no column '{' or '.join(names)}', among {', '.join(have)}",
        expected=did_you_mean(names[0], list(have)),
        remedy="correct the column's name, or the reader's delimiter, header or skip",
    )


def _samples(
    file: File, labels: Mapping[str, int], clock: int | None
) -> tuple[Rows, Samples, Selected]:
    """Read the columns that are wanted, and choose the channels."""
    settings = file.settings
    if settings.channel_column is None or settings.value_column is None:
        apart = {clock, *labels.values()} if settings.channels is None else set()
        columns = [k for k in range(len(file.head.names)) if k not in apart]
        selected = _select(file, [(file.head.names[k], k) for k in columns])
        places = [columns[k] for k in selected.places]
        rows = read_rows(file, _wanted(settings, places, labels.values(), clock))
        return rows, wide(file, rows, places, clock, labels), selected
    names = _place(file, (settings.channel_column,))
    value = _place(file, (settings.value_column,))
    wanted = _wanted(settings, [value], [names, *labels.values()], clock)
    rows = read_rows(file, wanted)
    samples = long(file, rows, (names, value), clock, labels)
    selected = _select(file, [(name, value) for name in samples.columns])
    return rows, samples.of(selected.places), selected


def _select(file: File, columns: Sequence[tuple[str, int]]) -> Selected:
    # A clock shows its rate once it is read; until then any rate stands for it.
    own = 1.0 if file.settings.time and not file.settings.sfreq else None
    have = [FileSignal(name, own, file.head.units[place]) for name, place in columns]
    return select(file.settings, file.where, have)


def _wanted(
    settings: TableSettings,
    numbers: Sequence[int],
    texts: Collection[int],
    clock: int | None,
) -> Wanted:
    dates = clock if settings.time_unit == "iso" else None
    also = [] if clock is None or dates is not None else [clock]
    return Wanted((*numbers, *also), tuple(texts), dates)


def _notes(file: File, key: str) -> tuple[str, ...]:
    """Give the texts after a key among the file's notes."""
    notes = file.head.notes + (file.lines.notes if file.settings.comment else ())
    return texts_after(file.where, notes, key, file.head.delimiter)

"""From rows to samples: a row a sample, or a row a channel's value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from pipeline.axes import Precise
from pipeline.errors import DataError
from pipeline.readers.parts.blocks import canonical
from pipeline.readers.parts.tables.rows import File, Rows, as_numbers

SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "min": 60.0}
ALSO = {"sec": "s", "second": "s", "seconds": "s", "msec": "ms", "µs": "us", "μs": "us"}


@dataclass(frozen=True)
class Texts:
    """A column of texts.

    Parameters
    ----------
    codes : array of int, shape (row,)
        Place of each row's text among the different ones.
    different : tuple of str
    sample : array of int, shape (row,)
        Sample that a row belongs to; a row without one belongs to the next.
    """

    codes: np.ndarray
    different: tuple[str, ...]
    sample: np.ndarray

    def at(self, chosen: np.ndarray | slice) -> "Texts":
        """Keep the texts of some samples."""
        codes = self.codes[chosen]
        return replace(self, codes=codes, sample=np.arange(codes.size))

    def without(self, bad: np.ndarray) -> "Texts":
        """Keep the texts of rows whose samples are left out: they may be events."""
        silent = np.array([text == "" for text in self.different])[self.codes]
        kept = ~(bad & silent)
        sample = np.minimum(np.cumsum(~bad) - ~bad, np.count_nonzero(~bad) - 1)
        return replace(self, codes=self.codes[kept], sample=sample[kept])


@dataclass(frozen=True)
class Samples:
    """Samples in the order of the file.

    Parameters
    ----------
    columns : tuple of str
        Where the channels come from.
    values : array, shape (channel, time)
        In the file's unit.
    time_s : array, shape (time,), or None
        Since the first row's, by the file's clock.
    texts : mapping of str to Texts
    place : array of int, shape (time,)
        The file's row of each sample.
    """

    columns: tuple[str, ...]
    values: Precise
    time_s: np.ndarray | None
    texts: Mapping[str, Texts]
    place: np.ndarray

    def at(self, chosen: np.ndarray | slice) -> "Samples":
        """Keep some samples."""
        return replace(
            self,
            values=self.values[:, chosen],
            time_s=None if self.time_s is None else self.time_s[chosen],
            texts={name: texts.at(chosen) for name, texts in self.texts.items()},
            place=self.place[chosen],
        )

    def without(self, bad: np.ndarray) -> "Samples":
        """Leave out the samples of bad rows, but not their texts."""
        texts = {name: texts.without(bad) for name, texts in self.texts.items()}
        return replace(self.at(~bad), texts=texts)

    def of(self, channels: Sequence[int]) -> "Samples":
        """Keep some channels."""
        return replace(
            self,
            columns=tuple(self.columns[k] for k in channels),
            values=self.values[list(channels)],
        )


def wide(
    file: File,
    rows: Rows,
    channels: Sequence[int],
    clock: int | None,
    texts: Mapping[str, int],
) -> Samples:
    """Take a sample of all channels from each row."""
    decimal, names = file.settings.decimal, file.head.names
    values = [as_numbers(rows.frame[place], decimal) for place in channels]
    return Samples(
        columns=tuple(names[place] for place in channels),
        values=np.stack(values),
        time_s=None if clock is None else seconds(file, rows.frame, clock),
        texts={
            name: _texts(rows.frame[place], decimal) for name, place in texts.items()
        },
        place=rows.place,
    )


def long(
    file: File,
    rows: Rows,
    columns: tuple[int, int],
    clock: int | None,
    texts: Mapping[str, int],
) -> Samples:
    """Take a sample of one channel from each row; all channels have the same times.

    Raises
    ------
    DataError
        A channel has more samples than another, or other times or texts.
    """
    names, values = columns
    flat = wide(file, rows, (values,), clock, {**texts, "": names})
    which = flat.texts[""]
    present = [
        (name, np.flatnonzero(which.codes == code))
        for code, name in enumerate(which.different)
    ]
    present = sorted((e for e in present if e[1].size), key=lambda each: each[1][0])
    counts = [len(places) for _, places in present]
    # A row that was cut short leaves the last sample without some channels.
    n_samples = min(counts)
    if max(counts) - n_samples > rows.short:
        raise _apart(
            file,
            f"{present[int(np.argmax(counts))][0]} has {max(counts)} "
            f"values, {present[int(np.argmin(counts))][0]} has {n_samples}",
        )
    parts = {name: flat.at(places[:n_samples]) for name, places in present}
    first = next(iter(parts.values()))
    for name, part in parts.items():
        if not _alike(part, first):
            raise _apart(file, f"{name} and {present[0][0]} differ in time or label")
    return replace(
        first,
        columns=tuple(parts),
        values=np.concatenate([part.values for part in parts.values()]),
        texts={name: first.texts[name] for name in texts},
    )


def _alike(one: Samples, other: Samples) -> bool:
    """Compare two channels' times and texts."""
    times = [np.array(each.time_s, dtype=float) for each in (one, other)]
    return np.array_equal(times[0], times[1], equal_nan=True) and all(
        np.array_equal(texts.codes, other.texts[name].codes)
        for name, texts in one.texts.items()
        if name
    )


def _apart(file: File, found: str) -> DataError:
    return DataError(
        file.where,
        f"the channels do not belong together: {found}",
        expected="a row for each channel at each time",
        remedy="name channels that do, or correct the file",
    )


def _texts(column: pd.Series, decimal: str) -> Texts:
    """Give the texts of a column of categories, integers written one way."""
    written = [canonical(str(text), decimal) for text in column.cat.categories]
    codes = column.cat.codes.to_numpy()
    return Texts(codes, (*written, ""), np.arange(codes.size))


def seconds(file: File, frame: pd.DataFrame, clock: int) -> np.ndarray:
    """Give a clock in seconds since the first row's, NaN for what is no time."""
    unit = _time_unit(file, clock)
    if unit != "iso":
        times = as_numbers(frame[clock], file.settings.decimal)
        return times * SECONDS[unit]
    texts = frame[clock].str.strip().str.replace(",", ".", regex=False)
    dates = pd.to_datetime(texts, format="ISO8601", utc=True, errors="coerce")
    since = dates - dates[dates.first_valid_index() or 0]
    return np.asarray(since.dt.total_seconds(), dtype=float)


def _time_unit(file: File, clock: int) -> str:
    """Take the clock's unit from the settings or, beside them, the unit row."""
    stated, given = file.settings.time_unit, file.head.units[clock].lower()
    given = ALSO.get(given, given)
    if given in SECONDS and stated and stated != given:
        raise DataError(
            file.where,
            f"time in {given} by the unit row, in {stated} by the reader's settings",
            expected="the same unit",
            remedy="correct the reader's time_unit in params.yaml, or leave it out",
        )
    return stated or (given if given in SECONDS else "s")

"""Samples at an even rate, and the blocks of the labels beside them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.axes import Precise, Segment
from pipeline.readers.base import Marks
from pipeline.readers.parts.blocks import blocks
from pipeline.readers.parts.select import refuse_odd_rate
from pipeline.readers.parts.tables.arrange import Samples, Texts
from pipeline.readers.parts.tables.clock import Clock, by_rows, evenly, in_order
from pipeline.readers.parts.tables.held import even_out
from pipeline.readers.parts.tables.rows import File


@dataclass(frozen=True)
class Timed:
    """Samples at an even rate.

    Parameters
    ----------
    values : array, shape (channel, time)
    sfreq : float
    segments : tuple of Segment
    marks : dict of str to Marks
    remarks : tuple of str
    """

    values: Precise
    sfreq: float
    segments: tuple[Segment, ...]
    marks: dict[str, Marks]
    remarks: tuple[str, ...] = ()


def in_time(file: File, samples: Samples) -> Timed:
    """Bring samples to an even rate, by their clock or by the order of the rows.

    Raises
    ------
    DataError
        The clock jumps back, stands still or contradicts the rate.
    """
    clock = _clock(file, samples)
    if clock is None:
        return _held(file, samples)
    n_samples = samples.values.shape[1]
    end_s = float(clock.time_of(np.array([n_samples - 1]))[0]) + 1 / clock.sfreq
    return Timed(
        samples.values,
        clock.sfreq,
        clock.segments,
        _marks(samples, clock.time_of, end_s),
    )


def _clock(file: File, samples: Samples) -> Clock | None:
    """Find the clock of the rows; None where rows repeat held samples."""
    settings = file.settings
    if samples.time_s is None:
        # `select` has refused tables with neither a clock nor a rate.
        return by_rows(samples.place, float(settings.sfreq or 0))
    time_s = samples.time_s - samples.time_s[0]

    def number(row: int) -> int:
        """Give the line of a row in the file."""
        return file.number(int(samples.place[row]))

    in_order(file.where, time_s, number, repeats=settings.held)
    if settings.held:
        return None
    tolerance = settings.tolerance_ppm * 1e-6
    clock = evenly(file.where, time_s, settings.sfreq, tolerance)
    if settings.sfreq is None:
        refuse_odd_rate(file.where, clock.sfreq, settings.unchecked)
    return clock


def _held(file: File, samples: Samples) -> Timed:
    sfreq, time_s = float(file.settings.sfreq or 0), np.asarray(samples.time_s)
    check = "held" not in file.settings.unchecked
    even = even_out(file.where, time_s, samples.values, sfreq, check=check)
    since = time_s - even.origin_s
    last = even.segments[-1]
    end_s = last.onset_s + (even.values.shape[1] - last.start) / sfreq
    marks = _marks(samples, lambda row: since[row], end_s)
    return Timed(even.values, sfreq, even.segments, marks, even.remarks)


def _marks(
    samples: Samples, time_of: Callable[[np.ndarray], np.ndarray], end_s: float
) -> dict[str, Marks]:
    def block(texts: Texts) -> Marks:
        """Give the blocks of equal texts."""
        codes, different = texts.codes, texts.different
        return blocks(codes, different, lambda row: time_of(texts.sample[row]), end_s)

    return {name: block(texts) for name, texts in samples.texts.items()}

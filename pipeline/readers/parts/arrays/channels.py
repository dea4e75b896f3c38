"""The axes of an array: time, and the signals."""

from typing import Any

import numpy as np

from pipeline.axes import Precise
from pipeline.errors import DataError
from pipeline.readers.base import Marks
from pipeline.readers.parts.arrays.files import Index, Store, Variable, unfit
from pipeline.readers.parts.arrays.settings import ArraySettings
from pipeline.readers.parts.blocks import blocks, written
from pipeline.readers.parts.select import FileSignal


def joined(
    settings: ArraySettings, where: str, variable: Variable
) -> tuple[Variable, int]:
    """Put the segments of an array one after the other.

    Returns
    -------
    variable : Variable, shape (time, channel)
    n_segments : int

    Raises
    ------
    DataError
        The array has not three axes.
    """
    axes, shape = settings.axes or (), variable.shape
    if len(shape) != len(axes) or not np.prod(shape):
        raise DataError(
            where,
            f"the samples have the shape {shape}",
            expected=f"the axes {', '.join(axes)}, with at least one sample",
            remedy="correct the reader's axes, or name another variable in params.yaml",
        )
    order = [axes.index(name) for name in ("segment", "time", "channel")]
    n_segments, length, n_channels = (shape[axis] for axis in order)

    def part(index: Index) -> np.ndarray:
        """Read the segments that hold some samples."""
        time, channels = index
        start, stop, _ = time.indices(n_segments * length)
        first, last = start // length, -(-stop // length)
        wanted = [slice(None)] * 3
        wanted[order[0]] = slice(first, last)
        found = np.asarray(variable.part(tuple(wanted))).transpose(order)
        flat = found.reshape(-1, n_channels)
        return flat[start - first * length : stop - first * length, channels]

    return Variable((n_segments * length, n_channels), part), n_segments


def time_axis(
    settings: ArraySettings,
    where: str,
    shape: tuple[int, ...],
    names: tuple[str, ...] | None,
) -> int:
    """Find which axis is time: as stated, as the names fit, or the longer.

    Raises
    ------
    DataError
        Either can be, or there are more than two axes.
    """
    if len(shape) not in (1, 2) or not np.prod(shape):
        raise DataError(
            where,
            f"the samples have the shape {shape}",
            expected="time and channels, with at least one sample",
            remedy="name another variable in params.yaml",
        )
    if len(shape) == 1:
        return 0
    if settings.axes or settings.dtype:
        return settings.axes.index("time") if settings.axes else 0
    fit = [axis for axis in (0, 1) if names and shape[1 - axis] == len(names)]
    longer = [axis for axis in (0, 1) if shape[axis] > shape[1 - axis]]
    if len(fit) != 1 and not longer:
        raise DataError(
            where,
            f"the samples have the shape {shape}, of which either axis can be time",
            expected="settings that name the axis of time",
            remedy="set the reader's axes: [time, channel] or [channel, time]",
        )
    return fit[0] if len(fit) == 1 else longer[0]


def signals(
    store: Store,
    shape: tuple[int, ...],
    by_time: int,
    names: tuple[str, ...] | None,
    sfreq: float | None,
) -> list[FileSignal]:
    """Name the signals: as stated, or 0, 1, ...

    Raises
    ------
    DataError
        There are more or fewer names than signals.
    """
    count = shape[1 - by_time] if len(shape) == 2 else 1
    named = names or tuple(str(place) for place in range(count))
    if len(named) != count:
        raise DataError(
            store.where,
            f"{len(named)} names for {count} channels",
            expected="a name for each channel",
            remedy="correct the reader's names, or its axes",
        )
    return [FileSignal(name, sfreq) for name in named]


def names_in(store: Store, variable: str | None) -> tuple[str, ...] | None:
    """Read the channels' names from a variable."""
    if variable is None:
        return None
    found = np.atleast_1d(np.asarray(store.value(variable), dtype=object)).ravel()
    return tuple(str(name).strip() for name in found)


def rate_in(store: Store, variable: str | None) -> float | None:
    """Read the samples per second from a variable."""
    if variable is None:
        return None
    found = np.asarray(store.value(variable))
    if found.size != 1 or found.dtype.kind not in "iuf":
        raise unfit(store.where, variable, "no single number")
    return float(found.reshape(-1)[0])


def piece(variable: Variable, by_time: int, time: slice) -> Precise:
    """Read some samples of all signals, shape (channel, time)."""
    if len(variable.shape) == 1:
        return np.asarray(variable.part((time,)), dtype=np.float64)[None]
    index = (time, slice(None)) if by_time == 0 else (slice(None), time)
    found = np.asarray(variable.part(index), dtype=np.float64)
    return found.T if by_time == 0 else found


def texts_of(
    store: Store, name: str, n_samples: int, sfreq: float, n_segments: int = 1
) -> Marks | tuple[str, ...]:
    """Read a label: one text, or a block of each run of one value.

    A further axis of zeros and ones has a column for each class: the text is the number
    of the column that is 1, `none` where none is, and `1,4` where several are.

    Raises
    ------
    DataError
        It has neither one value nor one for each sample.
    """
    found: Any = store.value(name)
    values = np.asarray(found, dtype=object if isinstance(found, list) else None)
    if values.size == 1:
        return (written(values.reshape(-1)[0]),)
    rows = _by_sample(values, n_samples, n_segments)
    if rows is None:
        raise DataError(
            store.where,
            f"variable '{name}' has the shape {values.shape}",
            expected=f"one value, or one (or a row of 0 and 1) for each of {n_samples} "
            "samples",
            remedy="name another variable in params.yaml",
        )
    axis, text = (None, written) if rows.ndim == 1 else (0, _hot)
    different, codes = np.unique(rows, axis=axis, return_inverse=True)
    texts = [text(value) for value in different]
    end_s = n_samples / sfreq
    return blocks(codes.reshape(-1), texts, lambda row: row / sfreq, end_s)


def _by_sample(
    values: np.ndarray, n_samples: int, n_segments: int
) -> np.ndarray | None:
    """Bring values to shape (sample,) or, of 0 and 1, (sample, class); None: unfit."""
    if n_segments > 1 and values.shape[:2] == (n_segments, n_samples // n_segments):
        values = values.reshape(n_samples, *values.shape[2:])
    if values.size == n_samples == max(values.shape):
        return values.reshape(-1)
    numbers = values.ndim == 2 and values.dtype.kind in "biuf"
    if not numbers or len(values) != n_samples or not np.isin(values, (0, 1)).all():
        return None
    return values.astype(np.int8)


def _hot(row: np.ndarray) -> str:
    """Write which columns of a row are 1."""
    return ",".join(map(str, np.flatnonzero(row))) or "none"

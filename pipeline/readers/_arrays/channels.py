"""Which axis of an array is time, and which signals the other holds."""

from typing import Any

import numpy as np

from pipeline.axes import Precise
from pipeline.errors import DataError
from pipeline.readers._arrays.files import Store, Variable, unfit
from pipeline.readers._arrays.settings import ArraySettings
from pipeline.readers._blocks import blocks, written
from pipeline.readers._select import FileSignal
from pipeline.readers.base import Marks


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
            expected="settings that say which of the axes is time",
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
    store: Store, name: str, n_samples: int, sfreq: float
) -> Marks | tuple[str, ...]:
    """Read a label: one text, or a block of each run of one value.

    Raises
    ------
    DataError
        It has neither one value nor one for each sample.
    """
    found: Any = store.value(name)
    values = np.asarray(found, dtype=object if isinstance(found, list) else None)
    if values.size == 1:
        return (written(values.reshape(-1)[0]),)
    if values.size != n_samples or max(values.shape) != n_samples:
        raise DataError(
            store.where,
            f"variable '{name}' has the shape {values.shape}",
            expected=f"one value, or one for each of {n_samples} samples",
            remedy="name another variable in params.yaml",
        )
    different, codes = np.unique(values.reshape(-1), return_inverse=True)
    texts = [written(value) for value in different]
    return blocks(codes, texts, lambda row: row / sfreq, n_samples / sfreq)

"""Even samples from a log that holds each value until the next one comes.

A radio link delivers samples in bursts and a logger with a faster clock writes the last
value again and again. Each fresh row is a sample; the even grid it belongs to is found
here. What the link lost is lost: an empty slot holds the value before it, but not for
longer than a link can be late: then nothing was recorded, and a pause marks it.
"""

from dataclasses import dataclass

import numpy as np

from pipeline.axes import Precise, Segment
from pipeline.errors import DataError
from pipeline.readers.base import unchecked_if

LONGEST_LAG_S = 0.25
"""More than a link's buffer holds; a greater lag means that the rate is wrong."""
NEAR, REGULAR, LEAST_STEPS = 0.1, 0.5, 8
"""A log shows the device's rate if half of the fresh rows, of some at least, come at
one distance, within a tenth of it and a row."""
FASTER, SPARSE = 1.05, 4
"""By how much sfreq may exceed that rate, and the rate of fresh rows that come in no
order: the armband's link loses half of them."""


@dataclass(frozen=True)
class Evened:
    """Samples at the device's rate.

    Parameters
    ----------
    values : array, shape (channel, time)
    segments : tuple of Segment
    origin_s : float
        Time of the first sample, on the log's clock.
    remarks : tuple of str
    """

    values: Precise
    segments: tuple[Segment, ...]
    origin_s: float
    remarks: tuple[str, ...] = ()


def even_out(
    where: str, time_s: np.ndarray, rows: Precise, sfreq: float, *, check: bool = True
) -> Evened:
    r"""Put the fresh rows of a log on the grid of the device that made them.

    A sample is taken before it arrives, and two samples never at once. So sample i,
    which arrived in slot :math:`f_i = \lfloor (t_i - t_0) \cdot sfreq \rfloor`, belongs
    to the latest slot that leaves room for those after it:

    .. math:: s_i = i + \min_{j \ge i} (f_j - j)

    Without losses this gives every sample its true place, up to a constant.

    Parameters
    ----------
    where : str
        The file.
    time_s : array, shape (row,)
        Ascending.
    rows : array, shape (channel, row)
    sfreq : float
        The device's rate.
    check : bool
        Whether long holds become pauses, and a rate that makes samples up is refused.

    Raises
    ------
    DataError
        The log has more fresh rows than the rate can give, or far fewer.
    """
    fresh = np.concatenate([[True], np.any(np.diff(rows, axis=1) != 0, axis=0)])
    arrival = np.floor((time_s[fresh] - time_s[0]) * sfreq + 1e-6).astype(np.int64)
    order = np.arange(arrival.size)
    slot = order + np.minimum.accumulate((arrival - order)[::-1])[::-1]
    if (lag_s := (arrival - slot).max() / sfreq) > LONGEST_LAG_S:
        raise _wrong_rate(
            where,
            f"{arrival.size} fresh rows in {time_s[-1] - time_s[0]:.2f} s: at "
            f"{sfreq:g} Hz some lag {lag_s:.2f} s behind",
            "no more fresh rows than the device has samples",
        )
    origin_s = float(time_s[0] + slot[0] / sfreq)
    end = slot[0] + int((time_s[-1] - origin_s) * sfreq + 1e-6) + 1
    holds = np.diff(slot, append=end)
    long = holds > LONGEST_LAG_S * sfreq if check else np.zeros(holds.size, bool)
    if check:
        _refuse_made_up(where, time_s, fresh, sfreq)
    latest = np.repeat(order, np.where(long, 1, holds))
    starts = np.append(0, np.flatnonzero(long[latest]) + 1)
    firsts = np.append(0, np.flatnonzero(long) + 1)
    return Evened(
        rows[:, fresh][:, latest],
        tuple(
            Segment(int(start), float((slot[first] - slot[0]) / sfreq))
            for start, first in zip(starts, firsts, strict=True)
            if first < slot.size
        ),
        origin_s,
        _remarks(holds[long] / sfreq),
    )


def _refuse_made_up(
    where: str, time_s: np.ndarray, fresh: np.ndarray, sfreq: float
) -> None:
    """Refuse a rate at which most samples would repeat the one before."""
    steps_s = np.diff(time_s[fresh])
    steps_s = steps_s[steps_s <= LONGEST_LAG_S]
    if steps_s.size < LEAST_STEPS:
        return
    usual = float(np.median(steps_s))
    near = np.abs(steps_s - usual) <= NEAR * usual + float(np.median(np.diff(time_s)))
    regular = bool(near.mean() >= REGULAR)
    rate = float(1 / steps_s[near].mean() if regular else 1 / steps_s.mean())
    if sfreq > rate * (FASTER if regular else SPARSE):
        raise _wrong_rate(
            where,
            f"{rate:.4g} fresh rows a second, and {sfreq:g} Hz by the settings: "
            "samples would be repeated",
            "the rate at which the device makes samples",
            f", or {unchecked_if('it is right', 'held')}",
        )


def _remarks(held_s: np.ndarray) -> tuple[str, ...]:
    if not held_s.size:
        return ()
    return (
        f"values held for more than {LONGEST_LAG_S:g} s, left out as pauses: "
        f"{held_s.size}, {held_s.sum():.3g} s in all",
    )


def _wrong_rate(where: str, found: str, expected: str, more: str = "") -> DataError:
    return DataError(
        where,
        found,
        expected=expected,
        remedy="correct the reader's sfreq in params.yaml" + more,
    )

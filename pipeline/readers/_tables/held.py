"""Even samples from a log that holds each value until the next one comes.

A radio link delivers samples in bursts and a logger with a faster clock writes the last
value again and again. Each fresh row is a sample; the even grid it belongs to is found
here. What the link lost is lost: an empty slot holds the value before it.
"""

import numpy as np

from pipeline.axes import Precise
from pipeline.errors import DataError

LONGEST_LAG_S = 0.25
"""More than a link's buffer holds; a greater lag says that the rate is wrong."""


def even_out(
    where: str, time_s: np.ndarray, rows: Precise, sfreq: float
) -> tuple[Precise, float]:
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

    Returns
    -------
    samples : array, shape (channel, time)
    origin_s : float
        Time of the first sample, on the log's clock.

    Raises
    ------
    DataError
        The log has more fresh rows than the rate can give.
    """
    fresh = np.concatenate([[True], np.any(np.diff(rows, axis=1) != 0, axis=0)])
    arrival = np.floor((time_s[fresh] - time_s[0]) * sfreq + 1e-6).astype(np.int64)
    order = np.arange(arrival.size)
    slot = order + np.minimum.accumulate((arrival - order)[::-1])[::-1]
    if (lag_s := (arrival - slot).max() / sfreq) > LONGEST_LAG_S:
        raise DataError(
            where,
            f"{arrival.size} fresh rows in {time_s[-1] - time_s[0]:.2f} s: at "
            f"{sfreq:g} Hz some lag {lag_s:.2f} s behind",
            expected="no more fresh rows than the device has samples",
            remedy="correct the reader's sfreq in params.yaml",
        )
    origin_s = time_s[0] + slot[0] / sfreq
    n_samples = int((time_s[-1] - origin_s) * sfreq + 1e-6) + 1
    latest = np.searchsorted(slot - slot[0], np.arange(n_samples), side="right") - 1
    return rows[:, fresh][:, latest], float(origin_s)

"""Beats: their symbols, and whether they belong to the ECG beside them."""

import math

import numpy as np

from pipeline.axes import Precise
from pipeline.errors import DataError
from pipeline.readers.base import Content

BEATS = frozenset("NLRBAaJSVrFejnE/fQ?")
"""Symbols of beats; all others mark rhythm, noise or comments (WFDB's ecgcodes)."""

NEAR_S, FAR_S, SMOOTH_S = 0.10, 0.30, 0.06
LEAST_SHARE, LEAST_BEATS, LEAST_SFREQ = 2 / 3, 10, 60.0
LATE_S = 1.0
"""A beat that lies later than this after the end is of another record."""
PIECE, PIECE_VALUES, MOST_PIECES = 2**16, 2**21, 4
"""Samples of a piece, values of all its channels at most, and how many are looked at:
12 minutes of MIT-BIH's two channels."""


def check_alignment(where: str, content: Content, onset_s: np.ndarray) -> None:
    """Refuse beats of another record.

    Parameters
    ----------
    where : str
        The annotation file.
    content : Content
    onset_s : array, shape (beat,)
        On the recording's own clock.

    Raises
    ------
    DataError
        Beats lie after the end, or seldom where the signal is steepest.
    """
    last = content.segments[-1]
    end_s = last.onset_s + (content.n_samples - last.start) / content.sfreq
    if (onset_s > end_s + LATE_S).any():
        late = int((onset_s >= end_s).sum())
        raise _foreign(where, f"{late} beats lie beyond the end, at {end_s:.1f} s")
    if onset_s.size < LEAST_BEATS or content.sfreq < LEAST_SFREQ:
        return
    share = steepest_share(content, onset_s)
    if share < LEAST_SHARE:
        raise _foreign(
            where, f"{share:.0%} of {onset_s.size} beats lie on a QRS complex"
        )


def steepest_share(content: Content, onset_s: np.ndarray) -> float:
    r"""Share of beats at which the signal is steepest.

    The slope energy :math:`e = \sum_c \dot x_c^2 / \overline{\dot x_c^2}`, smoothed
    over 60 ms, has its maximum within 300 ms of the annotation nearer than 100 ms.
    Beats annotated at random have a third. The 22 records of MIT-BIH's DS1 have 0.95
    to 1.00 with their own annotations and 0.40 at most with another's.

    Parameters
    ----------
    content : Content
        Of long recordings, up to `MOST_PIECES` pieces evenly spread are read.
    onset_s : array, shape (beat,)
        On the recording's own clock.
    """
    far = math.ceil(FAR_S * content.sfreq)
    centre = _samples(content, onset_s)
    centre = centre[(centre >= far) & (centre < content.n_samples - 1 - far)]
    size = min(PIECE, PIECE_VALUES // len(content.channels))
    pieces = np.unique(centre // size)
    spread = np.linspace(0, len(pieces) - 1, min(len(pieces), MOST_PIECES)).round()
    near = [
        _near(content, centre[centre // size == piece], far)
        for piece in pieces[spread.astype(int)]
    ]
    return float(np.concatenate(near).mean()) if near else 1.0


def _samples(content: Content, onset_s: np.ndarray) -> np.ndarray:
    """Give the sample nearest to each onset, without the onsets in pauses."""
    begin = np.array([segment.onset_s for segment in content.segments])
    start = np.array([segment.start for segment in content.segments])
    stop = np.append(start[1:], content.n_samples)
    at = np.maximum(np.searchsorted(begin, onset_s, side="right") - 1, 0)
    found = start[at] + np.round((onset_s - begin[at]) * content.sfreq).astype(int)
    return np.sort(found[(found >= 0) & (found < stop[at])])


def _near(content: Content, centre: np.ndarray, far: int) -> np.ndarray:
    """Say of each beat whether the steepest sample around it is near."""
    margin = far + math.ceil(SMOOTH_S * content.sfreq)
    first = max(0, int(centre[0]) - margin)
    last = min(content.n_samples, int(centre[-1]) + margin + 2)
    energy = slope_energy(content.read(first, last), content.sfreq)
    around = np.lib.stride_tricks.sliding_window_view(energy, 2 * far + 1)
    peak = around[centre - first - far].argmax(axis=1) - far
    near: np.ndarray = np.abs(peak) <= NEAR_S * content.sfreq
    return near


def slope_energy(samples: Precise, sfreq: float) -> np.ndarray:
    """Square the slope, each channel by its mean, and smooth it; see `steepest_share`.

    Parameters
    ----------
    samples : array, shape (channel, time)
    sfreq : float
    """
    from scipy.ndimage import uniform_filter1d

    slope = np.nan_to_num(np.diff(samples, axis=1), copy=False)
    np.square(slope, out=slope)
    mean = slope.mean(axis=1, keepdims=True)
    slope /= np.where(mean > 0, mean, 1)
    return uniform_filter1d(slope.sum(axis=0), max(1, round(SMOOTH_S * sfreq)))


def _foreign(where: str, found: str) -> DataError:
    return DataError(
        where,
        found,
        expected="beats where the signal is steepest: these annotations may belong to "
        "another record",
        remedy="fetch the record again, leave it out with on_bad_recording: skip, or "
        "if the beats are right, set the reader's unchecked to [beats]",
    )

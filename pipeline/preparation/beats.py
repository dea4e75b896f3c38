"""A causal QRS detector, and how well it finds the annotated beats.

After Pan & Tompkins (IEEE Trans. Biomed. Eng. 32, 1985): band-pass, slope, square,
moving integral, running levels of beats and noise. Theirs searches back when a beat is
overdue; here the threshold sinks instead, so that no beat is reported late.
"""

import numpy as np
from jaxtyping import Float, Int

from pipeline.errors import DataError

Onsets = Float[np.ndarray, " event"]
"""Times in a recording, seconds, rising."""

BAND = (5.0, 15.0)
"""The band of a QRS complex's energy, Hz."""

INTEGRAL_S = 0.15
"""Length of the moving integral: that of the widest QRS complex."""

REFRACTORY_S = 0.2
"""No heart beats twice within this time: the highest peak in it is the beat."""

DELAY_S = INTEGRAL_S + REFRACTORY_S
"""A beat is reported at most this long after it."""

THRESHOLD = 0.3
"""The level that a peak must exceed, as a share of the way from noise to beats."""

OVERDUE = 1.5
"""After so many mean intervals without a beat the threshold sinks."""

GAIN = 1 / 8
"""Weight of the newest beat, noise peak or interval in its running mean."""

TOLERANCE_S = 0.15
"""A detection this close to an annotation is that beat (ANSI/AAMI EC57)."""


def detect(samples: Float[np.ndarray, " time"], sfreq: float) -> Onsets:
    """Find the beats of one ECG channel.

    Every decision rests on samples up to `DELAY_S` after the beat, none later.

    Parameters
    ----------
    samples : array, shape (time,)
        In any unit.
    sfreq : float
        Samples per second.

    Returns
    -------
    onsets : array, shape (beat,)
        Steepest filtered deflection of each QRS complex, seconds.

    Raises
    ------
    DataError
        The sampling rate is too low for the band.
    """
    if sfreq <= 2 * BAND[1]:
        raise DataError(
            "beat detection",
            f"an ECG of {sfreq:g} samples per second",
            expected=f"more than {2 * BAND[1]:g}",
            remedy="set windows.beats to annotated",
        )
    width = round(INTEGRAL_S * sfreq)
    filtered = _band_pass(samples, sfreq)
    height = _slope_rms(filtered, width)
    peaks = _peaks(height, round(REFRACTORY_S * sfreq))
    beats = peaks[_accepted(height[peaks], peaks / sfreq)]
    starts = np.maximum(beats - width, 0)
    strongest = [
        start + np.abs(filtered[start : stop + 1]).argmax()
        for start, stop in zip(starts, beats, strict=True)
    ]
    return np.asarray(strongest, np.float64) / sfreq


def match(
    annotated: Onsets, detected: Onsets, *, tolerance_s: float = TOLERANCE_S
) -> Int[np.ndarray, " detection"]:
    """Pair detections with annotations, each with one at most.

    A pair is two events that are nearest to each other and no more than the tolerance
    apart.

    Parameters
    ----------
    annotated, detected : array
        Seconds, rising.
    tolerance_s : float

    Returns
    -------
    partner : array, shape (detection,)
        Index of the annotation of each detection, -1 without one.
    """
    if not len(annotated) or not len(detected):
        return np.full(len(detected), -1)
    partner = _nearest(detected, annotated)
    mutual = _nearest(annotated, detected)[partner] == np.arange(len(detected))
    close = np.abs(annotated[partner] - detected) <= tolerance_s
    return np.where(mutual & close, partner, -1)


def quality(annotated: Onsets, detected: Onsets) -> dict[str, int | float]:
    """Compare detections with annotations.

    Sensitivity = TP / annotated, positive predictivity = TP / detected; NaN where there
    is nothing to divide by. `mean_delay_s` is how much later than the annotation the
    detection is placed.
    """
    partner = match(annotated, detected)
    found = partner >= 0
    delays = detected[found] - annotated[partner[found]]
    n_found = int(found.sum())
    return {
        "annotated": len(annotated),
        "detected": len(detected),
        "true_positives": n_found,
        "sensitivity": n_found / len(annotated) if len(annotated) else np.nan,
        "positive_predictivity": n_found / len(detected) if len(detected) else np.nan,
        "mean_delay_s": float(delays.mean()) if n_found else np.nan,
    }


def _band_pass(samples: np.ndarray, sfreq: float) -> np.ndarray:
    from scipy import signal as sp

    sections = sp.butter(1, BAND, "bandpass", fs=sfreq, output="sos")
    rest = sp.sosfilt_zi(sections) * samples[:1]
    filtered: np.ndarray = sp.sosfilt(sections, samples, zi=rest)[0]
    return filtered


def _slope_rms(filtered: np.ndarray, width: int) -> np.ndarray:
    """Root of the moving integral of the squared slope: as linear as a voltage."""
    from scipy import signal as sp

    slope = np.diff(filtered, prepend=filtered[:1])
    integral = sp.lfilter(np.full(width, 1 / width), [1.0], np.square(slope))
    return np.sqrt(integral)


def _peaks(height: np.ndarray, reach: int) -> np.ndarray:
    """Find samples that nothing within `reach` exceeds; of equals the first counts."""
    from scipy.ndimage import maximum_filter1d

    highest = maximum_filter1d(height, 2 * reach + 1)
    peaks = np.flatnonzero((height == highest) & (height > 0))
    settled = peaks[peaks + reach < len(height)]
    return settled[np.diff(settled, prepend=-reach - 1) > reach]


def _accepted(heights: np.ndarray, times: np.ndarray) -> list[int]:
    """Choose the peaks that are beats, by levels that follow the peaks before them.

    threshold = noise + 0.3 · (beat − noise) · sunk,
    sunk = 2^−max(0, (t − last) / interval − 1.5). A beat found after the threshold sank
    corrects the level by as much, so that an artefact is soon forgotten.
    """
    accepted = []
    beat = noise = 0.0
    last, interval = 0.0, 1.0
    for index, (height, time) in enumerate(zip(heights, times, strict=True)):
        sunk = 2.0 ** -max(0.0, (time - last) / interval - OVERDUE)
        gain = max(GAIN, 1 / (index + 1))
        if height > noise + THRESHOLD * (beat - noise) * sunk:
            accepted.append(index)
            beat += max(gain, 1 - sunk) * (height - beat)
            interval += GAIN * (min(time - last, OVERDUE) - interval)
            last = time
        else:
            noise += gain * (height - noise)
    return accepted


def _nearest(events: Onsets, others: Onsets) -> np.ndarray:
    """Index of the nearest of `others` to each event."""
    after = np.searchsorted(others, events).clip(max=len(others) - 1)
    before = (after - 1).clip(min=0)
    closer = np.abs(events - others[before]) <= np.abs(others[after] - events)
    return np.where(closer, before, after)

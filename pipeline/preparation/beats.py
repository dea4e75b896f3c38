"""The beats of a recording, and how well the detector finds the annotated ones."""

import numpy as np
from jaxtyping import Float, Int

from pipeline.qrs import DELAY_S as DELAY_S
from pipeline.qrs import Detector

Onsets = Float[np.ndarray, " event"]
"""Times in a recording, seconds, rising."""

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
    detector = Detector(sfreq)
    found, _ = detector.detect(samples, detector.start())
    return found / sfreq


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


def _nearest(events: Onsets, others: Onsets) -> np.ndarray:
    """Index of the nearest of `others` to each event."""
    after = np.searchsorted(others, events).clip(max=len(others) - 1)
    before = (after - 1).clip(min=0)
    closer = np.abs(events - others[before]) <= np.abs(others[after] - events)
    return np.where(closer, before, after)

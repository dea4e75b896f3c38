"""Defaults of signal, windows and folds, as in the entries of params.yaml."""

from typing import Any

from pipeline.proposal.facts import Chosen, Labels
from pipeline.proposal.naming import Naming

LEAST_PERSONS = 3
"""What cross_subject needs: one person trains, one validates, one is tested."""
SHORT_S = 60.0
"""Recordings with one label that are shorter make one window each."""
NEAR = 1.25
"""Mains up to so many times the upper edge pass the filter's slope."""
BANDS = {"ecg": (0.5, 40.0, 125), "emg": (20.0, 110.0, 250), "eeg": (1.0, 45.0, 125)}
"""Pass band and rate after resampling, Hz: of ecg_demo, emg_demo and eegmat."""
SCALES: dict[str, dict[str, Any]] = {
    "ecg": {"tau_s": 10, "floor": 2.0e-5},
    "emg": {"tau_s": 30, "floor": 1.0e-6},
    "eeg": {"tau_s": 30, "floor": 1.0e-6, "shared": True},
}
SLIDING: dict[str, dict[str, Any]] = {
    "ecg": {"length_s": 10, "step_s": 5},
    "emg": {"length_s": 0.5, "step_s": 0.25, "skip_s": 0.25},
    "eeg": {"length_s": 2, "step_s": 1},
}
AROUND = {"ecg": (0.0, 1.0), "emg": (0.0, 0.5), "eeg": (0.5, 3.0)}


def signal(
    modality: str, rate: float, line_freq: float, *, whole: bool = False
) -> dict[str, Chosen]:
    """Choose a pass band, a rate and a scale.

    Parameters
    ----------
    modality : str
    rate : float
        Of the slowest recording, Hz.
    line_freq : float
        Hz.
    whole : bool
        A recording has one label: only the strength of one channel beside the others
        shows it in EMG, which a scale for each channel would take away.
    """
    low, high, resampled = BANDS[modality]
    sfreq = min(float(resampled), rate)
    fits = round(min(high, 0.48 * sfreq), 1)
    band = f"usual for {modality}"
    narrowed = f", below half of {sfreq:g} Hz" if fits < high else ""
    chosen = {
        "l_freq": Chosen(min(low, fits / 2), "default", band),
        "h_freq": Chosen(fits, "default", band + narrowed),
    }
    if modality != "ecg" and line_freq < min(NEAR * fits, rate / 2):
        near = "the mains lie in the band or near it"
        chosen["notch"] = Chosen(line_freq, "default", near)
    if rate > resampled:
        chosen["sfreq"] = Chosen(resampled, "default", f"enough for {fits:g} Hz")
    scale, why = SCALES[modality], band
    if whole and modality == "emg":
        scale = scale | {"shared": True}
        why = f"{band}; one for all channels, for a label lasts a whole recording"
    chosen["scale"] = Chosen(scale, "default", why)
    return chosen


def windows(modality: str, labels: Labels, shortest_s: float | None) -> Chosen:
    """Choose windows that fit the modality and what the labels last."""
    if modality == "ecg" and labels.value.get("map") == "aami":
        beats = {"kind": "beats", "beats": "annotated", "tmin": -2.0, "tmax": 0.5}
        return Chosen(beats, "default", "a long look-back shows the rhythm")
    if labels.lasting == "events":
        tmin, tmax = AROUND[modality]
        around = {"kind": "events", "tmin": tmin, "tmax": tmax}
        return Chosen(around, "default", "around each event; correct it to the task")
    one = labels.lasting == "recording"
    if one and shortest_s is not None and shortest_s < SHORT_S:
        length = {"kind": "recording", "length_s": round(0.95 * shortest_s, 2)}
        return Chosen(length, "default", f"the shortest lasts {shortest_s:g} s")
    sliding = {"kind": "sliding", **SLIDING[modality]}
    return Chosen(sliding, "default", f"usual for {modality}, within each block")


def folds(naming: Naming) -> Chosen:
    """Choose folds of persons, or of pieces where there are too few persons."""
    n = naming.persons
    if n >= LEAST_PERSONS:
        number = n if n < 5 else 4 if n < 10 else 5
        scheme = {"scheme": "cross_subject", "n_folds": number}
        return Chosen(scheme, "default", f"{n} persons: nobody is in two roles")
    within = {"scheme": "within_session", "n_folds": 3, "gap_s": 1.0}
    known = f"too few persons ({n})" if n else "unknown persons"
    return Chosen(within, "default", f"{known} for folds of persons")

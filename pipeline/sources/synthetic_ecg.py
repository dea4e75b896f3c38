"""Simulated two-lead ECGs with ectopic beats, written as WFDB records.

Each subject has a normal, an atrial ectopic and a ventricular morphology, drawn from
the ECGSYN model (NeuroKit2), laid out on a rhythm of its own in which ectopic beats
are truly premature, under baseline wander, mains hum and muscle noise.
"""

from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from pipeline.patterns import Patterns
from pipeline.seeds import generator
from pipeline.sources.base import Fetched, Source
from pipeline.sources.parts import ecgsyn as _ecgsyn
from pipeline.sources.parts.ecgsyn import ABERRANT, ATRIAL, LEADS, SYMBOLS, VENTRICULAR
from pipeline.sources.parts.simulation import (
    Simulation,
    simulate,
    simulation_inputs,
    subject_names,
    write_texts,
)
from pipeline.sources.parts.waves import band, mains, shaped_noise

BEFORE_S, AFTER_S = 0.35, 0.55


class SyntheticEcg(Source):
    """Two-lead ECG with normal, supraventricular and ventricular beats."""

    pattern: Annotated[
        Patterns, Field(description="path of a recording's main file")
    ] = ("{subject}.hea",)
    subjects: Annotated[int, Field(ge=2, le=999, description="people")] = 12
    minutes: Annotated[
        float, Field(ge=0.5, le=60, description="length of each recording, minutes")
    ] = 5.0
    sfreq: Annotated[int, Field(ge=128, le=1000, description="samples a second")] = 250

    def fetch(self, target: Path, *, seed: int) -> Fetched:
        """Write `sNN.hea`, `.dat`, `.atr` for each subject, and `RECORDS`.

        Parameters
        ----------
        target : Path
            The data set's raw folder.
        seed : int
            Equal seeds give equal bytes.
        """
        subjects = subject_names(self.subjects)
        inputs = simulation_inputs(self, seed)
        simulation = Simulation(target, inputs, subjects)
        files = simulate(simulation, partial(_write, self, seed))
        records = "".join(f"s{subject}\n" for subject in subjects)
        return Fetched(files | write_texts(target, {"RECORDS": records}))


def _write(settings: SyntheticEcg, seed: int, subject: str, folder: Path) -> None:
    """Write one subject's record: millivolts at 200 steps/mV, 12 bits, as MIT-BIH."""
    import wfdb

    rng = generator(seed, "synthetic_ecg", subject)
    length = round(settings.minutes * 60 * settings.sfreq)
    kinds, peaks = _rhythm(rng, length, settings.sfreq)
    signal = _beats(rng, kinds, peaks, length, settings.sfreq)
    signal += _disturbances(rng, length, settings.sfreq)
    n_leads = len(LEADS)
    wfdb.wrsamp(
        f"s{subject}",
        fs=settings.sfreq,
        units=["mV"] * n_leads,
        sig_name=list(LEADS),
        p_signal=np.clip(signal, -10, 10).T,
        fmt=["212"] * n_leads,
        adc_gain=[200.0] * n_leads,
        baseline=[0] * n_leads,
        comments=["simulated"],
        write_dir=str(folder),
    )
    symbols = [SYMBOLS[kind] for kind in kinds]
    wfdb.wrann(f"s{subject}", "atr", peaks, symbols, write_dir=str(folder))


def _rhythm(
    rng: np.random.Generator, length: int, sfreq: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the beats' kinds and peak samples.

    An atrial beat resets the sinus clock (the pause after it is a normal interval or
    a little more); a ventricular beat does not (interval and pause sum to two normal
    intervals).
    """
    sinus = _sinus_intervals(rng, length / sfreq)
    kinds = _kinds(rng, len(sinus))
    intervals = sinus.copy()
    atrial = np.flatnonzero((kinds == ATRIAL) | (kinds == ABERRANT))
    ventricular = np.flatnonzero(kinds == VENTRICULAR)
    intervals[atrial] *= rng.uniform(0.72, 0.95, len(atrial))
    intervals[atrial + 1] *= rng.uniform(1.00, 1.12, len(atrial))
    intervals[ventricular] *= rng.uniform(0.55, 0.95, len(ventricular))
    early = sinus[ventricular] - intervals[ventricular]
    intervals[ventricular + 1] += early
    peaks = np.round((0.2 + np.cumsum(intervals)) * sfreq).astype(int)
    inside = peaks < length - AFTER_S * sfreq
    return kinds[inside], peaks[inside]


def _sinus_intervals(rng: np.random.Generator, seconds: float) -> np.ndarray:
    """Draw normal intervals: breathing, Mayer waves, slow drift and jitter, seconds."""
    mean = 60 / rng.uniform(58, 92)
    times = mean * np.arange(int(seconds / (0.7 * mean)))
    breathing = rng.uniform(0.01, 0.08) * _wave(rng, rng.uniform(0.2, 0.3), times)
    mayer = rng.uniform(0.01, 0.03) * _wave(rng, 0.1, times)
    drift = rng.uniform(0.02, 0.05) * _wave(rng, rng.uniform(0.004, 0.01), times)
    jitter = rng.normal(0, rng.uniform(0.01, 0.04), len(times))
    return np.asarray(mean * (1 + breathing + mayer + drift + jitter))


def _kinds(rng: np.random.Generator, n_beats: int) -> np.ndarray:
    """Draw which beats are ectopic: at most one in every five, at least four apart."""
    slots = rng.permutation(np.arange(1, n_beats // 5))
    n_atrial = round(rng.uniform(0.15, 0.40) * len(slots))
    n_ventricular = round(rng.uniform(0.15, 0.45) * len(slots))
    places = 5 * slots + rng.integers(0, 2, len(slots))
    kinds = np.zeros(n_beats, dtype=int)
    kinds[places[:n_atrial]] = rng.choice([ATRIAL, ABERRANT], n_atrial, p=[0.7, 0.3])
    kinds[places[n_atrial : n_atrial + n_ventricular]] = VENTRICULAR
    return kinds


def _beats(
    rng: np.random.Generator,
    kinds: np.ndarray,
    peaks: np.ndarray,
    length: int,
    sfreq: int,
) -> np.ndarray:
    """Lay the subject's beats out on the rhythm, shape (lead, time), millivolts.

    The T wave follows the interval before the beat as the square root (Bazett);
    breathing moves the heart's axis and so the height.
    """
    offsets = np.arange(-round(BEFORE_S * sfreq), round(AFTER_S * sfreq))
    seconds = offsets / sfreq
    templates = _ecgsyn.draw_templates(rng, seconds, sfreq)
    before = np.diff(peaks, prepend=2 * peaks[0] - peaks[1]) / sfreq
    late = 0.1 + (seconds - 0.1) / np.sqrt(before)[:, None]
    warped = np.where(seconds < 0.1, seconds, late)
    height = 1 + 0.06 * _wave(rng, 0.25, peaks / sfreq)
    height += rng.normal(0, 0.03, len(peaks))
    signal = np.zeros((len(LEADS), length))
    for lead, kind in np.ndindex(len(LEADS), len(SYMBOLS)):
        chosen = kinds == kind
        shapes = np.interp(warped[chosen], seconds, templates[kind, lead])
        _add(signal[lead], peaks[chosen, None] + offsets, shapes * height[chosen, None])
    return signal


def _add(signal: np.ndarray, places: np.ndarray, values: np.ndarray) -> None:
    """Add values at places, in place; what falls outside is dropped."""
    inside = (places >= 0) & (places < len(signal))
    np.add.at(signal, places[inside], values[inside])


def _disturbances(rng: np.random.Generator, length: int, sfreq: int) -> np.ndarray:
    """Draw baseline wander, mains hum and muscle noise, shape (lead, time), mV."""
    times = np.arange(length) / sfreq
    shape = (len(LEADS), length)
    wander = rng.uniform(0.05, 0.25) * shaped_noise(rng, shape, sfreq, band(0.05, 0.3))
    hum = rng.uniform(0.005, 0.04) * mains(rng, len(LEADS), times)
    muscle = shaped_noise(rng, shape, sfreq, band(20, 0.4 * sfreq))
    tension = np.exp(0.6 * shaped_noise(rng, (length,), sfreq, band(0.01, 0.1)))
    return np.asarray(wander + hum + rng.uniform(0.015, 0.06) * tension * muscle)


def _wave(rng: np.random.Generator, hertz: float, times: np.ndarray) -> np.ndarray:
    """Draw a sine of unit amplitude and random phase."""
    return np.sin(2 * np.pi * (hertz * times + rng.uniform()))

"""Simulated EEG of imagined hand movements, written as an EEG-BIDS tree.

Both motor cortices idle in mu and beta rhythms; imagining a hand quiets them over the
opposite hemisphere. Pink background, posterior alpha, blinks and mains lie over it.
"""

from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from pipeline.patterns import Patterns
from pipeline.seeds import generator
from pipeline.sources.base import Fetched, Source
from pipeline.sources.parts.bids import (
    Sitting,
    description,
    keep_subject,
    make_raw,
    write_recording,
)
from pipeline.sources.parts.simulation import (
    Simulation,
    simulate,
    simulation_inputs,
    subject_names,
    write_texts,
)
from pipeline.sources.parts.waves import (
    band,
    mains,
    peak,
    pink,
    shaped_noise,
    smooth_step,
)

SCALP = {
    # right and forward of the vertex, in head radii
    "Fp1": (-0.29, 0.90),
    "Fp2": (0.29, 0.90),
    "FC3": (-0.36, 0.24),
    "FC4": (0.36, 0.24),
    "C3": (-0.48, 0.0),
    "Cz": (0.0, 0.0),
    "C4": (0.48, 0.0),
    "CP3": (-0.36, -0.24),
    "CP4": (0.36, -0.24),
    "Pz": (0.0, -0.48),
}
HANDS = {"left": (0.48, 0.0), "right": (-0.48, 0.0)}
"""The cortex of each hand: across the midline."""
TRIAL_S, IMAGERY_S = 5.0, 3.0
ABOUT = (
    "Simulated: EEG while the left or right hand is imagined to move for three "
    "seconds after each cue."
)
SIDECAR = {"EEGReference": "linked ears", "Manufacturer": "simulated"}


class SyntheticEeg(Source):
    """Left and right hand motor imagery on ten channels."""

    pattern: Annotated[
        Patterns, Field(description="path of a recording's main file")
    ] = ("sub-{subject}/eeg/sub-{subject}_task-imagery_eeg.edf",)
    subjects: Annotated[int, Field(ge=2, le=999, description="people")] = 10
    trials: Annotated[
        int, Field(ge=2, le=400, multiple_of=2, description="cues, half a side")
    ] = 48
    sfreq: Annotated[int, Field(ge=128, le=1000, description="samples a second")] = 160

    def fetch(self, target: Path, *, seed: int) -> Fetched:
        """Write `sub-NN/eeg/*_eeg.edf` with events, channels and electrodes.

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
        texts = description("Simulated motor imagery EEG", ABOUT, subjects)
        return Fetched(files | write_texts(target, texts))


def _write(settings: SyntheticEeg, seed: int, subject: str, folder: Path) -> None:
    """Write one subject's recording."""
    rng = generator(seed, "synthetic_eeg", subject)
    sides = rng.permutation(np.repeat(list(HANDS), settings.trials // 2))
    jitter = rng.uniform(0, TRIAL_S - IMAGERY_S - 1, settings.trials)
    onsets = np.round(1 + TRIAL_S * np.arange(settings.trials) + jitter, 3)
    seconds = int(np.ceil(1 + TRIAL_S * settings.trials))
    times = np.arange(seconds * settings.sfreq) / settings.sfreq
    volts = _rhythms(rng, sides, onsets, times) + _background(rng, times)
    events = [
        (float(onset), IMAGERY_S, str(side))
        for onset, side in zip(onsets, sides, strict=True)
    ]
    raw = make_raw(volts, list(SCALP), settings.sfreq, "eeg", events)
    raw.set_montage("colin27_1005")
    write_recording(folder, raw, Sitting(subject, "", "imagery", "eeg", SIDECAR))
    keep_subject(folder, subject)


def _rhythms(
    rng: np.random.Generator, sides: np.ndarray, onsets: np.ndarray, times: np.ndarray
) -> np.ndarray:
    """Draw the idling motor rhythms and their loss, shape (channel, time), volts.

    References
    ----------
    Pfurtscheller and Lopes da Silva, Event-related EEG/MEG synchronization and
    desynchronization, Clin. Neurophysiol. 110 (1999) 1842.
    """
    sfreq = 1 / times[1]
    mu, loss = rng.uniform(9.0, 12.5), rng.uniform(0.5, 0.8)
    volts = np.zeros((len(SCALP), len(times)))
    for hand, place in HANDS.items():
        deep = np.where(sides == hand, loss, rng.uniform(0.10, 0.25))
        deep = deep * rng.uniform(0.3, 1.2, len(sides))
        idle = 1 - _quieting(onsets, np.clip(deep, 0, 0.95), times)
        for hertz, width, size in ((mu, 1.0, 6e-6), (2.05 * mu, 2.5, 2.5e-6)):
            amplitude = size * rng.uniform(0.8, 1.25)
            wave = shaped_noise(rng, times.shape, sfreq, peak(hertz, width))
            volts += _spread(place, 0.3)[:, None] * (amplitude * idle * wave)
    return volts


def _quieting(onsets: np.ndarray, depth: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Sum the trials' desynchronisations: from 0.4 s after the cue to its end."""
    course = np.zeros_like(times)
    for onset, deep in zip(onsets, depth, strict=True):
        begun = smooth_step(times - onset - 0.6, 0.2)
        course += deep * begun * smooth_step(onset + IMAGERY_S + 0.2 - times, 0.2)
    return course


def _background(rng: np.random.Generator, times: np.ndarray) -> np.ndarray:
    """Draw what has nothing to do with the task, shape (channel, time), volts."""
    sfreq, shape = 1 / times[1], (len(SCALP), len(times))
    local = 5e-6 * shaped_noise(rng, shape, sfreq, pink)
    common = 6e-6 * shaped_noise(rng, times.shape, sfreq, pink)
    alpha = shaped_noise(rng, times.shape, sfreq, peak(rng.uniform(9, 11), 0.8))
    sway = np.exp(0.4 * shaped_noise(rng, times.shape, sfreq, band(0.02, 0.2)))
    posterior = _spread((0.0, -0.75), 0.35)[:, None] * (9e-6 * sway * alpha)
    hum = rng.uniform(0.5e-6, 2e-6) * mains(rng, len(SCALP), times)
    return np.asarray(local + common + posterior + hum + _blinks(rng, times))


def _blinks(rng: np.random.Generator, times: np.ndarray) -> np.ndarray:
    """Draw blinks: some fifteen a minute, 0.2 s, largest over the eyes."""
    count = rng.poisson(times[-1] / 60 * rng.uniform(8, 22))
    course = np.zeros_like(times)
    for middle in rng.uniform(0, times[-1], count):
        course += rng.uniform(0.6, 1.2) * np.exp(-(((times - middle) / 0.08) ** 2))
    return np.asarray(_spread((0.0, 1.05), 0.4)[:, None] * (160e-6 * course))


def _spread(place: tuple[float, float], width: float) -> np.ndarray:
    """Weigh the channels by their distance from a source, shape (channel,)."""
    distance = np.linalg.norm(np.array(list(SCALP.values())) - place, axis=1)
    return np.asarray(np.exp(-0.5 * (distance / width) ** 2))

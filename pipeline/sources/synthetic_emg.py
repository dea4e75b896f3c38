"""Simulated forearm EMG of hand gestures, written as an EMG-BIDS tree.

Muscles round the forearm each make band-limited noise whose amplitude follows the
gesture; an armband of eight electrodes picks up what is near. In the second session
the armband sits rotated and its contacts differ.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from pipeline.patterns import Patterns
from pipeline.seeds import generator
from pipeline.sources.base import Fetched, Source
from pipeline.sources.parts.bids import (
    Event,
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
from pipeline.sources.parts.waves import band, mains, shaped_noise, smooth_step

N_CHANNELS = 8
SESSIONS = ("01", "02")
HOLD_S, REST_S = 3.0, 1.5
PITCH = 2 * np.pi / N_CHANNELS
MUSCLES = np.deg2rad([15, 75, 130, 195, 250, 315])
"""Where the muscles lie: flexor carpi radialis, flexor digitorum, flexor carpi
ulnaris, extensor carpi ulnaris, extensor digitorum, extensor carpi radialis."""
GESTURES = {
    # effort of each muscle, of its largest
    "fist": [0.35, 1.00, 0.35, 0.20, 0.30, 0.30],
    "flexion": [0.90, 0.40, 0.90, 0.10, 0.10, 0.10],
    "extension": [0.10, 0.15, 0.15, 0.80, 0.60, 0.80],
    "radial": [0.80, 0.20, 0.10, 0.10, 0.25, 0.90],
    "ulnar": [0.10, 0.20, 0.90, 0.80, 0.25, 0.10],
}
ABOUT = (
    "Simulated: surface EMG of an eight-electrode armband during five gestures, in "
    "two sessions between which the armband was put on anew."
)
SIDECAR = {
    "EMGPlacementSchemeDescription": "armband round the thickest part of the forearm",
    "EMGReference": "bipolar",
    "EMGGround": "wrist",
    "Manufacturer": "simulated",
}


class SyntheticEmg(Source):
    """Armband EMG of five gestures in two sessions."""

    pattern: Annotated[
        Patterns, Field(description="path of a recording's main file")
    ] = (
        "sub-{subject}/ses-{session}/emg/"
        "sub-{subject}_ses-{session}_task-gestures_emg.edf",
    )
    subjects: Annotated[int, Field(ge=2, le=999, description="people")] = 10
    repetitions: Annotated[
        int, Field(ge=1, le=20, description="times each gesture is held, a session")
    ] = 3
    sfreq: Annotated[int, Field(ge=200, le=2000, description="samples a second")] = 500
    shift: Annotated[
        float,
        Field(ge=0, le=4, description="armband rotation between sessions, electrodes"),
    ] = 0.4

    def fetch(self, target: Path, *, seed: int) -> Fetched:
        """Write `sub-NN/ses-NN/emg/*_emg.edf` with events and channels.

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
        texts = description("Simulated armband EMG", ABOUT, subjects)
        return Fetched(files | write_texts(target, texts))


@dataclass(frozen=True)
class Arm:
    """The properties of a subject that are equal in all sessions.

    Parameters
    ----------
    muscles : array, shape (muscle,)
        Where they lie round the forearm, radians.
    habits : array, shape (gesture, muscle)
        How hard each muscle works in each gesture.
    focus : float
        How fast pick-up falls round the arm, von Mises' kappa: less under more fat.
    side : float
        Which way the armband slips, -1 or 1.
    """

    muscles: np.ndarray
    habits: np.ndarray
    focus: float
    side: float


def _write(settings: SyntheticEmg, seed: int, subject: str, folder: Path) -> None:
    """Write one subject's sessions: the same arm, the armband put on anew."""
    arm = _arm(generator(seed, "synthetic_emg", subject))
    channels = [f"EMG{channel}" for channel in range(1, N_CHANNELS + 1)]
    for number, session in enumerate(SESSIONS):
        rng = generator(seed, "synthetic_emg", subject, session)
        pickup = _pickup(rng, arm, number * settings.shift)
        events = _events(rng, settings.repetitions)
        efforts = _efforts(rng, arm, events, settings.sfreq)
        volts = _volts(rng, pickup, efforts, settings.sfreq)
        raw = make_raw(volts, channels, settings.sfreq, "emg", events)
        sitting = Sitting(subject, session, "gestures", "emg", SIDECAR)
        write_recording(folder, raw, sitting)
    keep_subject(folder, subject)


def _arm(rng: np.random.Generator) -> Arm:
    """Draw a person."""
    pattern = np.array(list(GESTURES.values()))
    habits = pattern * np.exp(rng.normal(0, 0.3, pattern.shape))
    return Arm(
        muscles=MUSCLES + rng.normal(0, np.deg2rad(9), len(MUSCLES)),
        habits=habits * np.exp(rng.normal(0, 0.3, len(MUSCLES))),
        focus=rng.uniform(1.5, 3.5),
        side=rng.choice([-1.0, 1.0]),
    )


def _pickup(rng: np.random.Generator, arm: Arm, shift: float) -> np.ndarray:
    """Weigh the muscles in each electrode, shape (channel, muscle).

    The armband is turned by about `shift` electrodes; each contact has its own gain.
    """
    turn = arm.side * shift * rng.uniform(0.75, 1.25)
    electrodes = PITCH * (np.arange(N_CHANNELS) + turn)
    nearness = np.cos(electrodes[:, None] - arm.muscles) - 1
    gains = np.exp(rng.normal(0, 0.12, (N_CHANNELS, 1)))
    return np.asarray(gains * np.exp(arm.focus * nearness))


def _events(rng: np.random.Generator, repetitions: int) -> list[Event]:
    """Draw the order of the gestures: each once a round, rest before each."""
    rounds = [rng.permutation(list(GESTURES)) for _ in range(repetitions)]
    events = []
    for number, gesture in enumerate(np.concatenate(rounds)):
        start = number * (REST_S + HOLD_S)
        events.append((start, REST_S, "rest"))
        events.append((start + REST_S, HOLD_S, str(gesture)))
    return events


def _efforts(
    rng: np.random.Generator, arm: Arm, events: list[Event], sfreq: int
) -> np.ndarray:
    """Draw how hard each muscle works, shape (muscle, time).

    A hold differs from the next, fluctuates, and follows its cue after a reaction
    time.
    """
    onset, duration, _ = events[-1]
    seconds = int(np.ceil(onset + duration + REST_S))
    times = np.arange(seconds * sfreq) / sfreq
    efforts = np.zeros((len(MUSCLES), len(times)))
    habits = dict(zip(GESTURES, arm.habits, strict=True))
    for onset, duration, gesture in events:
        if gesture != "rest":
            force = rng.uniform(0.5, 1.0) * np.exp(rng.normal(0, 0.25, len(MUSCLES)))
            begun = smooth_step(times - onset - rng.uniform(0.2, 0.4), 0.05)
            course = begun * smooth_step(onset + duration - 0.1 - times, 0.05)
            efforts += (force * habits[gesture])[:, None] * course
    fluctuation = shaped_noise(rng, efforts.shape, sfreq, band(0.3, 3.0))
    return np.asarray(efforts * np.exp(0.25 * fluctuation))


def _volts(
    rng: np.random.Generator, pickup: np.ndarray, efforts: np.ndarray, sfreq: int
) -> np.ndarray:
    """Mix what the electrodes see, shape (channel, time), volts.

    EMG grows about in proportion to effort; its spectrum peaks between 50 and
    150 Hz (De Luca, J. Appl. Biomech. 13 (1997) 135).
    """
    middle = rng.uniform(60, 100)
    upper = min(1.6 * middle, 0.45 * sfreq)
    carriers = shaped_noise(rng, efforts.shape, sfreq, band(0.5 * middle, upper))
    muscles = pickup @ (efforts * carriers)
    shape = muscles.shape
    contact = shaped_noise(rng, shape, sfreq, band(10, 0.45 * sfreq))
    movement = shaped_noise(rng, shape, sfreq, band(0.5, 3.0))
    hum = mains(rng, N_CHANNELS, np.arange(shape[1]) / sfreq)
    return np.asarray(150e-6 * muscles + 6e-6 * contact + 20e-6 * movement + 4e-6 * hum)

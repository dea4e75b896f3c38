"""The shapes of heart beats, drawn from the ECGSYN model."""

import numpy as np

LEADS = ("MLII", "V1")
SYMBOLS = ("N", "A", "a", "V")
NORMAL, ATRIAL, ABERRANT, VENTRICULAR = range(len(SYMBOLS))
# P, Q, R, S and T: angle of the beat's cycle (degrees), height (R waves), width (rad)
CONDUCTED = np.array(
    [
        [
            (-70, 0.15, 0.25),
            (-15, -0.10, 0.10),
            (0, 1.00, 0.10),
            (15, -0.20, 0.10),
            (100, 0.30, 0.40),
        ],
        [
            (-70, 0.06, 0.20),
            (-12, 0.25, 0.08),
            (0, -0.10, 0.10),
            (14, -0.90, 0.10),
            (100, -0.12, 0.40),
        ],
    ]
)
"""A beat that comes down the normal way, shape (lead, wave, 3)."""
FOCAL = np.array(
    [
        (-70, 0.00, 0.25),
        (-28, 0.25, 0.15),
        (0, 1.00, 0.26),
        (38, -0.35, 0.22),
        (125, -0.45, 0.45),
    ]
)
"""A beat that starts in the ventricle, any lead, shape (wave, 3)."""
P, QRS, R, S, T = 0, slice(1, 4), 2, 3, 4
ANGLE, HEIGHT, WIDTH = range(3)
BEATS = 8


def draw_templates(
    rng: np.random.Generator, seconds: np.ndarray, sfreq: int
) -> np.ndarray:
    """Draw a subject's beats, shape (kind, lead, time), millivolts.

    An atrial ectopic beat is the normal one with another P wave, nearer and often
    inverted. When it also meets a bundle branch still refractory its QRS is wide, as
    is that of a ventricular beat, which has no P and an axis of its own.
    """
    normal = _individual(rng, CONDUCTED)
    normal[:, QRS, WIDTH] *= rng.uniform(0.85, 1.8)
    atrial = normal.copy()
    atrial[:, P, ANGLE] += rng.uniform(5, 20)
    atrial[:, P, HEIGHT] *= rng.choice([-1.0, 0.5]) * rng.uniform(0.5, 1.2)
    aberrant = atrial.copy()
    aberrant[:, QRS, WIDTH] *= rng.uniform(1.3, 1.9)
    aberrant[1, S, HEIGHT] *= rng.uniform(-1.0, 0.5)
    ventricular = _individual(rng, np.array([FOCAL] * len(LEADS)))
    ventricular[:, :, WIDTH] *= rng.uniform(0.55, 1.1)
    ventricular[:, :, HEIGHT] *= rng.choice([-1.0, 1.0], (len(LEADS), 1))
    spans = rng.uniform((0.9, 0.7), (1.8, 1.5))
    other = spans * rng.uniform(0.6, 1.2, len(LEADS))
    return np.array(
        [
            _ecgsyn_beat(normal, spans, seconds, sfreq),
            _ecgsyn_beat(atrial, spans, seconds, sfreq),
            _ecgsyn_beat(aberrant, spans, seconds, sfreq),
            _ecgsyn_beat(ventricular, other, seconds, sfreq),
        ]
    )


def _individual(rng: np.random.Generator, waves: np.ndarray) -> np.ndarray:
    """Vary waves as people do, shape (lead, wave, 3)."""
    varied = waves.astype(float)
    varied[:, [P, T], ANGLE] += rng.normal(0, 5, (len(waves), 2))
    spread = rng.normal(0, (0.25, 0.08), varied[:, :, HEIGHT:].shape)
    varied[:, :, HEIGHT:] *= np.exp(spread)
    return varied


def _ecgsyn_beat(
    waves: np.ndarray, spans: np.ndarray, seconds: np.ndarray, sfreq: int
) -> np.ndarray:
    """Cut one beat of each lead out of ECGSYN, shape (lead, time), millivolts.

    ECGSYN moves round a circle once a beat, here once a second, and is pushed by
    Σ aᵢ Δθᵢ exp(-Δθᵢ²/2bᵢ²); a wave's height is then aᵢ bᵢ² / ω. The first lead's
    R peak stands at 0 s.

    References
    ----------
    McSharry et al., A dynamical model for generating synthetic electrocardiogram
    signals, IEEE Trans. Biomed. Eng. 50 (2003) 289.
    """
    leads = np.array([_ecgsyn(lead, sfreq) for lead in waves])
    upright = np.sign(waves[0, R, HEIGHT]) * leads[0]
    near = np.arange(-(sfreq // 16), sfreq // 16)
    turns = sfreq * np.arange(1, BEATS - 1)
    peaks = turns + near[np.argmax(upright[turns[:, None] + near], axis=1)]
    offsets = np.round(seconds * sfreq).astype(int)
    # The median, for the integrator's steps can be too long for a wave here and there.
    beats = np.median(leads[:, peaks[:, None] + offsets], axis=1)
    beats -= np.linspace(beats[:, 0], beats[:, -1], len(seconds), axis=1)
    return np.asarray(beats / np.ptp(beats, axis=1, keepdims=True) * spans[:, None])


def _ecgsyn(waves: np.ndarray, sfreq: int) -> np.ndarray:
    """Integrate ECGSYN at 60 beats a minute without variability or noise.

    The waves are far larger than ECGSYN's own breathing and the integrator's absolute
    tolerance; the result is scaled in any case.
    """
    import neurokit2

    angles, heights, widths = waves.T
    return np.asarray(
        neurokit2.ecg_simulate(
            duration=BEATS,
            sampling_rate=sfreq,
            method="ecgsyn",
            heart_rate=60,
            heart_rate_std=0,
            noise=0,
            random_state=0,
            ti=angles,
            ai=30 * heights / widths**2,
            bi=widths,
        )
    )

"""Small signals: an ECG with its beats, EEG and EMG, in volts."""

import numpy as np

RNG = np.random.Generator


def generator(*names: str) -> RNG:
    """Give the random numbers of a name."""
    seed = [sum(ord(c) << (8 * (k % 4)) for k, c in enumerate(name)) for name in names]
    return np.random.default_rng(seed)


def ecg(name: str, seconds: float, sfreq: float) -> tuple[np.ndarray, np.ndarray]:
    """Make two leads, shape (2, time), volts, and the samples of the beats."""
    rng = generator(name)
    intervals = rng.uniform(0.65, 1.0, int(seconds / 0.6))
    at_s = 0.4 + np.cumsum(intervals)
    at_s = at_s[at_s < seconds - 0.4]
    times = np.arange(round(seconds * sfreq)) / sfreq
    since = times[:, None] - at_s
    qrs = np.exp(-0.5 * (since / 0.012) ** 2).sum(axis=1)
    wave = np.exp(-0.5 * ((since - 0.25) / 0.05) ** 2).sum(axis=1)
    leads = np.stack([qrs + 0.15 * wave, -0.7 * qrs + 0.1 * wave])
    leads += 0.02 * rng.standard_normal(leads.shape)
    return 1e-3 * leads, np.round(at_s * sfreq).astype(int)


def noise(name: str, channels: int, samples: int, volts: float) -> np.ndarray:
    """Make channels that know nothing of each other, shape (channel, time)."""
    rng = generator(name)
    white = rng.standard_normal((channels, samples + 4))
    smooth = white[:, 4:] + white[:, 3:-1] + white[:, 2:-2] + white[:, 1:-3]
    return volts * smooth / 2

"""The parts of simulated signals."""

from collections.abc import Callable

import numpy as np

MAINS_HZ = 50.0

Spectrum = Callable[[np.ndarray], np.ndarray]
"""Amplitude at each frequency (Hz), up to a factor."""


def shaped_noise(
    rng: np.random.Generator, shape: tuple[int, ...], sfreq: float, spectrum: Spectrum
) -> np.ndarray:
    """Draw Gaussian noise of a given amplitude spectrum, unit variance overall.

    Parameters
    ----------
    rng : Generator
        Where the draw comes from.
    shape : tuple of int
        Time is the last axis; all else is independent.
    sfreq : float
        Samples per second.
    spectrum : callable
        Amplitude by frequency in hertz.
    """
    waves = np.fft.rfft(rng.standard_normal(shape))
    waves *= spectrum(np.fft.rfftfreq(shape[-1], 1 / sfreq))
    noise = np.fft.irfft(waves, shape[-1])
    return np.asarray(noise / noise.std(axis=-1, keepdims=True))


def band(low: float, high: float) -> Spectrum:
    """Make a band-pass spectrum with second-order Butterworth skirts.

    |H(f)| = ((1 + (low/f)⁴) (1 + (f/high)⁴))^-1/2, frequencies in hertz.
    """

    def amplitude(frequency: np.ndarray) -> np.ndarray:
        """Give the gain of a band, second order at both ends."""
        f = np.maximum(frequency, 1e-6)
        return np.asarray(((1 + (low / f) ** 4) * (1 + (f / high) ** 4)) ** -0.5)

    return amplitude


def peak(hertz: float, width: float) -> Spectrum:
    """Make the spectrum of a rhythm: Gaussian about its frequency, hertz."""

    def amplitude(frequency: np.ndarray) -> np.ndarray:
        """Give the gain of a Gaussian peak."""
        return np.asarray(np.exp(-0.5 * ((frequency - hertz) / width) ** 2))

    return amplitude


def pink(frequency: np.ndarray) -> np.ndarray:
    """Give the 1/f power of resting brain and skin, flat below 0.5 Hz."""
    return np.asarray(np.maximum(frequency, 0.5) ** -0.5)


def mains(rng: np.random.Generator, n_channels: int, times: np.ndarray) -> np.ndarray:
    """Draw the hum of the power line, shape (channel, time), about unit amplitude.

    Its phase is common, its coupling differs between channels, its frequency is off by
    a few hundredths of a hertz as the grid's is.
    """
    hertz = MAINS_HZ + rng.normal(0, 0.02)
    coupling = rng.uniform(0.5, 1.5, (n_channels, 1))
    wave = np.sin(2 * np.pi * hertz * times + rng.uniform(0, 2 * np.pi))
    return np.asarray(coupling * wave)


def smooth_step(seconds: np.ndarray, rise: float) -> np.ndarray:
    """Go from 0 to 1 about time 0, nine tenths of it within 1.5 `rise` either side."""
    return np.asarray(0.5 * (1 + np.tanh(seconds / rise)))

"""Spike activation maps: how much the spikes of a layer count at each moment."""

import numpy as np
from scipy.signal import lfilter

GAMMA_PER_S = 20.0
"""γ, 1/s: a spike 50 ms ago counts by 1/e. The paper's is of a step of its own data."""


def spike_activation(spikes: np.ndarray, dt: float) -> np.ndarray:
    """Compute the spike activation map of a layer over time.

    ::

        N[i, t] = Σ_{t' < t} s[i, t']·exp(−γ·(t − t')·dt)
        M[t]    = mean over i of N[i, t]·s[i, t]

    A spike of neuron i counts by its earlier ones, the later the more; the map is the
    mean over the neurons, where the paper has the sum over the channels at a place.
    With e = exp(−γ·dt), N[i, t] = e·(N[i, t−1] + s[i, t−1]): a linear filter.

    Parameters
    ----------
    spikes : array, shape (neuron, time)
        0 and 1. Spikes before the first column are not known to it.
    dt : float
        Seconds a step.

    Returns
    -------
    map : array, shape (time,)

    References
    ----------
    .. [1] Y. Kim and P. Panda, "Visual explanations from spiking neural networks using
       inter-spike intervals", Scientific Reports 11, 19037, 2021, eqs. 6 and 7.
    """
    kept = float(np.exp(-GAMMA_PER_S * dt))
    scores = lfilter([0.0, kept], [1.0, -kept], spikes.astype(np.float64), axis=1)
    activation: np.ndarray = (scores * spikes).mean(axis=0)
    return activation

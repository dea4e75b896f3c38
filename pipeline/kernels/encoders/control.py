"""How the threshold of a code moves: not, towards a rate of events, or an SNR."""

from typing import NamedTuple

import numpy as np

NOISE = 0.28
"""Power of the error of send-on-delta, in squares of the threshold: 1/6 where a signal
moves little in a sample, 1/3 where it moves far; from 19 dB on 0.21 … 0.34."""


class Control(NamedTuple):
    """How events and silence move a threshold; see `fixed` and what follows it.

    ::

        T[k+1] = min(max(T[k] · per_sample · per_event^n[k], low), high)

    or, with a gain, of the running power P of the reconstruction

    ::

        T[k+1] = min(max(gain · √P[k], low), high)

    Parameters
    ----------
    per_event, per_sample : float
        Factors; both 1 leave the threshold as it is.
    low, high : float
        The range that it keeps.
    weight : float
        Of the present in the running power.
    gain : float
        0: events and silence move the threshold.
    """

    per_event: float
    per_sample: float
    low: float
    high: float
    weight: float = 0.0
    gain: float = 0.0


def fixed() -> Control:
    """Leave the threshold as it is."""
    return Control(1.0, 1.0, 0.0, np.inf)


def controlled(
    threshold: float, events_per_s: float, adapt_s: float, sfreq: float, reach: float
) -> Control:
    r"""Steer the threshold of a channel towards a rate of events.

    An integral controller in the logarithm: with the rate r,

    .. math:: \frac{d \ln T}{dt} = \frac{1}{\tau}\left(\frac{r}{r^*} - 1\right)

    Where the rate goes with 1/T, as on a signal of many steps, a deviation of ln T
    decays with τ. It depends on events alone, so a decoder can repeat it.

    Parameters
    ----------
    threshold : float
        Where it starts.
    events_per_s : float
        The rate r* of both signs together.
    adapt_s : float
        The time constant τ, seconds.
    sfreq : float
        Samples per second.
    reach : float
        The threshold stays between threshold / reach and threshold · reach.
    """
    return Control(
        float(np.exp(1 / (adapt_s * events_per_s))),
        float(np.exp(-1 / (adapt_s * sfreq))),
        threshold / reach,
        threshold * reach,
    )


def towards_snr(
    threshold: float, snr_db: float, adapt_s: float, sfreq: float, reach: float
) -> Control:
    r"""Steer the threshold of a channel towards an SNR of the reconstruction.

    With the reconstruction :math:`g_k = \sum_{i \le k} T_i n_i`, its exponential mean
    :math:`m` and :math:`\alpha = 1 - e^{-1 / (\tau f)}`,

    .. math::

        P_k = P_{k-1} + \alpha\,((g_k - m_k)^2 - P_{k-1}), \qquad
        T_{k+1} = \sqrt{P_k / c}\; 10^{-\mathrm{SNR} / 20}

    for the error of a code that follows its signal has the power :math:`c\,T^2`. It
    depends on events alone, so a decoder can repeat it.

    Parameters
    ----------
    threshold : float
        Where it starts.
    snr_db : float
        SNR, dB.
    adapt_s : float
        The time constant τ, seconds.
    sfreq : float
        Samples per second, f.
    reach : float
        The threshold stays between threshold / reach and threshold · reach.
    """
    return Control(
        1.0,
        1.0,
        threshold / reach,
        threshold * reach,
        weight=float(-np.expm1(-1 / (adapt_s * sfreq))),
        gain=float(10 ** (-snr_db / 20) / np.sqrt(NOISE)),
    )

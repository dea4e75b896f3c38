r"""What a code of a recording costs, and what of the signal is left in it.

With the spikes n of a channel's F features in K steps, at the rate f:

.. math::

    \text{events a second} &= f n / K \\
    \text{sparsity} &= 1 - n / (F K) \\
    \text{SNR} &= 10 \log_{10}
        \frac{\sum_s \sum_k (x_k - \bar x_s)^2}{\sum_s \sum_k (e_k - \bar e_s)^2},
        \quad e_k = \hat x_{k + d} - x_k

x is the signal as the encoder saw it, filtered and in units of its running RMS,
x̂ what `decode` makes of the spikes and d its stated delay (fractions of a sample
are interpolated). The means are those of a segment s: codes that follow a signal
do not send its first value. The SNR is that of the first 10 minutes, or of
2²¹ / channels samples if these are less, for `decode` needs all of it in memory.
There is none, but a reason, where the spikes hold no waveform (`rhythm`).

Bits a second, of the channel:

==========  ==================================================================
raw         16 f
packed      F f: a bit a feature and step
AER         (⌈log₂ F_all⌉ + ⌈log₂ f⌉) for each event: its address among all
            features of the recording, and its step within the second. Marks of
            full seconds are not counted.
==========  ==================================================================

References
----------
Boahen (2000), Point-to-point connectivity between neuromorphic chips using address
events, IEEE Trans. Circuits Syst. II 47(5).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil, floor, log2
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float64

from pipeline.axes import Samples
from pipeline.encoders.base import Encoder
from pipeline.signals import Signal
from pipeline.spikes import Spikes, counts, unpack

RAW_BITS = 16
"""Bits a sample of the raw signal: those of common converters of biosignals."""

DECODED_S = 600.0
"""Seconds of a recording that are decoded, from its start: `decode` needs all at once.
"""
DECODED_VALUES = 1 << 21
"""Values (channels times samples) that are decoded, at most: they lie in memory."""

SILENT = "nothing of the channel's waveform is in its spikes"
EXACT = "the reconstruction is exact"
CONSTANT = "the signal does not change"
SHORT = "the recording is shorter than the delay of the decoder"
NOT_FINITE = "the signal has samples that are not finite"


@dataclass(frozen=True)
class Stretch:
    """A stretch of a signal and what its spikes give back, the delay taken off.

    Parameters
    ----------
    start : int
        First sample, of the recording's.
    channel : int
    signal, decoded : array, shape (time,), float64
    """

    start: int
    channel: int
    signal: Float64[np.ndarray, " time"]
    decoded: Float64[np.ndarray, " time"]


def measure(encoder: Encoder[Any], signal: Signal, spikes: Spikes) -> pd.DataFrame:
    """Measure the code of one recording, a row a channel.

    The module's docstring has the equations and the conventions of bits.

    Parameters
    ----------
    encoder : Encoder
    signal, spikes : Signal, Spikes
        They may be open: of the signal only what is decoded is read.

    Returns
    -------
    table : DataFrame
        Columns channel, features, duration_s, events, events_per_s, sparsity, snr_db
        (NaN where there is a reason), snr_absent, decoded_s, raw_bits_per_s,
        packed_bits_per_s, aer_bits_per_s.
    """
    channels, sfreq = signal.channels, signal.sfreq
    duration_s = spikes.n_steps * spikes.dt
    owners = np.array(encoder.feature_channels(channels))
    found, own = counts(spikes), [owners == channel for channel in channels]
    events = np.array([found[rows].sum() for rows in own])
    features = np.array([rows.sum() for rows in own])
    event_bits = ceil(log2(len(spikes.features))) + max(0, ceil(log2(sfreq)))
    with np.errstate(invalid="ignore"):  # of a channel that no part encodes
        sparsity = 1 - events / (features * spikes.n_steps)
    return pd.DataFrame(
        {
            "channel": channels,
            "features": features,
            "duration_s": duration_s,
            "events": events,
            "events_per_s": events / duration_s,
            "sparsity": sparsity,
            **_snr(encoder, signal, spikes),
            "raw_bits_per_s": RAW_BITS * sfreq,
            "packed_bits_per_s": features * sfreq,
            "aer_bits_per_s": events * event_bits / duration_s,
        }
    )


def operations_per_s(
    encoder: Encoder[Any], channels: tuple[str, ...], sfreq: float
) -> dict[str, float] | None:
    """Count the encoder's operations a second of all channels; None: not known."""
    n_features = len(encoder.features(channels))
    operations = encoder.on(channels).operations_per_step(n_features)
    if operations is None:
        return None
    return {kind: sfreq * n for kind, n in operations.items()}


def stretches(
    encoder: Encoder[Any], signal: Signal, spikes: Spikes
) -> Iterator[Stretch]:
    """Decode the beginning of a recording, segment by segment and channel by channel.

    Every segment starts anew. One that is no longer than a channel's delay has no
    stretch of it.
    """
    code, n_channels = encoder.on(signal.channels), len(signal.channels)
    delays_s = code.decode_delays_s(n_channels, signal.sfreq)
    end = decoded_steps(signal)
    bounds = zip(signal.segments, (*signal.segments[1:], end), strict=True)
    for start, stop in bounds:
        stop = min(stop, end)
        if stop <= start:
            return
        decoded = code.decode(unpack(spikes, start, stop), signal.sfreq)
        samples: Samples = signal.samples[:, start:stop]
        for channel, delay_s in enumerate(delays_s):
            back = _earlier(decoded[channel], delay_s * signal.sfreq)
            if len(back):
                own = samples[channel, : len(back)].astype(np.float64)
                yield Stretch(start, channel, own, back)


def decoded_steps(signal: Signal) -> int:
    """Count the samples of a recording that are decoded."""
    most = DECODED_VALUES // len(signal.channels)
    n_samples = int(signal.samples.shape[1])
    return min(n_samples, most, round(DECODED_S * signal.sfreq))


def _earlier(
    decoded: Float64[np.ndarray, " time"], lag: float
) -> Float64[np.ndarray, " time"]:
    """Take a delay off, samples; between two of them along a line."""
    decoded = decoded.astype(np.float64)
    # Rates in Hz and delays in seconds do not multiply to exact integers.
    whole, part = floor(lag + 1e-6), max(0.0, lag - floor(lag + 1e-6))
    if part < 1e-6:
        return decoded[whole:]
    return (1 - part) * decoded[whole:-1] + part * decoded[whole + 1 :]


def _snr(encoder: Encoder[Any], signal: Signal, spikes: Spikes) -> Mapping[str, Any]:
    """Compute the SNR of each channel, or why there is none."""
    n_channels = len(signal.channels)
    power, error = np.zeros(n_channels), np.zeros(n_channels)
    given, steps = np.zeros(n_channels, np.bool_), np.zeros(n_channels, np.int64)
    for each in stretches(encoder, signal, spikes):
        channel = each.channel
        power[channel] += _scatter(each.signal)
        error[channel] += _scatter(each.decoded - each.signal)
        given[channel] |= bool(each.decoded.any())
        steps[channel] += len(each.signal)
    rows = zip(*(a.tolist() for a in (power, error, given, steps)), strict=True)
    absent = [_why_absent(*row) for row in rows]
    with np.errstate(divide="ignore", invalid="ignore"):
        snr_db = 10 * np.log10(power / error)
    known = np.array([not reason for reason in absent])
    return {
        "snr_db": np.where(known, snr_db, np.nan),
        "snr_absent": absent,
        "decoded_s": steps / signal.sfreq,
    }


def _scatter(values: Float64[np.ndarray, " time"]) -> float:
    """Add up squares around the mean."""
    return float(np.square(values - values.mean()).sum())


def _why_absent(power: float, error: float, given: bool, steps: int) -> str:
    """Say why a channel has no SNR; "": it has one."""
    if not steps:
        return SHORT
    if not np.isfinite(power):
        return NOT_FINITE
    if not power:
        return CONSTANT
    if not given:
        return SILENT
    return "" if error else EXACT

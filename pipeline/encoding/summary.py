"""A data set's codes in few numbers, and a piece of one to look at."""

from collections import Counter
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float64

from pipeline import files
from pipeline.encoders.base import Encoder
from pipeline.encoding.encode import Encoded
from pipeline.encoding.measure import Stretch, operations_per_s, stretches
from pipeline.signals import Signal
from pipeline.spikes import Spikes, unpack

EXCERPT_S = 4.0
"""Seconds of an excerpt."""

QUALITY, EXCERPT, SUMMARY = "quality.parquet", "excerpt.parquet", "summary.json"
"""The files of `data/encoding`."""


def save_summary(
    folder: Path,
    encoded: Sequence[Encoded],
    encoder: Encoder[Any],
    dataset: str,
    spikes: Path,
) -> dict[str, Any]:
    """Write what the codes of a data set cost and keep.

    Parameters
    ----------
    folder : Path
        Takes `quality.parquet`, a row a recording and channel (see `measure`);
        `summary.json`, which is returned; `excerpt.parquet`, of the first recording.
    encoded : sequence of Encoded
    encoder : Encoder
    dataset : str
    spikes : Path
        Folder of the spike trains.
    """
    tables = [one.measured.assign(recording=one.recording) for one in encoded]
    table = pd.concat(tables, ignore_index=True)
    recording = encoded[0].recording
    name, signals = f"{recording}.h5", files.folder("signals", dataset)
    with (
        files.open_signal(signals / name) as signal,
        files.open_spikes(spikes / name) as train,
    ):
        channel, piece = excerpt(encoder, signal, train)
        operations = operations_per_s(encoder, signal.channels, signal.sfreq)
    found = summarise(table) | {
        "operations_per_s": operations,
        "excerpt": {"recording": recording, "channel": channel},
    }
    files.save_table(folder / QUALITY, table)
    files.save_table(folder / EXCERPT, piece)
    files.save_json(folder / SUMMARY, found)
    return found


def summarise(table: pd.DataFrame) -> dict[str, Any]:
    """Pool what `measure` found of all channels of all recordings.

    ::

        events_per_s  = Σ events / Σ duration, of a channel
        sparsity      = 1 − Σ events / Σ (features · steps)
        snr_db        = median of the channels that have one; `snr_db_lowest` of all
        aer_ratio     = Σ AER bits / Σ raw bits;  packed_ratio likewise

    `snr_channels` counts those with an SNR, `snr_absent` the others by reason.
    """
    duration_s = table["duration_s"]
    bits = {
        kind: float((table[f"{kind}_bits_per_s"] * duration_s).sum())
        for kind in ("raw", "packed", "aer")
    }
    known = table["snr_db"].dropna()
    absent = Counter(table.loc[table["snr_absent"] != "", "snr_absent"])
    events = int(table["events"].sum())
    return {
        "events_per_s": events / float(duration_s.sum()),
        # A packed bit is one feature at one step.
        "sparsity": 1 - events / bits["packed"],
        "snr_db": float(known.median()) if len(known) else None,
        "snr_db_lowest": float(known.min()) if len(known) else None,
        "snr_channels": len(known),
        "snr_absent": dict(sorted(absent.items())),
        "aer_ratio": bits["aer"] / bits["raw"],
        "packed_ratio": bits["packed"] / bits["raw"],
    }


def excerpt(
    encoder: Encoder[Any], signal: Signal, spikes: Spikes
) -> tuple[str, pd.DataFrame]:
    """Cut a few seconds of one channel, with its reconstruction and its spikes.

    They lie in the middle of what is decoded of the first segment. The channel is the
    first whose waveform is in its spikes, or the first that has any. The delay of the
    decoder and the mean of its error are taken off, as for the SNR; spikes stand where
    they fire.

    Returns
    -------
    channel : str
    table : DataFrame
        Columns time_s (since the start of the recording), signal, decoded (NaN where
        nothing can be decoded), and a boolean one a feature of the channel.
    """
    first = takewhile(lambda s: s.start == 0, stretches(encoder, signal, spikes))
    chosen = next((s for s in first if s.decoded.any()), None)
    owners = encoder.feature_channels(signal.channels)
    name = signal.channels[chosen.channel] if chosen else owners[0]
    n_steps = len(chosen.signal) if chosen else _first_stop(signal)
    decoded = _centred(chosen) if chosen else np.full(n_steps, np.nan)
    width = min(n_steps, round(EXCERPT_S * signal.sfreq))
    start = (n_steps - width) // 2
    stop = start + width
    rows = zip(spikes.features, owners, unpack(spikes, start, stop), strict=True)
    samples = signal.samples[signal.channels.index(name), start:stop]
    return name, pd.DataFrame(
        {
            "time_s": np.arange(start, stop) / signal.sfreq,
            "signal": samples,
            "decoded": decoded[start:stop],
            **{feature: row for feature, owner, row in rows if owner == name},
        }
    )


def _centred(stretch: Stretch) -> Float64[np.ndarray, " time"]:
    """Take the mean of the error off what is decoded."""
    error = stretch.decoded - stretch.signal
    centred: Float64[np.ndarray, " time"] = stretch.decoded - error.mean()
    return centred


def _first_stop(signal: Signal) -> int:
    """Give the end of the first segment."""
    return int((*signal.segments[1:], signal.samples.shape[1])[0])

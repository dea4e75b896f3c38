"""What `biospike encode` prints and writes."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline import files
from pipeline.aer import to_events
from pipeline.encoded_file import EncodedFile
from pipeline.encoding.measure import operations_per_s
from pipeline.encoding.summary import excerpt, summarise
from pipeline.errors import ConfigError
from pipeline.spikes import unpack

PICTURES = (".png", ".svg")
EVENTS = (".npy",)
COLUMNS = (
    "channel",
    "events/s",
    "sparsity",
    "SNR",
    "raw bit/s",
    "events bit/s",
    "packed bit/s",
)


def check_suffix(flag: str, path: Path | None, suffixes: tuple[str, ...]) -> None:
    """Refuse a file to write that has another suffix than its format.

    Raises
    ------
    ConfigError
    """
    if path is not None and path.suffix.lower() not in suffixes:
        raise ConfigError(
            flag,
            f"the file {path}",
            expected=f"a name that ends in {' or '.join(suffixes)}",
            remedy="give it that ending",
        )


def show(encoded: EncodedFile, name: str, console: Console) -> None:
    """Print how the recording was prepared, and what its code costs and keeps."""
    for line in _about(encoded, name):
        console.print(line, markup=False, soft_wrap=True)
    table = Table(box=None, pad_edge=False)
    for place, title in enumerate(COLUMNS):
        table.add_column(title, justify="right" if place else "left")
    for row in encoded.table.itertuples():
        table.add_row(*map(Text, _cells(row)))
    console.print(table)
    for line in _totals(encoded):
        console.print(line, markup=False, soft_wrap=True)


def save_picture(encoded: EncodedFile, path: Path) -> None:
    """Draw a few seconds of a channel: signal, reconstruction and spikes."""
    from pipeline.plots.excerpt import save

    channel, table = excerpt(encoded.encoder, encoded.signal, encoded.spikes)
    with files.replacing(path) as partial:
        save(table, channel, partial, path.suffix.lower().removeprefix("."))


def save_events(encoded: EncodedFile, path: Path) -> None:
    """Write all spikes as address events, in Tonic's layout, for `numpy.load`."""
    events = to_events(unpack(encoded.spikes), encoded.signal.sfreq)
    with files.replacing(path) as partial, partial.open("wb") as file:
        np.save(file, events, allow_pickle=False)


def _about(encoded: EncodedFile, name: str) -> list[str]:
    signal, settings = encoded.signal, encoded.settings
    n_samples = signal.samples.shape[1]
    notch = f", without {settings.notch:g} Hz" if settings.notch else ""
    scale = settings.scale
    assert scale is not None  # every modality has one
    shared = "of all channels" if scale.shared else "of its own"
    return [
        f"{encoded.modality}, {len(signal.channels)} channels, "
        f"{n_samples / signal.sfreq:.1f} s",
        f"prepared: {settings.l_freq:g} to {settings.h_freq:g} Hz{notch}, "
        f"{signal.sfreq:g} samples/s, each channel in units of the running RMS "
        f"{shared} ({scale.tau_s:g} s)",
        f"encoder {name}: {len(encoded.spikes.features)} features, late by "
        f"{encoded.spikes.delay_s:g} s",
    ]


def _cells(row: Any) -> list[str]:
    """Write a channel's row; in place of an SNR its reason."""
    sparsity = "–" if pd.isna(row.sparsity) else f"{row.sparsity:.1%}"
    bits = (row.raw_bits_per_s, row.aer_bits_per_s, row.packed_bits_per_s)
    return [
        row.channel,
        f"{row.events_per_s:.1f}",
        sparsity,
        row.snr_absent or f"{row.snr_db:.1f} dB",
        *(f"{each:,.0f}" for each in bits),
    ]


def _totals(encoded: EncodedFile) -> list[str]:
    found, signal = summarise(encoded.table), encoded.signal
    operations = operations_per_s(encoded.encoder, signal.channels, signal.sfreq)
    listed = ", ".join(f"{n:,.0f} {kind}s" for kind, n in (operations or {}).items())
    lines = [
        f"bits of events {found['aer_ratio']:.1%}, of packed spikes "
        f"{found['packed_ratio']:.1%} of the raw signal's (16 bits a sample)",
        f"operations a second, at most: {listed or 'not known'}",
    ]
    if found["snr_channels"]:
        decoded_s = encoded.table["decoded_s"].max()
        lines.append(f"SNR of the first {decoded_s:.0f} s, of the signal as prepared")
    return lines

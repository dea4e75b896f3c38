"""Turn prepared signals into spike trains, one recording after the other.

Recordings are encoded, not their windows: overlapping windows then cost nothing,
and a live stream gives the spikes that a file gives.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Int64

from pipeline import files, seeds, unfinished
from pipeline.axes import PackedBits
from pipeline.encoders.base import Beats, Encoder
from pipeline.encoding.measure import measure
from pipeline.parallel import parallel_map
from pipeline.signals import Signal
from pipeline.spikes import Spikes

Annotated = Int64[np.ndarray, " beat"]
"""Samples of a prepared signal on which beats are annotated, rising."""

NO_BEATS: Annotated = np.empty(0, np.int64)

PIECE_VALUES = 64 * 15616
"""Values (channels times samples) that are encoded at once. No power of two: the rows
of what is packed would then share few places in a cache."""


@dataclass(frozen=True)
class Encoded:
    """What became of one recording.

    Parameters
    ----------
    recording : str
    made : bool
        False if the file of an earlier run was kept.
    measured : DataFrame
        As `measure` gives it.
    """

    recording: str
    made: bool
    measured: pd.DataFrame

    @property
    def n_features(self) -> int:
        """Count the rows of the spike train."""
        return int(self.measured["features"].sum())

    @property
    def spikes_per_s(self) -> float:
        """Average over its features."""
        feature_s = self.measured["features"] * self.measured["duration_s"]
        return float(self.measured["events"].sum() / feature_s.sum())


def encode(encoder: Encoder[Any], signal: Signal, rng: np.random.Generator) -> Spikes:
    """Encode one recording in memory."""
    n_features = len(encoder.features(signal.channels))
    packed = np.empty((n_features, -(-signal.samples.shape[1] // 8)), np.uint8)
    done = 0
    for piece in packed_pieces(encoder, signal, rng):
        packed[:, done : done + piece.shape[1]] = piece
        done += piece.shape[1]
    return replace(_about(encoder, signal), packed=packed)


def packed_pieces(
    encoder: Encoder[Any],
    signal: Signal,
    rng: np.random.Generator,
    annotated: Annotated | None = None,
) -> Iterator[PackedBits]:
    """Encode one recording piece by piece; every segment starts anew.

    Parameters
    ----------
    encoder : Encoder
    signal : Signal
        It may be open (`files.open_signal`): then it is read as it is encoded.
    rng : Generator
        The first segment draws from it, each later one from a child of its own.
    annotated : array, shape (beat,), optional
        Samples of the signal on which beats are annotated, for an oracle.

    Yields
    ------
    packed : array, shape (feature, byte), uint8
        Joined along time, the packed bits of all steps, segment after segment.
    """
    starts, n_steps = signal.segments, signal.samples.shape[1]
    generators = [rng, *rng.spawn(len(starts) - 1)]
    bounds = zip(starts, (*starts[1:], n_steps), generators, strict=True)
    rest = np.empty((len(encoder.features(signal.channels)), 0), np.bool_)
    for start, stop, own in bounds:
        code = encoder.on(signal.channels, _within(annotated, start, stop))
        state = code.initial_state(len(signal.channels), signal.sfreq, own)
        for first, last in _pieces(start, stop, len(signal.channels)):
            samples = signal.samples[:, first:last]
            if (last - first) % 8 == 0:  # then it begins a byte, too
                packed, state = code.encode_packed(samples, state)
                yield packed
                continue
            spikes, state = code.encode(samples, state)
            rest = np.concatenate([rest, spikes], axis=1)
            if last % 8 == 0:
                yield np.packbits(rest, axis=1)
                rest = rest[:, :0]
    yield np.packbits(rest, axis=1)


def _pieces(start: int, stop: int, n_channels: int) -> Iterator[tuple[int, int]]:
    """Divide a segment into pieces of full bytes, and what lies before and after."""
    step = max(8, PIECE_VALUES // n_channels // 8 * 8)
    begun, ended = min(-(-start // 8) * 8, stop), max(start, stop // 8 * 8)
    if begun > start:
        yield start, begun
    for first in range(begun, ended, step):
        yield first, min(first + step, ended)
    if stop > max(begun, ended):
        yield ended, stop


def _within(annotated: Annotated | None, start: int, stop: int) -> Beats | None:
    """Give the annotated beats of a segment, from its start."""
    if annotated is None:
        return None
    inside = annotated[(annotated >= start) & (annotated < stop)]
    return tuple((inside - start).tolist())


def _about(encoder: Encoder[Any], signal: Signal) -> Spikes:
    """Make the spike train of a signal without its bits."""
    features = encoder.features(signal.channels)
    return Spikes(
        np.empty((len(features), 0), np.uint8),
        n_steps=signal.samples.shape[1],
        dt=1 / signal.sfreq,
        delay_s=encoder.delay_s(signal.sfreq),
        features=features,
    )


def annotated_beats(dataset: str) -> dict[str, Annotated] | None:
    """Read the annotated beats of each recording; None if the data set has none."""
    table = files.load_table(files.folder("windows", dataset) / "annotated.parquet")
    beats = {
        str(recording): own.to_numpy(np.int64)
        for recording, own in table.groupby("recording")["sample"]
    }
    return beats or None


def encode_dataset(
    encoder: Encoder[Any],
    target: Path,
    *,
    name: str,
    dataset: str,
    seed: int,
    code: str,
    annotated: Mapping[str, Annotated] | None = None,
) -> list[Encoded]:
    """Encode every prepared signal of a data set.

    Reads `data/signals/<dataset>`. A file that is there already and was made of the
    same signal, settings, seed and code is kept; files of recordings that are no longer
    there are removed.

    Parameters
    ----------
    encoder : Encoder
    target : Path
        The folder to write to.
    name : str
        The encoder's key in `params.yaml`.
    dataset : str
    seed : int
        Each recording draws from a generator of its own, named after it; under
        pseudonyms, after its order.
    code : str
        Digest of the code that encodes.
    annotated : mapping of str to array, optional
        For an oracle, the samples of each recording's annotated beats.
    """
    # Absolute, for workers may have started while this process was elsewhere.
    found = files.folder("signals", dataset).resolve().glob("*.h5")
    sources = sorted(found, key=lambda path: files.signal_order(path) or path.stem)
    files.keep_only(target, {source.name for source in sources})
    asked = (seed, name, dataset), code, annotated
    one = partial(_encode_file, encoder, target, *asked)
    return parallel_map(one, sources, what=f"encode {dataset}-{name}")


def _encode_file(
    encoder: Encoder[Any],
    target: Path,
    seed: tuple[int, str, str],
    code: str,
    annotated: Mapping[str, Annotated] | None,
    source: Path,
) -> Encoded:
    """Encode one file, unless that was done already."""
    recording, path = source.stem, target / source.name
    beats = None if annotated is None else annotated.get(recording, NO_BEATS)
    marks = None if beats is None else beats.tolist()
    inputs = files.inputs_digest(encoder, seed, code, files.file_digest(source), marks)
    made = not unfinished.is_made_of(path, inputs)
    if made:
        with files.open_signal(source) as signal:
            rng = seeds.generator(*seed, signal.order or recording)
            about = _about(encoder, signal)
            pieces = packed_pieces(encoder, signal, rng, beats)
            files.write_spikes(path, about, pieces)
        unfinished.note_inputs(path, inputs)
    with files.open_spikes(path) as spikes, files.open_signal(source) as signal:
        return Encoded(recording, made, measure(encoder, signal, spikes))

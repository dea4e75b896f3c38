"""Turn prepared signals into spike trains, one recording after the other.

The whole recording is encoded, not its windows: overlapping windows then cost nothing,
and a live stream gives the spikes that a file gives.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from pipeline import files, seeds, unfinished
from pipeline.axes import PackedBits, Samples
from pipeline.encoders.base import Encoder
from pipeline.files import Signal
from pipeline.parallel import parallel_map
from pipeline.spikes import Spikes, rate

CHUNK = 1 << 16
"""Samples encoded at once; a multiple of 8, so that packed chunks can be joined."""


@dataclass(frozen=True)
class Encoded:
    """What became of one recording.

    Parameters
    ----------
    recording : str
    spikes_per_s : float
        Mean over features.
    made : bool
        False if the file of an earlier run was kept.
    """

    recording: str
    spikes_per_s: float
    made: bool


def encode(encoder: Encoder[Any], signal: Signal, rng: np.random.Generator) -> Spikes:
    """Encode one recording, chunk by chunk."""
    state = encoder.initial_state(len(signal.channels), rng)
    packed = np.concatenate(
        list(_packed_chunks(encoder, signal.samples, state)), axis=1
    )
    return Spikes(
        packed,
        n_steps=signal.samples.shape[1],
        dt=1 / signal.sfreq,
        delay_s=encoder.delay_s(signal.sfreq),
        features=encoder.features(signal.channels),
    )


def encode_dataset(
    encoder: Encoder[Any],
    target: Path,
    *,
    name: str,
    dataset: str,
    seed: int,
    code: str,
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
        Each recording draws from a generator of its own.
    code : str
        Digest of the code that encodes.
    """
    # Absolute, for workers may have started while this process was elsewhere.
    sources = sorted(files.folder("signals", dataset).resolve().glob("*.h5"))
    files.keep_only(target, {source.name for source in sources})
    one = partial(_encode_file, encoder, target, (seed, name, dataset), code)
    return parallel_map(one, sources, what=f"encode {dataset}-{name}")


def _encode_file(
    encoder: Encoder[Any],
    target: Path,
    seed: tuple[int, str, str],
    code: str,
    source: Path,
) -> Encoded:
    """Encode one file, unless that was done already."""
    recording, path = source.stem, target / source.name
    inputs = files.inputs_digest(encoder, seed, code, files.file_digest(source))
    made = not unfinished.is_made_of(path, inputs)
    if made:
        rng = seeds.generator(*seed, recording)
        spikes = encode(encoder, files.load_signal(source), rng)
        files.save_spikes(path, spikes)
        unfinished.note_inputs(path, inputs)
    else:
        spikes = files.load_spikes(path)
    return Encoded(recording, float(rate(spikes).mean()), made)


def _packed_chunks(
    encoder: Encoder[Any], samples: Samples, state: Any
) -> Iterator[PackedBits]:
    for start in range(0, samples.shape[1], CHUNK):
        spikes, state = encoder.encode(samples[:, start : start + CHUNK], state)
        yield np.packbits(spikes, axis=1)

"""The front end's reference implementation, code and all."""

import importlib

import numpy as np

from pipeline.axes import SpikeBits
from pipeline.encoders.rhythm import Rhythm
from pipeline.front_end.beat_design import BeatForm
from pipeline.front_end.chain import FrontEnd
from pipeline.front_end.code_design import thermometer
from pipeline.front_end.coding import Part
from pipeline.kernels.front_end.beats import plain_beats
from pipeline.kernels.front_end.plain import plain_prepared
from pipeline.kernels.front_end.plain import ratio as plain_ratio

KERNELS = "pipeline.kernels.front_end.codes"


def plain_front_end(codes: np.ndarray, front_end: FrontEnd) -> tuple[SpikeBits, int]:
    """Turn a complete recording into spikes, and count the saturated samples."""
    levels, scales, n_saturated = plain_prepared(codes, front_end.constants)
    coded = [plain_part(part, levels, scales) for part in front_end.parts]
    return np.concatenate(coded), n_saturated


def plain_part(part: Part, levels: np.ndarray, scales: np.ndarray) -> SpikeBits:
    """Encode by the part's reference; of beats, by the encoder that is given them."""
    own = levels[list(part.rows)], scales[list(part.rows)]
    if isinstance(part.code, BeatForm):
        return plain_beat_code(part.code, *own)
    kernel = importlib.import_module(f"{KERNELS}.{part.name}")
    counts = [
        kernel.plain(part.code.constants, *rows)
        for rows in zip(*(each.tolist() for each in own), strict=True)
    ]
    return thermometer(np.array(counts, np.int8).reshape(own[0].shape), part.code.most)


def plain_beat_code(
    code: BeatForm, levels: np.ndarray, scales: np.ndarray
) -> SpikeBits:
    bits, sfreq = code.finder.bits, code.finder.sfreq
    rows = [
        [plain_ratio(x, bits, s) for x, s in zip(*row, strict=True)]
        for row in zip(levels.tolist(), scales.tolist(), strict=True)
    ]
    samples = np.array(rows, np.int64).reshape(levels.shape) / 2**bits
    coded = []
    # Of a code with a detector a channel, each channel is a recording of its own.
    alone = isinstance(code.encoder, Rhythm)
    for k, row in enumerate(rows if alone else rows[:1]):
        beats = tuple(plain_beats(code.finder.constants, row))
        oracle = code.encoder.model_copy(update={"beats": "annotated"}).on((), beats)
        own = samples[k : k + 1] if alone else samples
        state = oracle.initial_state(len(own), sfreq, np.random.default_rng(0))
        coded.append(oracle.encode(own, state)[0])
    return np.concatenate(coded)

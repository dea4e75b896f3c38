"""What every encoder must do."""

from copy import deepcopy
from itertools import pairwise
from typing import Any

import numpy as np

from pipeline.axes import Samples, SpikeBits
from pipeline.encoders.base import Encoder

SFREQ = 250.0
"""Samples per second of the signals here."""


def check_encoder(encoder: Encoder[Any]) -> None:
    """Check that a spike code keeps the contract of `pipeline.encoders.base`.

    Names and shapes; equal spikes for any division into chunks, packed or not, empty
    ones too; nothing before t changes with the signal after t; states are not changed;
    `decode` keeps its bound.
    """
    signal = _fitting(encoder, _example_signal())
    spikes = _encode(encoder, [signal])
    _check_shapes(encoder, signal, spikes)
    _check_chunks(encoder, signal, spikes)
    _check_empty(encoder, signal)
    _check_packed(encoder, signal, spikes)
    _check_causal(encoder, signal, spikes)
    _check_state(encoder, signal)
    _check_decode(encoder)


def _example_signal() -> Samples:
    """Make noise of unit RMS with rare large bursts, 3 channels.

    It is long enough for what learns first what is usual.
    """
    rng = np.random.default_rng(20260101)
    noise = rng.standard_normal((3, 4000)) * (1 + 4 * (rng.random((3, 4000)) < 0.01))
    return np.asarray(noise / np.sqrt(np.mean(noise**2)), dtype=np.float32)


def _fitting(encoder: Encoder[Any], signal: Samples) -> Samples:
    """Move a signal to the nearest values that the code takes."""
    if encoder.values is None:
        return signal
    values = np.array(encoder.values, dtype=np.float32)
    nearest = np.abs(signal[..., None] - values).argmin(axis=-1)
    moved: Samples = values[nearest]
    return moved


def _encode(encoder: Encoder[Any], chunks: list[Samples]) -> SpikeBits:
    state = encoder.initial_state(chunks[0].shape[0], SFREQ, np.random.default_rng(7))
    pieces = []
    for chunk in chunks:
        piece, state = encoder.encode(chunk, state)
        pieces.append(piece)
    return np.concatenate(pieces, axis=1)


def _check_shapes(encoder: Encoder[Any], signal: Samples, spikes: SpikeBits) -> None:
    names = encoder.features(("a", "b", "c"))
    assert len(set(names)) == len(names), f"feature names repeat: {names}"
    owners = encoder.feature_channels(("a", "b", "c"))
    fits = len(owners) == len(names) and all(map(str.__contains__, names, owners))
    assert fits, f"features {names} of the channels {owners}"
    expected = len(names), signal.shape[1]
    assert spikes.shape == expected, f"spikes {spikes.shape}, expected {expected}"
    assert spikes.dtype == np.bool_, f"spikes are {spikes.dtype}, not bool"
    assert spikes.any(), "no spike for a signal of unit RMS"
    assert encoder.delay_s(SFREQ) >= 0, "the code is ahead of the signal"
    delays_s = encoder.decode_delays_s(len(signal), SFREQ)
    assert len(delays_s) == len(signal), f"delays {delays_s} of {len(signal)} channels"
    assert min(delays_s) >= 0, f"decode is ahead of the signal: {delays_s}"
    decoded = encoder.decode(spikes, SFREQ)
    assert decoded.shape == signal.shape, f"decoded {decoded.shape}"
    assert decoded.dtype == np.float32, f"decoded to {decoded.dtype}, not float32"


def _check_chunks(encoder: Encoder[Any], signal: Samples, spikes: SpikeBits) -> None:
    rng = np.random.default_rng(11)
    for n_cuts in (1, 2, 7, 40):
        cuts = np.sort(rng.integers(0, signal.shape[1] + 1, n_cuts))
        edges = [0, *cuts.tolist(), signal.shape[1]]
        chunks = [signal[:, start:stop] for start, stop in pairwise(edges)]
        same = np.array_equal(_encode(encoder, chunks), spikes)
        assert same, f"spikes change when chunks end at {edges[1:-1]}"


def _check_empty(encoder: Encoder[Any], signal: Samples) -> None:
    start = encoder.initial_state(signal.shape[0], SFREQ, np.random.default_rng(7))
    _, state = encoder.encode(signal[:, :100], start)
    none, after = encoder.encode(signal[:, :0], state)
    n_features = len(encoder.features(("a", "b", "c")))
    assert none.shape == (n_features, 0), f"an empty chunk gives {none.shape}"
    with_it, _ = encoder.encode(signal[:, 100:], after)
    without, _ = encoder.encode(signal[:, 100:], state)
    assert np.array_equal(with_it, without), "an empty chunk changes the state"


def _check_packed(encoder: Encoder[Any], signal: Samples, spikes: SpikeBits) -> None:
    start = encoder.initial_state(signal.shape[0], SFREQ, np.random.default_rng(7))
    packed, _ = encoder.encode_packed(signal, start)
    same = np.array_equal(packed, np.packbits(spikes, axis=1))
    assert same, "encode_packed gives other spikes than encode"


def _check_causal(encoder: Encoder[Any], signal: Samples, spikes: SpikeBits) -> None:
    for step in (0, 1, 500, signal.shape[1] - 1):
        changed = signal.copy()
        changed[:, step:] = _fitting(encoder, 1 - 3 * changed[:, step:])
        same = np.array_equal(_encode(encoder, [changed])[:, :step], spikes[:, :step])
        assert same, f"a change from sample {step} on changes earlier spikes"


def _check_state(encoder: Encoder[Any], signal: Samples) -> None:
    start = encoder.initial_state(signal.shape[0], SFREQ, np.random.default_rng(7))
    _, state = encoder.encode(signal[:, :100], start)
    kept = deepcopy(state)
    first, _ = encoder.encode(signal[:, 100:], state)
    again, _ = encoder.encode(signal[:, 100:], state)
    fresh, _ = encoder.encode(signal[:, 100:], kept)
    same = np.array_equal(first, again) and np.array_equal(first, fresh)
    assert same, "encode changes the state that it was given"


def _check_decode(encoder: Encoder[Any]) -> None:
    bound = encoder.decode_bound()
    if bound is None:
        return
    phase = np.linspace(0, 4 * np.pi, 20_000)
    waves = np.stack([3 * np.sin(phase), np.sin(2 * phase)]).astype(np.float32)
    slow = _fitting(encoder, waves)
    decoded = encoder.decode(_encode(encoder, [slow]), SFREQ)
    # What is decoded is the signal of `delay_s` earlier, or of any time since.
    lag = round(encoder.delay_s(SFREQ) * SFREQ)
    error = np.abs(decoded[:, lag:] - slow[:, : slow.shape[1] - lag]).max()
    bound += lag * float(np.abs(np.diff(slow)).max())
    assert error <= bound * (1 + 1e-5), f"decode is {error:g} off, bound {bound:g}"

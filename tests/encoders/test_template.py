"""Template: against a slow reference in integers, and what it takes for usual."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.encoders.template import Template
from pipeline.errors import ConfigError, DataError

SFREQ = 120.0
RNG = np.random.default_rng(0)
QUIET = Template(beats="annotated", warm_up=4, phase_s=0.05)
N_PHASES, WIDTH, BEFORE, LAG = 14, 6, 30, 54
"""Of `QUIET`."""

BEATS = st.lists(st.integers(1, 200), max_size=30).map(
    lambda intervals: tuple(np.cumsum(intervals).tolist())
)


def encode(
    encoder: Template,
    signal: np.ndarray,
    beats: tuple[int, ...],
    cuts: tuple[int, ...] = (),
) -> np.ndarray:
    encoder = encoder.on(("a", "b"), beats)
    state = encoder.initial_state(len(signal), SFREQ, RNG)
    pieces = []
    for start, stop in pairwise([0, *sorted(cuts), signal.shape[1]]):
        piece, state = encoder.encode(signal[:, start:stop], state)
        pieces.append(piece)
    return np.concatenate(pieces, axis=1)


def reference(signal: np.ndarray, beats: tuple[int, ...]) -> set[tuple[int, int]]:
    """The spikes (feature, step) of `QUIET`, number by number."""
    usual = [[0] * N_PHASES for _ in signal]
    n_events, spikes = 0, set()
    for beat in beats:
        if beat < BEFORE or beat + LAG >= signal.shape[1]:
            continue
        shift = min(5, int(math.log2(n_events + 1)))
        for channel, samples in enumerate(signal):
            for phase in range(N_PHASES):
                first = beat - BEFORE + WIDTH * phase
                numbers = [
                    round(256 * float(x)) for x in samples[first : first + WIDTH]
                ]
                different = 256 * sum(numbers) - usual[channel][phase]
                least = 256 * 256 * WIDTH / 2
                row = 2 * N_PHASES * channel + phase
                if n_events >= 4 and different > least:
                    spikes.add((row, beat + LAG))
                if n_events >= 4 and different < -least:
                    spikes.add((row + N_PHASES, beat + LAG))
                usual[channel][phase] += math.floor(different / 2**shift)
        n_events += 1
    return spikes


def noise(seed: int, n_samples: int = 2500) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(0, 1.5, (2, n_samples)).astype(np.float32)


@settings(max_examples=40, deadline=None)
@given(BEATS, st.integers(0, 5))
def test_spikes_are_those_of_the_equations(beats: tuple[int, ...], seed: int) -> None:
    spikes = encode(QUIET, noise(seed), beats)
    found = set(map(tuple, np.argwhere(spikes).tolist()))
    assert found == reference(noise(seed), beats)


@settings(max_examples=40, deadline=None)
@given(BEATS, st.lists(st.integers(0, 2500), max_size=20))
def test_any_chunks_give_the_same_spikes(
    beats: tuple[int, ...], cuts: list[int]
) -> None:
    complete = encode(QUIET, noise(1), beats)
    np.testing.assert_array_equal(encode(QUIET, noise(1), beats, tuple(cuts)), complete)


def shapes(kinds: str) -> tuple[np.ndarray, tuple[int, ...]]:
    """A signal of events of two shapes, a second apart: 0 everywhere, or 4 at once."""
    beats = tuple(120 * n + 100 for n in range(len(kinds)))
    signal = np.zeros((2, beats[-1] + 200), np.float32)
    for beat, kind in zip(beats, kinds, strict=True):
        signal[0, beat : beat + 6] = 4.0 if kind == "b" else 0.0
    return signal, beats


def firing(kinds: str, encoder: Template = QUIET) -> str:
    """Mark the events that fire at all."""
    signal, beats = shapes(kinds)
    spikes = encode(encoder, signal, beats)
    return "".join("x" if spikes[:, beat + LAG].any() else "." for beat in beats)


def test_the_usual_is_silent_and_the_unusual_fires_at_its_phase() -> None:
    kinds = "a" * 20 + "b" + "a" * 20
    assert firing(kinds) == "." * 20 + "x" + "." * 20
    signal, beats = shapes(kinds)
    spikes = encode(QUIET, signal, beats)
    names = QUIET.features(("MLII", "chest"))
    rows = np.flatnonzero(spikes[:, beats[20] + LAG])
    assert [names[row] for row in rows] == ["MLII+5"]


def test_the_first_events_are_silent() -> None:
    assert firing("ab" * 2) == "...."
    assert firing("aaab") == "...."
    assert firing("aaaab") == "....x"


def test_the_unusual_becomes_usual_after_some_events() -> None:
    marks = firing("a" * 40 + "b" * 100)
    silent_again = 40 + marks[40:].index(".")
    # 4 · (31/32)^n falls below 0.5 at n = 66.
    assert silent_again == 40 + 66
    assert "x" not in marks[silent_again:]
    assert firing("a" * 40 + "b" * 100 + "a")[-1] == "x"


def test_two_shapes_in_turn_both_differ_from_their_mean() -> None:
    assert firing("ab" * 60)[-10:] == "x" * 10


def test_an_event_that_begins_before_the_recording_is_left_out() -> None:
    signal = np.ones((2, 600), np.float32)
    early, late = encode(QUIET, signal, (29,)), encode(QUIET, signal, (29, 200, 320))
    assert not early.any()
    assert not late.any()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
def test_bad_samples_are_bounded(value: float) -> None:
    signal, beats = shapes("a" * 20)
    signal[1, beats[10] : beats[10] + 6] = value
    spikes = encode(QUIET, signal, beats)
    fires = spikes.any(axis=0)[np.array(beats) + LAG]
    assert fires[10] == (not np.isnan(value))
    assert not fires[:10].any()


def test_it_finds_the_beats_of_its_first_channel() -> None:
    times = np.arange(0, 40, 1 / SFREQ)
    ecg = np.exp(-(((times % 0.8 - 0.4) / 0.02) ** 2)).astype(np.float32)
    signal = np.stack([8 * ecg, np.zeros_like(ecg)])
    odd = round((0.4 + 0.8 * 40) * SFREQ)
    signal[1, odd : odd + 12] = 3.0
    spikes = encode(Template(phase_s=0.05), signal, ())
    steps = np.flatnonzero(spikes[2 * N_PHASES :].any(axis=0))
    assert steps.tolist() == pytest.approx([odd + LAG], abs=4)
    assert Template(phase_s=0.05).delay_s(SFREQ) == LAG / SFREQ
    assert not encode(Template(phase_s=0.05), signal[::-1], ()).any()


def test_what_it_cannot_work_with_is_refused() -> None:
    with pytest.raises(DataError, match="30 samples per second"):
        Template(phase_s=0.05).initial_state(1, 30.0, RNG)
    with pytest.raises(ConfigError, match="no annotated beats"):
        QUIET.initial_state(1, SFREQ, RNG)

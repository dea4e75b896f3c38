"""Rhythm: against a slow reference in integers, and what each rhythm fires."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.encoders.parts.octaves import TABLE, gain_shift, octaves
from pipeline.encoders.rhythm import Rhythm
from pipeline.errors import ConfigError, DataError
from pipeline.qrs import Detector

SFREQ = 120.0
DELAY = Detector(SFREQ).delay
RNG = np.random.default_rng(0)
ORACLE = Rhythm(beats="annotated")

BEATS = st.lists(st.integers(1, 500), max_size=40).map(
    lambda intervals: tuple(np.cumsum(intervals).tolist())
)


def encode(
    encoder: Rhythm,
    signal: np.ndarray,
    cuts: tuple[int, ...] = (),
    sfreq: float = SFREQ,
) -> np.ndarray:
    state = encoder.initial_state(len(signal), sfreq, RNG)
    pieces = []
    for start, stop in pairwise([0, *sorted(cuts), signal.shape[1]]):
        piece, state = encoder.encode(signal[:, start:stop], state)
        pieces.append(piece)
    return np.concatenate(pieces, axis=1)


def of_beats(
    beats: tuple[int, ...],
    n_samples: int,
    cuts: tuple[int, ...] = (),
    **settings: object,
) -> np.ndarray:
    """Encode beats that are given."""
    encoder = Rhythm(beats="annotated", **settings).on(("a",), beats)
    return encode(encoder, np.zeros((1, n_samples), np.float32), cuts)


def reference(encoder: Rhythm, beats: tuple[int, ...], n_samples: int) -> set:
    """The spikes (feature, step), sample by sample, from the equations."""
    names = encoder.features(("a",))
    means = [0] * len(encoder.shifts)
    usual = spread = expected = n = 0
    last, spikes = None, set()

    def moved(mean: int, value: int, shift: int, taken: int) -> int:
        while 2**shift > taken + 1:
            shift -= 1
        return mean + math.floor((256 * value - mean) / 2**shift)

    for time in range(n_samples):
        if time not in beats:
            for place, fraction in enumerate(encoder.fractions):
                late = math.ceil(round(256 * fraction) * expected / 65536)
                if n and time - last == max(late, 1) and time - last <= 3 * SFREQ:
                    spikes.add((f"a time/{place}", time))
            continue
        interval, last = None if last is None else time - last, time
        if interval is None or interval > 3 * SFREQ:
            continue
        level = octaves(interval)
        if n:
            width = round(256 * encoder.width_octaves)
            for shift, mean in zip(encoder.shifts, means, strict=True):
                away = level - math.floor(mean / 256 + 0.5)
                cell = math.floor(away / width + encoder.cells / 2)
                cell = min(max(cell, 0), encoder.cells - 1)
                spikes.add((f"a {2**shift}/{cell}", time))
            power = math.floor((octaves(spread + 1) - 256 * 16) / 256)
            cell = min(
                max(power + encoder.spread_cells + 1, 0), encoder.spread_cells - 1
            )
            spikes.add((f"a spread/{cell}", time))
            distance = abs(level - math.floor(usual / 256 + 0.5))
            spread = moved(spread, distance, 3, n - 1)
        means = [
            moved(m, level, s, n) for m, s in zip(means, encoder.shifts, strict=True)
        ]
        usual, expected = moved(usual, level, 4, n), moved(expected, interval, 4, n)
        n += 1
    return {
        (names.index(name), time + DELAY)
        for name, time in spikes
        if time + DELAY < n_samples
    }


@settings(max_examples=60, deadline=None)
@given(BEATS, st.sampled_from([(0, 4, 8), (3,), (16, 1)]))
def test_spikes_are_those_of_the_equations(
    beats: tuple[int, ...], shifts: tuple[int, ...]
) -> None:
    n_samples = (beats[-1] if beats else 0) + 300
    spikes = of_beats(beats, n_samples, shifts=shifts)
    expected = reference(ORACLE.model_copy(update={"shifts": shifts}), beats, n_samples)
    assert set(map(tuple, np.argwhere(spikes).tolist())) == expected


@pytest.mark.parametrize("seed", [0, 1])
def test_means_settle_as_the_equations_say(seed: int) -> None:
    rng = np.random.default_rng(seed)
    irregular = np.repeat(rng.uniform(0.02, 0.5, 20), 20)
    intervals = (40 * 2 ** (irregular * rng.normal(size=400))).astype(int) + 2
    beats = tuple(np.cumsum(intervals).tolist())
    spikes = of_beats(beats, beats[-1] + 100)
    expected = reference(ORACLE, beats, beats[-1] + 100)
    assert set(map(tuple, np.argwhere(spikes).tolist())) == expected


@settings(max_examples=40, deadline=None)
@given(BEATS, st.lists(st.integers(0, 3000), max_size=20))
def test_any_chunks_give_the_same_spikes(
    beats: tuple[int, ...], cuts: list[int]
) -> None:
    complete = of_beats(beats, 3000)
    np.testing.assert_array_equal(of_beats(beats, 3000, tuple(cuts)), complete)


def fired(spikes: np.ndarray, step: int) -> list[str]:
    return [ORACLE.features(("a",))[row] for row in np.flatnonzero(spikes[:, step])]


def test_an_early_beat_fires_low_cells_and_a_late_one_time_cells() -> None:
    regular = tuple(range(100, 2100, 100))
    early, late = regular[-1] + 50, regular[-1] + 50 + 210
    spikes = of_beats((*regular, early, late), late + 200)
    normal = ["a 1/6", "a 16/6", "a 256/6", "a spread/0"]
    assert fired(spikes, regular[-1] + DELAY) == normal
    assert fired(spikes, early + DELAY) == ["a 1/0", "a 16/0", "a 256/0", "a spread/0"]
    rows = spikes[-5:, regular[-1] + DELAY : late + DELAY]
    # The early beat has brought the expected interval from 100 to 100 − 50 / 16.
    expected = [50 + f * 96.9 for f in ORACLE.fractions]
    assert np.flatnonzero(rows.any(axis=0)).tolist() == pytest.approx(expected, abs=1)
    assert fired(spikes, late + DELAY)[0] == "a 1/12"


def test_about_four_spikes_a_beat() -> None:
    beats = tuple(np.cumsum(np.random.default_rng(1).integers(80, 110, 500)).tolist())
    per_beat = of_beats(beats, beats[-1] + 100).sum() / len(beats)
    assert 4 <= per_beat <= 6


def test_a_faster_heart_of_equal_proportions_fires_alike() -> None:
    slow = tuple(np.cumsum(np.random.default_rng(2).integers(40, 60, 50) * 2).tolist())
    fast = tuple(beat // 2 for beat in slow)
    rows = [of_beats(beats, 6000)[:-5].sum(axis=1) for beats in (slow, fast)]
    np.testing.assert_array_equal(*rows)


@pytest.mark.parametrize("pause", [361, 1000])
def test_a_pause_is_not_coded_and_changes_no_mean(pause: int) -> None:
    before = tuple(range(100, 1100, 100))
    after = tuple(before[-1] + pause + 100 * n for n in range(5))
    spikes = of_beats((*before, *after), after[-1] + 100)
    assert fired(spikes, after[0] + DELAY) == []
    assert fired(spikes, after[1] + DELAY)[1] == "a 16/6"


def test_beats_at_once_are_one() -> None:
    assert not of_beats((), 1000).any()
    assert not of_beats((5,), 1000).any()
    once, twice = of_beats((5, 90, 180), 600), of_beats((5, 90, 90, 180), 600)
    np.testing.assert_array_equal(once, twice)


def test_the_beats_of_an_ecg() -> None:
    times = np.arange(0, 60, 1 / SFREQ)
    ecg = np.exp(-(((times % 0.8 - 0.4) / 0.02) ** 2)).astype(np.float32)
    spikes = encode(Rhythm(), np.stack([ecg, np.zeros_like(ecg)]))
    mine, other = np.split(spikes, 2)
    assert not other.any()
    steps = np.flatnonzero(mine[:-5].any(axis=0))
    np.testing.assert_allclose(np.diff(steps[5:]) / SFREQ, 0.8, atol=0.01)
    assert Rhythm().delay_s(SFREQ) == pytest.approx(0.35)


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, 1e30])
def test_no_beats_are_silence(value: float) -> None:
    assert not encode(Rhythm(), np.full((1, 2000), value, np.float32)).any()


def test_what_it_cannot_work_with_is_refused() -> None:
    with pytest.raises(DataError, match="30 samples per second"):
        Rhythm().initial_state(1, 30.0, RNG)
    with pytest.raises(ConfigError, match="no annotated beats"):
        ORACLE.initial_state(1, SFREQ, RNG)
    assert ORACLE.is_oracle
    assert not Rhythm().is_oracle


@given(st.integers(1, 10**9))
def test_logarithms_err_by_less_than_a_part_of_an_octave(number: int) -> None:
    assert abs(octaves(number) / 256 - math.log2(number)) < 1 / 128
    assert max(TABLE) < 256


def test_gains_are_powers_of_two_that_fall_to_the_settled_one() -> None:
    gains = [2.0 ** -gain_shift(n, 3) for n in range(10)]
    assert gains == [1, 1 / 2, 1 / 2, 1 / 4, 1 / 4, 1 / 4, 1 / 4, 1 / 8, 1 / 8, 1 / 8]

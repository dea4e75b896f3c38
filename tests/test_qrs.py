"""The detector in chunks against one sample at a time, and what is no ECG."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal as sp

from pipeline.errors import DataError
from pipeline.qrs import BAND, DELAY_S, Detector

SFREQ = 120.0


def ecg(n_beats: int = 20, seed: int = 0, sfreq: float = SFREQ) -> np.ndarray:
    """QRS complexes with noise and a large artefact, at a rate that changes."""
    rng = np.random.default_rng(seed)
    onsets = 0.5 + np.cumsum(rng.uniform(0.4, 1.2, n_beats))
    times = np.arange(round((onsets[-1] + 1) * sfreq)) / sfreq
    since = times[:, None] - onsets
    trace = np.exp(-((since / 0.02) ** 2)).sum(1) + rng.normal(0, 0.02, len(times))
    trace[len(times) // 3] += 20
    return trace.astype(np.float32)


def reference(samples: np.ndarray, sfreq: float) -> list[int]:
    """The definition, with loops and without chunks."""
    sections = sp.butter(1, BAND, "bandpass", fs=sfreq, output="sos")
    filtered = sp.sosfilt(sections, samples.astype(float) - float(samples[0]))
    width, reach = round(0.15 * sfreq), round(0.2 * sfreq)
    squares = [0.0] * width
    squares += [(y - x) ** 2 for x, y in pairwise(filtered)]
    height = []
    for step in range(len(filtered)):
        total = 0.0
        for square in squares[step : step + width]:
            total += square
        height.append(total)
    beats, settled = [], -reach - 1
    beat = noise = last = 0.0
    interval, n_peaks = 1.0, 0
    for peak in range(len(height) - reach):
        around = height[max(peak - reach, 0) : peak + reach + 1]
        if height[peak] <= 0 or height[peak] < max(around):
            continue
        before, settled = settled, peak
        if peak - before <= reach:
            continue
        n_peaks += 1
        level, time = np.sqrt(height[peak] / width), peak / sfreq
        sunk = 2.0 ** -max(0.0, (time - last) / interval - 1.5)
        gain = max(1 / 8, 1 / n_peaks)
        if level > noise + 0.3 * (beat - noise) * sunk:
            beat += max(gain, 1 - sunk) * (level - beat)
            interval += (min(time - last, 1.5) - interval) / 8
            last = time
            start = max(peak - width, 0)
            beats.append(start + int(np.abs(filtered[start : peak + 1]).argmax()))
        else:
            noise += gain * (level - noise)
    return beats


def in_chunks(samples: np.ndarray, cuts: list[int], sfreq: float = SFREQ) -> list[int]:
    """Feed the detector, and check that no beat comes late or early."""
    detector = Detector(sfreq)
    state, beats = detector.start(), []
    for start, stop in pairwise([0, *sorted(cuts), len(samples)]):
        found, state = detector.detect(samples[start:stop], state)
        assert all(start - detector.delay <= beat < stop for beat in found)
        beats += found.tolist()
    return beats


@pytest.mark.parametrize("sfreq", [40.0, 120.0, 360.0])
def test_beats_are_those_of_the_definition(sfreq: float) -> None:
    samples = ecg(sfreq=sfreq)
    assert len(beats := reference(samples, sfreq)) > 15
    assert in_chunks(samples, [], sfreq) == beats


@pytest.mark.parametrize("pause_s", [2, 3, 6])
def test_a_pause_counts_as_the_definition_says(pause_s: int) -> None:
    samples = ecg()
    gap = np.full(round(pause_s * SFREQ), samples[699])
    noise = np.random.default_rng(9).normal(0, 0.02, len(gap))
    paused = np.concatenate([samples[:700], gap + noise, samples[700:]])
    assert in_chunks(paused, []) == reference(paused, SFREQ)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 1500), max_size=30), st.integers(0, 3))
def test_any_chunks_give_the_same_beats(cuts: list[int], seed: int) -> None:
    samples = ecg(seed=seed)
    cuts = [min(cut, len(samples)) for cut in cuts]
    assert in_chunks(samples, cuts) == in_chunks(samples, [])


def test_one_sample_at_a_time() -> None:
    samples = ecg()
    assert in_chunks(samples, list(range(len(samples)))) == in_chunks(samples, [])


def test_a_chunk_of_nothing_changes_nothing() -> None:
    detector = Detector(SFREQ)
    _, before = detector.detect(ecg()[:500], detector.start())
    found, after = detector.detect(np.zeros(0, np.float32), before)
    assert len(found) == 0
    np.testing.assert_equal(vars(after), vars(before))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_missing_samples_repeat_the_one_before(value: float) -> None:
    missing, held = ecg(), ecg()
    gap = slice(700, 760)
    missing[gap], held[gap] = value, held[699]
    for cuts in ([], [690, 700, 730, 760, 761]):
        assert in_chunks(missing, cuts) == in_chunks(held, [])


@pytest.mark.parametrize("cuts", [[], [0, 10, 50, 51]])
def test_before_the_first_number_there_is_silence(cuts: list[int]) -> None:
    late = np.concatenate([np.full(50, np.nan, np.float32), ecg()])
    beats = np.array(in_chunks(late, cuts)) - 50
    # The levels know the time since the start, and sink: more may be found at first.
    assert set(in_chunks(ecg(), [])) <= set(beats.tolist())


@pytest.mark.parametrize("value", [0.0, -0.0, 0.7, -3.3e6, 3e38, np.nan, np.inf])
def test_a_constant_has_no_beats(value: float) -> None:
    assert in_chunks(np.full(3000, value, np.float32), [7, 1000]) == []


def test_a_slow_signal_is_refused() -> None:
    with pytest.raises(DataError, match="30 samples per second"):
        Detector(30.0)


def test_the_delay_is_in_seconds_what_is_declared() -> None:
    assert Detector(1000.0).delay == round(DELAY_S * 1000)

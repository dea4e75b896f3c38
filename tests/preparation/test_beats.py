"""The detector's causality and quality, the matching against brute force."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from pipeline.errors import DataError
from pipeline.preparation import beats

SFREQ = 250.0


def ecg(onsets: np.ndarray, seconds: float, seed: int = 0) -> np.ndarray:
    """QRS complexes 80 ms wide with T waves, wander and noise."""
    times = np.arange(round(seconds * SFREQ)) / SFREQ
    rng = np.random.default_rng(seed)
    since = times[:, None] - onsets
    qrs = np.exp(-((since / 0.015) ** 2)) - 0.3 * np.exp(
        -(((since - 0.03) / 0.015) ** 2)
    )
    t_wave = 0.3 * np.exp(-(((since - 0.25) / 0.05) ** 2))
    wander = 0.5 * np.sin(2 * np.pi * 0.3 * times)
    return (qrs + t_wave).sum(1) + wander + rng.normal(0, 0.03, len(times))


def rhythm(n_beats: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return 0.5 + np.cumsum(rng.uniform(0.5, 1.1, n_beats))


ONSETS = rhythm(60)
SECONDS = float(ONSETS[-1] + 1)
SAMPLES = ecg(ONSETS, SECONDS)


def test_clean_beats_are_found_where_they_are():
    detected = beats.detect(SAMPLES, SFREQ)
    found = beats.quality(ONSETS, detected)
    assert found["sensitivity"] == 1
    assert found["positive_predictivity"] > 0.94
    assert abs(found["mean_delay_s"]) < 0.04


@pytest.mark.parametrize("since", np.arange(-10, 30) / 50)
def test_the_future_changes_no_beat_reported_before_it(since):
    full = beats.detect(SAMPLES, SFREQ)
    for cut in ONSETS[10:50:4] + since:
        kept = SAMPLES[: round(cut * SFREQ)]
        part = beats.detect(kept, SFREQ)
        np.testing.assert_array_equal(part, full[: len(part)])
        reported = full + beats.DELAY_S < (len(kept) - 1) / SFREQ
        assert len(part) >= reported.sum()


@settings(max_examples=25, deadline=None)
@given(st.floats(1e-6, 1e3), st.floats(-1, 1))
def test_gain_and_offset_do_not_matter(gain, offset):
    samples = SAMPLES.copy()
    first = beats.detect(samples, SFREQ)
    second = beats.detect(gain * (samples + offset), SFREQ)
    np.testing.assert_array_equal(first, second)


def test_an_artefact_silences_the_detector_for_seconds_only():
    samples = SAMPLES.copy()
    samples[round(10 * SFREQ)] += 300
    late = ONSETS[ONSETS > 20]
    detected = beats.detect(samples, SFREQ)
    assert beats.quality(late, detected[detected > 20])["sensitivity"] == 1


def test_a_flat_line_has_no_beats():
    assert len(beats.detect(np.full(2500, 0.7), SFREQ)) == 0
    assert len(beats.detect(np.zeros(10), SFREQ)) == 0


def test_a_rate_below_the_band_is_refused():
    with pytest.raises(DataError, match="30"):
        beats.detect(np.zeros(100), 30)


EVENTS = st.lists(st.integers(0, 3000), max_size=40).map(
    lambda times: np.sort(np.asarray(times, np.float64)) / 1000
)


@given(EVENTS, EVENTS)
def test_pairs_are_one_to_one_and_close(annotated, detected):
    partner = beats.match(annotated, detected)
    assert partner.shape == detected.shape
    paired = partner[partner >= 0]
    assert len(set(paired.tolist())) == len(paired)
    gaps = np.abs(annotated[paired] - detected[partner >= 0])
    assert (gaps <= beats.TOLERANCE_S).all()


@given(EVENTS, EVENTS)
def test_no_pair_more_could_be_made_of_true_rhythms(annotated, detected):
    annotated, detected = (
        _apart(x, 2 * beats.TOLERANCE_S) for x in (annotated, detected)
    )
    close = np.abs(annotated[:, None] - detected) <= beats.TOLERANCE_S
    best = close[linear_sum_assignment(-close.astype(int))].sum() if close.size else 0
    assert (beats.match(annotated, detected) >= 0).sum() == best


def _apart(events: np.ndarray, least: float) -> np.ndarray:
    kept: list[float] = []
    for event in events:
        if not kept or event - kept[-1] > least:
            kept.append(event)
    return np.asarray(kept)


def test_quality_counts_by_hand():
    found = beats.quality(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.1, 2.2, 3.1]))
    assert (found["annotated"], found["detected"], found["true_positives"]) == (4, 3, 2)
    assert found["sensitivity"] == 0.5
    assert found["positive_predictivity"] == pytest.approx(2 / 3)
    assert found["mean_delay_s"] == pytest.approx(0.1)


def test_quality_of_nothing_is_undefined():
    found = beats.quality(np.array([]), np.array([]))
    assert np.isnan(found["sensitivity"])
    assert np.isnan(found["mean_delay_s"])


@pytest.mark.parametrize("record", ["101", "116", "203", "208", "223"])
def test_real_beats_are_found(real_data: Path, record: str):
    import wfdb

    path = str(real_data / "mitdb" / record)
    ecg, annotations = wfdb.rdrecord(path), wfdb.rdann(path, "atr")
    is_beat = np.isin(annotations.symbol, list("NLRejAaJSVEF/fQ"))
    found = beats.quality(
        annotations.sample[is_beat] / ecg.fs, beats.detect(ecg.p_signal[:, 0], ecg.fs)
    )
    assert found["sensitivity"] > 0.98
    assert found["positive_predictivity"] > 0.98

"""Findings about samples: each kind planted, and a recording without any."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import signal as sp

from pipeline.axes import Segment
from pipeline.inspection.findings import Finding
from pipeline.inspection.measuring import Seen
from pipeline.inspection.signals import of_signals
from pipeline.preparation.signals import SignalSettings

Watching = Callable[..., Seen]
SFREQ = 250.0
TIME = np.arange(int(30 * SFREQ)) / SFREQ
SCALE = {"tau_s": 10, "floor": 1e-6}


def settings(**changes: Any) -> SignalSettings:
    return SignalSettings.model_validate(
        {"l_freq": 20, "h_freq": 90, "scale": SCALE} | changes
    )


def noise(n_channels: int = 3, n_samples: int = len(TIME), seed: int = 0) -> np.ndarray:
    """Make raw EMG: noise of 50 µV in the converter's steps of 1 µV."""
    rng = np.random.default_rng(seed)
    return (5e-5 * rng.standard_normal((n_channels, n_samples))).round(6)


def judge(seen: Seen, **changes: Any) -> list[Finding]:
    return of_signals({"r": seen}, settings(**changes))


def kinds(seen: Seen, **changes: Any) -> list[str]:
    return [f"{f.severity}: {f.kind}" for f in judge(seen, **changes)]


@pytest.mark.parametrize("step", [7500, 1000, 3])
def test_raw_emg_has_no_finding_however_it_is_divided(
    watch: Watching, step: int
) -> None:
    samples = noise(n_samples=7500 if step > 3 else 1500)
    assert kinds(watch(samples, step=step)) == []


def test_shares_do_not_depend_on_the_division(watch: Watching) -> None:
    samples = (noise(2, 1500) / 40).round(6)
    at_once, in_threes = (watch(samples, step=step) for step in (1500, 3))
    assert at_once.steady_share == in_threes.steady_share > 0
    assert at_once.straight_share == in_threes.straight_share > 0
    assert at_once.hold == in_threes.hold


@pytest.mark.parametrize(("times", "n_channels"), [(2, 1), (2, 3), (3, 3), (5, 3)])
def test_samples_that_are_held_are_found(
    watch: Watching, times: int, n_channels: int
) -> None:
    seen = watch(np.repeat(noise(n_channels), times, axis=1))
    assert seen.hold == times
    (found,) = judge(seen, h_freq=40)
    assert (found.severity, found.kind) == ("warning", "Held signal")
    assert found.where == ("r",)


def test_samples_that_are_held_unevenly_are_found(watch: Watching) -> None:
    rng = np.random.default_rng(1)
    held = np.repeat(noise(), rng.integers(1, 10, len(TIME)), axis=1)
    assert "warning: Held signal" in kinds(watch(held))


def test_a_coarse_converter_repeats_samples_and_holds_none(watch: Watching) -> None:
    coarse = (3e-6 * np.sin(2 * np.pi * 5 * TIME) + noise(2) / 500).round(6)
    seen = watch(coarse)
    assert seen.steady_share > 0.4
    assert "warning: Held signal" not in kinds(seen)


def test_straight_lines_between_samples_are_found(watch: Watching) -> None:
    few = noise()
    at = np.arange(2 * few.shape[1] - 1) / 2
    between = np.array([np.interp(at, np.arange(few.shape[1]), row) for row in few])
    assert "warning: Interpolated signal" in kinds(watch(between))


@pytest.mark.parametrize(
    ("h_freq", "severity"), [(90, "warning"), (None, "warning"), (40, "note")]
)
def test_a_spectrum_that_ends_early_matters_below_the_band(
    watch: Watching, h_freq: float | None, severity: str
) -> None:
    brought_up = sp.resample_poly(noise(), 2, 1, axis=1)
    (found,) = judge(watch(brought_up), h_freq=h_freq)
    assert (found.severity, found.kind) == (severity, "Spectrum ends early")
    assert "next to nothing above 7" in found.what


def test_rectified_emg_is_found_with_and_without_its_offset(watch: Watching) -> None:
    rectified = np.abs(noise())
    low = sp.butter(2, 5, fs=SFREQ, output="sos")
    envelope = sp.sosfiltfilt(low, rectified, axis=1)
    for samples in (rectified, envelope, envelope.clip(0)):
        assert "warning: Rectified EMG" in kinds(watch(samples), h_freq=40)
    leaning = np.square(noise()) / 5e-5
    assert "warning: Rectified EMG" in kinds(watch(leaning - leaning.mean()))


def test_an_offset_and_another_modality_are_no_envelope(watch: Watching) -> None:
    assert kinds(watch(noise() + 1e-3)) == []
    assert kinds(watch(np.abs(noise()), kind="ecg")) == []


def hum(line: float) -> np.ndarray:
    return noise() + 2e-5 * np.sin(2 * np.pi * line * TIME)


def test_hum_of_other_mains_than_stated_is_found(watch: Watching) -> None:
    assert kinds(watch(hum(60)), notch=50)[0] == "warning: Hum of other mains"
    assert kinds(watch(hum(60), line_freq=50.0))[0] == "warning: Hum of other mains"
    assert kinds(watch(hum(50), line_freq=50.0), notch=50) == []
    assert kinds(watch(hum(60)), notch=60) == []


def test_hum_that_no_notch_takes_out_is_worth_knowing(watch: Watching) -> None:
    (found,) = judge(watch(hum(50), line_freq=50.0))
    assert (found.severity, found.kind) == ("note", "Mains hum")
    assert found.remedy == "set signal.notch to 50"
    assert kinds(watch(hum(50), line_freq=50.0), h_freq=40) == []


def test_two_statements_of_the_mains_are_compared(watch: Watching) -> None:
    assert kinds(watch(noise(), line_freq=60.0), notch=50) == [
        "warning: Two mains frequencies"
    ]


def test_flat_and_clipped_channels_are_named(watch: Watching) -> None:
    samples = noise()
    samples[1, 2000:] = samples[1, 2000]
    samples[2] = (4 * samples[2]).clip(-1e-4, 1e-4)
    found = {f.kind: f.where for f in judge(watch(samples))}
    assert found == {"Flat channel": ("r c1",), "Clipped channel": ("r c2",)}


def test_pauses_are_counted_and_jumps_of_the_clock_found(watch: Watching) -> None:
    def with_onset(onset_s: float) -> list[str]:
        segments = (Segment(0, 0.0), Segment(2500, onset_s))
        return kinds(watch(noise(), segments=segments))

    assert with_onset(12.0) == ["note: Pauses"]
    jump = ["note: Pauses", "warning: Jump of the clock"]
    assert with_onset(7200.0) == jump
    assert with_onset(8.0) == jump, "back in time"


def test_amplitudes_are_those_of_the_samples(watch: Watching) -> None:
    samples = noise() + 0.25
    seen = watch(samples, step=333)
    np.testing.assert_allclose(seen.rms, samples.std(axis=1), rtol=1e-9)
    np.testing.assert_allclose(seen.quantiles[:, 0], samples.min(axis=1))
    np.testing.assert_allclose(seen.quantiles[:, -1], samples.max(axis=1))
    np.testing.assert_allclose(
        seen.quantiles[:, 3], np.median(samples, axis=1), atol=1e-6
    )


def test_the_density_is_welchs(watch: Watching) -> None:
    samples = noise(2, 20_000)
    seen = watch(samples, step=777)
    freqs, density = sp.welch(
        samples, SFREQ, "hann", nperseg=1000, noverlap=0, detrend="constant"
    )
    band = (freqs >= 32) & (freqs < 64)
    grid = seen.spectra.density[:, 36:42].mean(axis=1)
    np.testing.assert_allclose(grid, density[:, band].mean(axis=1), rtol=0.05)


def test_short_and_still_recordings_are_measured_without_a_warning(
    watch: Watching,
) -> None:
    assert kinds(watch(noise(n_samples=5))) == []
    assert "warning: Flat channel" in kinds(watch(np.zeros((2, 5000))))


def test_events_are_no_signals_to_be_mended(watch: Watching) -> None:
    events = (np.random.default_rng(0).random((3, 3000)) < 0.05).astype(float)
    assert {"warning: Clipped channel"} <= set(kinds(watch(events)))
    assert kinds(replace(watch(events), types=("stim",) * 3)) == []


def test_segments_that_meet_are_no_pauses(watch: Watching) -> None:
    seen = watch(noise(n_samples=3000))
    meeting = tuple(Segment(1000 * k, 1000 * k / SFREQ + 1e-13 * k) for k in range(3))
    (found,) = judge(replace(seen, segments=meeting))
    assert (found.severity, found.kind) == ("note", "Segments that meet")
    assert "2 segments" in found.what
    paused = (*meeting[:2], Segment(2000, 2000 / SFREQ + 7))
    both = judge(replace(seen, segments=paused))
    assert {f.kind for f in both} == {"Segments that meet", "Pauses"}

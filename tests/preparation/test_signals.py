"""Whole recordings, their settings and what is refused."""

import mne
import numpy as np
import pytest
from pydantic import ValidationError

from pipeline.errors import ConfigError, DataError
from pipeline.preparation import causal, signals
from pipeline.preparation.signals import Scale, SignalSettings

WIDE = Scale(tau_s=1.0, floor=1e-6)


def settings(**changes: object) -> SignalSettings:
    return SignalSettings.model_validate({"scale": WIDE, **changes})


def noise(n_channels: int, n_samples: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(0.3, 1.0, (n_channels, n_samples))


def recording(samples: np.ndarray, sfreq: float) -> mne.io.RawArray:
    names = [f"C{k}" for k in range(len(samples))]
    info = mne.create_info(names, sfreq, ["eeg"] * (len(samples) - 1) + ["ecg"])
    return mne.io.RawArray(samples, info, verbose="error")


def test_a_recording_is_prepared_with_its_channels_in_the_order_asked_for():
    raw = recording(noise(3, 720), 360)
    chosen = settings(channels=("C1", "C0"), sfreq=120)
    signal = signals.prepare_recording(raw, chosen, where="x")
    assert signal.channels == ("C1", "C0")
    assert signal.units == ("1", "1")
    assert signal.sfreq == 120
    assert signal.delay_s == pytest.approx(10 / 120)
    expected = causal.process(
        raw.get_data()[[1, 0]], None, signals.design(chosen, 360)
    )[0]
    np.testing.assert_array_equal(signal.samples, expected)
    types = signals.prepare_recording(raw, settings(channels=("eeg",)), where="x")
    assert types.channels == ("C0", "C1")
    assert raw.ch_names == ["C0", "C1", "C2"]


def test_nan_is_refused_with_its_place():
    samples = noise(2, 720)
    samples[1, 360:400] = np.nan
    with pytest.raises(DataError, match=r"S1, channel C1: 40 of 720.* at 1.000 s"):
        signals.prepare_recording(recording(samples, 360), settings(), where="S1")


def test_a_channel_that_is_not_there_is_named():
    with pytest.raises(DataError, match=r"(?s)no channels MLII.*C0, C1"):
        signals.prepare_recording(
            recording(noise(2, 10), 100), settings(channels=("MLII",)), where="S1"
        )


@pytest.mark.parametrize(
    ("changes", "key"),
    [({"h_freq": 60}, "h_freq"), ({"notch": 50}, "notch"), ({"sfreq": 99.99}, "sfreq")],
)
def test_settings_that_do_not_fit_the_rate_name_their_key(changes, key):
    with pytest.raises(ConfigError, match=f"signal.{key}"):
        signals.design(settings(**changes), 100)


@pytest.mark.parametrize(
    "changes",
    [{"l_freq": 40, "h_freq": 5}, {"h_freq": 70, "sfreq": 120}, {"l_freq": 0}],
)
def test_a_band_in_disorder_is_refused(changes):
    with pytest.raises(ValidationError):
        settings(**changes)

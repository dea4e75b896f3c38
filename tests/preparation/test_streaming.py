"""Recordings prepared piece by piece, and what is refused."""

import mne
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import DataError
from pipeline.preparation import causal, signals, streaming
from pipeline.preparation.signals import Scale, SignalSettings
from pipeline.preparation.streaming import plan_recording, prepare_recording

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
    signal = prepare_recording(raw, chosen, where="x")
    assert signal.channels == ("C1", "C0")
    assert signal.units == ("1", "1")
    assert signal.sfreq == 120
    assert signal.delay_s == pytest.approx(10 / 120)
    assert signal.segments == (0,)
    expected = causal.process(
        raw.get_data()[[1, 0]], None, signals.design(chosen, 360)
    )[0]
    np.testing.assert_array_equal(signal.samples, expected)
    types = prepare_recording(raw, settings(channels=("eeg",)), where="x")
    assert types.channels == ("C0", "C1")
    assert raw.ch_names == ["C0", "C1", "C2"]


@given(
    st.integers(1, 300),
    st.lists(st.integers(1, 299), max_size=3),
    st.integers(20, 800),
    st.sampled_from([(360, 120), (250, 120), (100, 250), (200, None)]),
)
def test_pieces_and_segments_give_the_bits_of_segments_prepared_at_once(
    n_samples, borders, values, rates
):
    raw = recording(noise(2, n_samples), rates[0])
    starts = (0, *sorted({border for border in borders if border < n_samples}))
    chosen = settings(sfreq=rates[1], l_freq=0.5, h_freq=40)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streaming, "PIECE_VALUES", values)
        plan = plan_recording(raw, chosen, starts, where="x")
        signal = prepare_recording(raw, chosen, starts, where="x")
    parts = np.split(raw.get_data(), starts[1:], axis=1)
    alone = [causal.process(part, None, plan.design)[0] for part in parts]
    np.testing.assert_array_equal(signal.samples, np.concatenate(alone, axis=1))
    lengths = [part.shape[1] for part in alone]
    assert plan.n_samples == tuple(lengths)
    assert signal.segments == (0, *np.cumsum(lengths[:-1]))


def test_no_more_than_a_piece_is_read_at_once(monkeypatch):
    raw = recording(noise(3, 1000), 100)
    lengths = []

    def get_data(**bounds: int) -> np.ndarray:
        lengths.append(bounds["stop"] - bounds["start"])
        return read(**bounds)

    read = raw.get_data
    monkeypatch.setattr(raw, "get_data", get_data)
    monkeypatch.setattr(streaming, "PIECE_VALUES", 300)
    prepare_recording(raw, settings(), (0, 250), where="x")
    assert lengths == [100, 100, 50, *[100] * 7, 50]


def test_nan_is_refused_with_its_place(monkeypatch):
    monkeypatch.setattr(streaming, "PIECE_VALUES", 200)
    samples = noise(2, 720)
    samples[1, 360:400] = np.nan
    with pytest.raises(DataError, match=r"S1, channel C1: sample 360, at 1.000 s"):
        prepare_recording(recording(samples, 360), settings(), where="S1")


def test_a_channel_that_is_not_there_is_named():
    with pytest.raises(DataError, match=r"(?s)no channels MLII.*C0, C1"):
        plan_recording(
            recording(noise(2, 10), 100), settings(channels=("MLII",)), where="S1"
        )

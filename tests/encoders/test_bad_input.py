"""What no signal should hold: every code takes it, or names what is wrong."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from pipeline.components import available, find
from pipeline.encoders.base import Encoder
from pipeline.encoders.moving_window import MovingWindow
from pipeline.encoders.parts.stepwise import Stepwise
from pipeline.errors import ConfigError, DataError

SFREQ = 250.0
NAMES = available("encoders")
FREE = [name for name in NAMES if find("encoders", name)().values is None]  # type: ignore[attr-defined]
STEPWISE = [name for name in NAMES if issubclass(find("encoders", name), Stepwise)]
POSITIVE = ("threshold", "spacing", "full_scale")


def made(name: str, **settings: Any) -> Encoder[Any]:
    encoder: Any = find("encoders", name)(**settings)
    return encoder


def encode(encoder: Encoder[Any], signal: np.ndarray) -> np.ndarray:
    state = encoder.initial_state(len(signal), SFREQ, np.random.default_rng(0))
    return encoder.encode(signal, state)[0]


def noise_rng() -> np.random.Generator:
    return np.random.default_rng(5)


def noise() -> np.ndarray:
    return noise_rng().normal(size=(2, 600)).astype(np.float32)


@pytest.mark.parametrize("name", FREE)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e6, -1e6, 3e38])
@pytest.mark.parametrize("place", [0, 300])
def test_a_bad_sample_stays_in_its_channel(name: str, value: float, place: int) -> None:
    """Elsewhere nothing changes, and nothing warns."""
    signal, encoder = noise(), made(name)
    clean = encode(encoder, signal)
    signal[0, place] = value
    spikes = encode(encoder, signal)
    assert spikes.shape == clean.shape
    if encoder.delay_s(SFREQ) == 0:
        np.testing.assert_array_equal(spikes[:, :place], clean[:, :place])
    if name != "rank_order":  # its channels compete
        features = encoder.features(("left", "right"))
        others = ["right" in feature for feature in features]
        assert any(others)
        np.testing.assert_array_equal(spikes[others], clean[others])


CHANNELS = {
    "a step of 1e6": np.repeat([0.0, 1e6], 300),
    "a step of -1e6": np.repeat([0.0, -1e6], 300),
    "constant": np.full(600, 123.4),
    "minus zero": np.full(600, -0.0),
    "nothing": np.full(600, np.nan),
    "volts, not RMS": 1e-6 * np.sin(np.arange(600) / 9),
    "microvolts, not RMS": 1e6 * np.sin(np.arange(600) / 9),
}


@pytest.mark.parametrize("name", FREE)
@pytest.mark.parametrize("kind", CHANNELS)
def test_a_bad_channel_leaves_the_others_as_they_are(name: str, kind: str) -> None:
    """No code fails, or warns; decoded, it is a number."""
    signal, encoder = noise(), made(name)
    clean = encode(encoder, signal)
    signal[0] = CHANNELS[kind]
    spikes = encode(encoder, signal)
    assert np.isfinite(encoder.decode(spikes, SFREQ)).all()
    if name not in ("rank_order", "template"):  # competing; beats of the first channel
        owners = encoder.feature_channels(("left", "right"))
        others = [owner == "right" for owner in owners]
        np.testing.assert_array_equal(spikes[others], clean[others])


@pytest.mark.parametrize("name", ["rhythm", "template"])
@pytest.mark.parametrize("kind", ["constant", "minus zero", "nothing"])
def test_without_beats_codes_of_beats_are_silent(name: str, kind: str) -> None:
    assert not encode(made(name), np.tile(CHANNELS[kind], (2, 9))).any()


@pytest.mark.parametrize("name", STEPWISE)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_missing_sample_is_silent_and_forgotten(name: str, value: float) -> None:
    encoder = made(name, **({"kind": "regular"} if name == "rate" else {}))
    if name in ("bsa", "moving_window"):
        pytest.skip("their windows are of time: a missing sample leaves a place")
    signal = noise()
    with_gaps = np.insert(signal, [0, 0, 100, 100, 333], np.float32(value), axis=1)
    spikes = encode(encoder, with_gaps)
    missing = ~np.isfinite(with_gaps[0])
    assert not spikes[:, missing].any()
    np.testing.assert_array_equal(spikes[:, ~missing], encode(encoder, signal))


@pytest.mark.parametrize("name", FREE)
def test_a_negative_zero_is_zero(name: str) -> None:
    signal = np.round(noise())
    assert (np.signbit(signal) & (signal == 0)).any()
    spikes = encode(made(name), signal)
    np.testing.assert_array_equal(spikes, encode(made(name), signal + np.float32(0)))


@pytest.mark.parametrize("name", STEPWISE)
@pytest.mark.parametrize("value", [np.nan, 0.0])
def test_a_channel_of_nothing_is_silent(name: str, value: float) -> None:
    assert not encode(made(name), np.full((1, 500), value, np.float32)).any()


@pytest.mark.parametrize(
    "name",
    ["delta", "send_on_delta", "temporal_contrast", "moving_window", "level_crossing"],
)
def test_a_constant_channel_is_silent(name: str) -> None:
    assert not encode(made(name), np.full((1, 500), 123.4, np.float32)).any()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_a_threshold_that_is_not_positive_is_refused(name: str, value: float) -> None:
    for setting in set(POSITIVE) & set(find("encoders", name).model_fields):
        with pytest.raises(ValidationError, match=setting):
            made(name, **{setting: value})


@pytest.mark.parametrize("name", NAMES)
def test_a_chunk_without_samples_gives_none_and_changes_nothing(name: str) -> None:
    encoder = made(name)
    state = encoder.initial_state(3, SFREQ, np.random.default_rng(0))
    empty = np.empty((3, 0), np.float32)
    for _ in range(2):
        spikes, state = encoder.encode(empty, state)
        assert spikes.shape == (len(encoder.features(("a", "b", "c"))), 0)
        assert spikes.dtype == np.bool_
        assert encoder.encode_packed(empty, state)[0].shape[1] == 0


def changed(name: str) -> dict[str, Any]:
    """Choose settings that are not the usual ones."""
    if name == "joined":
        return {"parts": [{"name": "delta", "threshold": 3.21}]}
    if name == "rhythm":
        return {"cells": 3}
    settings = ("frame_s", *POSITIVE)
    return {next(s for s in settings if s in find("encoders", name).model_fields): 0.73}


@pytest.mark.parametrize("name", [name for name in FREE if name != "rate"])
def test_the_state_of_others_is_refused(name: str) -> None:
    encoder, other, rng = made(name), made(name, **changed(name)), noise_rng()
    state = encoder.initial_state(2, SFREQ, rng)
    made(name).encode(noise(), state)  # of equal settings
    refused = f"encoder {name}: the state of other"
    if name == "joined":
        refused = "encoder delta: the state of other"
    with pytest.raises(DataError, match=refused):
        other.encode(noise(), state)
    with pytest.raises(DataError, match="the state of other settings"):
        encoder.encode(noise(), rng)
    with pytest.raises(DataError, match="a chunk of 1 channels"):
        encoder.encode(noise()[:1], state)


def test_a_regular_rate_refuses_the_state_of_another() -> None:
    state = made("rate", kind="regular").initial_state(2, SFREQ, noise_rng())
    with pytest.raises(DataError, match="encoder rate: the state of other"):
        made("rate", kind="regular", full_scale=3).encode(noise(), state)


def test_a_window_too_long_to_add_up_exactly_is_refused() -> None:
    encoder = MovingWindow(window_s=60)
    with pytest.raises(ConfigError, match="2400000 samples at 40000 Hz"):
        encoder.initial_state(1, 40e3, np.random.default_rng(0))


def test_a_filter_above_half_of_the_sampling_rate_is_refused() -> None:
    with pytest.raises(ConfigError, match="cutoff_hz: 20 Hz"):
        made("bsa").initial_state(1, 40.0, np.random.default_rng(0))

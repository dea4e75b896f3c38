"""Delayed-Burst: the mean and the law of its delays, and draws in time order."""

import math
from typing import Any

import numpy as np
import pytest

from pipeline.encoders.delayed_burst import DelayedBurst
from pipeline.encoders.events import Events
from pipeline.errors import ConfigError
from tests.encoders.framed import check_law, counted, encode

N_STEPS, N_FRAMES, FULL, SEED = 10, 20_000, 5, 4


def of_events(**settings: int) -> DelayedBurst:
    return DelayedBurst(of=Events(), **settings)


def events(count: int, n_frames: int = N_FRAMES) -> np.ndarray:
    """Make so many OFF events in every frame, and a frame of silence at the end."""
    frame = [-1.0] * count + [0.0] * (N_STEPS - count)
    return np.array([frame * n_frames + [0.0] * N_STEPS], dtype=np.float32)


def law(mean: float, last: int) -> np.ndarray:
    """The geometric law on 0 … last with this mean, by halving."""
    low, high = 1e-9, 1e9
    while high / low > 1 + 1e-13:
        q = math.sqrt(low * high)
        weights = [q**d for d in range(last + 1)]
        average = sum(d * w for d, w in enumerate(weights)) / sum(weights)
        low, high = (q, high) if average < mean else (low, q)
    return np.array(weights) / sum(weights)


def delays(encoder: DelayedBurst, count: int) -> np.ndarray:
    spikes = encode(encoder, events(count), seed=SEED)
    assert not spikes[0].any()
    frames = spikes[1].reshape(-1, N_STEPS)
    assert not frames[0].any()
    first = frames[1:].argmax(axis=1)
    since = np.arange(N_STEPS) - first[:, None]
    expected = (since >= 0) & (since < encoder.spikes)
    np.testing.assert_array_equal(frames[1:], expected)  # m spikes, none cut
    return first


@pytest.mark.parametrize("spikes", [1, 3, 9])
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_delays_have_the_mean_and_the_law(count: int, spikes: int) -> None:
    last = N_STEPS - spikes
    mean = (1 - count / FULL) * last
    seen = delays(of_events(spikes=spikes), count)
    error = seen.std() / math.sqrt(N_FRAMES)
    assert seen.mean() == pytest.approx(mean, abs=3.5 * error)
    check_law(np.bincount(seen, minlength=last + 1), law(mean, last) * N_FRAMES)


@pytest.mark.parametrize("count", [5, 8])
def test_the_strongest_do_not_wait(count: int) -> None:
    assert not delays(of_events(), count).any()


def test_the_silent_stay_silent() -> None:
    assert not encode(of_events(), events(0, 50)).any()


def test_draws_are_those_of_the_generator_in_the_order_of_time() -> None:
    counts = [[1, 3, 2, 0], [0, 4, 1, 5]]
    signal = counted(counts, N_STEPS)
    expected = np.zeros((4, 40), dtype=bool)
    _, rng = np.random.default_rng(1).spawn(2)
    for frame in range(3):
        for feature in range(4):
            draw, count = rng.random(), counts[feature // 2][frame]
            if feature % 2 == 0 and count > 0:
                at_most, delay = np.cumsum(law((1 - count / FULL) * 7, 7)), 0
                while draw >= at_most[delay]:
                    delay += 1
                start = (frame + 1) * N_STEPS + delay
                expected[feature, start : start + 3] = True
    np.testing.assert_array_equal(encode(of_events(), signal), expected)


@pytest.mark.parametrize("count", [1, 4])
def test_decodes_on_average(count: int) -> None:
    spikes = encode(of_events(), events(count), seed=SEED)
    decoded = of_events().decode(spikes, 100.0)
    assert decoded.mean() * N_STEPS == pytest.approx(-count, rel=0.02)


def test_decoded_spikes_are_spread_evenly() -> None:
    decoded = of_events().decode(encode(of_events(), events(FULL, 3)), 100.0)
    assert decoded[0].tolist() == [0.0] * N_STEPS + [0.0, -1.0] * FULL * 3


def test_a_burst_is_shorter_than_its_frame() -> None:
    with pytest.raises(ConfigError, match="10 a burst, and a frame") as raised:
        of_events(spikes=10).initial_state(1, 100.0, np.random.default_rng(0))
    assert "0.11 or more" in raised.value.remedy


@pytest.mark.parametrize(
    "of",
    [
        {"name": "rhythm", "beats": "annotated"},
        {"name": "joined", "parts": [{"name": "delta", "channels": ["b"]}]},
    ],
)
def test_the_code_below_knows_channels_and_annotated_beats(of: dict[str, Any]) -> None:
    burst = DelayedBurst(of=of)
    assert burst.is_oracle == (of["name"] == "rhythm")
    burst = burst.on(("a", "b"), (20, 70, 130))
    signal = np.random.default_rng(3).normal(size=(2, 300)).astype(np.float32)
    spikes = encode(burst, signal)
    assert spikes.any()
    assert len(spikes) == len(burst.features(("a", "b")))

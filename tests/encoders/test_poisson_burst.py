"""Poisson-Burst: the statistics it promises, and draws in the order of time."""

import math

import numpy as np
import pytest
from scipy.stats import poisson

from pipeline.encoders.delta import Delta
from pipeline.encoders.events import Events
from pipeline.encoders.poisson_burst import PoissonBurst
from tests.encoders.framed import check_law, counted, encode

N_STEPS, N_FRAMES, SEED = 10, 20_000, 4


def of_events(**settings: float) -> PoissonBurst:
    return PoissonBurst(of=Events(), **settings)


def events(count: int, n_frames: int = N_FRAMES) -> np.ndarray:
    """Make so many ON events in every frame, and a frame of silence at the end."""
    frame = [1.0] * count + [0.0] * (N_STEPS - count)
    return np.array([frame * n_frames + [0.0] * N_STEPS], dtype=np.float32)


def lengths(encoder: PoissonBurst, count: int) -> np.ndarray:
    spikes = encode(encoder, events(count), seed=SEED)
    assert not spikes[1].any()
    frames = spikes[0].reshape(-1, N_STEPS)
    counts = frames.sum(axis=1)
    without_gaps = np.arange(N_STEPS) < counts[:, None]
    np.testing.assert_array_equal(frames, without_gaps)
    return counts[1:]


@pytest.mark.parametrize(("count", "x"), [(0, 0), (1, 0.2), (3, 0.6), (5, 1), (9, 1)])
def test_the_likelihood_of_a_burst_is_the_strength(count: int, x: float) -> None:
    probability = x * (1 - math.exp(-3))
    share = (lengths(of_events(), count) > 0).mean()
    deviation = math.sqrt(probability * (1 - probability) / N_FRAMES)
    assert share == pytest.approx(probability, abs=3.5 * deviation)


@pytest.mark.parametrize("mean_spikes", [0.7, 3.0, 9.0])
def test_lengths_follow_poisson_up_to_the_frame(mean_spikes: float) -> None:
    seen = np.bincount(lengths(of_events(mean_spikes=mean_spikes), 5), minlength=11)
    law = poisson(mean_spikes).pmf(np.arange(11))
    law[10] = poisson(mean_spikes).sf(9)
    check_law(seen, law * N_FRAMES)


def test_draws_are_those_of_the_generator_in_the_order_of_time() -> None:
    counts = [[1, 3, 2, 0], [0, 4, 1, 5]]
    signal = counted(counts, N_STEPS)
    expected = np.zeros((4, 40), dtype=bool)
    _, rng = np.random.default_rng(1).spawn(2)
    for frame in range(3):
        for feature in range(4):
            occurs, draw = rng.random(), rng.random()
            x = counts[feature // 2][frame] / 5 if feature % 2 == 0 else 0.0
            length = 0
            while length < N_STEPS and draw >= poisson.cdf(length, 3.0):
                length += 1
            if occurs < x:
                start = (frame + 1) * N_STEPS
                expected[feature, start : start + length] = True
    np.testing.assert_array_equal(encode(of_events(), signal), expected)


def test_decodes_on_average() -> None:
    decoded = of_events().decode(encode(of_events(), events(2), seed=SEED), 100.0)
    assert decoded.mean() * N_STEPS == pytest.approx(2, rel=0.02)


def test_a_ramp_of_delta_is_followed() -> None:
    # 20 spikes/s of 50: bursts in 4 of 10 frames, of 1/(0.4) times what they stand for.
    encoder = PoissonBurst(of=Delta(threshold=0.5))
    signal = np.linspace(0, 1000, 10_000, dtype=np.float32)[None]
    decoded = encoder.decode(encode(encoder, signal), 100.0)
    assert decoded[0, -1] == pytest.approx(1000, rel=0.1)


def test_the_code_below_and_the_bursts_draw_apart() -> None:
    encoder = PoissonBurst(of={"name": "rate"})
    signal = np.full((1, 400), 2.0, dtype=np.float32)
    one, again, other = (encode(encoder, signal, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    rng = np.random.default_rng(3)
    before = rng.bit_generator.state
    encoder.initial_state(1, 100.0, rng)
    assert rng.bit_generator.state == before
    assert rng.spawn(1)[0].random() == np.random.default_rng(3).spawn(1)[0].random()


def test_delays_add_and_features_stay() -> None:
    encoder = PoissonBurst(of={"name": "latency", "frame_s": 0.2}, frame_s=0.1)
    assert encoder.delay_s(100.0) == pytest.approx(0.3)
    assert encoder.features(("C3",)) == ("C3+", "C3-")
    assert PoissonBurst(of={"name": "rank_order"}).operations() is None

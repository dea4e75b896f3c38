"""Every encoder's integer form: compiled, in plain Python and in C, bit for bit.

All of them are parts of one encoder, so that one program in C holds them all.
"""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.components import find
from pipeline.device.stimulus import unpacked
from pipeline.encoders.joined import Joined
from pipeline.encoders.parts.beats import BeatCode
from pipeline.errors import ConfigError
from pipeline.front_end.beat_design import BeatForm
from pipeline.front_end.chain import UNIT_V, FrontEnd, design_front_end, digitise
from pipeline.front_end.coding import available
from pipeline.kernels.front_end.integer import prepared
from pipeline.kernels.front_end.state import RAIL, first_memory
from pipeline.preparation.causal import process
from pipeline.preparation.signals import SignalSettings, design
from pipeline.profiling.cost_tables import tables
from pipeline.profiling.energy import encoder_energy
from tests.exporting.test_c_front_end import compiled
from tests.front_end.plain import plain_part

CHANNELS = ("a", "b", "c")
INT8 = tables()["horowitz_45nm_int8"]
SIGNAL = SignalSettings.model_validate({"scale": {"tau_s": 0.5, "floor": 1e-6}})
VARIANTS: list[dict[str, Any]] = [
    {"name": "delta", "threshold": 0.1, "channels": ["c", "a"]},
    {"name": "send_on_delta", "threshold": 0.1, "most": 9, "hysteresis": 0.8},
    {"name": "send_on_delta", "most": 1},
    {"name": "level_crossing", "spacing": 0.1, "most": 1, "channels": ["b"]},
    {"name": "moving_window", "threshold": 0.2, "window_s": 0.004},
    {"name": "moving_window", "window_s": 2},
    {"name": "sigma_delta", "threshold": 0.5},
    {"name": "temporal_contrast", "factor": 0.0, "tau_s": 0.01},
    {"name": "temporal_contrast", "factor": 2.0, "tau_s": 60},
    {"name": "rhythm", "shifts": [1], "cells": 4, "fractions": [], "channels": ["b"]},
    {"name": "template", "warm_up": 1, "shift": 2, "before_s": 0.1, "after_s": 1.4},
]
PARTS = [*({"name": name} for name in available()), *VARIANTS]
NUMBERS = range(len(PARTS))


def hard_signals(length: int) -> dict[str, np.ndarray]:
    rng, place = np.random.default_rng(3), np.arange(length)
    shape = len(CHANNELS), length
    walk = rng.normal(size=shape).cumsum(axis=1) * 300 + rng.normal(size=shape) * 900
    return {
        "walk": walk,
        "nothing": walk[:, :0],
        "one sample": walk[:, :1] + 1e5,
        "constant": np.full(shape, -7_654_321),
        "limits of 16 bits": rng.choice([-(2**15), 2**15 - 1], shape),
        "rails": rng.choice([-(2**31), -RAIL, 0, RAIL, 2**31 - 1], shape),
        "a step of 10^6 V": digitise(np.where(place > 99, 1e6, 0) * np.ones(shape)),
        "hush, then a wave": np.where(
            place < length // 2, rng.integers(-2, 3, shape), np.sin(place / 9) * RAIL
        ),
        "fading": rng.normal(size=shape) * RAIL * np.exp2(-place * 24 / length),
    }


def heart(seed: int, fading: float) -> np.ndarray:
    """Draw beats that come early and late, fade, and pause; with noise."""
    rng = np.random.default_rng(seed)
    intervals = rng.choice([0.35, 0.8, 0.82, 0.9, 1.6, 4.0], 60)
    times = intervals.cumsum() * 250
    place = np.arange(times[-1] + 100)[:, None] - times
    wave = np.exp(-((place / 4) ** 2)) - 0.3 * np.exp(-(((place - 12) / 9) ** 2))
    strength = 40_000 * np.exp2(-fading * rng.random(60) ** 3)
    return (wave @ strength + rng.normal(0, 60, len(wave)))[:10_000].astype(np.int32)


SIGNALS = {name: x.astype(np.int32) for name, x in hard_signals(600).items()}
NOISE = np.random.default_rng(2).normal(size=(2, len(CHANNELS), 10_000))
WANDERING = 2e-5 * (NOISE[0].cumsum(axis=1) / 5 + NOISE[1])
HEARTS = {"hearts": np.stack([heart(seed, 8) for seed in range(len(CHANNELS))])}
STEADY = UNIT_V * np.stack([heart(seed, 1) for seed in range(len(CHANNELS))])


@pytest.fixture(scope="module")
def front_end() -> FrontEnd:
    encoder = Joined.model_validate({"parts": PARTS})
    return design_front_end(SIGNAL, encoder, 250, CHANNELS)


@pytest.fixture(scope="module")
def in_integers(front_end: FrontEnd) -> dict[str, np.ndarray]:
    return {
        name: front_end.encode(codes)[0] for name, codes in (SIGNALS | HEARTS).items()
    }


@pytest.fixture(scope="module")
def in_c(
    front_end: FrontEnd, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, np.ndarray]:
    if shutil.which("gcc") is None:
        pytest.skip("no gcc here")
    folder: Path = tmp_path_factory.mktemp("codes")
    program, found = compiled(front_end, folder), {}
    for name, codes in (SIGNALS | HEARTS).items():
        done = subprocess.run(
            [program], input=codes.T.tobytes(), capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        rows = np.frombuffer(done.stdout, np.uint8).reshape(-1, front_end.spike_bytes)
        found[name] = unpacked(rows, front_end.n_features).T
    return found


def rows_of(front_end: FrontEnd, number: int) -> slice:
    widths = [part.code.n_features for part in front_end.parts]
    return slice(sum(widths[:number]), sum(widths[: number + 1]))


@pytest.mark.parametrize("number", NUMBERS, ids=lambda n: f"{n}-{PARTS[n]['name']}")
def test_a_form_gives_the_bits_of_its_reference_and_of_its_c(
    number: int,
    front_end: FrontEnd,
    in_integers: dict[str, np.ndarray],
    in_c: dict[str, np.ndarray],
) -> None:
    part, rows = front_end.parts[number], rows_of(front_end, number)
    memory = first_memory(front_end.constants, len(CHANNELS))
    for_beats = isinstance(part.code, BeatForm)
    for name, codes in (SIGNALS | HEARTS if for_beats else SIGNALS).items():
        levels, scales, _ = prepared(codes, memory, front_end.constants)
        expected = plain_part(part, levels, scales)
        np.testing.assert_array_equal(in_integers[name][rows], expected, err_msg=name)
        np.testing.assert_array_equal(in_c[name][rows], expected, err_msg=name)
    found = in_integers["hearts"][rows]
    np.testing.assert_array_equal(in_c["hearts"][rows], found)
    assert found.any(axis=1).mean() > 0.2
    relative = part.name == "sigma_delta" or "factor" in PARTS[number]
    assert relative or not in_integers["constant"][rows].any()


def test_any_chunks_give_the_same_bits(
    front_end: FrontEnd, in_integers: dict[str, np.ndarray]
) -> None:
    codes, expected = HEARTS["hearts"], in_integers["hearts"]
    cuts = np.sort(np.random.default_rng(1).integers(0, codes.shape[1], 40))
    spikes, memory = [], None
    for chunk in np.split(codes, [0, 0, 1, *cuts], axis=1):
        fired, memory = front_end.encode(chunk, memory)
        spikes.append(fired)
    np.testing.assert_array_equal(np.concatenate(spikes, axis=1), expected)


@pytest.mark.parametrize("number", NUMBERS, ids=lambda n: f"{n}-{PARTS[n]['name']}")
def test_a_form_gives_nearly_the_spikes_of_the_floating_point(number: int) -> None:
    settings = {k: v for k, v in PARTS[number].items() if k not in ("name", "channels")}
    encoder: Any = find("encoders", PARTS[number]["name"])(**settings)
    volts = STEADY if isinstance(encoder, BeatCode) else WANDERING
    signal, _ = process(volts, None, design(SIGNAL, 250))
    state = encoder.initial_state(3, 250.0, np.random.default_rng(0))
    expected = encoder.encode(signal, state)[0]
    front_end = design_front_end(SIGNAL, encoder, 250, 3)
    got = front_end.encode(digitise(volts))[0]
    assert expected.any()
    assert front_end.n_features == len(encoder.features(CHANNELS))
    operations = encoder.operations_per_step(front_end.n_features)
    assert encoder_energy(operations, INT8, 1.0)["energy_j_per_window"] > 0
    assert (got ^ expected).sum() < 0.02 * (got | expected).sum()


def test_what_does_not_fit_its_word_is_refused() -> None:
    fine = {"threshold": 1e-6, "window_s": 60}
    for name, settings in (
        ("delta", {"threshold": 1e-6}),
        ("moving_window", fine),
        ("temporal_contrast", {"factor": 0.001}),
    ):
        encoder: Any = find("encoders", name)(**settings)
        with pytest.raises(ConfigError, match="at least 16 units"):
            design_front_end(SIGNAL, encoder, 250, 1)

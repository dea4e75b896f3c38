"""The example of online learning: chunks, lost power, memory, and what it learns."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import DataError
from pipeline.networks.parts.competing import Delays
from pipeline.plasticity.parts.delays import DelayLine
from tests.docs.examples import load


@pytest.fixture(scope="module")
def example() -> ModuleType:
    return load("online_stdp")


def same(one: object, other: object) -> bool:
    """Whether two devices remember the same, bit for bit."""
    kept = [
        (d.population.weights, d.population.thresholds, d.population.membranes,
         d.population.clock, d.code, d.delays, *d.population.traces[0],
         *vars(d.signal).values())
        for d in (one, other)
    ]  # fmt: skip
    return all(np.array_equal(a, b) for a, b in zip(*kept, strict=True))


@given(cuts=st.lists(st.integers(0, 1500), max_size=6))
@settings(max_examples=15, deadline=None)
def test_any_chunks_give_the_same(example: ModuleType, cuts: list[int]) -> None:
    samples, _ = example.stream(6, 3)
    uncut, device = example.live(example.start(0), samples)
    pieces, other = [], example.start(0)
    for piece in np.split(samples, sorted(cuts), axis=1):
        spikes, other = example.live(other, piece)
        pieces.append(spikes)
    assert uncut.any()
    assert np.array_equal(np.concatenate(pieces), uncut)
    assert same(device, other)


@pytest.mark.parametrize("moment", [0, 1, 777])
def test_power_may_be_lost_at_any_sample(
    example: ModuleType, moment: int, tmp_path: Path
) -> None:
    samples, _ = example.stream(6, 3)
    _, unbroken = example.live(example.start(0), samples)
    _, device = example.live(example.start(0), samples[:, :moment])
    example.save(device, tmp_path)
    _, again = example.live(example.load(tmp_path), samples[:, moment:])
    assert same(again, unbroken)


def test_what_is_kept_does_not_grow(example: ModuleType, tmp_path: Path) -> None:
    sizes = []
    for seconds in (5, 50):
        _, device = example.live(example.start(0), example.stream(seconds, 1)[0])
        example.save(device, tmp_path)
        sizes.append(sum(path.stat().st_size for path in tmp_path.iterdir()))
    assert abs(sizes[1] - sizes[0]) < 16  # digits of the clock


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_neurons_come_to_know_a_shape(example: ModuleType, seed: int) -> None:
    device = example.start(seed)
    before = example.judged(device, seed + 1)
    _, device = example.live(device, example.stream(120, seed)[0])
    after = example.judged(device, seed + 1)
    assert before < 0.7
    assert after > 0.85


def test_judging_changes_nothing(example: ModuleType) -> None:
    _, device = example.live(example.start(0), example.stream(6, 3)[0])
    weights = device.population.weights.copy()
    thresholds = device.population.thresholds.copy()
    example.judged(device, 5)
    assert np.array_equal(device.population.weights, weights)
    assert np.array_equal(device.population.thresholds, thresholds)


def test_another_device_is_refused(
    example: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example.save(example.start(0), tmp_path)
    other = example.POPULATION.rules[0].model_copy(update={"a_plus": 0.5})
    from dataclasses import replace

    rules = (other, *example.POPULATION.rules[1:])
    monkeypatch.setattr(example, "POPULATION", replace(example.POPULATION, rules=rules))
    with pytest.raises(DataError, match="another network"):
        example.load(tmp_path)


def test_the_script_reports_before_and_after(
    example: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    example.main(["--seconds", "5", "--save", str(tmp_path / "device")])
    printed = capsys.readouterr().out
    assert "Before" in printed
    assert "After 5 s" in printed
    assert "bytes" in printed


@pytest.mark.parametrize(("count", "every"), [(1, 1), (3, 2), (5, 4)])
def test_delays_of_streams_are_those_of_windows(count: int, every: int) -> None:
    import torch

    rng = np.random.default_rng(0)
    bits = rng.random((50, 3)) < 0.3
    line = DelayLine(count, every)
    state, pieces = line.start(3), []
    for piece in np.split(bits, [0, 1, 2, 20, 47]):
        copies, state = line.run(piece, state)
        pieces.append(copies)
    windows = Delays(count, every)(torch.from_numpy(bits).float()[:, None])
    assert np.array_equal(np.concatenate(pieces), windows[:, 0].numpy() != 0)

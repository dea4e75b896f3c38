"""What no body makes is refused, with its channel; what bodies make never is."""

import numpy as np
import pytest

from pipeline import quality
from pipeline.errors import DataError
from pipeline.ingestion.plausible import refuse_implausible
from pipeline.readers.base import ChannelType, Check, Content

SFREQ = 250.0


def noise(swing: float, seconds: float = 20, offset: float = 0.0) -> np.ndarray:
    """Two channels of noise with about this swing in two seconds, and slow drift."""
    rng = np.random.default_rng(1)
    samples = rng.standard_normal((2, int(seconds * SFREQ))) * swing / 6
    return samples + offset + np.linspace(0, swing, samples.shape[1])


def judge(samples: np.ndarray, kind: ChannelType, *unchecked: Check) -> None:
    content = Content(
        ("a", "b"),
        (kind, kind),
        SFREQ,
        samples.shape[1],
        lambda start, stop: samples[:, start:stop],
    )
    measured = quality.measure([samples[:, :777], samples[:, 777:]], SFREQ, None)
    refuse_implausible("recording x", content, measured, unchecked)


TYPICAL: list[tuple[ChannelType, float]] = [
    ("ecg", 1.5e-3),
    ("ecg", 0.15e-3),
    ("eeg", 60e-6),
    ("eeg", 15e-6),
    ("emg", 80e-6),
    ("emg", 150e-6),
]


@pytest.mark.parametrize(("kind", "swing"), TYPICAL)
def test_what_bodies_make_passes_and_a_thousandfold_is_refused(
    kind: ChannelType, swing: float
) -> None:
    judge(noise(swing), kind)
    judge(noise(swing, offset=0.3), kind)
    judge(noise(swing, seconds=0.5), kind)
    for factor in (1e-3, 1e3):
        with pytest.raises(DataError) as caught:
            judge(noise(factor * swing), kind)
        assert caught.value.where == "recording x, channel a"
        assert "; likewise 1 other channel" in caught.value.found
        assert f"for {kind.upper()}" in caught.value.expected
        assert "unchecked to [amplitude]" in caught.value.remedy
        judge(noise(factor * swing), kind, "amplitude")


@pytest.mark.parametrize("size", [1e-9, 1.0, 1e3])
def test_events_are_no_voltages(size: float) -> None:
    judge(size * np.sign(noise(1e-3, offset=-5e-4)), "stim")
    with pytest.raises(DataError, match="one value all along"):
        judge(np.ones((2, 5000)), "stim")


@pytest.mark.parametrize("kind", ["ecg", "eeg", "emg"])
@pytest.mark.parametrize("swing", [30.0, 1e30])
def test_volts_are_refused_whatever_is_measured(
    kind: ChannelType, swing: float
) -> None:
    with pytest.raises(DataError, match="it swings by"):
        judge(noise(swing), kind)


def test_an_offset_that_no_converter_holds() -> None:
    with pytest.raises(DataError, match="it has a sample of 30 V"):
        judge(noise(50e-6, offset=30), "eeg")


@pytest.mark.parametrize("value", [-1e30, 11.0])
def test_one_sample_that_no_converter_holds(value: float) -> None:
    samples = noise(50e-6)
    samples[1, 77] = value
    with pytest.raises(DataError) as caught:
        judge(samples, "eeg")
    assert caught.value.where == "recording x, channel b"
    assert caught.value.found == f"it has a sample of {value:.3g} V"


def test_an_artefact_or_long_padding_is_no_amplitude() -> None:
    samples = noise(60e-6)
    samples[0, 400:900] += 5.0
    samples[1, 1000:4500] = samples[1, 1000]
    judge(samples, "eeg")


def test_a_channel_of_one_value_is_refused_by_name() -> None:
    samples = noise(60e-6)
    samples[1] = 0.0
    with pytest.raises(DataError) as caught:
        judge(samples, "eeg")
    assert caught.value.where == "recording x, channel b"
    assert caught.value.found == "it has one value all along, 0 V"
    assert "unchecked to [flat]" in caught.value.remedy
    judge(samples, "eeg", "flat")
    samples[1, -1] = 1e-5  # one step is a change
    judge(samples, "eeg")

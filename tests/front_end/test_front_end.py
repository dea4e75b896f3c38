"""The integer front end against the chain in floating point."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.device.stimulus import packed
from pipeline.encoders.delta import Delta
from pipeline.encoders.rate import Rate
from pipeline.encoders.send_on_delta import SendOnDelta
from pipeline.errors import ConfigError, DataError
from pipeline.front_end.chain import (
    FrontEnd,
    design_front_end,
    digitise,
    saturations,
)
from pipeline.front_end.constants import (
    MARGIN,
    SECTION_LIMIT,
    SIGNAL_LIMIT,
    UNIT_V,
    section_gains,
    signal_gain,
)
from pipeline.kernels.front_end.state import RAIL
from pipeline.preparation.causal import process
from pipeline.preparation.signals import SignalSettings, design
from tests.front_end.designs import PARAMS, RATES, settings_of

AMPLITUDES = {"ecg_demo": 2e-4, "mitdb": 2e-4}
DELTA = Delta(threshold=0.5)


def in_floating_point(
    volts: np.ndarray, settings: SignalSettings, sfreq: float
) -> np.ndarray:
    prepared, _ = process(volts, None, design(settings, sfreq))
    state = DELTA.initial_state(len(volts), 250.0, np.random.default_rng(0))
    return DELTA.encode(prepared, state)[0]


def in_integers(
    volts: np.ndarray, settings: SignalSettings, sfreq: float
) -> np.ndarray:
    front_end = design_front_end(settings, DELTA, sfreq, len(volts))
    return front_end.encode(digitise(volts))[0]


def agree(
    volts: np.ndarray, settings: SignalSettings, sfreq: float, least: float
) -> None:
    expected = in_floating_point(volts, settings, sfreq)
    got = in_integers(volts, settings, sfreq)
    assert got.shape == expected.shape
    steps = (got == expected).reshape(len(volts), 2, -1).all(axis=1).mean()
    assert steps > least
    assert got.sum() == pytest.approx(expected.sum(), rel=0.01)
    spikes = (got & expected).sum() / (got | expected).sum()
    assert spikes > least - 0.01


def wandering(n_channels: int, length: int, amplitude: float) -> np.ndarray:
    """A walk and noise on the offset of an electrode."""
    rng = np.random.default_rng(2)
    noise = rng.normal(size=(2, n_channels, length))
    return amplitude * (noise[0].cumsum(axis=1) / 5 + noise[1]) + 0.05


@pytest.mark.parametrize("dataset", RATES)
def test_gives_the_spikes_of_the_chain_in_floating_point(dataset: str) -> None:
    volts = wandering(4, 60 * RATES[dataset], AMPLITUDES.get(dataset, 2e-5))
    agree(volts, settings_of(dataset), RATES[dataset], least=0.998)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"l_freq": 1},
        {"h_freq": 40},
        {"l_freq": 0.05, "h_freq": 40, "sfreq": 125},
        {"notch": 50},
    ],
)
def test_agrees_with_parts_of_the_filter(changes: dict[str, object]) -> None:
    scale = {"tau_s": 10, "floor": 1e-6}
    settings = SignalSettings.model_validate({"scale": scale, **changes})
    volts = wandering(2, 60 * 500, 1e-4) - 0.05
    agree(volts, settings, 500, least=0.995)


@pytest.mark.parametrize(
    ("dataset", "frequency"),
    [("mitdb", 0.5), ("mitdb", 40), ("eegmat", 1), ("eeg_demo", 4), ("emg_demo", 20)],
)
def test_the_filters_are_exact_far_below_the_floor(
    dataset: str, frequency: float
) -> None:
    from scipy import signal as sp

    sfreq, settings = RATES[dataset], settings_of(dataset)
    front_end = design_front_end(settings, DELTA, sfreq, 1)
    time = np.arange(20 * sfreq) / sfreq
    codes = digitise(0.1 + 2e-3 * np.sin(2 * np.pi * frequency * time)[None])
    sections = design(settings, sfreq).sections
    volts = codes[0] * UNIT_V
    rest = sp.sosfilt_zi(sections) * volts[0]
    expected, _ = sp.sosfilt(sections, volts, zi=rest)
    got = [levels(front_end, codes[:, : n + 1]) for n in range(sfreq, len(time), 911)]
    error = np.abs(np.array(got) * UNIT_V - expected[sfreq : len(time) : 911])
    assert error.max() < settings.scale.floor / 50


def levels(front_end: FrontEnd, codes: np.ndarray) -> float:
    """The last filtered sample, in units of the converter."""
    _, memory = front_end.encode(codes)
    return float(memory.signal.past[0, -1, 0] / 2**front_end.constants.fraction)


def test_a_held_offset_says_nothing() -> None:
    front_end = design_front_end(settings_of("mitdb"), DELTA, 360, 2)
    spikes, memory = front_end.encode(np.full((2, 4000), -7_654_321, np.int32))
    assert not spikes.any()
    assert np.abs(memory.signal.past[:, -1]).max() <= 4
    assert saturations(memory) == 0


@pytest.mark.parametrize("dataset", RATES)
def test_any_chunks_give_the_same_bits(dataset: str) -> None:
    front_end = design_front_end(settings_of(dataset), DELTA, RATES[dataset], 3)
    codes = digitise(wandering(3, 1500, 1e-4))
    full, at_end = front_end.encode(codes)
    cuts = np.sort(np.random.default_rng(1).integers(0, 1500, 40))
    parts, memory = [], None
    for chunk in np.split(codes, [0, 0, 1, *cuts], axis=1):
        spikes, memory = front_end.encode(chunk, memory)
        parts.append(spikes)
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), full)
    assert memory is not None
    found, wanted = ((*each.signal, *each.codes) for each in (memory, at_end))
    for part, expected in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(part, expected)


@pytest.mark.parametrize("length", [0, 1, 2, 3, 7, 50])
def test_as_many_steps_as_the_chain_in_floating_point(length: int) -> None:
    for dataset, sfreq in RATES.items():
        volts = wandering(1, length, 1e-4)
        got = in_integers(volts, settings_of(dataset), sfreq)
        assert got.shape == in_floating_point(volts, settings_of(dataset), sfreq).shape


@pytest.mark.parametrize("dataset", RATES)
def test_the_bounds_leave_room_and_waste_little(dataset: str) -> None:
    constants = design_front_end(
        settings_of(dataset), DELTA, RATES[dataset], 2
    ).constants
    scale = RAIL * 2.0**constants.fraction
    sections = max(section_gains(constants.sections)) * scale / SECTION_LIMIT
    signal = signal_gain(constants.sections, constants.taps) * scale / SIGNAL_LIMIT
    assert MARGIN / 2 < max(sections, signal) <= MARGIN


def test_digitise_rounds_to_the_converters_unit_and_clips() -> None:
    volts = np.array([[0, 1.4 * UNIT_V, -2.6 * UNIT_V, 0.1875, 1, -1, np.inf]])
    codes = digitise(volts)
    assert codes.dtype == np.int32
    assert codes.tolist() == [[0, 1, -3, RAIL, RAIL, -RAIL, RAIL]]


def test_digitise_refuses_what_is_not_a_number() -> None:
    volts = np.zeros((2, 9))
    volts[1, 4] = np.nan
    with pytest.raises(DataError, match=r"channel 1: 1 samples.*first at sample 4"):
        digitise(volts)


def test_saturated_samples_are_counted_and_clipped() -> None:
    front_end = design_front_end(settings_of("ecg_demo"), DELTA, 250, 1)
    beyond = np.array([[0, RAIL, 2**31 - 1, -(2**31), -RAIL, RAIL - 1] * 50], np.int32)
    spikes, memory = front_end.encode(beyond)
    assert saturations(memory) == 200
    clipped, _ = front_end.encode(np.clip(beyond, -RAIL, RAIL))
    np.testing.assert_array_equal(spikes, clipped)


def test_steps_are_packed_feature_by_feature() -> None:
    spikes = np.zeros((10, 2), np.bool_)
    spikes[[0, 3, 9], [0, 0, 1]] = True
    assert packed(spikes.T).tolist() == [[0b1001, 0], [0, 0b10]]


def test_other_samples_are_refused() -> None:
    front_end = design_front_end(settings_of("ecg_demo"), DELTA, 250, 2)
    with pytest.raises(ValueError, match="int32 samples of 2 channels"):
        front_end.encode(np.zeros((3, 5), np.int32))
    with pytest.raises(ValueError, match="int32"):
        front_end.encode(np.zeros((2, 5)))  # type: ignore[arg-type]


def test_what_has_no_integer_form_is_refused() -> None:
    signal = settings_of("ecg_demo")
    with pytest.raises(ConfigError, match=r"Rate has no integer.*\n.*: delta, level"):
        design_front_end(signal, Rate(full_scale=8), 250, 2)
    with pytest.raises(ConfigError, match="events_per_s: 25: a threshold that moves"):
        design_front_end(signal, Delta(events_per_s=25), 250, 2)
    with pytest.raises(ConfigError, match="snr_db: 20: a threshold that moves"):
        design_front_end(signal, SendOnDelta(snr_db=20), 250, 2)
    with pytest.raises(ConfigError, match="at most the recorded rate"):
        design_front_end(signal, DELTA, 100, 2)
    low = signal.scale.model_copy(update={"floor": 1e-9})
    with pytest.raises(ConfigError, match="no converter measures less"):
        design_front_end(signal.model_copy(update={"scale": low}), DELTA, 250, 2)
    with pytest.raises(ConfigError, match="the signal is not scaled"):
        design_front_end(signal.model_copy(update={"scale": None}), DELTA, 250, 2)
    shares = signal.scale.model_copy(update={"shared": True, "profile_s": 60})
    with pytest.raises(ConfigError, match="shares of a scale have no integer form"):
        design_front_end(signal.model_copy(update={"scale": shares}), DELTA, 250, 2)
    slow = signal.model_copy(update={"l_freq": 1e-3})
    with pytest.raises(ConfigError, match="slowest pole"):
        design_front_end(slow, DELTA, 250, 2)


def test_real_electrocardiograms(real_data: Path) -> None:
    import wfdb

    for record in ("106", "207"):  # noisy; fluttering
        read = wfdb.rdrecord(str(real_data / "mitdb" / record), sampto=360 * 300)
        volts = read.p_signal.T * 1e-3
        agree(volts, settings_of("mitdb"), 360, least=0.998)


def test_real_electroencephalograms(real_data: Path) -> None:
    import mne

    channels = PARAMS["datasets"]["eegmat"]["reader"]["channels"]
    path = real_data / "eegmat" / "Subject03_2.edf"
    raw = mne.io.read_raw_edf(path, verbose="error")
    names = [name for name in raw.ch_names if name.removeprefix("EEG ") in channels]
    agree(raw.get_data(names), settings_of("eegmat"), 500, least=0.998)

"""The compiled front end against its reference in Python, bit for bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.encoders.delta import Delta
from pipeline.front_end.chain import FrontEnd, design_front_end, saturations
from pipeline.kernels.fixed_point import leading_zeros, root
from pipeline.kernels.front_end.state import RAIL
from pipeline.preparation.signals import SignalSettings
from tests.front_end.designs import RATES, settings_of
from tests.front_end.plain import plain_front_end

WORD = 2**31


def designed(dataset: str, n_channels: int, threshold: float = 0.5) -> FrontEnd:
    encoder = Delta(threshold=threshold)
    return design_front_end(settings_of(dataset), encoder, RATES[dataset], n_channels)


def plain(**changes: object) -> SignalSettings:
    scale = {"tau_s": 0.5, "floor": 1e-6}
    return SignalSettings.model_validate({"scale": scale, **changes})


def hard_signals(n_channels: int, length: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    shape = n_channels, length
    place = np.arange(length)
    walk = rng.normal(size=shape).cumsum(axis=1) * 300 + rng.normal(size=shape) * 3000
    return {
        "walk": walk + 5_000_000,
        "zeros": np.zeros(shape),
        "hush": rng.integers(-2, 3, shape),
        "beyond the rails": rng.choice([-WORD, -RAIL, 0, RAIL, WORD - 1], shape),
        "square": np.broadcast_to(np.where(place // 41 % 2, RAIL, -RAIL), shape),
        "step": np.broadcast_to(np.where(place > 99, RAIL, 7), shape),
        "resonance": np.sign(
            np.sin(2 * np.pi * 0.1 * place + rng.random((shape[0], 1)))
        )
        * RAIL,
        "held": np.full(shape, -RAIL),
    }


@pytest.mark.parametrize("dataset", RATES)
def test_equals_its_twin(dataset: str) -> None:
    front_end = designed(dataset, 3)
    for name, signal in hard_signals(3, 700).items():
        codes = signal.astype(np.int32)
        spikes, memory = front_end.encode(codes)
        expected, expected_saturations = plain_front_end(codes, front_end)
        assert spikes.dtype == np.bool_
        np.testing.assert_array_equal(spikes, expected, err_msg=name)
        assert saturations(memory) == expected_saturations


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(
        [
            plain(),
            plain(l_freq=0.5, sfreq=50),
            plain(h_freq=20, notch=50),
            plain(l_freq=3, h_freq=30, sfreq=80, scale={"tau_s": 1, "floor": 1e-4}),
            plain(sfreq=100, scale={"tau_s": 600, "floor": 1e-6, "shared": True}),
        ]
    ),
    st.floats(1e-2, 10),
    arrays(
        np.int32,
        st.tuples(st.integers(1, 3), st.integers(0, 90)),
        elements=st.integers(-WORD, WORD - 1) | st.integers(-50, 50),
    ),
)
def test_equals_its_twin_on_anything(
    signal: SignalSettings, threshold: float, codes: np.ndarray
) -> None:
    encoder = Delta(threshold=threshold)
    front_end = design_front_end(signal, encoder, 200, len(codes))
    spikes, memory = front_end.encode(codes)
    expected, expected_saturations = plain_front_end(codes, front_end)
    np.testing.assert_array_equal(spikes, expected)
    assert saturations(memory) == expected_saturations


def test_the_worst_signal_of_a_filter_fits_its_word() -> None:
    """The signs of the impulse response, backwards, at the rail."""
    from scipy import signal as sp

    front_end = designed("mitdb", 1)
    sections = front_end.constants.sections / 2.0**30
    impulse = np.zeros(6000)
    impulse[0] = 1
    for b0, b1, b2, c1, c2 in sections:
        impulse = sp.lfilter([b0, b1, b2], [1, -c1, -c2], impulse)
    worst = np.where(impulse[::-1] >= 0, RAIL, -RAIL)
    codes = worst[None].astype(np.int32)
    spikes, memory = front_end.encode(codes)
    expected, _ = plain_front_end(codes, front_end)  # looks at every word
    np.testing.assert_array_equal(spikes, expected)
    reached = memory.signal.past[0, -1, 0] / 2**front_end.constants.fraction
    assert reached == pytest.approx(RAIL * np.abs(impulse).sum(), rel=2e-3)


def test_roots_are_within_two_units_of_131072() -> None:
    rng = np.random.default_rng(0)
    top = np.arange(2**32 - 2**17, 2**32)
    words = np.concatenate([rng.integers(2**30, 2**32, 20_000), [2**30], top])
    roots = np.array([root(int(word)) for word in words])
    assert np.abs(roots - 2 * np.sqrt(words)).max() < 2
    assert roots.max() < 2**17  # shifted by 15 they fit a word


@pytest.mark.parametrize("bits", range(1, 33))
def test_leading_zeros(bits: int) -> None:
    for word in (2 ** (bits - 1), 2**bits - 1):
        assert leading_zeros(word) == (32 - bits) // 2 * 2


def test_arguments_stay_as_they_were() -> None:
    front_end = designed("ecg_demo", 2)
    codes = hard_signals(2, 200)["walk"].astype(np.int32)
    before = codes.copy()
    _, memory = front_end.encode(codes)
    kept = [part.copy() for part in (*memory.signal, *memory.codes)]
    front_end.encode(codes, memory)
    np.testing.assert_array_equal(codes, before)
    for part, old in zip((*memory.signal, *memory.codes), kept, strict=True):
        np.testing.assert_array_equal(part, old)

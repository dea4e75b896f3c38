"""Phase: against binary digits taken one by one."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings

from pipeline.encoders.phase import Phase
from pipeline.errors import ConfigError
from tests.encoders.framed import SIGNALS, by_sign, encode, held, slow_encode


def slow(xs: Sequence[float], n: int) -> list[list[bool]]:
    rows = []
    for x in xs:
        rest = 0.0 if not x > 0 else min(x, 1 - 2**-4)
        digits = []
        for k in range(4):
            digits.append(rest >= 2 ** -(1 + k))
            rest -= digits[-1] * 2 ** -(1 + k)
        rows.append([digits[t % 4] for t in range(n)])
    return rows


@settings(deadline=None)
@given(SIGNALS)
def test_equals_its_equation(signal: np.ndarray) -> None:
    expected = slow_encode(by_sign(signal), 10, 4.0, slow)
    assert encode(Phase(digits=4), signal).tolist() == expected


def test_digits_by_hand() -> None:
    spikes = encode(Phase(digits=3, full_scale=8), held([5, -8], 7))[:, 7:]
    assert spikes.shape == (2, 14)
    encoder = Phase(digits=3, full_scale=8, frame_s=0.07)
    spikes = encode(encoder, held([5, -8], 7)).astype(int)
    assert spikes[0, 7:14].tolist() == [1, 0, 1, 1, 0, 1, 1]
    assert spikes[1, 14:].tolist() == [1] * 7
    assert encoder.decode(spikes.astype(bool), 100.0)[0, [0, 7, 14]].tolist() == [
        0,
        5,
        -7,
    ]


def test_what_decodes_is_never_larger() -> None:
    encoder = Phase()
    signal = held(np.linspace(0, 4, 999).tolist(), 10)
    decoded = encoder.decode(encode(encoder, signal), 100.0)
    error = signal[:, :-10] - decoded[:, 10:]
    assert error.min() >= 0
    assert error.max() <= encoder.decode_bound() * (1 + 1e-5)


def test_a_frame_has_a_step_for_every_digit() -> None:
    with pytest.raises(ConfigError, match="has 10 samples at 100 Hz") as raised:
        Phase(digits=11).initial_state(1, 100.0, np.random.default_rng(0))
    assert "0.11 or more" in raised.value.remedy

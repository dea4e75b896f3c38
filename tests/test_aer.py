"""Address events and spike trains are the same in two forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pipeline.aer import EVENT, from_events, to_events
from pipeline.axes import SpikeBits
from pipeline.errors import DataError

SHAPE = (3, 20)


@given(
    arrays.arrays(np.bool_, st.tuples(st.integers(1, 5), st.integers(0, 40))),
    st.one_of(st.floats(0.1, 5e5), st.sampled_from([120.0, 360.0, 1e3, 5e5])),
)
def test_a_train_comes_back_from_its_events(spikes: SpikeBits, sfreq: float) -> None:
    events = to_events(spikes, sfreq)
    assert events.dtype == EVENT
    assert len(events) == spikes.sum()
    assert (np.diff(events["t"]) >= 0).all()
    back = from_events(events, spikes.shape, sfreq)
    np.testing.assert_array_equal(back, spikes)


def test_events_are_those_of_a_plain_loop() -> None:
    spikes = np.random.default_rng(1).random(SHAPE) < 0.3
    expected = [
        (round(1e6 * step / 360), feature, 1)
        for step in range(20)
        for feature in range(3)
        if spikes[feature, step]
    ]
    assert to_events(spikes, 360).tolist() == expected


def test_a_late_step_of_a_long_recording_is_exact() -> None:
    """A day at 1 kHz."""
    step = 24 * 3600 * 1000 - 1
    events = np.array([(1000 * step, 0, 1)], EVENT)
    assert from_events(events, (1, step + 1), 1000.0)[0, step]


@pytest.mark.parametrize(
    ("events", "found"),
    [
        ([(0, 3, 1)], "unknown address"),
        ([(0, -1, 1)], "unknown address"),
        ([(100, 0, 1), (0, 0, 1)], "before that of the event before"),
        ([(-10_000, 0, 1)], "outside of the train"),
        ([(200_000, 0, 1)], "outside of the train"),
        ([(0, 0, 1), (10_000, 1, 0)], "event 1: another p"),
        ([(0, 0, 1), (1, 0, 1)], "an earlier one is already"),
    ],
)
def test_what_has_no_place_in_a_train_is_refused(
    events: list[tuple[int, int, int]], found: str
) -> None:
    with pytest.raises(DataError, match=found):
        from_events(np.array(events, EVENT), SHAPE, 100.0)


def test_other_arrays_are_refused() -> None:
    with pytest.raises(DataError, match="fields none"):
        from_events(np.zeros((4, 3)), SHAPE, 100.0)
    pixels = np.zeros(2, [("x", "<i2"), ("y", "<i2"), ("t", "<i8"), ("p", "?")])
    pixels["p"] = True
    pixels["y"] = 0, 1
    with pytest.raises(DataError, match="event 1: another y"):
        from_events(pixels, SHAPE, 100.0)
    assert from_events(pixels[:1], SHAPE, 100.0).sum() == 1
    with pytest.raises(DataError, match="steps a second"):
        to_events(np.ones(SHAPE, bool), 1e6)

"""Events: nothing is added, lost or taken for an event."""

import numpy as np
import pytest

from pipeline.encoders.events import Events
from pipeline.errors import DataError

SIGNAL = np.array([[0, 1, -1, 0], [-1, -1, 0, 1]], dtype=np.float32)


def test_positive_events_are_on_and_negative_ones_off() -> None:
    spikes, state = Events().encode(SIGNAL, None)
    assert Events().features(("a", "b")) == ("a+", "a-", "b+", "b-")
    np.testing.assert_array_equal(
        spikes, [[0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [1, 1, 0, 0]]
    )
    assert state is None
    np.testing.assert_array_equal(Events().decode(spikes, 250.0), SIGNAL)


@pytest.mark.parametrize("value", [0.5, -0.001, 2.0, np.nan, np.inf])
def test_what_is_no_event_is_refused_with_its_place(value: float) -> None:
    signal = SIGNAL.copy()
    signal[1, 2] = value
    with pytest.raises(DataError, match=f"channel 1 .*: the value {value:g}"):
        Events().encode(signal, None)

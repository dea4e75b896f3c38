"""Streams of the Lab Streaming Layer: what their inlets do."""

import numpy as np
import pytest

from pipeline.errors import DataError
from pipeline.live import lsl
from pipeline.live.guarding import Guard
from tests.live import made


def test_a_gap_and_samples_at_once_come_through_the_library_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where it is installed and may announce a stream."""
    pylsl = pytest.importorskip("pylsl")
    monkeypatch.setattr(lsl, "LOST_S", 1.5)
    info = pylsl.StreamInfo("biospike gap", "ECG", 2, made.SFREQ, "float32", "b2")
    info.set_channel_labels(["a", "b"])
    info.set_channel_units(["microvolts", "microvolts"])
    outlet = pylsl.StreamOutlet(info)
    try:
        inlet = lsl.LslSource("biospike gap", None).open()
    except DataError:
        pytest.skip("no multicast here")
    inlet.pull()
    outlet.wait_for_consumers(2.0)
    sent = np.arange(1000.0).reshape(500, 2)
    stamps = pylsl.local_clock() + np.arange(-500, 0) / made.SFREQ
    stamps[250:] += 3
    outlet.push_chunk(sent.tolist(), stamps.tolist())
    guard, parts = Guard(made.SFREQ), []
    while sum(part.samples.shape[1] for part in parts) < 500:
        parts += guard.parts(inlet.pull())
    begun = [part.anew for part in parts if part.anew]
    assert begun == ["3 s of signal are missing"]
    assert guard.measured_rate() is None
    came = np.concatenate([part.samples for part in parts], axis=1)
    np.testing.assert_allclose(came, 1e-6 * sent.T, rtol=1e-6)
    begun_s = pylsl.local_clock()
    outlet.push_sample([1.0, 2.0])
    assert inlet.pull().samples.shape == (2, 1)
    assert pylsl.local_clock() - begun_s < lsl.WAIT_S

"""Streams of the Lab Streaming Layer: found, found again, and what their inlets do."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pipeline.errors import DataError
from pipeline.live import lsl
from pipeline.live.guarding import Guard
from tests.live import made


class Info:
    """What a sender states."""

    def __init__(self, name: str, sfreq: float = 250.0) -> None:
        self.stated, self.sfreq = name, sfreq

    def name(self) -> str:
        return self.stated

    def get_channel_labels(self) -> list[str]:
        return ["a", "b"]

    def get_channel_units(self) -> list[str]:
        return ["uV", "uV"]

    def channel_count(self) -> int:
        return 2

    def nominal_srate(self) -> float:
        return self.sfreq


class Library:
    """The parts of pylsl that are used, with a network as it is written down."""

    proc_clocksync, proc_dejitter = 1, 2

    def __init__(self, *looks: list[Info]) -> None:
        self.looks = list(looks)
        self.util = SimpleNamespace(TimeoutError=_TimeoutError, LostError=_LostError)
        self.answers = True

    def resolve_streams(self, wait_time: float) -> list[Info]:
        return self.looks.pop(0) if self.looks else []

    def StreamInlet(  # noqa: N802
        self, found: Info, *, recover: bool, processing_flags: int
    ) -> Any:
        def info(timeout: float) -> Info:
            if not self.answers:
                raise _TimeoutError("the operation failed due to a timeout.")
            return found

        return SimpleNamespace(info=info, flags=processing_flags, recover=recover)


class _TimeoutError(RuntimeError):
    pass


class _LostError(RuntimeError):
    pass


def source(
    monkeypatch: pytest.MonkeyPatch, name: str | None, *looks: list[Info]
) -> tuple[lsl.LslSource, Library]:
    network = Library(*looks)
    monkeypatch.setattr(lsl, "library", lambda: network)
    return lsl.LslSource(name, None), network


def test_the_only_stream_is_found_and_then_that_of_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ecg, other = Info("ECG"), Info("somebody else's")
    looks = [], [ecg], [other], [other], [ecg, other]
    found, network = source(monkeypatch, None, *looks)
    assert found.open().about.name == "ECG"
    assert found.open().about.name == "ECG"
    assert not network.looks


def test_a_stream_is_looked_for_for_half_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found, network = source(monkeypatch, "ECG", *[[Info("EEG")]] * 20)
    with pytest.raises(DataError, match=r"stream ECG: 0 streams"):
        found.open()
    assert lsl.LOOK_S * (20 - len(network.looks)) == lsl.LOST_S


@pytest.mark.parametrize("name", [None, "ECG"])
def test_one_of_several_streams_is_not_chosen(
    monkeypatch: pytest.MonkeyPatch, name: str | None
) -> None:
    found, _ = source(monkeypatch, name, [Info("ECG"), Info("ECG")])
    with pytest.raises(DataError, match=r"2 streams in the local network \(ECG, ECG"):
        found.open()


def test_what_does_not_answer_or_has_no_rate_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found, network = source(monkeypatch, "M", [Info("M", 0.0)], [Info("M")])
    with pytest.raises(DataError, match="M: an irregular rate"):
        found.open()
    network.answers = False
    with pytest.raises(DataError, match="M: its sender does not answer"):
        found.open()


def test_a_gap_and_samples_at_once_come_through_the_library_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where it is installed and may announce a stream."""
    pylsl = pytest.importorskip("pylsl")
    outlet, inlet = made.announced(monkeypatch, "biospike gap")
    sent = np.arange(1000.0).reshape(500, 2)
    stamps = pylsl.local_clock() + np.arange(-500, 0) / made.SFREQ
    stamps[250:] += 3
    outlet.push_chunk(sent.tolist(), stamps.tolist())
    guard, parts = Guard(made.SFREQ), []
    while sum(part.samples.shape[1] for part in parts) < 500:
        parts += guard.parts(inlet.pull())
    begun = [part.why for part in parts if part.anew]
    assert begun == ["3 s of signal are missing"]
    assert guard.measured_rate() is None
    came = np.concatenate([part.samples for part in parts], axis=1)
    np.testing.assert_allclose(came, 1e-6 * sent.T, rtol=1e-6)
    begun_s = pylsl.local_clock()
    outlet.push_sample([1.0, 2.0])
    assert inlet.pull().samples.shape == (2, 1)
    assert pylsl.local_clock() - begun_s < lsl.WAIT_S

"""Streams that stall, vanish, jump, change, and hold what is no number."""

import time
from typing import Any

import numpy as np
import pytest

from pipeline.errors import ConfigError, DataError
from pipeline.live import lsl
from pipeline.live.decider import LiveDecider
from pipeline.live.guarding import Guard
from pipeline.live.session import Asked, Decided, Notice, Session
from pipeline.live.streams import About, Chunk, GoneError, Replay
from tests.live import made

ABOUT = About("ECG", made.CHANNELS, 2, made.SFREQ)
SECOND = 250


@pytest.fixture(scope="module")
def which() -> Any:
    return made.fold()


def chunks(samples: np.ndarray, start_s: float = 0.0, size: int = 25) -> list[Chunk]:
    n_samples = samples.shape[1]
    stamps = start_s + np.arange(n_samples) / made.SFREQ
    edges = range(size, n_samples, size)
    parts = zip(np.split(samples, edges, axis=1), np.split(stamps, edges), strict=True)
    return [Chunk(*part) for part in parts]


def followed(
    which: Any, script: Any, picked: tuple[str, ...] = ()
) -> tuple[list[str], list[Any]]:
    """The texts of the notices, and the decisions."""
    asked = Asked(which, made.CHANNELS, picked, 0.32)
    events = list(Session(script, asked, script.clock).events())
    notices = [event.text for event in events if isinstance(event, Notice)]
    return notices, [event.decision for event in events if isinstance(event, Decided)]


def alone(which: Any, *parts: np.ndarray, sfreq: float = made.SFREQ) -> list[Any]:
    """The decisions of parts that each begin anew."""
    found = []
    for part in parts:
        found += LiveDecider(which, made.CHANNELS, sfreq, 0.32).push(part)
    return [(each.at_s, each.label) for each in found]


def plain(decisions: list[Any]) -> list[Any]:
    return [(each.at_s, each.label) for each in decisions]


def test_a_sound_stream_is_followed_to_its_end(which: Any) -> None:
    samples = made.volts(4)
    notices, decisions = followed(which, made.Script((ABOUT, chunks(samples))))
    assert notices == ["ECG: 2 channels, 250 Hz"]
    assert plain(decisions) == alone(which, samples)


def test_computing_is_timed_without_what_becomes_of_a_decision(which: Any) -> None:
    script = made.Script((ABOUT, [Chunk(made.volts(2))]))
    events = Session(script, Asked(which, made.CHANNELS, (), 0.32)).events()
    taken = []
    for event in events:
        if isinstance(event, Decided):
            taken.append(event.compute_s)
            time.sleep(0.001)
    assert len(taken) > 3
    assert len(set(taken)) == 1


def test_chunks_that_come_late_by_turns_are_of_the_stated_rate(which: Any) -> None:
    """The stamps of a chunk are a sample apart; the network delays every other one."""
    parts = chunks(made.volts(12), size=24)
    late = [Chunk(c.samples, c.stamps + 0.08 * (k % 2)) for k, c in enumerate(parts)]
    notices, _ = followed(which, made.Script((ABOUT, late)))
    assert len(notices) == 1


def test_a_stall_is_told_once_and_changes_nothing_if_nothing_is_missing(
    which: Any,
) -> None:
    samples = made.volts(4)
    parts = chunks(samples)
    script = made.Script((ABOUT, [*parts[:10], 1.0, 1.5, 1.0, *parts[10:], 0.5]))
    notices, decisions = followed(which, script)
    assert notices[1:] == ["no samples for 2.5 s: waiting", "it goes on after 3.5 s"]
    assert plain(decisions) == alone(which, samples)


def test_a_stream_that_stays_silent_ends_the_session(which: Any) -> None:
    script = made.Script((ABOUT, [*chunks(made.volts(1)), *[10.0] * 4]))
    with pytest.raises(DataError, match="ECG: no samples for 40 s"):
        followed(which, script)


@pytest.mark.parametrize(
    ("offset_s", "reason"),
    [(3.0, "3 s of signal are missing"), (-1.5, "the clock went back by 1.5 s")],
)
@pytest.mark.parametrize("size", [25, 70, 2000])
def test_a_clock_that_jumps_makes_everything_begin_anew(
    which: Any, offset_s: float, reason: str, size: int
) -> None:
    one, other = made.volts(2.4), made.volts(3, seed=7)
    later = chunks(other, one.shape[1] / made.SFREQ + offset_s, size)
    script = made.Script((ABOUT, [*chunks(one, size=size), *later]))
    notices, decisions = followed(which, script)
    assert len(notices) == 2
    assert notices[1].startswith(reason[:-6])
    assert notices[1].endswith("everything begins anew")
    assert plain(decisions) == alone(which, one, other)


def test_jitter_is_no_jump(which: Any) -> None:
    rng, samples = np.random.default_rng(0), made.volts(3)
    shaken = [
        Chunk(c.samples, c.stamps + rng.uniform(0, 0.04, len(c.stamps)))
        for c in chunks(samples)
    ]
    notices, decisions = followed(which, made.Script((ABOUT, shaken)))
    assert len(notices) == 1
    assert plain(decisions) == alone(which, samples)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("size", [1, 25, 2000])
def test_what_is_no_number_is_left_out_and_reported(
    which: Any, bad: float, size: int
) -> None:
    samples = made.volts(6)
    samples[1, 3 * SECOND : 3 * SECOND + 12] = bad
    script = made.Script((ABOUT, chunks(samples, size=size)))
    notices, decisions = followed(which, script)
    parts = samples[:, : 3 * SECOND], samples[:, 3 * SECOND + 12 :]
    assert notices[1:] == [
        "12 samples that are no numbers are left out: everything begins anew"
    ]
    assert plain(decisions) == alone(which, *parts)


def test_a_channel_that_the_cell_does_not_take_may_hold_anything(which: Any) -> None:
    samples = made.volts(2)
    wide = np.stack([samples[1], np.full(samples.shape[1], np.nan), samples[0]])
    about = About("ECG", ("b", "x", "a"), 3, made.SFREQ)
    notices, decisions = followed(which, made.Script((about, chunks(wide))))
    assert notices == ["ECG: 3 channels, 250 Hz"]
    assert plain(decisions) == alone(which, samples)


def test_a_stream_that_comes_back_with_another_rate_gets_other_filters(
    which: Any,
) -> None:
    one, other = made.volts(2), made.volts(2, seed=5)
    again = About("ECG", ("b", "a"), 2, 500.0)
    steps = np.arange(other.shape[1]) / 500
    later = Chunk(other[::-1], steps)
    script = made.Script((ABOUT, [*chunks(one), GoneError()]), (again, [later]))
    notices, decisions = followed(which, script)
    assert notices[1] == "the stream is gone: looking for it for 30 s"
    assert notices[2] == (
        "ECG: 2 channels, 500 Hz; everything begins anew, with filters for 500 instead "
        "of 250 Hz"
    )
    assert plain(decisions) == [*alone(which, one), *alone(which, other, sfreq=500.0)]


def test_a_stream_that_comes_back_without_a_channel_ends_the_session(
    which: Any,
) -> None:
    lost = About("ECG", ("a", "c"), 2, made.SFREQ)
    script = made.Script((ABOUT, [GoneError()]), (lost, []))
    with pytest.raises(DataError, match="there is no channel b"):
        followed(which, script)


def test_samples_that_come_at_another_rate_than_stated_are_noticed(
    which: Any,
) -> None:
    samples = made.volts(8)
    stamps = np.arange(samples.shape[1]) / 500
    parts = [
        Chunk(samples[:, k : k + 50], stamps[k : k + 50]) for k in range(0, 2000, 50)
    ]
    notices, decisions = followed(which, made.Script((ABOUT, parts)))
    assert notices[1].startswith("samples come at 500 Hz, not at the stated 250")
    assert len(notices) == 2
    place = next(k for k, d in enumerate(decisions) if k and d.at_s == 0.32)
    begun = 1300
    assert plain(decisions[place:]) == alone(which, samples[:, begun:], sfreq=500.0)


def in_chunks(true_hz: float, stated_hz: float, size: int, seconds: float) -> Any:
    """Chunks whose stamps count back from when each is sent, at the stated rate."""
    samples = made.volts(seconds * true_hz / made.SFREQ)
    for start in range(0, samples.shape[1], size):
        piece = samples[:, start : start + size]
        sent = (start + piece.shape[1] - 1) / true_hz
        stamps = sent - np.arange(piece.shape[1])[::-1] / stated_hz
        yield Chunk(piece, stamps)


@pytest.mark.parametrize("size", [25, 1])
def test_a_rate_that_is_badly_wrong_is_said_once(which: Any, size: int) -> None:
    """At a quarter of it and less, each chunk looks as if signal before it was lost."""
    true_hz = 60.0 if size > 1 else 5.0
    about = About("ECG", made.CHANNELS, 2, made.SFREQ)
    guard, reasons, rates = Guard(about.sfreq), [], []
    for chunk in in_chunks(true_hz, about.sfreq, size, 40.0):
        reasons += [part.why for part in guard.parts(chunk) if part.why]
        if measured := guard.measured_rate():
            rates.append(measured.sfreq)
            guard = Guard(*measured)
    assert rates == pytest.approx([true_hz])
    assert len(reasons) == 1
    assert guard.unreported() == ""


def test_a_rate_that_the_filters_cannot_have_ends_the_session(which: Any) -> None:
    slow = list(in_chunks(50.0, made.SFREQ, 25, 20.0))
    with pytest.raises(DataError, match=r"(?s)come at 50 Hz.*h_freq is 40 Hz"):
        followed(which, made.Script((ABOUT, slow)))


def test_a_rate_that_is_far_too_low_is_no_clock_that_goes_back() -> None:
    guard = Guard(8.0)
    (chunk,) = in_chunks(250.0, 250.0, 400, 1.6)
    assert [part.anew for part in guard.parts(chunk)] == [False]
    measured = guard.measured_rate()
    assert measured is not None
    assert measured.sfreq == 250


def test_signal_that_is_lost_often_is_no_other_rate_and_is_counted(which: Any) -> None:
    """Every part begins anew; a message counts those since the last one."""
    rng, parts = np.random.default_rng(3), chunks(made.volts(24))
    lost = np.cumsum(rng.choice([0, 0.2, 0.9, 2.5], len(parts)))
    shifted = [Chunk(c.samples, c.stamps + s) for c, s in zip(parts, lost, strict=True)]
    notices, decisions = followed(which, made.Script((ABOUT, shifted)))
    breaks = np.flatnonzero(np.diff(lost)) + 1
    pieces = np.split(np.concatenate([c.samples for c in parts], 1), 25 * breaks, 1)
    assert plain(decisions) == alone(which, *pieces)
    assert not any("samples come at" in text for text in notices)
    assert len(notices) <= 2 + 24 / 5 + 1
    counted = [int(text.split(" breaks")[0].split()[-1]) for text in notices[2:]]
    assert 1 + sum(counted) == len(breaks)


def test_chunks_that_are_late_by_turns_and_far_are_of_the_stated_rate() -> None:
    guard, found = Guard(made.SFREQ), []
    for k, chunk in enumerate(chunks(made.volts(12), size=24)):
        late = Chunk(chunk.samples, chunk.stamps + 0.15 * (k % 2))
        list(guard.parts(late))
        found.append(guard.measured_rate())
    assert not any(found)


def test_an_electrode_that_is_off_is_said_once_while_it_is(which: Any) -> None:
    samples = made.volts(9)
    samples[0, 2 * SECOND : 7 * SECOND] = np.nan
    notices, decisions = followed(which, made.Script((ABOUT, chunks(samples))))
    assert notices[1] == "no numbers for 2.1 s, in some channel: waiting"
    assert notices[2].startswith("1250 samples that are no numbers are left out")
    assert len(notices) == 3
    parts = samples[:, : 2 * SECOND], samples[:, 7 * SECOND :]
    assert plain(decisions) == alone(which, *parts)


def test_what_is_left_out_at_the_end_is_reported(which: Any) -> None:
    samples = made.volts(2)
    samples[0, -12:] = np.nan
    notices, _ = followed(which, made.Script((ABOUT, chunks(samples))))
    assert notices[1:] == ["12 samples that are no numbers are left out"]


def test_a_short_pause_of_a_replayed_recording_is_one(which: Any) -> None:
    """Less than jitter of a live stream; prepared recordings begin anew there, too."""
    parts = [made.volts(2), made.volts(2, seed=4)]
    replay = Replay(ABOUT, parts, [0.0, 2.02], np.inf)
    notices, decisions = followed(which, replay)
    assert notices[1] == "0.02 s of signal are missing: everything begins anew"
    assert plain(decisions) == alone(which, *parts)


def test_channels_without_names_are_taken_in_order_if_they_are_as_many(
    which: Any,
) -> None:
    silent = About("ECG", (), 2, made.SFREQ)
    notices, decisions = followed(which, made.Script((silent, chunks(made.volts(1)))))
    assert notices == ["ECG: 2 channels, 250 Hz; taken for a, b in order"]
    assert decisions
    with pytest.raises(DataError, match="3 channels without names"):
        followed(which, made.Script((About("ECG", (), 3, made.SFREQ), [])))


def test_the_streams_own_names_may_be_given(which: Any) -> None:
    about = About("ECG", ("II", "V1"), 2, made.SFREQ)
    samples = made.volts(2)
    script = made.Script((about, chunks(samples)))
    assert plain(followed(which, script, ("II", "V1"))[1]) == alone(which, samples)
    with pytest.raises(DataError, match=r"(?s)no channel V2.*one of II, V1"):
        followed(which, made.Script((about, [])), ("II", "V2"))


def test_a_guard_without_stamps_looks_for_numbers_alone() -> None:
    guard = Guard(made.SFREQ)
    parts = list(guard.parts(Chunk(np.array([[1.0, np.nan, 2.0]]))))
    assert [(part.anew, part.why, part.samples.tolist()) for part in parts] == [
        (False, "", [[1.0]]),
        (True, "1 samples that are no numbers are left out", [[2.0]]),
    ]
    assert not list(guard.parts(Chunk(np.empty((1, 0)), np.empty(0))))
    assert guard.measured_rate() is None


def test_a_replay_keeps_time_and_its_pauses() -> None:
    now, slept = [100.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    segments = [made.volts(1), made.volts(0.5)]
    replay = Replay(ABOUT, segments, [0.0, 3.0], 2.0, lambda: now[0], sleep).open()
    pulled = []
    while (chunk := replay.pull()) is not None:
        pulled.append(chunk)
    assert sum(slept) == pytest.approx((3.5 - 1 / made.SFREQ) / 2)
    samples = np.concatenate([chunk.samples for chunk in pulled], axis=1)
    np.testing.assert_array_equal(samples, np.concatenate(segments, axis=1))
    stamps = np.concatenate([chunk.stamps for chunk in pulled])
    assert np.flatnonzero(np.diff(stamps) > 1).tolist() == [SECOND - 1]


def test_units_are_stated_or_refused() -> None:
    micro = [1e-6, 1e-3]
    assert lsl.scales("x", ["microvolts", "mV"], 2, None).tolist() == micro
    assert lsl.scales("x", None, 2, "uV").tolist() == [1e-6, 1e-6]
    assert lsl.scales("x", [None, "mV"], 2, "µV").tolist() == micro
    with pytest.raises(DataError, match="x: no unit stated"):
        lsl.scales("x", None, 1, None)
    with pytest.raises(DataError, match="channels in furlongs"):
        lsl.scales("x", ["furlongs"], 1, "uV")


def test_without_its_library_a_live_stream_is_refused(monkeypatch: Any) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pylsl", None)
    with pytest.raises(ConfigError, match=r"(?s)is not there.*biospike\[live\]"):
        lsl.library()

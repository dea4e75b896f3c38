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
    which: Any, script: made.Script, picked: tuple[str, ...] = ()
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
def test_what_is_no_number_is_left_out_and_said(
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
    assert [(part.anew, part.samples.tolist()) for part in parts] == [
        ("", [[1.0]]), ("1 samples that are no numbers are left out", [[2.0]]),
    ]  # fmt: skip
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

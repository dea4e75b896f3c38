"""Streams of the Lab Streaming Layer: which, how fast, when, and all of them."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.errors import DataError, MachineError
from pipeline.readers.base import Content
from pipeline.readers.xdf import Xdf
from tests.readers.xdf_files import Made, xdf

pytest.importorskip("pyxdf")
RATE, N = 100.0, 1000
ORIGIN = ("annotation", "")


def stamps(place: int | None = None, instead: float = 0.0) -> np.ndarray:
    """Regular ones; one may be another."""
    regular = 50 + np.arange(N) / RATE
    if place is not None:
        regular[place] = instead
    return regular


def signals(**other: Any) -> Made:
    values = np.random.default_rng(1).normal(0, 30, (N, 2))
    made = Made(1, "Amp", "EEG", values, stamps(), RATE, ("C3", "C4"))
    return made.with_(**other)


def cues(*times: float, **other: Any) -> Made:
    texts = [("left", "right")[k % 2] for k in range(len(times))]
    return Made(2, "Cues", "Markers", texts, np.array(times)).with_(**other)


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Content]:
    def reading(*streams: Made, cut: int | None = None, **settings: Any) -> Content:
        (tmp_path / "a.xdf").write_bytes(xdf(*streams)[:cut])
        origins = [ORIGIN] if len(streams) > 1 else []
        return Xdf.model_validate(settings).read(tmp_path, ["a.xdf"], origins)

    return reading


Read = Callable[..., Content]


def test_signals_in_volts_and_markers_on_their_samples(read: Read) -> None:
    made = signals()
    content = read(made, cues(52.0, 55.5))
    assert content.channels == ("C3", "C4")
    assert content.types == ("eeg", "eeg")
    assert content.sfreq == RATE
    assert content.n_samples == N
    expected = 1e-6 * made.values[7:9].T
    np.testing.assert_allclose(content.read(7, 9), expected, rtol=1e-6)
    marks = content.marks[ORIGIN]
    np.testing.assert_allclose(marks.onset_s, [2.0, 5.5], atol=1e-6)
    assert marks.texts == ("left", "right")
    assert content.remarks == ()


def test_samples_without_a_stamp_follow_the_one_before(read: Read) -> None:
    made_at = stamps()
    made_at[np.arange(N) % 10 > 0] = np.nan
    onsets = read(signals(stamps=made_at), cues(52.0)).marks[ORIGIN].onset_s
    np.testing.assert_allclose(onsets, [2.0], atol=1e-6)


def test_jitter_moves_no_marker(read: Read) -> None:
    made_at = stamps()
    jitter = np.random.default_rng(2).uniform(-0.004, 0.004, N)
    content = read(signals(stamps=made_at + jitter), cues(55.0))
    np.testing.assert_allclose(content.marks[ORIGIN].onset_s, [5.0], atol=1e-3)
    assert len(content.segments) == 1


def test_clock_offsets_bring_two_computers_to_one_clock(read: Read) -> None:
    """The markers' clock is 1000 s ahead, and its offset says so."""
    times = np.arange(48, 62.0)
    near = signals(offsets=[(t, 0.0) for t in times])
    far = cues(1052.0, host="there", offsets=[(t + 1000, -1000.0) for t in times])
    onsets = read(near, far).marks[ORIGIN].onset_s
    np.testing.assert_allclose(onsets, [2.0], atol=1e-3)
    with pytest.raises(DataError, match="two computers"):
        read(near.with_(offsets=()), far.with_(offsets=()))
    assert read(near.with_(offsets=()), far.with_(offsets=()), unchecked=["rate"])


def test_the_measured_rate_is_held_against_the_stated_one(read: Read) -> None:
    """0.05 % is drift, and markers stay on their samples; 1 % is another rate."""
    slow = 50 + np.arange(N) / (RATE * 0.9995)
    onsets = read(signals(stamps=slow), cues(slow[800])).marks[ORIGIN].onset_s
    np.testing.assert_allclose(onsets, [8.0], atol=1e-4)
    other = signals(stamps=50 + np.arange(N) / 99.0)
    with pytest.raises(DataError, match=r"99 Hz by its time stamps, 100 Hz") as caught:
        read(other)
    assert "sfreq to 99" in caught.value.remedy
    assert read(other, sfreq=99).sfreq == 99
    assert read(other, unchecked=["rate"]).sfreq == RATE


def test_a_gap_splits_and_labels_behind_it_stay_right(read: Read) -> None:
    made_at = stamps()
    made_at[400:] += 3.0
    content = read(signals(stamps=made_at), cues(52.0, 58.0))
    assert [segment.start for segment in content.segments] == [0, 400]
    assert content.segments[1].onset_s == pytest.approx(7.0, abs=1e-6)
    np.testing.assert_allclose(content.marks[ORIGIN].onset_s, [2.0, 8.0], atol=1e-6)


def test_a_clock_that_goes_back_is_refused(read: Read) -> None:
    made_at = stamps()
    made_at[400:] -= 3.0
    with pytest.raises(DataError, match="goes back 3"):
        read(signals(stamps=made_at), unchecked=["rate"])


@pytest.mark.parametrize(
    ("made", "found"),
    [
        ({"stamps": stamps(500, np.inf)}, "its clock holds what is no number"),
        ({"stamps": stamps()[::-1].copy()}, "its clock goes back"),
        ({"values": np.ones((2, 2)), "stamps": np.array([50, 60.0])}, "no two samples"),
        ({"values": np.ones((0, 2)), "stamps": np.empty(0)}, "holds 0 samples"),
        ({"offsets": [(50, np.nan)]}, "clock offsets that are no numbers"),
        ({"offsets": [(np.nan, 3), (51, 3), (52, 3)]}, "clock offsets that are no num"),
        ({"offsets": [(50, 3), (50, 3)]}, "offsets .* cannot be used for synchroni"),
    ],
)
def test_a_clock_that_says_nothing_is_refused_whatever_is_unchecked(
    read: Read, made: dict[str, Any], found: str
) -> None:
    with pytest.raises(DataError, match=found):
        read(signals(**made), cues(52.0), unchecked=["rate", "end"])


def test_markers_without_a_time_are_refused(read: Read) -> None:
    with pytest.raises(DataError, match="clock of its markers holds what is no number"):
        read(signals(), cues(52.0, np.inf))


@pytest.mark.parametrize("order", [1, -1])
def test_clock_offsets_may_be_one_below_zero_and_in_any_order(
    read: Read, order: int
) -> None:
    late = signals(stamps=stamps() + 1000, offsets=[(1050, -1000)])
    onsets = read(late, cues(52.0)).marks[ORIGIN].onset_s
    np.testing.assert_allclose(onsets, [2.0], atol=1e-6)
    several = [(1048.0 + t, -1000.0) for t in range(14)][::order]
    content = read(late.with_(offsets=several), cues(52.0))
    np.testing.assert_allclose(content.marks[ORIGIN].onset_s, [2.0], atol=1e-6)


def test_a_stream_without_a_marker_has_no_label(read: Read) -> None:
    assert read(signals(), cues()).marks[ORIGIN].texts == ()


def test_jitter_of_a_slow_stream_is_no_break(read: Read) -> None:
    jitter = np.random.default_rng(2).uniform(-0.02, 0.02, N)
    slow = signals(rate=3.0, stamps=50 + np.arange(N) / 3 + jitter)
    assert len(read(slow).segments) == 1


def test_the_stream_is_chosen_by_name_or_type(read: Read) -> None:
    other = signals(number=3, name="Band", type="EMG", channels=("arm", "leg"))
    with pytest.raises(DataError, match=r"2 streams with a rate fit, of 'Amp' \(EEG\)"):
        read(signals(), other, cues(52.0))
    for asked in ("Band", "EMG"):
        content = read(signals(), other, cues(52.0), stream=asked)
        assert content.channels == ("arm", "leg")
        assert content.types == ("emg", "emg")
    with pytest.raises(DataError, match="0 streams of markers fit 'Keys'"):
        read(signals(), cues(52.0), markers="Keys")
    with pytest.raises(DataError, match="0 streams of markers fit, of none"):
        read(signals(), signals(number=3, name="B"), stream="Amp")


def test_what_the_header_does_not_state_is_asked(read: Read) -> None:
    silent = signals(channels=(), type="")
    with pytest.raises(DataError, match="what channel '1' measures is not stated"):
        read(silent)
    with pytest.raises(DataError, match="unit of channel '1' is not stated"):
        read(silent, channel_type="eeg")
    content = read(silent, channel_type="eeg", unit="uV", channels={"C4": "2"})
    assert content.channels == ("C4",)


def test_a_file_that_is_cut_short_is_refused_wherever(read: Read) -> None:
    whole = len(xdf(signals(), cues(52.0)))
    for cut in (*range(1, 60, 7), *range(200, whole, 997), whole - 1):
        with pytest.raises(DataError) as caught:
            read(signals(), cues(52.0), cut=cut)
        assert "cut short" in caught.value.found or cut < 60


def test_a_recording_that_was_not_closed_is_refused_unless_that_is_right(
    read: Read,
) -> None:
    for made, found in (
        (signals(footer=False), "was not closed"),
        (signals(sample_count=N + 5), f"has {N} of {N + 5} samples"),
    ):
        with pytest.raises(DataError, match=found):
            read(made)
        assert read(made, unchecked=["end"]).n_samples == N


def test_a_damaged_chunk_is_refused(read: Read, tmp_path: Path) -> None:
    made = signals()
    content = xdf(made)
    at = content.index(made.samples()) + 11
    (tmp_path / "b.xdf").write_bytes(content[:at] + b"\x03" + content[at + 1 :])
    with pytest.raises(DataError, match="damaged"):
        Xdf().read(tmp_path, ["b.xdf"], [])


def test_kinds_of_identifying_fields_are_named(tmp_path: Path) -> None:
    about = "<subject><birthdate>1970</birthdate></subject><datetime>now</datetime>"
    (tmp_path / "a.xdf").write_bytes(xdf(signals(), about=about))
    assert Xdf().identifying(tmp_path / "a.xdf") == ["birth date", "date"]


def test_without_the_extra_the_message_names_it(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyxdf", None)
    with pytest.raises(MachineError, match="pyxdf is not installed") as caught:
        read(signals())
    assert "[xdf]" in caught.value.remedy

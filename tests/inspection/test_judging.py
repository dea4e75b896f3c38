"""What is judged of measurements that are set by hand, up to each limit."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pipeline.axes import Segment
from pipeline.inspection import signals as limits
from pipeline.inspection.findings import Finding, count, in_order, named, percents
from pipeline.inspection.mains import HUM, HUM_SHARE, of_mains
from pipeline.inspection.measuring import SHARES, Seen
from pipeline.inspection.pauses import JUMP_S, of_pauses
from pipeline.inspection.signals import of_signals
from pipeline.inspection.spectra import GRID, Spectra
from pipeline.inspection.text import sentence
from pipeline.preparation.signals import SignalSettings


def seen(
    segments: tuple[tuple[int, float], ...] = ((0, 0.0),),
    hum: tuple[float, float] = (1.0, 1.0),
    share: tuple[float, float] = (0.01, 0.01),
    line_freq: float | None = 50.0,
) -> Seen:
    """A recording of two channels at 100 Hz, as it might have been measured."""
    spectra = Spectra(
        density=np.ones((2, len(GRID) - 1)),
        edge_hz=np.full(2, 50.0),
        hum=np.tile(hum, (2, 1)),
        hum_share=np.tile(share, (2, 1)),
        slow_share=np.zeros(2),
        qrs_skew=np.zeros(2),
        correlation=np.eye(2),
    )
    nothing: Any = None
    return Seen(
        ("a", "b"), ("eeg", "eeg"), 100.0, 10_000,
        tuple(Segment(*each) for each in segments), line_freq, np.zeros((2, 7)),
        np.ones(2), 0.0, 0.0, 1, np.ones(2), np.zeros(2), np.zeros(2), spectra, nothing,
    )  # fmt: skip


def kinds(found: list[Finding]) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(each.severity, each.kind, each.where) for each in found]


SETTINGS = SignalSettings.model_validate(
    {"l_freq": 1.0, "h_freq": 45.0, "sfreq": 100, "scale": {"tau_s": 10, "floor": 1e-6}}
)


@pytest.mark.parametrize(
    ("segments", "expected"),
    [
        (((0, 0.0),), []),
        # 10 s of samples, then nothing for 2 s.
        (((0, 0.0), (1000, 12.0)), [("note", "Pauses")]),
        # The second segment follows at once, or half a sample off.
        (((0, 0.0), (1000, 10.0)), [("note", "Segments that meet")]),
        (((0, 0.0), (1000, 10.0049)), [("note", "Segments that meet")]),
        (((0, 0.0), (1000, 10.006)), [("note", "Pauses")]),
        (((0, 0.0), (1000, 10.0), (2000, 25.0)),
         [("note", "Segments that meet"), ("note", "Pauses")]),
        (((0, 0.0), (1000, 11 + JUMP_S)),
         [("note", "Pauses"), ("warning", "Jump of the clock")]),
        (((0, 0.0), (1000, 12.0), (2000, 21.0)),
         [("note", "Pauses"), ("warning", "Jump of the clock")]),
        (((0, 0.0), (1000, 9.0)),
         [("note", "Pauses"), ("warning", "Jump of the clock")]),
    ],
)  # fmt: skip
def test_pauses_differ_from_segments_that_meet_and_from_clocks_that_were_set(
    segments: tuple[tuple[int, float], ...], expected: list[tuple[str, str]]
) -> None:
    found = list(of_pauses({"x": seen(segments), "quiet": seen()}))
    assert [(each.severity, each.kind) for each in found] == expected
    assert all(each.where == ("x",) for each in found)


def test_pauses_are_counted_and_added_up() -> None:
    two = seen(((0, 0.0), (1000, 12.0), (2000, 25.0)))
    (found,) = of_pauses({"x": two, "y": seen(((0, 0.0), (500, 6.0)))})
    assert found.what.startswith("3 pauses, 6 s in all")
    assert found.where == ("x", "y")


def test_of_jumps_the_longest_of_each_recording_is_named() -> None:
    long = seen(((0, 0.0), (1000, 12.0), (2000, 22 + 2 * JUMP_S)))
    back = seen(((0, 0.0), (1000, 5.0)))
    *_, jump = of_pauses({"x": long, "y": back})
    assert "7200 s" in jump.what
    assert "-5 s" in jump.what


def test_a_notch_beside_other_mains_is_reported() -> None:
    notched = SETTINGS.model_copy(update={"notch": 60.0})
    (found,) = of_mains({"x": seen(), "y": seen()}, notched)
    assert (found.severity, found.kind) == ("warning", "Two mains frequencies")
    assert "60 Hz, the recordings state 50 Hz" in found.what
    assert not list(of_mains({"x": seen(line_freq=60.0)}, notched))
    assert not list(of_mains({"x": seen(line_freq=None)}, notched))


def test_hum_of_the_other_mains_in_most_recordings_is_reported() -> None:
    other = seen(hum=(1.0, 2 * HUM))
    found = kinds(list(of_mains({"x": other, "y": other, "z": seen()}, SETTINGS)))
    assert ("warning", "Two mains frequencies") not in found
    (hum,) = [each for each in found if each[0] == "warning"]
    assert hum[2] == ("x", "y")
    few = {"x": other, "y": seen(), "z": seen()}
    assert not [e for e in of_mains(few, SETTINGS) if e.severity == "warning"]


def test_hum_that_no_notch_takes_out_is_noted_where_it_is_strong() -> None:
    strong = seen(hum=(3 * HUM, 1.0), share=(2 * HUM_SHARE, 0.0))
    wide = SETTINGS.model_copy(update={"h_freq": 55.0})
    assert not list(of_mains({"x": strong}, SETTINGS))  # beyond the pass band
    assert [each.severity for each in of_mains({"x": strong}, wide)] == ["note"]
    notched = wide.model_copy(update={"notch": 50.0})
    assert not list(of_mains({"x": strong}, notched))
    weak = seen(hum=(3 * HUM, 1.0), share=(HUM_SHARE / 2, 0.0))
    assert not list(of_mains({"x": weak}, wide))


def test_a_line_that_is_not_known_is_no_hum() -> None:
    unknown = seen(hum=(np.nan, np.nan), share=(np.nan, np.nan))
    assert not list(of_mains({"x": replace(unknown, sfreq=90.0)}, SETTINGS))


def judged(each: Seen, **changes: Any) -> list[tuple[str, str]]:
    asked = SETTINGS.model_copy(update=changes)
    found = of_signals({"x": each}, asked)
    assert all(finding.where and finding.what for finding in found)
    return [(finding.severity, finding.kind) for finding in found]


def with_edge(edge_hz: float) -> Seen:
    """A recording whose spectrum ends at a frequency; half its rate is 50 Hz."""
    each = seen()
    return replace(each, spectra=replace(each.spectra, edge_hz=np.full(2, edge_hz)))


@pytest.mark.parametrize(
    ("edge_hz", "h_freq", "severity"),
    [(39.9, 39.9, "note"), (39.9, 40.0, "warning"), (39.9, 30.0, "note"),
     (40.0, 45.0, None), (50.0, 45.0, None)],
)  # fmt: skip
def test_a_spectrum_that_ends_within_the_pass_band_is_a_warning(
    edge_hz: float, h_freq: float, severity: str | None
) -> None:
    expected = [(severity, "Spectrum ends early")] if severity else []
    assert judged(with_edge(edge_hz), h_freq=h_freq) == expected


def test_without_an_upper_edge_the_rate_after_resampling_counts() -> None:
    early = [("note", "Spectrum ends early")], [("warning", "Spectrum ends early")]
    assert judged(with_edge(30.0), h_freq=None, sfreq=60) == early[0]
    assert judged(with_edge(30.0), h_freq=None, sfreq=61) == early[1]
    assert judged(with_edge(30.0), h_freq=None, sfreq=None) == early[1]


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"hold": 2}, "Held signal"),
        ({"steady_share": limits.HELD_SHARE, "coarseness": np.full(2, limits.COARSE)},
         "Held signal"),
        ({"steady_share": limits.HELD_SHARE}, None),  # for want of digits
        ({"steady_share": limits.HELD_SHARE - 0.01, "coarseness": np.full(2, 9)}, None),
        ({"steady_share": limits.HELD_SHARE, "channels": ("a",),
          "coarseness": np.full(1, 9.0)}, None),
        ({"steady_share": limits.HELD_ALONE, "channels": ("a",),
          "coarseness": np.full(1, 9.0)}, "Held signal"),
        ({"straight_share": limits.STRAIGHT_SHARE}, "Interpolated signal"),
        ({"straight_share": limits.STRAIGHT_SHARE - 0.01}, None),
    ],
)  # fmt: skip
def test_samples_that_were_not_recorded_are_found_from_a_limit_on(
    change: dict[str, Any], kind: str | None
) -> None:
    flat = {"flat_share": np.zeros(1), "clipped_share": np.zeros(1)}
    one = flat if len(change.get("channels", "ab")) == 1 else {}
    found = judged(replace(seen(), **change, **one))
    assert found == ([("warning", kind)] if kind else [])


@pytest.mark.parametrize(
    ("name", "limit", "kind"),
    [("flat_share", limits.FLAT_SHARE, "Flat channel"),
     ("clipped_share", limits.CLIPPED_SHARE, "Clipped channel")],
)  # fmt: skip
def test_channels_that_stand_still_are_named(
    name: str, limit: float, kind: str
) -> None:
    above = replace(seen(), **{name: np.array([limit, limit + 0.01])})
    (found,) = of_signals({"x": above}, SETTINGS)
    assert (found.kind, found.where) == (kind, ("x b",))
    assert found.what.startswith(percents([limit + 0.01]))


def emg(levels: tuple[float, ...], slow: float = 0.0) -> Seen:
    """A recording of EMG with the quantiles 0, 1, 10, 50, 90, 99 and 100 %."""
    each = seen()
    spectra = replace(each.spectra, slow_share=np.full(2, slow))
    assert len(levels) == len(SHARES)
    quantiles = np.tile(levels, (2, 1)).astype(float)
    return replace(each, types=("emg", "emg"), quantiles=quantiles, spectra=spectra)


@pytest.mark.parametrize(
    ("levels", "slow", "is_envelope"),
    [
        ((-9, -5, -2, 0, 2, 5, 9), 0.9, False),  # raw EMG, however slow
        ((0, 0, 1, 2, 9, 12, 20), 0.0, True),  # of one sign, and it leans
        ((0, 0, 1, 5, 9, 9, 10), 0.0, False),  # of one sign, and it does not
        ((0, 0, 1, 5, 9, 9, 10), 0.9, True),  # but it is slow
        ((-1, 0, 1, 2, 9, 12, 20), 0.0, True),  # it leans far, whatever its sign
        ((-1, 0, 1, 4, 9, 12, 20), 0.0, False),
        ((5, 5, 5, 5, 5, 5, 5), 0.9, False),  # it stands still
    ],
)
def test_an_envelope_has_one_sign_and_leans_or_is_slow(
    levels: tuple[float, ...], slow: float, is_envelope: bool
) -> None:
    found = judged(emg(levels, slow))
    assert found == ([("warning", "Rectified EMG")] if is_envelope else [])
    eeg = replace(emg(levels, slow), types=("eeg", "eeg"))
    assert judged(eeg) == []


def test_events_are_judged_for_pauses_alone() -> None:
    events = replace(seen(((0, 0.0), (1000, 12.0)), (9, 9), (0.9, 0.9)), hold=5)
    assert judged(replace(events, types=("stim", "eeg"))) == [("note", "Pauses")]


def test_findings_are_in_order_and_name_a_few_places() -> None:
    few = Finding("note", "b", "x", ("1",))
    many = Finding("note", "a", "x", tuple("123456789"))
    worst = Finding("error", "z", "x", ())
    assert in_order([few, many, worst]) == [worst, many, few]
    assert named("abc") == "a, b, c"
    shown = named([str(k) for k in range(20)])
    assert shown.startswith("0, 1, 2")
    assert int(shown.split()[-2]) == 20 - (len(shown.split(", ")))


@pytest.mark.parametrize(
    ("number", "word", "text"),
    [(1, "class", "1 class"), (2, "class", "2 classes"), (0, "person", "0 persons"),
     (1200, "window", "1,200 windows"), (1, "window", "1 window")],
)  # fmt: skip
def test_numbers_stand_with_their_words(number: int, word: str, text: str) -> None:
    assert count(number, word) == text


@pytest.mark.parametrize(
    ("shares", "text"),
    [([0.5], "50 %"), ([0.1, 0.25], "10 to 25 %"), ([0.101, 0.1012], "10 %"),
     ([0.001, 1.0], "0.1 to 100 %"),
        ([0.994, 0.9951], "99 to 100 %")],
)  # fmt: skip
def test_shares_are_written_in_percent(shares: list[float], text: str) -> None:
    assert percents(shares) == text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a place gives it away", "A place gives it away."),
        ("de Vries/a.edf: is empty", "de Vries/a.edf: is empty."),
        ("logs/p02.csv: row 2: none", "logs/p02.csv: row 2: none."),
        ("p02.csv: row 2", "p02.csv: row 2."),
        ("two rates: 100 and 200 Hz", "Two rates: 100 and 200 Hz."),
        ("'x' is no class.", "'x' is no class."),
    ],
)
def test_sentences_begin_with_a_capital_and_files_as_they_are(
    text: str, found: str
) -> None:
    assert sentence(text) == found

"""Findings about pauses and the mains, from measurements that are set by hand."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pipeline.axes import Segment
from pipeline.inspection.findings import Finding
from pipeline.inspection.mains import HUM, HUM_SHARE, of_mains
from pipeline.inspection.measuring import Seen
from pipeline.inspection.pauses import JUMP_S, of_pauses
from pipeline.inspection.spectra import GRID, Spectra
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
def test_pauses_are_told_from_segments_that_meet_and_from_clocks_that_were_set(
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

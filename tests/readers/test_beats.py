"""The share of beats that lie where the signal is steepest."""

from collections.abc import Sequence

import numpy as np
import pytest

from pipeline.axes import Segment
from pipeline.errors import DataError
from pipeline.ingestion.codes import AAMI
from pipeline.readers.base import Content
from pipeline.readers.parts.wfdb.beats import BEATS, check_alignment, near_steepest

SFREQ = 250.0


def steepest_share(ecg: Content, onset: np.ndarray) -> float:
    return float(near_steepest(ecg, onset).mean())


def content(
    samples: np.ndarray,
    segments: Sequence[Segment] = (Segment(0, 0.0),),
    sfreq: float = SFREQ,
) -> Content:
    names = tuple(str(k) for k in range(len(samples)))
    return Content(
        names,
        ("ecg",) * len(samples),
        sfreq,
        samples.shape[1],
        lambda start, stop: samples[:, start:stop].copy(),
        segments=tuple(segments),
    )


def impulses(onset: np.ndarray, length: int) -> np.ndarray:
    samples = np.zeros((1, length))
    samples[0, np.round(onset * SFREQ).astype(int)] = 1e-3
    return samples


def test_every_beat_on_its_impulse() -> None:
    onset = np.arange(1.0, 100.0, 0.8)
    assert steepest_share(content(impulses(onset, 25_250)), onset) == 1.0


def test_beats_at_random_have_a_third() -> None:
    rng = np.random.default_rng(1)
    noise = content(rng.standard_normal((2, 100_000)))
    share = steepest_share(noise, rng.uniform(1, 399, 4000))
    assert share == pytest.approx(1 / 3, abs=0.04)


def test_a_loud_channel_does_not_drown_a_quiet_one() -> None:
    onset = np.arange(1.0, 100.0, 0.8)
    quiet = impulses(onset, 25_250)
    loud = 10 * np.random.default_rng(2).standard_normal((1, 25_250))
    assert steepest_share(content(np.vstack([quiet, loud])), onset) > 0.95


def test_of_a_long_recording_pieces_are_read_throughout() -> None:
    onset = np.arange(1.0, 7999.0, 0.8)
    samples = impulses(onset, 2_000_000)
    read: list[tuple[int, int]] = []

    def noted(start: int, stop: int) -> np.ndarray:
        read.append((start, stop))
        return samples[:, start:stop].copy()

    long = Content(("II",), ("ecg",), SFREQ, 2_000_000, noted)
    assert steepest_share(long, onset) == 1.0
    assert sum(stop - start for start, stop in read) < 300_000
    assert read[0][0] < 1000
    assert read[-1][1] > 1_990_000


def test_pauses_move_beats() -> None:
    before, after = np.arange(1.0, 50.0, 0.8), np.arange(1.0, 49.0, 0.8)
    samples = impulses(np.concatenate([before, 50 + after]), 25_000)
    parts = (Segment(0, 0.0), Segment(12_500, 80.0))
    onset = np.concatenate([before, [60.0, 70.0], 80 + after])
    assert steepest_share(content(samples, parts), onset) == 1.0
    assert steepest_share(content(samples), onset) < 0.9
    check_alignment("", content(samples, parts), onset)


def test_beats_after_the_end_are_left_out_if_they_are_few() -> None:
    onset = np.arange(1.0, 99.0, 0.8)
    ecg = content(impulses(onset, 25_000))
    assert check_alignment("", ecg, np.append(onset, 100.5)) == ()
    remarks = check_alignment("", ecg, np.append(onset, [100.5, 101.5, 150.0]))
    assert remarks == ("beats after the end, left out: 2",)
    with pytest.raises(DataError, match="7 beats lie beyond the end"):
        check_alignment("", ecg, np.append(onset, 102.0 + np.arange(7)))


@pytest.mark.parametrize(
    ("n_beats", "n_off", "refused"),
    [(1, 1, False), (2, 1, False), (2, 2, True), (5, 2, False), (5, 3, True),
     (9, 3, False), (9, 4, True), (100, 33, False), (100, 34, True)],
)  # fmt: skip
def test_few_beats_need_more_of_them_off(
    n_beats: int, n_off: int, refused: bool
) -> None:
    onset = 1.0 + 0.8 * np.arange(n_beats)
    ecg = content(impulses(onset, 25_000))
    moved = onset + 0.2 * (np.arange(n_beats) < n_off)
    if not refused:
        assert check_alignment("", ecg, moved) == ()
        return
    with pytest.raises(DataError, match=f"of {n_beats} beats lie on a QRS complex"):
        check_alignment("", ecg, moved)


def test_a_slow_signal_is_no_evidence() -> None:
    onset = np.arange(1.0, 90.0, 0.8)
    check_alignment("", content(impulses(onset, 25_000), sfreq=50.0), onset * 5 + 0.2)


@pytest.mark.parametrize("minutes", [[1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 6, 7]])
def test_labels_a_minute_are_no_beats(minutes: list[int]) -> None:
    ecg = content(impulses(np.arange(1.0, 500.0, 0.8), 130_000))
    labels = 60.0 * np.array(minutes) + 0.35
    assert check_alignment("", ecg, labels) == ()
    with pytest.raises(DataError, match="beats lie on a QRS complex"):
        check_alignment("", ecg, labels + np.cumsum(0.8 * np.array(minutes)))


def test_aamis_classes_are_of_beats() -> None:
    assert set(AAMI) < BEATS
    assert set(AAMI.values()) == set("NSVFQ")

"""The share of beats that lie where the signal is steepest."""

from collections.abc import Sequence

import numpy as np
import pytest

from pipeline.axes import Segment
from pipeline.errors import DataError
from pipeline.ingestion.codes import AAMI
from pipeline.readers._wfdb.beats import BEATS, check_alignment, steepest_share
from pipeline.readers.base import Content

SFREQ = 250.0


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


def test_one_beat_just_after_the_end_is_let_in() -> None:
    onset = np.arange(1.0, 100.0, 0.8)
    ecg = content(impulses(onset, 25_000))
    check_alignment("", ecg, np.append(onset, 100.5))
    with pytest.raises(DataError, match="2 beats lie beyond the end"):
        check_alignment("", ecg, np.append(onset, [100.5, 101.5]))


@pytest.mark.parametrize(("n_beats", "sfreq"), [(9, 250.0), (100, 50.0)])
def test_too_few_beats_or_samples_say_nothing(n_beats: int, sfreq: float) -> None:
    onset = np.arange(1.0, 90.0, 0.8)
    samples = impulses(onset, 25_000)
    late = onset[:n_beats] + 0.2
    check_alignment("", content(samples, sfreq=sfreq), late * SFREQ / sfreq)
    with pytest.raises(DataError, match="0% of 10 beats lie on a QRS complex"):
        check_alignment("", content(samples), onset[:10] + 0.2)


def test_aamis_classes_are_of_beats() -> None:
    assert set(AAMI) < BEATS
    assert set(AAMI.values()) == set("NSVFQ")

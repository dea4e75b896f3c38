"""Copies are found whatever became of their files; signals of their own never are."""

import numpy as np
import pytest

from pipeline.ingestion.copies import Sketch, Sketcher, pairs


def sketch(samples: np.ndarray, size: int = 777) -> Sketch:
    sketcher = Sketcher(*samples.shape)
    cuts = range(0, samples.shape[1], size)
    pieces = [samples[:, start : start + size] for start in cuts]
    assert sum(piece.shape[1] for piece in sketcher.passing(pieces)) == len(samples[0])
    return sketcher.sketch()


def drifting(seed: int, n_channels: int = 3, n_samples: int = 5000) -> np.ndarray:
    """Make a signal that is slower than its samples, with an offset."""
    rng = np.random.default_rng(seed)
    steps = rng.standard_normal((n_channels, n_samples))
    smooth = np.apply_along_axis(np.convolve, 1, steps, np.hanning(9), "same")
    return 1e-5 * smooth + 0.1


@pytest.mark.parametrize(
    "shape", [(1, 600), (2, 600), (3, 5000), (19, 4000), (300, 900)]
)
def test_a_copy_in_another_unit_rounding_and_length_is_found(
    shape: tuple[int, int],
) -> None:
    one, other = drifting(1, *shape), drifting(2, *shape)
    rounded = np.round(-1e6 * one, 1)
    more = np.concatenate([one, other[:, :3]], axis=1)
    found = pairs([sketch(each) for each in (one, other, rounded, more)])
    assert found == [(0, 2), (0, 3), (2, 3)]


def test_a_sketch_hangs_on_samples_and_not_on_pieces() -> None:
    samples = drifting(1)
    assert sketch(samples) == sketch(samples, 1) == sketch(samples, 5000)


def test_signals_of_one_shape_are_no_copies() -> None:
    """Beats cut out alike, the same pauses, the same artefact at the start."""
    beat = np.exp(-((np.arange(256) - 128) ** 2) / 200.0)
    rng = np.random.default_rng(0)
    shape = rng.standard_normal((2, 600))
    beats = [beat + 0.1 * rng.standard_normal((2, 256)) for _ in range(20)]
    beats += [shape + 0.3 * rng.standard_normal((2, 600)) for _ in range(20)]
    assert pairs([sketch(each) for each in beats]) == []
    padded = []
    for seed in range(20):
        samples = drifting(seed, 1, 4000)
        samples[:, 800:], samples[:, :100] = 0.3, 5.0
        padded.append(sketch(samples))
    assert pairs(padded) == []


def test_short_copies_of_hardly_any_change_are_known_by_their_numbers() -> None:
    """Too few blocks change for a comparison, but no sequence of these by chance."""
    rng = np.random.default_rng(0)
    one, other = (
        np.round(np.cumsum(rng.normal(0, 0.3, (2, 100)), axis=1)) for _ in range(2)
    )
    assert sum(value != 0 for value in sketch(one).values) < 64
    assert pairs([sketch(one), sketch(other), sketch(one.copy())]) == [(0, 2)]
    step = np.repeat([[0.0, 1.0]], [51, 49], axis=1)
    assert any(sketch(step).values)
    assert pairs([sketch(step), sketch(step.copy())]) == []


def test_what_holds_nothing_is_like_nothing() -> None:
    nothing = sketch(np.zeros((2, 600)))
    assert pairs([nothing, nothing, None, sketch(np.zeros((1, 1)))]) == []


def test_chance_finds_nothing_among_thousands() -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((3000, 256))
    rows[2999] = 2 * rows[1]
    assert pairs([Sketch((1, 64), tuple(row)) for row in rows.tolist()]) == [(1, 2999)]

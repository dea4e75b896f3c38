"""Samples that are no numbers become pauses."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.axes import Segment
from pipeline.ingestion.gaps import without_gaps
from pipeline.ingestion.lazy import Pieces
from pipeline.readers.base import Content

SFREQ = 10.0


def content(samples: np.ndarray, segments: Sequence[Segment]) -> Content:
    return Content(
        ("a", "b"),
        ("ecg", "ecg"),
        SFREQ,
        samples.shape[1],
        lambda start, stop: samples[:, start:stop],
        segments=tuple(segments),
    )


@given(
    st.lists(st.sampled_from("..xx01"), min_size=1, max_size=40),
    st.integers(1, 39),
    st.integers(1, 50),
)
def test_what_is_left_is_what_was_sound(
    kinds: list[str], border: int, size: int
) -> None:
    """Against a loop over samples: values, segments and times."""
    n = len(kinds)
    samples = np.arange(2.0 * n).reshape(2, n)
    for k, kind in enumerate(kinds):
        if kind in "01":
            samples[int(kind), k] = np.nan
        if kind == "x":
            samples[:, k] = np.inf
    segments = [Segment(0, 0.0)]
    if border < n:
        segments.append(Segment(border, 500.0))
    given_content = content(samples, segments)
    pieces = Pieces(given_content)
    pieces.size = size
    found = without_gaps(given_content, pieces)

    times = [
        500 + (k - border) / SFREQ if border < n and k >= border else k / SFREQ
        for k in range(n)
    ]
    sound = [k for k in range(n) if np.isfinite(samples[:, k]).all()]
    assert found.n_samples == len(sound)
    if len(sound) == n:
        assert found is given_content
        return
    expected = []
    for place, k in enumerate(sound):
        if not place or sound[place - 1] != k - 1 or (k == border and border < n):
            expected.append((place, pytest.approx(times[k])))
    assert [(s.start, s.onset_s) for s in found.segments] == expected
    assert "left out, as pauses" in found.remarks[0]
    if sound:
        np.testing.assert_array_equal(found.read(0, len(sound)), samples[:, sound])
        middle = len(sound) // 2
        parts = [
            found.read(a, b) for a, b in ((0, middle), (middle, len(sound))) if b > a
        ]
        np.testing.assert_array_equal(np.concatenate(parts, axis=1), samples[:, sound])

"""Lanes of labels and spectra, as the paths that the page shows."""

from collections.abc import Callable

import numpy as np
import pytest

from pipeline.axes import Segment
from pipeline.inspection import drawing
from pipeline.inspection.measuring import Seen

Watching = Callable[..., Seen]
NOISE = np.random.default_rng(0).standard_normal((1, 1000))


def test_a_block_lies_where_it_lies_in_time(watch: Watching) -> None:
    seen = watch(NOISE, 100.0, classes=("a", "b"), blocks=True)
    (lane,) = drawing.lanes({"r": seen}, {"r": "p"}, ["a", "b"])
    assert dict(lane.paths) == {0: "M0 0h60v1h-60z", 1: "M60 0h60v1h-60z"}
    assert (lane.width, lane.minutes) == (1.0, pytest.approx(10 / 60))


def test_a_pause_is_left_empty(watch: Watching) -> None:
    segments = (Segment(0, 0.0), Segment(100, 11.0))
    seen = watch(NOISE, 100.0, classes=("a", "b"), blocks=True, segments=segments)
    (lane,) = drawing.lanes({"r": seen}, {"r": "p"}, ["a", "b"])
    assert dict(lane.paths) == {0: "M0 0h30v1h-30z", 1: "M330 0h30v1h-30z"}


def test_of_labels_in_one_column_the_rarest_is_seen(watch: Watching) -> None:
    long = np.tile(NOISE, 10)
    classes = ("n",) * 50 + ("v",) + ("n",) * 49
    seen = watch(long, 10.0, classes=classes)
    (lane,) = drawing.lanes({"r": seen}, {"r": "p"}, ["n", "v"])
    assert dict(lane.paths)[1] == "M30 0h1v1h-1z"
    crowded = watch(long, 1.0, classes=classes)
    (lane,) = drawing.lanes({"r": crowded}, {"r": "p"}, ["n", "v"])
    assert dict(lane.paths)[1] == "M3 0h1v1h-1z", "beside others of its column"


def test_a_spectrum_falls_from_left_to_right(watch: Watching) -> None:
    wander = watch(NOISE.cumsum(axis=1), 100.0).spectra.density[0]
    path = drawing.spectrum([wander])
    heights = [float(point.split()[1]) for point in path[1:].split("L")]
    assert heights[-1] > heights[0] + 10
    assert drawing.spectrum([np.full_like(wander, np.nan)]) == ""


def test_more_classes_than_colours_have_colours() -> None:
    assert drawing.colour(0) == drawing.colour(len(drawing.PALETTE))

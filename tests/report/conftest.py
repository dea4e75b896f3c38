"""Equal pictures are drawn once: drawing them takes most of the time of a page."""

import pickle
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any

import pytest

from pipeline import files
from pipeline.plots import accesses, runs
from pipeline.plots.style import Picture
from pipeline.report import courses, device, figures, sections, tradeoffs

Drawn = dict[bytes, Picture | runs.Pictures | None]
FIGURES = (
    (figures, "subjects"),
    (courses, "learning"),
    (courses, "gradients"),
    (courses, "firing_rates"),
    (figures, "example"),
    (sections, "scores"),
    (tradeoffs, "tradeoff"),
    (device, "spread_of_estimates"),
    (accesses, "accesses"),
    (runs, "_draw"),
)


@pytest.fixture(scope="module", autouse=True)
def drawn() -> Iterator[Drawn]:
    """The pictures so far, by all that is in them; clear it to have them drawn."""
    known: Drawn = {}
    with pytest.MonkeyPatch.context() as patch:
        for module, name in FIGURES:
            patch.setattr(module, name, remembered(getattr(module, name), known))
        yield known


def remembered(draw: Callable[..., Any], known: Drawn) -> Callable[..., Any]:
    @wraps(draw)
    def draw_once(*given: Any, **named: Any) -> Any:
        drawn_from = [content(each) for each in given]
        key = pickle.dumps((draw.__name__, drawn_from, named, read_by(draw)))
        if key not in known:
            known[key] = draw(*given, **named)
        return known[key]

    return draw_once


def content(given: Any) -> Any:
    """What a figure is drawn from: a folder counts by its files."""
    if not isinstance(given, Path):
        return given
    return {path.name: path.read_bytes() for path in sorted(given.glob("*.parquet"))}


def read_by(draw: Callable[..., Any]) -> list[bytes]:
    """What a figure reads by itself: examples take signals, segments and spikes."""
    if draw.__name__ != "example":
        return []
    folders = ("signals", "recordings", "spikes")
    found = (files.DATA / name for name in folders)
    return [each.read_bytes() for f in found for each in sorted(f.rglob("*.*"))]

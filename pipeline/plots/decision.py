"""Figure of a single decision: signal, spikes, membranes and evidence over time."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pipeline.plots.raster import raster
from pipeline.plots.style import (
    COLOURS,
    DOTS_PER_INCH,
    FAINT,
    INK,
    Picture,
    new_figure,
    picture,
    plain,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT = {"recorded": 1.4, "filtered": 1.4, "evidence": 1.4}
"""Inches of panels that are higher than 1."""
NAMED_ROWS = 8
"""Rows of a raster that are named."""
CHARACTER = 0.009
"""Width of a small character, as a share of a panel's."""
WORDS = {
    "activation": "activation\nmap",
    "evidence": "evidence,\nlogits",
    "filtered": "as filtered",
    "recorded": "as recorded",
}


@dataclass(frozen=True)
class Moments:
    """What a figure names on its time axis.

    Parameters
    ----------
    onset_s : float
        When the beat, the event or the window of the decision begins; a dotted line.
    others : sequence of (float, str, str)
        When others begin, seconds, their truth, and what was decided ("": nothing).
    """

    onset_s: float
    others: Sequence[tuple[float, str, str]] = ()


def draw(table: pd.DataFrame, title: str, alt: str, moments: Moments) -> Picture:
    """Draw a decision as SVG.

    Parameters
    ----------
    table : DataFrame
        A line a row: panel, kind (`lines`, `raster`, `graded`, `membranes`, `note`),
        row, unit, start_s, dt, threshold and values.
    title, alt : str
    moments : Moments
    """
    with _drawn(table, title, moments) as figure:
        return picture(figure, alt, table.assign(values=table["values"].map(_written)))


def _written(values: np.ndarray) -> str:
    """Write a line's values into one field."""
    return " ".join(f"{value:.4g}" for value in values)


def save(
    table: pd.DataFrame, title: str, moments: Moments, path: Path, kind: str
) -> None:
    """Write the same figure to a file, of the kind png or svg."""
    with _drawn(table, title, moments) as figure:
        figure.savefig(path, format=kind, dpi=DOTS_PER_INCH)


@contextmanager
def _drawn(table: pd.DataFrame, title: str, moments: Moments) -> "Iterator[Figure]":
    panels = list(dict.fromkeys(table["panel"]))
    heights = [HEIGHT.get(panel, 1.0) for panel in panels]
    with new_figure(0.8 + sum(heights), rows=len(panels)) as (figure, axes):
        grid = axes[0].get_gridspec()
        assert grid is not None  # subplots make one
        grid.set_height_ratios(heights)
        for each, panel in zip(axes, panels, strict=True):
            rows = table[table["panel"] == panel]
            DRAW[rows["kind"].iloc[0]](each, rows)
            words = WORDS.get(panel, panel.replace(", ", ",\n"))
            each.set_ylabel(words, fontsize=8)
            each.sharex(axes[0])
            each.axvline(moments.onset_s, color=INK, lw=0.8, ls=":", zorder=0)
        _mark_moments(axes[0], moments, _span(table))
        for each in axes:
            each.label_outer(remove_inner_ticks=True)
        axes[-1].set_xlabel("seconds in the recording")
        lines = [plain(line) for line in title.split("\n")]
        figure.suptitle("\n".join(lines), fontsize=9, x=0.01, ha="left")
        yield figure


def _mark_moments(axes: "Axes", moments: Moments, span: tuple[float, float]) -> None:
    """Name what is decided, the end of the spikes, where it is decided, and others."""
    axes.set_xlim(*span)
    place = axes.get_xaxis_transform()
    look: dict[str, Any] = {"transform": place, "fontsize": 7, "va": "bottom"}
    width = CHARACTER * (span[1] - span[0])
    taken = [(span[1] - width * len("decided here"), span[1])]
    axes.text(span[1], 1.0, "decided here", ha="right", **look)
    named = [(moments.onset_s, "this one", INK)]
    named += [(at, *_answered(*words)) for at, *words in moments.others]
    for at, text, colour in named:
        if not span[0] <= at <= span[1]:
            continue
        axes.plot([at, at], [0.96, 1], transform=place, color=colour, lw=0.8)
        half = width * len(text) / 2
        if text == "this one" or not _meets(taken, at - half, at + half):
            axes.text(at, 1.0, text, ha="center", color=colour, **look)
            taken.append((at - half, at + half))


def _answered(truth: str, predicted: str) -> tuple[str, str]:
    """Write a truth and what was decided; an error in a colour of its own."""
    if not predicted:
        return plain(truth), INK
    if predicted == truth:
        return f"{plain(truth)} \N{CHECK MARK}", INK
    return f"{plain(truth)} → {plain(predicted)}", COLOURS[1]


def _meets(taken: Sequence[tuple[float, float]], start: float, stop: float) -> bool:
    return any(start < end and begin < stop for begin, end in taken)


def _span(table: pd.DataFrame) -> tuple[float, float]:
    """Give the time that the spikes cover: signals may begin or end within it."""
    row = table[table["panel"] == "code"].iloc[0]
    return row["start_s"], row["start_s"] + row["dt"] * len(row["values"])


def _time(row: Any) -> np.ndarray:
    time: np.ndarray = row.start_s + row.dt * np.arange(len(row.values))
    return time


def _draw_lines(axes: "Axes", rows: pd.DataFrame) -> None:
    """Draw channels below each other with a scale, other rows in one frame."""
    channels = rows["panel"].iloc[0] in ("recorded", "filtered")
    if channels:
        _draw_channels(axes, rows)
        return
    for k, row in enumerate(_each(rows)):
        look: dict[str, Any] = {"color": COLOURS[k % 6], "lw": 1}
        axes.plot(_time(row), row.values, label=plain(row.row), **look)
    _legend(axes)


def _draw_channels(axes: "Axes", rows: pd.DataFrame) -> None:
    offsets, shown = [], list(_each(rows))
    gap = 1.1 * max(float(np.ptp(row.values)) for row in shown) or 1.0
    for k, row in enumerate(shown):
        offsets.append(float(np.median(row.values)) - gap * k)
        axes.plot(_time(row), row.values - gap * k, color=INK, lw=0.7)
    axes.set_yticks(offsets, [plain(row.row) for row in shown])
    _quiet(axes)
    bar = _round(gap / 2)
    last = float(shown[-1].values[-1]) - gap * (len(shown) - 1)
    place = axes.get_yaxis_transform()
    axes.plot(
        [1.005] * 2, [last, last + bar], transform=place, clip_on=False, color=INK
    )
    words = f" {_scaled(bar, shown[0].unit)}"
    axes.text(1.006, last + bar / 2, words, transform=place, va="center", fontsize=7)


def _draw_raster(axes: "Axes", rows: pd.DataFrame) -> None:
    shown = list(_each(rows))
    times = [_time(row)[row.values > 0] for row in shown]
    offsets = raster(axes, times)
    _name_rows(axes, offsets, rows)


def _draw_graded(axes: "Axes", rows: pd.DataFrame) -> None:
    """Draw outputs that are no spikes, darker where they are larger."""
    shown = list(_each(rows))
    time, values = _time(shown[0]), np.stack([row.values for row in shown])
    half = shown[0].dt / 2
    reach = (time[0] - half, time[-1] + half, 0.5 - len(shown), 0.5)
    axes.imshow(values, aspect="auto", cmap="Blues", extent=reach, vmin=0)
    _name_rows(axes, [-float(k) for k in range(len(shown))], rows)


def _draw_membranes(axes: "Axes", rows: pd.DataFrame) -> None:
    for k, row in enumerate(_each(rows)):
        look: dict[str, Any] = {"color": COLOURS[k % 6], "lw": 1}
        axes.plot(_time(row), row.values, label=plain(row.row), **look)
        axes.axhline(row.threshold, color=COLOURS[k % 6], lw=0.8, ls="--")
    axes.plot([], [], color=INK, lw=0.8, ls="--", label="threshold")
    _legend(axes)


def _draw_note(axes: "Axes", rows: pd.DataFrame) -> None:
    text = plain(rows["row"].iloc[0])
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center")
    axes.set_yticks([])


DRAW = {
    "lines": _draw_lines,
    "raster": _draw_raster,
    "graded": _draw_graded,
    "membranes": _draw_membranes,
    "note": _draw_note,
}


def _each(rows: pd.DataFrame) -> Iterator[Any]:
    yield from rows.itertuples(index=False)


def _name_rows(axes: "Axes", offsets: list[float], rows: pd.DataFrame) -> None:
    named = len(rows) <= NAMED_ROWS
    axes.set_yticks(*((offsets, list(map(plain, rows["row"]))) if named else ([],)))
    _quiet(axes)
    if not named:
        where: dict[str, Any] = {
            "transform": axes.transAxes,
            "fontsize": 7,
            "va": "center",
        }
        axes.text(1.006, 0.5, f"{len(rows)}\nrows", **where)


def _quiet(axes: "Axes") -> None:
    axes.tick_params(axis="y", length=0, labelsize=7)
    axes.spines["left"].set_visible(False)


def _legend(axes: "Axes") -> None:
    axes.grid(axis="y", color=FAINT, lw=0.5)
    axes.tick_params(axis="y", labelsize=7)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize=7)


def _round(value: float) -> float:
    """Give the next smaller of 1, 2 and 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return power * max(n for n in (1, 2, 5) if n * power <= value * 1.0001)


def _scaled(value: float, unit: str) -> str:
    """Write a value with its unit; volts as mV, µV or nV."""
    if unit != "V":
        return f"{value:g} {unit or '(no unit)'}"
    for factor, name in ((1, "V"), (1e3, "mV"), (1e6, "µV")):
        if value * factor >= 0.999:
            return f"{value * factor:g} {name}"
    return f"{value * 1e9:g} nV"

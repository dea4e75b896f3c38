"""Figure of how the units' rates and thresholds moved while synapses learned."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pipeline.plots.snapshots import aligned, counted, ends, time_unit
from pipeline.plots.style import COLOURS, INK, Picture, new_figure, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

QUARTILES = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
UNEVEN = 4
"""Rates whose maximum is this many times their upper quartile are squeezed."""
ROOT_REACH = 25
"""On a square-root scale, marks below this part of its end would overlap."""
COLUMNS = ("rate_hz", "threshold")
TITLES = ("rate of the units, Hz", "threshold of the units")


def homeostasis(units: pd.DataFrame) -> Picture:
    """Show the rates and thresholds of all units while they learned.

    Parameters
    ----------
    units : DataFrame
        `units.parquet`.
    """
    table = aligned(units)
    unit, scale = time_unit(table["mean_s"].max())
    with new_figure(2.7, columns=2) as (figure, panels):
        for axes, column, title in zip(panels, COLUMNS, TITLES, strict=True):
            known = table.dropna(subset=column)
            _draw_spread(axes, known, column, scale)
            axes.set_title(title, loc="left")
            axes.set(xlabel=f"signal learned, {unit}")
        if _uneven(table["rate_hz"].dropna()):
            _squeeze(panels[0])
        handles, labels = panels[1].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper right", ncols=4,
                      frameon=False)  # fmt: skip
        spread = table.groupby("mean_s")[list(COLUMNS)].quantile(QUARTILES)
        spread = spread.rename_axis(["seconds", "quantile"]).reset_index()
        return picture(figure, _homeostasis_alt(units), spread)


def _draw_spread(axes: "Axes", table: pd.DataFrame, column: str, scale: float) -> None:
    """Draw the spread over the units of all folds, and each fold's median."""
    if table.empty:
        axes.text(0.5, 0.5, "none yet", ha="center", transform=axes.transAxes)
        return
    spread = table.groupby("mean_s")[column].quantile(QUARTILES).unstack()
    times = spread.index.to_numpy(dtype=float) / scale
    look: dict[str, Any] = {"color": COLOURS[0], "lw": 0}
    axes.fill_between(times, spread[0.0], spread[1.0], alpha=0.12, label="all units",
                      **look)  # fmt: skip
    axes.fill_between(times, spread[0.25], spread[0.75], alpha=0.35,
                      label="middle half", **look)  # fmt: skip
    for k, (_, fold) in enumerate(table.groupby("fold")):
        middle = fold.groupby("mean_s")[column].median()
        label = None if k else "median of a fold"
        axes.plot(middle.index / scale, middle, color=INK, lw=0.6, label=label)
    mark = "o" if len(times) == 1 else ""
    axes.plot(times, spread[0.5], mark, color=COLOURS[1], lw=1.8, label="median")
    axes.margins(x=0.01)


def _uneven(rates: "pd.Series[float]") -> bool:
    return bool(len(rates) and rates.max() > UNEVEN * rates.quantile(0.75) > 0)


def _squeeze(axes: "Axes") -> None:
    """Scale by the square root, which shows 0 as well as the few high rates."""
    axes.set_yscale("function", functions=(_root, np.square))
    highest = axes.get_ylim()[1]
    axes.set_ylim(0, highest)
    axes.set_yticks([0, *_round_numbers(highest / ROOT_REACH, highest)])
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_title(f"{axes.get_title('left')}, square-root scale", loc="left")


def _round_numbers(low: float, high: float) -> list[float]:
    """Find 1, 2 and 5 times powers of ten within two numbers."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)))
    every = [digit * 10.0**decade for decade in decades for digit in (1, 2, 5)]
    return [value for value in every if low <= value <= high]


def _root(values: np.ndarray) -> np.ndarray:
    """Take the root; the axis also asks for places below 0."""
    roots: np.ndarray = np.sqrt(np.maximum(values, 0))
    return roots


def _homeostasis_alt(units: pd.DataFrame) -> str:
    n_units = units["fold"].astype(str) + " " + units["unit"].astype(str)
    rates = "no rates yet"
    if units["rate_hz"].notna().any():
        first, last = (each["rate_hz"] for each in ends(units, "rate_hz"))
        low, high = last.quantile(0.25), last.quantile(0.75)
        rates = (
            f"the median rate goes from {first.median():.3g} to {last.median():.3g} "
            f"Hz, at the end half of the units lie within {low:.3g} to {high:.3g} Hz "
            f"and {(last == 0).sum()} are silent"
        )
    first, last = (each["threshold"] for each in ends(units, "threshold"))
    return (
        f"Rates and thresholds of {counted(n_units, 'unit')} of "
        f"{counted(units['fold'], 'fold')} while they learned: {rates}; the median "
        f"threshold goes from {first.median():.3g} to {last.median():.3g}."
    )

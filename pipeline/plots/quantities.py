"""Figures of learned quantities: their distributions, and their values by epoch.

`learned` is a cell's `learned.parquet`.
"""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pipeline.plots.style import COLOURS, INK, Picture, panels_of, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

QUARTILES = np.array([0.25, 0.5, 0.75])
MOST_START_LINES = 4
BINS = 24
WIDE = 4
"""A spread over more than this factor has a logarithmic scale."""


def in_units(quantity: str) -> tuple[str, float]:
    """Name a quantity for the reader, and what its values are multiplied with."""
    if quantity.endswith("_s"):
        return f"{quantity.removesuffix('_s')}, ms", 1000.0
    return quantity, 1.0


def kept_values(learned: pd.DataFrame) -> pd.DataFrame:
    """Pick what the kept weights of all folds hold, as far as it is finite."""
    kept: pd.DataFrame = learned.loc[learned["kept"] & np.isfinite(learned["value"])]
    return kept


def start_values(learned: pd.DataFrame) -> pd.DataFrame:
    """Pick what all folds started with, as far as it is finite."""
    first = learned["epoch"] == 0
    start: pd.DataFrame = learned.loc[first & np.isfinite(learned["value"])]
    return start


def time_constants(learned: pd.DataFrame) -> Picture | None:
    """Show how the learned time constants spread, a panel a layer and quantity.

    Parameters
    ----------
    learned : DataFrame
        `learned.parquet`.

    Returns
    -------
    picture : Picture or None
        None if the neurons have no time constant.
    """
    seconds = learned[learned["quantity"].str.match(r"tau.*_s$")]
    after, before = kept_values(seconds), start_values(seconds)
    if after.empty:
        return None
    groups = list(after.groupby(["layer", "quantity"]))
    medians = []
    # A row a layer where that fits.
    most = after["quantity"].nunique() if after["quantity"].nunique() == 2 else 3
    with panels_of(len(groups), height=1.9, most=most) as (figure, panels):
        for axes, ((layer, quantity), rows) in zip(panels, groups, strict=True):
            title, scale = in_units(str(quantity))
            same = (before["layer"] == layer) & (before["quantity"] == quantity)
            first = scale * before.loc[same, "value"]
            last = scale * rows["value"]
            _draw_spread(axes, first.to_numpy(), last.to_numpy())
            axes.set(title=f"layer {layer}", xlabel=title)
            medians.append(f"layer {layer} {title} {first.median():.3g} to "
                        f"{last.median():.3g}")  # fmt: skip
        panels[0].set_ylabel("learned values")
        # With a single layer the entries would cover its title.
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper right", ncols=2,
                      frameon=False)  # fmt: skip
        alt = "Histograms of time constants, medians before to after: "
        both = pd.concat([before.assign(when="start"), after.assign(when="learned")])
        shown = both[["fold", "when", "layer", "quantity", "place", "value"]]
        return picture(figure, f"{alt}{'; '.join(medians)}.", shown)


def _draw_spread(axes: "Axes", first: np.ndarray, last: np.ndarray) -> None:
    """Draw a histogram of what was learned, and where it started."""
    low, high = min(first.min(), last.min()), max(first.max(), last.max())
    # Equal values still need a bin of some width.
    low, high = (low, high) if high > 1.05 * low else (low / 1.5, high * 1.5)
    wide = high > WIDE * low
    bins = (np.geomspace if wide else np.linspace)(low, high, BINS + 1)
    axes.hist(last, bins.tolist(), color=COLOURS[0], alpha=0.8, label="learned")
    starts = np.unique(first)
    if len(starts) <= MOST_START_LINES:
        for k, value in enumerate(starts):
            label = None if k else "start"
            axes.axvline(value, color=INK, lw=1.2, ls="--", label=label)
    else:
        look: dict[str, Any] = {"histtype": "step", "color": INK, "ls": "--"}
        axes.hist(first, bins.tolist(), label="start", **look)
    if wide:
        axes.set_xscale("log")
        _few_log_ticks(axes, low, high)
    axes.locator_params(axis="y", integer=True, nbins=4)


def _few_log_ticks(axes: "Axes", low: float, high: float) -> None:
    """Mark a few round numbers: decades alone are too far apart here."""
    from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

    decades = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    for digits in ((1,), (1, 3), (1, 2, 5), tuple(range(1, 10))):
        round_ones = [d * 10.0**e for e in decades for d in digits]
        marks = [value for value in round_ones if low <= value <= high]
        if len(marks) >= 3:
            break
    axes.xaxis.set_major_locator(FixedLocator(marks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")


def courses(learned: pd.DataFrame) -> Picture:
    """Show each quantity over the epochs: a line a fold, its quartiles shaded."""
    finite = learned[np.isfinite(learned["value"])]
    groups = list(finite.groupby(["layer", "quantity"], sort=False))
    most = max(3, min(5, finite["quantity"].nunique()))
    with panels_of(len(groups), height=1.35, most=most) as (figure, panels):
        for axes, ((layer, quantity), rows) in zip(panels, groups, strict=True):
            title, scale = in_units(str(quantity))
            for _, fold in rows.groupby("fold"):
                _draw_course(axes, fold, scale)
            axes.set_title(f"{layer} · {title}", fontsize=8)
            axes.tick_params(labelsize=7)
            axes.locator_params(axis="x", integer=True, nbins=4)
            axes.locator_params(axis="y", nbins=4)
        figure.supxlabel("epoch", fontsize=9)
        names = ", ".join(in_units(name)[0] for name in finite["quantity"].unique())
        alt = (
            f"Medians and quartiles of {names} over {finite['epoch'].max()} epochs, "
            f"a line a fold, in {finite['layer'].nunique()} layers."
        )
        by = ["layer", "quantity", "fold", "epoch"]
        spread = finite.groupby(by, sort=False)["value"].quantile(QUARTILES)
        spread = spread.rename_axis([*by, "quantile"])
        return picture(figure, alt, spread.reset_index())


def _draw_course(axes: "Axes", fold: pd.DataFrame, scale: float) -> None:
    values = fold.groupby("epoch")["value"].quantile(QUARTILES).unstack()
    low, middle, high = (scale * values[q].to_numpy() for q in QUARTILES)
    look: dict[str, Any] = {"color": COLOURS[0], "lw": 0}
    axes.fill_between(values.index, low, high, alpha=0.12, **look)
    axes.plot(values.index, middle, color=COLOURS[0], lw=1, alpha=0.8)

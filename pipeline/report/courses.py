"""The report's figures of training: what it measured after each epoch."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import cycle
from typing import TYPE_CHECKING, Any

import pandas as pd

from pipeline.plots.style import COLOURS, FAINT, Picture, new_figure, picture
from pipeline.report.figures import percent_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LINES = ("-", "--", ":", "-.")
"""The lines of a network's layers, the first one solid."""
RATE = "spike_rate_"
"""Beginning of the columns that hold the rate of each layer."""


def learning(histories: Mapping[str, pd.DataFrame], chance: float) -> Picture:
    """Show how validation went, a line a fold, a panel a model."""
    shares = {
        name: history.assign(shown=100 * history["validation_balanced_accuracy"])
        for name, history in histories.items()
    }
    with _by_epoch(shares, "validation, %") as (figure, panels):
        for axes in panels:
            percent_axis(axes, chance)
        alt = f"Validation accuracy over epochs, a line a fold: {', '.join(shares)}."
        return picture(figure, alt, _courses(shares, "validation_percent"))


def gradients(histories: Mapping[str, pd.DataFrame]) -> Picture | None:
    """Show the gradient's norm, a line a fold, a panel a model; None without any."""
    norms = {
        name: history.assign(shown=history["gradient_norm"])
        for name, history in histories.items()
        if "gradient_norm" in history and history["gradient_norm"].gt(0).any()
    }
    if not norms:
        return None
    with _by_epoch(norms, "gradient norm") as (figure, panels):
        for axes in panels:
            axes.set_yscale("log")
            axes.grid(axis="y", color=FAINT, lw=0.5)
        alt = f"Norm of the gradient over epochs, a line a fold: {', '.join(norms)}."
        return picture(figure, alt, _courses(norms, "gradient_norm"))


def firing_rates(histories: Mapping[str, pd.DataFrame]) -> Picture | None:
    """Show how often each layer's neurons fire, a line a fold; None without spikes."""
    rates = {
        name: layers
        for name, history in histories.items()
        if len(layers := _by_layer(history))
    }
    if not rates:
        return None
    with _by_epoch(rates, "spikes a second") as (figure, panels):
        for axes in panels:
            axes.set_ylim(bottom=0)
            axes.grid(axis="y", color=FAINT, lw=0.5)
        alt = f"Spike rates of layers over epochs, a line a fold: {', '.join(rates)}."
        return picture(figure, alt, _courses(rates, "spikes_per_s"))


def _by_layer(history: pd.DataFrame) -> pd.DataFrame:
    """Put the rates of the layers that a network has below each other."""
    rates = history.filter(regex=f"^{RATE}[0-9]+$")
    long = history[["fold", "epoch"]].join(rates).melt(["fold", "epoch"])
    layer = long["variable"].astype(str).str.removeprefix(RATE).astype(int)
    shown = long.assign(layer=layer, shown=long["value"])
    return shown[["layer", "fold", "epoch", "shown"]].dropna(subset=["shown"])


def _courses(histories: Mapping[str, pd.DataFrame], what: str) -> pd.DataFrame:
    """Put what `_by_epoch` draws of the models below each other."""
    tables = [
        history.filter(["layer", "fold", "epoch", "shown"]).assign(model=name)
        for name, history in histories.items()
    ]
    return pd.concat(tables).rename(columns={"shown": what})


@contextmanager
def _by_epoch(
    histories: Mapping[str, pd.DataFrame], what: str
) -> "Iterator[tuple[Figure, list[Axes]]]":
    """Draw the column `shown`, a line a fold, a panel a model; gives the panels.

    Of a history with a column `layer`, each layer has lines of its own kind.
    """
    columns = max(2, min(4, len(histories)))
    rows = math.ceil(len(histories) / columns)
    height = 0.5 + 1.8 * rows
    with new_figure(height, rows=rows, columns=columns) as (figure, panels):
        for k, (name, history) in enumerate(histories.items()):
            layered = history if "layer" in history else history.assign(layer=1)
            look: dict[str, Any] = {"color": COLOURS[k % 6], "lw": 1, "alpha": 0.7}
            for line, (_, layer) in zip(cycle(LINES), layered.groupby("layer")):
                for _, fold in layer.groupby("fold"):
                    panels[k].plot(fold["epoch"], fold["shown"], ls=line, **look)
            panels[k].set(title=name, xlabel="epoch")
            panels[k].locator_params(axis="x", integer=True, nbins=5)
        for axes in panels[::columns]:
            axes.set_ylabel(what)
        for axes in panels[len(histories) :]:
            axes.set_visible(False)
        yield figure, list(panels[: len(histories)])

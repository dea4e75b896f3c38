"""Figure of a few seconds of a code: signal, reconstruction, and raster of spikes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline import files
from pipeline.plots.raster import raster
from pipeline.plots.style import (
    COLOURS,
    DOTS_PER_INCH,
    INK,
    Picture,
    legend_above,
    new_figure,
    picture,
    plain,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TRACES = ["time_s", "signal", "decoded"]
"""Columns that are no spikes."""

NAMED_ROWS = 12
"""Rows of a raster that are named; more would run into each other."""


def of_code(dataset: str, encoder: str) -> Picture:
    """Draw the excerpt of a data set's code that the stage encode cut."""
    folder = files.folder("encoding", f"{dataset}-{encoder}")
    channel = files.load_json(folder / "summary.json")["excerpt"]["channel"]
    return excerpt(files.load_table(folder / "excerpt.parquet"), channel, encoder)


def excerpt(table: pd.DataFrame, channel: str, encoder: str) -> Picture:
    """Show the signal of a channel, its reconstruction, and below its spikes.

    Parameters
    ----------
    table : DataFrame
        Columns time_s, signal, decoded (NaN: none), and a boolean one a feature.
    channel, encoder : str
        Their names.
    """
    with _drawn(table, channel) as figure:
        return picture(figure, _alt(table, channel, encoder), table * 1.0)


def save(table: pd.DataFrame, channel: str, path: Path, kind: str) -> None:
    """Write the same figure to a file, of the kind png or svg."""
    with _drawn(table, channel) as figure:
        figure.savefig(path, format=kind, dpi=DOTS_PER_INCH)


@contextmanager
def _drawn(table: pd.DataFrame, channel: str) -> "Iterator[Figure]":
    features = table.columns.drop(TRACES)
    with new_figure(3.4, rows=2) as (figure, (above, below)):
        _draw_traces(above, table, channel)
        _draw_raster(below, table[features], table["time_s"].to_numpy())
        below.sharex(above)
        below.set_xlabel("seconds")
        above.label_outer(remove_inner_ticks=True)
        yield figure


def _draw_traces(axes: "Axes", table: pd.DataFrame, channel: str) -> None:
    time_s = table["time_s"]
    axes.plot(time_s, table["signal"], color=INK, lw=1, label="signal")
    if table["decoded"].notna().any():
        axes.plot(
            time_s, table["decoded"], color=COLOURS[1], lw=1, label="reconstruction"
        )
    axes.set_ylabel(plain(channel))
    axes.margins(x=0)
    legend_above(axes, 2)


def _draw_raster(axes: "Axes", bits: pd.DataFrame, time_s: np.ndarray) -> None:
    rows = [time_s[bits[feature]] for feature in bits]
    offsets = raster(axes, rows)
    axes.tick_params(axis="y", length=0, labelsize=7)
    axes.spines["left"].set_visible(False)
    if len(rows) <= NAMED_ROWS:
        axes.set_yticks(offsets, [plain(str(feature)) for feature in bits])
    else:
        axes.set_yticks([])
        axes.set_ylabel(f"{len(rows)} features")


def _alt(table: pd.DataFrame, channel: str, encoder: str) -> str:
    bits = table[table.columns.drop(TRACES)]
    back = "and its reconstruction " if table["decoded"].notna().any() else ""
    span_s = table["time_s"].max() - table["time_s"].min()
    many = "feature" if bits.shape[1] == 1 else "features"
    return (
        f"Channel {channel} for {span_s:.1f} seconds, the signal {back}above, and "
        f"below its {int(bits.to_numpy().sum())} {encoder} spikes in "
        f"{bits.shape[1]} {many}."
    )

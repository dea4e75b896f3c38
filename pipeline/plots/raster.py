"""Spikes as strokes, in a row each."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from pipeline.plots.style import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_STROKES = 4000
"""More spikes are drawn as pixels: strokes would take more of a page."""


def raster(axes: "Axes", rows: Sequence[Float[np.ndarray, " spike"]]) -> list[float]:
    """Draw the spikes of each row, the first row on top.

    A row is one path. Matplotlib's `eventplot` makes one of every spike, four times as
    much text.

    Parameters
    ----------
    axes : Axes
    rows : sequence of array, shape (spike,)
        Times of spikes, seconds.

    Returns
    -------
    heights : list of float
        Where each row stands.
    """
    heights = [-float(k) for k in range(len(rows))]
    many = sum(map(len, rows)) > MOST_STROKES
    for k, (times, height) in enumerate(zip(rows, heights, strict=True)):
        ends = np.tile([height - 0.4, height + 0.4, np.nan], len(times))
        axes.plot(
            np.repeat(times, 3),
            ends,
            color=COLOURS[k % 2],
            lw=0.8,
            solid_capstyle="butt",
            rasterized=many,
        )
    axes.set_ylim(0.4 - len(rows), 0.6)
    return heights

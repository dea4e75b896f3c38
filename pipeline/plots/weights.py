"""Figure of how weights spread while they were learned."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pipeline.plots.snapshots import (
    STRONG,
    WEAK,
    aligned,
    counted,
    ends,
    parted,
    time_unit,
)
from pipeline.plots.style import COLOURS, INK, Picture, new_figure, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def weights_over_time(weights: pd.DataFrame) -> Picture:
    """Show how the weights spread while they were learned, all folds together.

    Parameters
    ----------
    weights : DataFrame
        `weights.parquet`.
    """
    shares = 100 * pooled_shares(weights)
    seconds = shares.columns.to_numpy(dtype=float)
    unit, scale = time_unit(seconds[-1])
    times = seconds / scale
    edges = np.append(shares.index, weights["high"].max())
    with new_figure(2.9, columns=2) as (figure, (image, profile)):
        image.get_gridspec().set_width_ratios([2.4, 1])  # type: ignore[union-attr]
        _draw_image(image, times, edges, shares.to_numpy(), f"signal learned, {unit}")
        _draw_profiles(profile, edges, shares.to_numpy())
        alt = _weights_alt(weights, f"{times[-1]:.3g} {unit}")
        table = shares.rename(columns=lambda time: f"percent at {time:.4g} s")
        return picture(figure, alt, table.reset_index())


def pooled_shares(weights: pd.DataFrame) -> pd.DataFrame:
    """Average the histograms over folds: a row a bin, a column a time in seconds."""
    return aligned(weights).pivot_table(index="low", columns="mean_s", values="share")


def _draw_image(
    axes: "Axes", times: np.ndarray, edges: np.ndarray, shares: np.ndarray, xlabel: str
) -> None:
    """Draw the histograms as columns; few weights show too, by a square root."""
    from matplotlib.colors import PowerNorm

    mesh = axes.pcolormesh(
        _edges_between(times),
        edges,
        shares,
        cmap="viridis",
        norm=PowerNorm(0.5, vmin=0, vmax=shares.max()),
        edgecolor="face",
        linewidth=0.6,
    )
    axes.set(xlabel=xlabel, ylabel="weight, share of the largest allowed")
    axes.set_title("all weights, while they learn", loc="left")
    bar = axes.figure.colorbar(mesh, ax=axes, aspect=30, pad=0.02)
    bar.ax.set_title("% of weights", fontsize=8, fontweight="normal", pad=7)
    bar.outline.set_visible(False)


def _edges_between(centres: np.ndarray) -> np.ndarray:
    """Find the borders of columns around their centres, from the first to the last."""
    if len(centres) == 1:
        return np.array([centres[0], centres[0] + 1])
    middles = (centres[1:] + centres[:-1]) / 2
    return np.concatenate([centres[:1], middles, centres[-1:]])


def _draw_profiles(axes: "Axes", edges: np.ndarray, shares: np.ndarray) -> None:
    """Draw the histograms of the start, of halfway and of the end."""
    look: dict[str, Any] = {"orientation": "horizontal", "baseline": 0}
    last, half = shares[:, -1], shares[:, shares.shape[1] // 2]
    axes.stairs(last, edges, fill=True, color=COLOURS[0], alpha=0.75, label="learned",
                **look)  # fmt: skip
    axes.stairs(half, edges, color=COLOURS[1], lw=1.2, label="halfway", **look)
    axes.stairs(shares[:, 0], edges, color=INK, lw=1.2, ls="--", label="start", **look)
    axes.set(xlabel="% of weights", ylim=(edges[0], edges[-1]))
    axes.tick_params(labelleft=False)
    look = {"handlelength": 1.4, "columnspacing": 1, "handletextpad": 0.4}
    axes.legend(loc="lower right", bbox_to_anchor=(1.02, 0.98), ncols=3, fontsize=8,
                frameon=False, **look)  # fmt: skip


def _weights_alt(weights: pd.DataFrame, long: str) -> str:
    first, last = ends(parted(weights), "weak")
    return (
        f"How the weights of {counted(weights['fold'], 'fold')} spread over {long} of "
        "signal, as an image and as histograms of start, halfway and end. "
        f"Below {WEAK:g} of the largest allowed lie "
        f"{_percent(first, 'weak')} at the start and {_percent(last, 'weak')} at the "
        f"end, above {STRONG:g} "
        f"{_percent(first, 'strong')} and {_percent(last, 'strong')}."
    )


def _percent(rows: pd.DataFrame, column: str) -> str:
    return f"{100 * rows[column].mean():.1f} %"

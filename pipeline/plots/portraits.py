"""Figures of a neuron's state without input: maps and phase planes.

`portraits` is a cell's `portraits.parquet`.
"""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pipeline.plots.style import (
    COLOURS,
    FAINT,
    INK,
    Picture,
    new_figure,
    panels_of,
    picture,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEARNED_COLOUR, OTHER_COLOUR = COLOURS[0], COLOURS[1]


def maps(portraits: pd.DataFrame) -> Picture | None:
    """Show what a membrane becomes without input, learned and as it started.

    Parameters
    ----------
    portraits : DataFrame
        `portraits.parquet`.

    Returns
    -------
    picture : Picture or None
        None if no neuron has a single state variable.
    """
    single = portraits[portraits["w"].isna()]
    if single.empty:
        return None
    groups = list(single.groupby("layer"))
    with panels_of(len(groups), height=2.7, most=3) as (figure, panels):
        for axes, (layer, rows) in zip(panels, groups, strict=True):
            _draw_map(axes, rows)
            axes.set(title=f"layer {layer}", xlabel="membrane, thresholds")
        panels[0].set_ylabel("a step later, without input")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper right", ncols=3,
                      frameon=False)  # fmt: skip
        bent = "; ".join(f"layer {k} by up to {_moved(rows):.2g}" for k, rows in groups)
        alt = (
            "The membrane a step later against the membrane, in thresholds, as learned "
            f"and as it started. The median neuron moved: {bent} thresholds."
        )
        return picture(figure, alt, single.drop(columns=["w", "next_w"]))


def _draw_map(axes: "Axes", rows: pd.DataFrame) -> None:
    ends = [rows["u"].min(), rows["u"].max()]
    axes.plot(ends, ends, color=FAINT, lw=1, label="stays as it is")
    learned = rows[rows["when"] == "learned"]
    for k, (_, fold) in enumerate(learned.groupby("fold")):
        by_share = fold.pivot(index="u", columns="quantile", values="next_u")
        label = None if k else "learned"
        look: dict[str, Any] = {"color": LEARNED_COLOUR, "lw": 0}
        axes.fill_between(by_share.index, by_share[0.25], by_share[0.75], alpha=0.12,
                          **look)  # fmt: skip
        axes.plot(by_share[0.5], color=LEARNED_COLOUR, lw=1, alpha=0.8, label=label)
    start = _middle(rows[rows["when"] == "start"]).drop_duplicates("u")
    look = {"color": INK, "lw": 1.2, "ls": "--", "label": "start"}
    axes.plot(start["u"], start["next_u"], **look)
    axes.grid(color=FAINT, lw=0.4)
    axes.set_xlim(*ends)


def _middle(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["quantile"] == 0.5]


def _moved(rows: pd.DataFrame) -> float:
    """Find how far the median map moved from where it started, at most."""
    wide = _middle(rows).pivot(index=["fold", "u"], columns="when", values="next_u")
    return float((wide["learned"] - wide["start"]).abs().max())


def phase_planes(portraits: pd.DataFrame) -> Picture | None:
    """Show where two variables go without input, before and after learning.

    Parameters
    ----------
    portraits : DataFrame
        `portraits.parquet`.

    Returns
    -------
    picture : Picture or None
        None if no neuron has two state variables.
    """
    double = portraits[portraits["w"].notna()]
    if double.empty:
        return None
    layers = sorted(double["layer"].unique())
    height = 0.5 + 2.9 * len(layers)
    with new_figure(height, rows=len(layers), columns=2) as (figure, panels):
        for row, layer in enumerate(layers):
            for column, when in enumerate(("start", "learned")):
                axes = panels[2 * row + column]
                here = (double["layer"] == layer) & (double["when"] == when)
                _draw_plane(axes, double[here])
                axes.set_title(f"layer {layer}, {when}")
            panels[2 * row].set_ylabel("second variable")
        for axes in panels[-2:]:
            axes.set_xlabel("membrane")
        _nullcline_legend(figure)
        alt = (
            f"Phase planes of {len(layers)} layers before and after learning: arrows "
            "where membrane and second variable go without input, and the lines on "
            "which one of them stays."
        )
        return picture(figure, alt, _middle(double))


def _draw_plane(axes: "Axes", rows: pd.DataFrame) -> None:
    """Draw the flow of the median fold, and the nullclines of every fold."""
    if rows.empty:
        axes.text(0.5, 0.5, "runs away", ha="center", transform=axes.transAxes)
        return
    _draw_flow(axes, rows.groupby(["u", "w"], as_index=False).median(numeric_only=True))
    for _, fold in rows.groupby("fold"):
        for variable, colour, style in (
            ("u", LEARNED_COLOUR, "solid"),
            ("w", OTHER_COLOUR, "dashed"),
        ):
            change = fold.assign(change=fold[f"next_{variable}"] - fold[variable])
            plane = change.pivot(index="w", columns="u", values="change")
            levels = _without_jumps(plane.to_numpy(dtype=float))
            if np.nanmin(levels) < 0 < np.nanmax(levels):
                axes.contour(plane.columns, plane.index, levels, [0.0], colors=colour,
                             linestyles=style, linewidths=1)  # fmt: skip
    axes.set_xlim(rows["u"].min(), rows["u"].max())
    axes.set_ylim(rows["w"].min(), rows["w"].max())


def _without_jumps(plane: np.ndarray) -> np.ma.MaskedArray[Any, Any]:
    """Mask where a reset makes the change leap: no state stays there."""
    rise = np.abs(np.diff(plane, axis=1))
    leaps = rise > 5 * np.quantile(rise, 0.9) + 1e-9
    masked = np.zeros(plane.shape, dtype=bool)
    masked[:, :-1] |= leaps
    masked[:, 1:] |= leaps
    return np.ma.masked_array(plane, masked)


def _draw_flow(axes: "Axes", rows: pd.DataFrame) -> None:
    """Draw an arrow from every other state; its length grows as the speed's root."""
    widths = [np.ptp(rows["u"]), np.ptp(rows["w"])]
    places = [np.unique(rows[name], return_inverse=True)[1] for name in ("u", "w")]
    shown = rows[(places[0] % 2 == 0) & (places[1] % 2 == 0)]
    du = (shown["next_u"] - shown["u"]).to_numpy() / widths[0]
    dw = (shown["next_w"] - shown["w"]).to_numpy() / widths[1]
    speed = np.hypot(du, dw)
    # The longest arrow spans two of the grid's cells.
    longest = 10 * math.sqrt(speed.max() or 1.0)
    shorter = 1 / (longest * np.sqrt(np.where(speed > 0, speed, 1)))
    axes.quiver(
        shown["u"],
        shown["w"],
        du * shorter * widths[0],
        dw * shorter * widths[1],
        angles="xy",
        scale_units="xy",
        scale=1,
        color="#8795a1",
        width=0.003,
    )


def _nullcline_legend(figure: "Figure") -> None:
    from matplotlib.lines import Line2D

    entries = [
        Line2D([], [], color=LEARNED_COLOUR, label="membrane stays"),
        Line2D([], [], color=OTHER_COLOUR, ls="--", label="second variable stays"),
    ]
    figure.legend(handles=entries, loc="outside upper right", ncols=2, frameon=False)

"""Figure of the energy estimates under each cost table."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from pipeline.plots.style import (
    COLOURS,
    FAINT,
    MARKERS,
    Picture,
    new_figure,
    picture,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLES = {
    "horowitz_45nm_fp32": "45 nm, float32: operations",
    "memory_45nm_fp32": "45 nm, float32: with memory",
    "horowitz_45nm_int8": "45 nm, int8: operations",
    "memory_45nm_int8": "45 nm, int8: with memory",
    "survey": "survey's formula, int32",
    "loihi": "Loihi, simulated",
}
"""Cost tables in the order of the legend, as they are called there."""

Estimates = Mapping[str, float]


def spread_of_estimates(rows: Mapping[str, Estimates]) -> Picture | None:
    """Show each model's energy by every cost table: a row a model, a dot a table.

    Parameters
    ----------
    rows : mapping
        By model, from the top: microjoules a window by the table's name.

    Returns
    -------
    picture : Picture or None
        None if there is no estimate above 0.
    """
    shown = {name: positive(row) for name, row in rows.items()}
    shown = {name: row for name, row in shown.items() if row}
    if not shown:
        return None
    tables = _in_order([table for row in shown.values() for table in row])
    with new_figure(1.3 + 0.34 * len(shown)) as (figure, (axes,)):
        for place, row in enumerate(shown.values()):
            low, high = min(row.values()), max(row.values())
            axes.plot([low, high], [place, place], color=FAINT, lw=3, zorder=1)
            if len(row) > 1:
                _write_factor(axes, high / low, (high, place))
        for number, table in enumerate(tables):
            places = [k for k, row in enumerate(shown.values()) if table in row]
            axes.scatter(
                [row[table] for row in shown.values() if table in row],
                places,
                s=42,
                color=COLOURS[number % len(COLOURS)],
                marker=MARKERS[number % len(MARKERS)],
                label=TITLES.get(table, table),
                edgecolors="white",
                linewidths=0.6,
                zorder=2,
            )
        axes.set(xscale="log", xlabel="estimated energy of a window, µJ")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.margins(x=0.08)
        axes.set_yticks(range(len(shown)), list(shown))
        axes.set_ylim(len(shown) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x", color=FAINT, lw=0.5)
        axes.set_axisbelow(True)
        axes.spines["left"].set_visible(False)
        figure.legend(loc="outside upper center", ncols=3, frameon=False)
        numbers = pd.DataFrame(shown).T.rename_axis("model").reset_index()
        return picture(figure, in_words(shown), numbers)


def _write_factor(axes: "Axes", factor: float, at: tuple[float, float]) -> None:
    """Write how far the ends of a row are apart, behind its last dot."""
    axes.annotate(
        f"{factor:.2g}×" if factor < 10 else f"{factor:.0f}×",
        at,
        (9, 0),
        textcoords="offset points",
        va="center",
        fontsize=8,
    )


def positive(row: Estimates) -> dict[str, float]:
    """Leave out what no logarithmic axis can show."""
    return {
        table: energy
        for table, energy in row.items()
        if math.isfinite(energy) and energy > 0
    }


def _in_order(tables: Sequence[str]) -> list[str]:
    """List tables once each, in the order of the legend, others behind."""
    known = [table for table in TITLES if table in tables]
    return known + sorted(set(tables) - set(known))


def in_words(rows: Mapping[str, Estimates]) -> str:
    """Describe, for each model, how far its estimates are apart."""
    ranges = []
    for name, row in rows.items():
        low, high = min(row, key=row.__getitem__), max(row, key=row.__getitem__)
        ranges.append(
            f"{name} {row[low]:.2g} µJ ({TITLES.get(low, low)}) to "
            f"{row[high]:.2g} µJ ({TITLES.get(high, high)})"
        )
    return f"Estimated energy of a window by cost table: {'; '.join(ranges)}."

"""Figure of each model's score with its interval, beside what needs no signal."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from pipeline.plots.style import (
    COLOURS,
    FAINT,
    INK,
    Picture,
    legend_above,
    new_figure,
    picture,
    plain,
)

NARROW = 5.2
"""Inches, so that its text is legible on the screen of a phone."""

Row = Mapping[str, Any]
"""A model: `title`, `spiking`, and `value`, `low` and `high` as shares or None."""


def scores(rows: Sequence[Row], *, chance: float, clock: float) -> Picture | None:
    """Show balanced accuracies as a forest plot, the highest on top.

    Filled marks are models with spikes, hollow ones models without.

    Parameters
    ----------
    rows : sequence of mapping
        Models without a value are left out.
    chance, clock : float
        What guessing reaches, and the best classifier that knows the time alone.

    Returns
    -------
    picture : Picture or None
        None if there is no model with a value.
    """
    there = [row for row in rows if row["value"] is not None]
    there.sort(key=lambda row: -row["value"])
    if not there:
        return None
    with new_figure(1.1 + 0.27 * len(there)) as (figure, (axes,)):
        figure.set_figwidth(NARROW)
        axes.axvline(100 * chance, color=INK, lw=1, ls=":", label="guessing")
        axes.axvline(100 * clock, color=COLOURS[4], lw=1.5, label="best clock")
        for place, row in enumerate(there):
            value = 100 * row["value"]
            look: Any = {"color": COLOURS[0], "zorder": 3}
            if row["low"] is not None:
                ends = [100 * row["low"], 100 * row["high"]]
                axes.plot(ends, [place, place], lw=2, **look)
            face = COLOURS[0] if row["spiking"] else "white"
            axes.plot([value], [place], marker="o", mfc=face, ms=6, ls="", **look)
        axes.set_yticks(range(len(there)), [plain(row["title"]) for row in there])
        axes.set(xlabel="balanced accuracy, %", xlim=(-1, 101))
        axes.set_ylim(len(there) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x", color=FAINT, lw=0.5)
        legend_above(axes, 2)
        table = pd.DataFrame(there)[["title", "spiking", "value", "low", "high"]]
        return picture(figure, _alt(there, chance, clock), table)


def _alt(rows: Sequence[Row], chance: float, clock: float) -> str:
    parts = [
        f"{row['title']} {100 * row['value']:.1f}"
        + (
            ""
            if row["low"] is None
            else f" ({100 * row['low']:.1f} to {100 * row['high']:.1f})"
        )
        for row in rows
    ]
    return (
        f"Balanced accuracy in percent, with its interval over persons: "
        f"{'; '.join(parts)}; guessing {100 * chance:.1f}; "
        f"the best clock {100 * clock:.1f}."
    )

"""Figure of accuracy against energy: a mark a setting, and the front of them."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pipeline.plots.style import (
    COLOURS,
    FAINT,
    INK,
    MARKERS,
    Picture,
    new_figure,
    picture,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEW, MANY = (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 8)
"""The digits written at each power of ten."""
ABSENT = (None, "null")
"""The text for a setting that is off."""


def pareto(points: pd.DataFrame, *, energy: str = "energy_uj") -> np.ndarray:
    """Find the points that no other point beats.

    One beats another if it is at least as accurate for at most the same energy, and not
    the same in both.

    Parameters
    ----------
    points : DataFrame
        With `balanced_accuracy` and energy.
    energy : str
        The column.

    Returns
    -------
    mask : array, shape (point,), bool
        False also where either is absent.
    """
    accuracies = points["balanced_accuracy"].to_numpy(np.float64)
    joules = points[energy].to_numpy(np.float64)
    no_worse = (accuracies[:, None] >= accuracies) & (joules[:, None] <= joules)
    same = (accuracies[:, None] == accuracies) & (joules[:, None] == joules)
    beaten = (no_worse & ~same).any(0)
    mask: np.ndarray = ~beaten & ~np.isnan(accuracies) & ~np.isnan(joules)
    return mask


def names(settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Name each of several settings by what distinguishes it from the others.

    A name holds as few settings as distinguish them, each without its first part:
    `pruning share` for `sparsity.pruning.share`. `encoder` and `model` need no name.

    Parameters
    ----------
    settings : sequence of mapping
        Flat, with dotted keys.
    """
    chosen = _distinguishing(settings)
    return [
        ", ".join(_written(key, each[key]) for key in chosen if _is_on(each, key))
        or "as it is"
        for each in settings
    ]


def _distinguishing(settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Choose keys, each the one that distinguishes most of the settings still alike."""
    chosen = [key for key in ("model", "encoder") if _classes(settings, [key]) > 1]
    keys = sorted({key for each in settings for key in each})
    # Of keys that distinguish equally well, one with numbers is more informative.
    keys.sort(key=lambda key: not any(_is_number(each.get(key)) for each in settings))
    while keys:
        counts = [_classes(settings, [*chosen, key]) for key in keys]
        if max(counts) == _classes(settings, chosen):
            break
        chosen.append(keys[counts.index(max(counts))])
    return chosen


def _classes(settings: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> int:
    """Count what some keys can distinguish."""
    distinct = {
        tuple(str(each[key]) if _there(each, key) else "" for key in keys)
        for each in settings
    }
    return len(distinct)


def _there(each: Mapping[str, Any], key: str) -> bool:
    return each.get(key) not in ABSENT


def _is_on(each: Mapping[str, Any], key: str) -> bool:
    """Whether a setting is worth a word: a penalty of 0 is none."""
    off = (
        key.startswith("sparsity.")
        and _is_number(each.get(key))
        and not float(each[key])
    )
    return _there(each, key) and not off


def _is_number(value: Any) -> bool:
    try:
        return math.isfinite(float(value))
    except (TypeError, ValueError):
        return False


def _written(key: str, value: Any) -> str:
    first, _, rest = key.partition(".")
    if not rest:
        return str(value) if first in ("encoder", "model") else f"{first} {value}"
    return f"{rest.replace('.', ' ').replace('_', ' ')} {value}"


def tradeoff(points: pd.DataFrame, *, energy: str = "energy_uj") -> Picture:
    """Show what accuracy a window's energy buys, and the front of the points.

    Points on the front are filled; those that another beats are hollow.

    Parameters
    ----------
    points : DataFrame
        A row a setting: `name`, `balanced_accuracy`, energy in microjoules a window,
        and, if there are intervals, `low` and `high`. Points without accuracy or
        without energy above 0 are left out.
    energy : str
        The column.
    """
    there = points.dropna(subset=["balanced_accuracy", energy])
    there = there[there[energy] > 0]
    there = there.sort_values(energy, kind="stable").reset_index(drop=True)
    front = pareto(there, energy=energy)
    with new_figure(max(3.2, 0.5 + 0.19 * len(there))) as (figure, (axes,)):
        if len(there):
            _log_axis(axes, there[energy])
            _draw_front(axes, there[front], energy)
        for place, point in enumerate(there.to_dict("records")):
            named = {str(key): value for key, value in point.items()}
            _draw_point(axes, named, place, best=front[place], energy=energy)
        axes.grid(axis="y", color=FAINT, lw=0.5)
        axes.set(xlabel="estimated energy, µJ a window", ylabel="balanced accuracy, %")
        if len(there):
            figure.legend(loc="outside right upper", frameon=False, fontsize=7.5)
        columns = ["name", "balanced_accuracy", "low", "high", energy]
        shown = there[there.columns.intersection(columns, sort=False)]
        return picture(figure, _alt(there, front, energy), shown.assign(front=front))


def _log_axis(axes: "Axes", joules: pd.Series) -> None:
    """Leave margins, so wide that there are at least two round numbers to write."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    span = joules.max() / joules.min()
    margin = max(span**0.1, math.sqrt(2.5 / span))
    axes.set_xscale("log")
    axes.set_xlim(joules.min() / margin, joules.max() * margin)
    axes.xaxis.set_major_locator(LogLocator(subs=FEW if span > 5 else MANY))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())


def _draw_front(axes: "Axes", best: pd.DataFrame, energy: str) -> None:
    """Draw what can be had for at most some energy, as stairs."""
    joules, heights = best[energy].tolist(), (100 * best["balanced_accuracy"]).tolist()
    # From the last point on, more energy buys nothing: to the panel's edge.
    across, up = [*joules, axes.get_xlim()[1]], [*heights, heights[-1]]
    axes.step(across, up, where="post", color=INK, lw=1, alpha=0.6, zorder=1)


def _draw_point(
    axes: "Axes", point: Mapping[str, Any], place: int, *, best: bool, energy: str
) -> None:
    colour = COLOURS[place % len(COLOURS)]
    marker = MARKERS[(place + place // len(COLOURS)) % len(MARKERS)]
    value = 100 * point["balanced_accuracy"]
    ends = 100 * np.array([point.get("low", np.nan), point.get("high", np.nan)], float)
    axes.errorbar(
        [point[energy]],
        [value],
        yerr=np.abs(ends - value)[:, None] if np.isfinite(ends).all() else None,
        color=colour,
        marker=marker,
        markerfacecolor=colour if best else "white",
        markersize=6,
        elinewidth=0.8,
        ls="",
        label=point["name"],
        zorder=3 if best else 2,
    )


def _alt(points: pd.DataFrame, front: np.ndarray, energy: str) -> str:
    parts = [
        f"{name} {100 * accuracy:.1f} percent for {joules:.3g} microjoules"
        + ("" if best else " (another beats it)")
        for name, accuracy, joules, best in zip(
            points["name"], points["balanced_accuracy"], points[energy], front,
            strict=True,
        )
    ]  # fmt: skip
    return f"Balanced accuracy and energy of {len(parts)} settings: {'; '.join(parts)}."

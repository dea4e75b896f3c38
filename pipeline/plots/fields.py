"""Figures of receptive fields: which feature, how long ago, drives a unit."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline.plots.snapshots import counted
from pipeline.plots.style import FAINT, Picture, panels_of, picture, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

MOST_UNITS = 24
COLUMNS = 6
MOST_FEATURE_LABELS = 8
"""With more features the channels are named, not their signs."""
MOST_CHANNEL_LABELS = 9
TOO_FEW_TO_TICK = 3


def receptive_fields(fields: pd.DataFrame, units: pd.DataFrame) -> Picture:
    """Show the weights of the most active units of the first fold, an image a unit.

    Time runs to the right and ends with the unit's spike, as in a spike-triggered
    average: the longest delay is on the left.

    Parameters
    ----------
    fields : DataFrame
        `fields.parquet`.
    units : DataFrame
        `units.parquet`.
    """
    fold = fields["fold"].min()
    mine = fields[fields["fold"] == fold]
    rates = last_rates(units[units["fold"] == fold])
    shown = most_active(mine["unit"].unique(), rates)
    features = in_pairs(mine["feature"].unique())
    height = 0.42 + min(1.25, max(0.55, 0.16 * len(features)))
    columns = max(2, min(COLUMNS, len(shown)))
    largest = mine.loc[mine["unit"].isin(shown), "weight"].max() or 1.0
    with panels_of(len(shown), height=height, most=COLUMNS) as (figure, panels):
        for k, (axes, unit) in enumerate(zip(panels, shown, strict=True)):
            rows = mine[mine["unit"] == unit]
            image = _draw_field(axes, rows, features, largest)
            _title(axes, unit, rates.get(unit, math.nan), _moved(rows))
            _label_features(axes, features, named=k % columns == 0)
            _label_delays(axes, rows, named=k + columns >= len(shown))
        figure.supxlabel("time relative to the unit's spike, ms", fontsize=9)
        bar = figure.colorbar(image, ax=panels, aspect=40, fraction=0.03, pad=0.01)
        bar.set_label("learned weight")
        bar.outline.set_visible(False)
        drawn = mine[mine["unit"].isin(shown)].drop(columns="fold")
        return picture(figure, _alt(mine, shown, fold), drawn)


def last_rates(units: pd.DataFrame) -> "pd.Series[float]":
    """Read the rate of each unit at a fold's last snapshot, Hz; NaN at the start."""
    last = units[units["windows"] == units["windows"].max()]
    rates: pd.Series[float] = last.set_index("unit")["rate_hz"]
    return rates


def most_active(units: Sequence[int], rates: "pd.Series[float]") -> list[int]:
    """Pick the units with the highest rates; equal ones in their order."""
    ranked = rates.reindex(np.sort(units)).sort_values(ascending=False, kind="stable")
    return [int(unit) for unit in ranked.index[:MOST_UNITS]]


def in_pairs(features: Sequence[str]) -> list[str]:
    """Sort features so that ON stands beside OFF, channels as they come."""
    channels = list(dict.fromkeys(channel_of(name) for name in features))
    return sorted(features, key=lambda name: (channels.index(channel_of(name)), name))


def channel_of(feature: str) -> str:
    """Name the channel of a feature such as `MLII+`."""
    return feature.removesuffix("+").removesuffix("-")


def _draw_field(
    axes: "Axes", rows: pd.DataFrame, features: Sequence[str], largest: float
) -> "AxesImage":
    """Draw a unit's weights, with a thin line between channels."""
    by_delay = rows.pivot(index="feature", columns="delay_s", values="weight")
    weights = by_delay.loc[list(features)].to_numpy(dtype=float)[:, ::-1]
    image = axes.imshow(
        weights,
        cmap="viridis",
        vmin=0,
        vmax=largest,
        aspect="auto",
        interpolation="none",
    )
    channels = [channel_of(name) for name in features]
    thick = 0.8 if len(features) <= MOST_FEATURE_LABELS else 0.25
    for k, (above, below) in enumerate(pairwise(channels)):
        if above != below:
            axes.axhline(k + 0.5, color="white", lw=thick)
    axes.spines[:].set_visible(False)
    axes.tick_params(color=FAINT, labelsize=7, length=2, pad=1.5)
    return image


def _title(axes: "Axes", unit: int, rate: float, moved: float) -> None:
    rated = "" if math.isnan(rate) else f" · {rate:.3g} Hz"
    text = f"unit {unit}{rated}\nmoved {moved:.2f}"
    axes.set_title(text, fontsize=7, fontweight="normal", pad=3)


def _moved(rows: pd.DataFrame) -> float:
    """Find by how much the weights changed, in the mean."""
    return float((rows["weight"] - rows["start"]).abs().mean())


def _label_features(axes: "Axes", features: Sequence[str], *, named: bool) -> None:
    """Name each row of an image, or each channel where the rows are many."""
    places: dict[str, float] = {name: k for k, name in enumerate(features)}
    if len(features) > MOST_FEATURE_LABELS:
        channels = pd.Series([channel_of(name) for name in features])
        middles = channels.index.to_series().groupby(channels.to_numpy(), sort=False)
        places = {str(name): float(at) for name, at in middles.mean().items()}
        step = math.ceil(len(places) / MOST_CHANNEL_LABELS)
        places = dict(list(places.items())[::step])
    texts = [plain(name).replace("-", "−") for name in places] if named else []
    axes.set_yticks(list(places.values()), texts)


def _label_delays(axes: "Axes", rows: pd.DataFrame, *, named: bool) -> None:
    """Mark the oldest, a middle and the newest delay; the newest is on the right."""
    times = -1000 * np.sort(rows["delay_s"].unique())[::-1]
    few = len(times) < TOO_FEW_TO_TICK
    at = list(range(len(times))) if few else [0, len(times) // 2, len(times) - 1]
    # Adding 0 takes the sign from −0.
    texts = [f"{times[k] + 0:.4g}".replace("-", "−") for k in at]
    axes.set_xticks(at, texts if named else [])


def _alt(mine: pd.DataFrame, shown: Sequence[int], fold: int) -> str:
    rows = mine[mine["unit"].isin(shown)]
    top = rows.iloc[int(rows["weight"].argmax())]
    return (
        f"Receptive fields of {len(shown)} of {counted(mine['unit'], 'unit')} of fold "
        f"{fold}, the most active first: {counted(mine['feature'], 'feature')} at "
        f"{counted(mine['delay_s'], 'delay')} up to "
        f"{1000 * mine['delay_s'].max():.4g} ms. Learning moved a weight by "
        f"{_moved(rows):.2g} of the largest allowed in the mean; the strongest, "
        f"{top['weight']:.2g}, is of unit {top['unit']} for {top['feature']} "
        f"{1000 * top['delay_s']:.4g} ms before its spike."
    )

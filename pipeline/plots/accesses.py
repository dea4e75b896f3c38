"""Figure and comparisons of how much memory a step of learning touches.

`learning` is the entry of this name in a cell's `energy.json`.
"""

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pipeline.plots.style import COLOURS, FAINT, INK, Picture, new_figure, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Plain = Mapping[str, Any]

SCHEMES = {
    "dense": "every synapse at every step",
    "two_tables": "two tables, of rows and of columns",
    "forward_only": "rows of active sources",
    "forward_only_skipping": "rows of active sources, idle steps skipped",
    "compiled": "rows and single words, as compiled here",
    "traces_on_synapses": "both traces on each synapse",
}
"""The names of schemes for the reader, in the order of the page."""
BASELINES = ("dense", "two_tables")
WORDS = {
    "weight_words_read": "weights read",
    "weight_words_written": "weights written",
    "index_words_read": "indices read",
}


def schemes(there: Iterable[str]) -> dict[str, str]:
    """Give schemes their names for the reader, known ones first."""
    there = list(there)
    known = {key: title for key, title in SCHEMES.items() if key in there}
    return known | {key: key.replace("_", " ") for key in there if key not in known}


def kinds(learning: Plain) -> dict[str, str]:
    """Name the kinds of words that a bill counts; indices where some are read."""
    schemes = learning["per_step"].values()
    counted = {
        key for each in schemes for key in each if "index" not in key or each[key]
    }
    return {key: title for key, title in WORDS.items() if key in counted}


def words_touched(learning: Plain, scheme: str) -> float:
    """Count the words of weights and indices a scheme touches in a step."""
    counted = learning["per_step"][scheme]
    return float(sum(counted.get(kind, 0) for kind in WORDS))


def comparisons(learning: Plain) -> list[str]:
    """Compare each scheme with the baselines, whose names it gives.

    In words of weights and indices, read or written in a step.
    """
    titles = schemes(learning["per_step"])
    against = [key for key in BASELINES if key in titles]
    sentences = []
    for key in (key for key in titles if key not in BASELINES):
        own = words_touched(learning, key)
        words = [
            f"{_times(own, words_touched(learning, other), what)} “{titles[other]}”"
            for other, what in zip(against, ("words a step ", ""), strict=False)
        ]
        if words:
            sentences.append(f"“{titles[key]}” touches {' and '.join(words)}.")
    return sentences


def _times(own: float, other: float, what: str) -> str:
    """Express how often one number holds the other: `12 times fewer words than`."""
    if math.isclose(own, other, rel_tol=0.005):
        return f"as many {what}as"
    if not own or not other:
        return f"{'no' if other else 'some'} {what}unlike".replace(
            " a step ", " a step, "
        )
    ratio = max(own, other) / min(own, other)
    return f"{_digits(ratio)} times {'fewer' if own < other else 'more'} {what}than"


def _digits(value: float) -> str:
    """Write a number with three digits that count, thousands apart."""
    if value >= 100:
        return f"{value:,.0f}".replace(",", "\u202f")
    return f"{value:.3g}"


def accesses(learning: Plain) -> Picture:
    """Show the words that a step of learning touches, a group of bars a scheme.

    Parameters
    ----------
    learning : mapping
        The counted bill of learning.
    """
    titles, shown = schemes(learning["per_step"]), kinds(learning)
    counts = {
        kind: [learning["per_step"][key].get(kind, math.nan) for key in titles]
        for kind in shown
    }
    height = 0.7 + len(titles) * (0.12 + 0.17 * len(shown))
    with new_figure(height) as (figure, (axes,)):
        _log_axis(axes, [v for values in counts.values() for v in values if v > 0])
        thick = 0.8 / len(shown)
        for k, (kind, values) in enumerate(counts.items()):
            at = np.arange(len(titles)) + (k - (len(shown) - 1) / 2) * thick
            axes.barh(at, values, 0.88 * thick, color=COLOURS[k], label=shown[kind])
            _write_numbers(axes, at, values)
        axes.grid(axis="x", color=FAINT, lw=0.4)
        axes.set_axisbelow(True)
        axes.set_yticks(range(len(titles)), list(titles.values()))
        axes.tick_params(axis="y", length=0)
        axes.invert_yaxis()
        axes.set_xlabel("words a step")
        figure.legend(loc="outside upper right", ncols=3, frameon=False)
        table = pd.DataFrame({"scheme": list(titles.values()), **counts})
        return picture(figure, _alt(titles, shown, counts), table)


def _write_numbers(axes: "Axes", at: np.ndarray, values: list[float]) -> None:
    for place, value in zip(at, values, strict=True):
        text = f" {_digits(value)}"
        if not math.isnan(value):
            # Nothing has no place on a logarithmic axis.
            x = value or axes.get_xlim()[0]
            axes.text(x, place, text, va="center", fontsize=7.5, color=INK)


def _log_axis(axes: "Axes", positive: list[float]) -> None:
    """Start the axis a third of a decade or more below the shortest bar."""
    if not positive:
        return
    low = 10.0 ** math.floor(math.log10(min(positive) / 2))
    axes.set_xscale("log")
    axes.set_xlim(low, max(positive) * (max(positive) / low) ** 0.08)


def _alt(
    titles: Mapping[str, str],
    shown: Mapping[str, str],
    counts: Mapping[str, list[float]],
) -> str:
    parts = [
        f"{title} "
        + ", ".join(
            f"{_digits(counts[kind][n])} {word}"
            for kind, word in shown.items()
            if not math.isnan(counts[kind][n])
        )
        for n, title in enumerate(titles.values())
    ]
    return f"Words that a step of learning touches, by scheme: {'; '.join(parts)}."

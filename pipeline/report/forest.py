"""Forest plots of differences, drawn by the page's template: places and scales."""

import math
from collections.abc import Sequence
from typing import Any

Plain = dict[str, Any]

LEFT, RIGHT = 4.0, 96.0
"""The ends of a scale, in units of a plot that is 100 wide."""
MOST_MARKS, FEWEST_MARKS = 3, 2
LEAST = 0.01
"""Half of the narrowest scale: a point either way."""


def placed(rows: Sequence[Plain]) -> Plain:
    """Place differences with their intervals on one scale.

    Parameters
    ----------
    rows : sequence of dict
        `difference`, `low` and `high` as shares or None, and `group`.

    Returns
    -------
    forest : dict
        `rows`, with the places `at`, `from` and `to` of what is known; `zero`, the
        place of no difference; and `marks` of the scale, in points, with their places.
    """
    numbers: list[float] = [
        row[key]
        for row in rows
        for key in ("difference", "low", "high")
        if row.get(key) is not None
    ]
    low, high = min([-LEAST, *numbers]), max([LEAST, *numbers])

    def place(value: float | None) -> float | None:
        """Give a value's place on the scale."""
        if value is None:
            return None
        return round(LEFT + (RIGHT - LEFT) * (value - low) / (high - low), 1)

    ends = {"at": "difference", "from": "low", "to": "high"}
    return {
        "rows": [
            {**row, **{end: place(row.get(key)) for end, key in ends.items()}}
            for row in rows
        ],
        "zero": place(0.0),
        "marks": [
            {"at": place(mark / 100), "points": f"{mark:g}".replace("-", "−")}
            for mark in marks(100 * low, 100 * high)
        ],
    }


def marks(low: float, high: float) -> list[float]:
    """Choose round numbers in a range, 1, 2 or 5 times a power of ten apart.

    They are three steps apart at most, unless fewer than two of them would be in it.
    """
    power = 10.0 ** math.floor(math.log10((high - low) / MOST_MARKS))
    steps = [n * power for n in (1, 2, 5, 10)]
    widest = next(k for k, step in enumerate(steps) if high - low <= MOST_MARKS * step)
    found = _multiples(steps[widest], low, high)
    if len(found) < FEWEST_MARKS and widest:
        found = _multiples(steps[widest - 1], low, high)
    return found


def _multiples(step: float, low: float, high: float) -> list[float]:
    """List the multiples of a step in a range."""
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(k * step, 6) + 0.0 for k in range(first, last + 1)]

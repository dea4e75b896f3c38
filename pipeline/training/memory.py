"""Memory: the decisions that a network takes without a restart in between.

A stretch lies in one segment of one recording and has decisions of one role: at every
change of person, session, segment and role the network starts anew, and so no memory
goes from one to the other. The first stretch of a segment begins with the segment, a
later one with the interval that its first label describes.
"""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from pipeline.roles import UNJUDGED


class Memory(NamedTuple):
    """The memory of a running network.

    Parameters
    ----------
    blocks : bool
        Whether it starts anew at labelled blocks: an oracle, for it knows the labels.
    limit_s : float or None
        It starts anew every so many seconds, each time an interval of a label before
        its first decision, so that every decision has at least that much.
    """

    blocks: bool = False
    limit_s: float | None = None


def in_stretches(
    fold: pd.DataFrame, *, blocks: bool = False, limit: int | None = None
) -> pd.DataFrame:
    """Find the stretch of each decision of a fold.

    Parameters
    ----------
    fold : DataFrame
        As for `load`.
    blocks : bool
        Whether a stretch ends with its labelled block.
    limit : int or None
        Samples after which the next stretch begins.

    Returns
    -------
    windows : DataFrame
        The same rows, with the columns stretch, stretch_start and stretch_stop, in
        samples of the prepared signal.
    """
    place = pd.factorize(fold["recording"])[0]  # as they come, whatever their names
    order = ["place", "segment", "stop", "start"]
    table = fold.assign(place=place).sort_values(order, kind="stable")
    table = table.drop(columns="place")
    role = table["role"].replace(UNJUDGED, "test")
    opens = _changes(table["recording"]) | _changes(table["segment"])
    changes = opens | _changes(role)
    if blocks:
        changes |= _changes(table["block"])
    stretch = changes.cumsum()
    segment_start = table["segment_start"].to_numpy()
    # Of a segment's first stretch, all that lies before it is nobody else's.
    first = opens.groupby(stretch).transform("first").to_numpy()
    start = np.where(first, segment_start, _earliest(table, stretch, segment_start))
    if limit is not None:
        part = (table["stop"] - start - 1) // limit
        stretch = (_changes(stretch) | _changes(part)).cumsum()
        start = np.where(part == 0, start, _earliest(table, stretch, start))
    last = table["stop"].groupby(stretch).transform("max").to_numpy()
    stop = np.minimum(last, table["segment_stop"].to_numpy())
    known = table.assign(stretch=stretch, stretch_start=start, stretch_stop=stop)
    return known.loc[fold.index]


def _changes(column: "pd.Series[Any]") -> "pd.Series[bool]":
    """Mark rows that differ from the row before."""
    return column != column.shift()


def _earliest(
    table: pd.DataFrame, stretch: "pd.Series[Any]", least: np.ndarray
) -> np.ndarray:
    """Give the earliest start of each row's stretch, but no less than `least`."""
    starts: np.ndarray = table["start"].groupby(stretch).transform("min").to_numpy()
    earliest: np.ndarray = np.maximum(starts, least)
    return earliest

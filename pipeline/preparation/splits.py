"""The arithmetic of leak-free folds: dealing groups, ordering blocks, purging overlaps.

Everywhere `windows` is a windows table and an array of roles has one entry a row.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int, Shaped

Roles = Shaped[np.ndarray, " window"]
"""train, validation, test or "" of each window."""

DEALS = 1000
"""Random deals of which the best balanced is kept."""

LOST = 1000.0
"""The cost of a deal for each class that it takes from training: more than all else."""

PRECEDENCE = (("test", "validation"), ("test", "train"), ("validation", "train"))
"""The order of roles: where two meet, the first keeps its windows."""


def balanced(
    groups: pd.Series,
    labels: pd.Series,
    dealt: np.ndarray,
    rng: np.random.Generator,
    *,
    held_out: Sequence[int],
) -> Int[np.ndarray, " window"]:
    """Deal complete groups into parts so that every part has its share of every class.

    Of many random deals the one is kept with the least Σ (share − fair share)², where a
    class that a part lacks counts 1, and `LOST` a class that only one part has while
    that part is held out. scikit-learn's StratifiedGroupKFold, being greedy, leaves a
    rare class out of a part where another deal would not.

    Parameters
    ----------
    groups, labels : Series
        Of each window.
    dealt : array of int, shape (group,)
        Parts to deal out: a part gets as many groups as it has entries here.
    rng : Generator
    held_out : sequence of int
        Parts that are held out of training while the others train.

    Returns
    -------
    part : array of int, shape (window,)
    """
    group, _ = pd.factorize(groups)  # as they come, whatever their names
    counts = pd.crosstab(group, labels)
    share = counts.to_numpy() / counts.to_numpy().sum(axis=0)
    deals = rng.permuted(np.tile(dealt, (DEALS, 1)), axis=1)
    n_parts = dealt.max() + 1
    members = (deals[:, None, :] == np.arange(n_parts)[:, None]).astype(np.float64)
    got = members @ share
    fair = np.bincount(dealt)[:, None] / len(dealt)
    cost = np.square(got - fair) + (got == 0)
    n_having = members[:, list(held_out)] @ (share > 0)
    lost = (n_having == (share > 0).sum(axis=0)).sum(axis=(1, 2))
    best: np.ndarray = deals[(cost.sum(axis=(1, 2)) + LOST * lost).argmin()]
    return best[group]


def validating(
    groups: pd.Series, labels: pd.Series, share: float, rng: np.random.Generator
) -> Bool[np.ndarray, " window"]:
    """Choose the groups that validate: a share of them, or what makes two classes.

    Where so many groups have one class alone, up to half of them are tried, for such
    windows cannot choose between networks: one that always answers this class is best.
    No class is taken from training for that.

    Parameters
    ----------
    groups, labels : Series
        Of each window that may train.
    share : float
    rng : Generator
    """
    n_groups = groups.nunique()
    fewest = max(1, round(share * n_groups))
    first, fewest_lost = np.zeros(len(groups), bool), len(labels)
    for n_validating in range(fewest, n_groups // 2 + 1):
        dealt = (np.arange(n_groups) < n_validating).astype(np.int64)
        part = balanced(groups, labels, dealt, rng, held_out=[1])
        chosen: np.ndarray = part == 1
        inside, outside = set(labels[chosen]), set(labels[~chosen])
        if n_validating == fewest:
            first, fewest_lost = chosen, len(inside - outside)
        if len(inside & outside) > 1 and len(inside - outside) <= fewest_lost:
            return chosen
    return first


def validating_piece(held: Bool[np.ndarray, "piece label"], tested: int) -> int:
    """Choose the piece that validates: the next that takes no class from training.

    Of those, one that validates two classes goes before.

    Parameters
    ----------
    held : array of bool, shape (piece, label)
        Which classes each piece has.
    tested : int
        The piece that tests.
    """
    n_pieces = len(held)

    def cost(step: int) -> tuple[int, bool, int]:
        """Count what a piece leaves out, to be as small as it can."""
        piece = (tested + step) % n_pieces
        trained = np.delete(held, [tested, piece], axis=0).any(axis=0)
        lost, judged = held[piece] & ~trained, held[piece] & trained
        return int(lost.sum()), bool(judged.sum() < 2), step

    nearest: int = min(range(1, n_pieces), key=cost)
    return (tested + nearest) % n_pieces


def pieces(windows: pd.DataFrame, n_pieces: int) -> Int[np.ndarray, " window"]:
    """Divide the blocks of every session and class into contiguous pieces, by time."""
    blocks = _ordered_blocks(windows)
    piece = blocks["place"] * n_pieces // blocks["n_blocks"]
    return windows["block"].map(piece).to_numpy(np.int64)


def last_blocks(windows: pd.DataFrame, share: float) -> Bool[np.ndarray, " window"]:
    """Find the windows in the last blocks of every session and class.

    A class with one block in a session has no last block to spare.
    """
    blocks = _ordered_blocks(windows)
    n_last = np.maximum(1, np.rint(share * blocks["n_blocks"]))
    is_last = blocks["place"] >= blocks["n_blocks"] - n_last
    is_last &= blocks["n_blocks"] > 1
    return windows["block"].map(is_last).to_numpy(bool)


def recording_ends(windows: pd.DataFrame, share: float) -> Bool[np.ndarray, " window"]:
    """Find the windows in the last share of the blocks of every recording."""
    blocks = windows.groupby(["recording", "block"])["start"].min().reset_index()
    blocks = blocks.sort_values(["recording", "start", "block"])
    own = blocks.groupby("recording")["block"]
    left = own.cumcount(ascending=False)
    is_last = left < np.rint(share * own.transform("size"))
    return windows["block"].isin(blocks.loc[is_last, "block"]).to_numpy(bool)


def purge(roles: Roles, windows: pd.DataFrame, *, gap: int) -> Roles:
    """Take the role from windows within `gap` samples of a role that goes before."""
    kept = roles.copy()
    for strong, weak in PRECEDENCE:
        kept[overlapping(windows, kept == weak, kept == strong, gap=gap)] = ""
    return kept


def within_segments(windows: pd.DataFrame) -> pd.DataFrame:
    """Clip windows to their segments: silence outside of them is nobody's second.

    Parameters
    ----------
    windows : DataFrame
        start, stop, segment_start, segment_stop.
    """
    return windows.assign(
        start=windows[["start", "segment_start"]].max(axis=1),
        stop=windows[["stop", "segment_stop"]].min(axis=1),
    )


def overlapping(
    windows: pd.DataFrame, these: np.ndarray, those: np.ndarray, *, gap: int = 0
) -> Bool[np.ndarray, " window"]:
    """Find which of some windows share a sample with any of some others.

    Parameters
    ----------
    windows : DataFrame
        recording, start, stop, which lie within the windows' segments.
    these, those : array of bool, shape (window,)
    gap : int
        Samples that must lie between.

    Returns
    -------
    overlaps : array of bool, shape (window,)
        True in `these` only.
    """
    # One recording after the other on one axis, too far apart to meet.
    far = windows["stop"].max() + gap + 1
    offset = far * pd.factorize(windows["recording"])[0]
    start, stop = (windows[key].to_numpy() + offset for key in ("start", "stop"))
    begun = np.searchsorted(np.sort(start[those]), stop[these] + gap, "left")
    ended = np.searchsorted(np.sort(stop[those]), start[these] - gap, "right")
    overlaps = np.zeros(len(windows), bool)
    overlaps[these] = begun > ended
    return overlaps


def _ordered_blocks(windows: pd.DataFrame) -> pd.DataFrame:
    """Put in order the blocks of each session and class by time.

    A block of several classes counts under its rarest, so that rare classes spread.

    Returns
    -------
    blocks : DataFrame, indexed by block
        place among its like, n_blocks of its like.
    """
    count = windows["label"].map(windows["label"].value_counts())
    rarest = windows.assign(count=count).sort_values(["count", "label"], kind="stable")
    label = rarest.groupby("block")["label"].first()
    place = pd.factorize(windows["recording"])[0]  # as they come
    in_time = windows.assign(place=place).sort_values(["place", "start"], kind="stable")
    blocks = in_time.drop_duplicates("block").set_index("block")
    like = blocks.assign(label=label).groupby(["subject", "session", "label"])
    return pd.DataFrame(
        {"place": like.cumcount(), "n_blocks": like["window"].transform("size")}
    )

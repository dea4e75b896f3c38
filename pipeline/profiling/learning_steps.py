"""Each step of learning: who fired, who is active, which weights may change."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int

Sources = Bool[np.ndarray, "time source"]
Targets = Bool[np.ndarray, "time target"]
Factors = Float32[np.ndarray, "..."]
Mask = Bool[np.ndarray, "..."]
Places = Int[np.ndarray, "..."]

FanOut = tuple[Places, Places]
"""Compressed rows: `indptr` and `indices` of a sparse matrix (source, target)."""


@dataclass(frozen=True)
class Table:
    """Synapses in the order of memory, row after row; and their order by target."""

    starts: Places
    stops: Places
    sources: Places
    targets: Places
    columns: Places  # where each target's synapses begin in `by_target`
    by_target: Places
    indexed: bool


@dataclass(frozen=True)
class LearningStep:
    """One step: who fired, who is active, which synapses may change."""

    fired: Mask
    active: Mask  # sources
    n_targets: int  # that fired
    hits: Places  # synapses of targets that fired, column after column
    moved: Places  # synapses the rule moves
    moved_active: Places  # the same, of active sources only


def synapse_table(n_pre: int, n_post: int, fan_out: FanOut | None) -> Table:
    """List synapses in the order of memory, and find each target's."""
    if fan_out is None:
        row_ends = np.arange(n_pre + 1) * n_post
        targets = np.tile(np.arange(n_post), n_pre)
    else:
        row_ends, targets = np.asarray(fan_out[0], np.int64), np.asarray(fan_out[1])
    return Table(
        starts=row_ends[:-1],
        stops=row_ends[1:],
        sources=np.repeat(np.arange(n_pre), np.diff(row_ends)),
        targets=targets,
        columns=np.r_[0, np.cumsum(np.bincount(targets, minlength=n_post))],
        by_target=np.argsort(targets, kind="stable"),
        indexed=fan_out is not None,
    )


def learning_steps(
    table: Table,
    pre: Sources,
    post: Targets,
    decays: tuple[Factors, Factors],
    theta: float,
) -> Iterator[LearningStep]:
    """Follow the traces in single precision, step by step, as the kernel does."""
    # magnitudes only: the rule's sign means "just fired", which the trains show too
    traces = tuple(np.zeros(len(decay), np.float32) for decay in decays)
    for fired, hit in zip(pre, post, strict=True):
        for trace, decay, now in zip(traces, decays, (fired, hit), strict=True):
            trace *= decay
            trace += now
        yield _learning_step(table, fired, hit, traces, np.float32(theta))


def _learning_step(
    table: Table,
    fired: Mask,
    hit: Mask,
    traces: tuple[Factors, ...],
    theta: np.float32,
) -> LearningStep:
    columns = np.flatnonzero(hit)
    begin, end = table.columns[columns], table.columns[columns + 1]
    hits = table.by_target[joined_ranges(begin, end)]
    words = joined_ranges(table.starts[fired], table.stops[fired])
    rising = ((traces[0] > 0) & ~fired)[table.sources[hits]]
    falling = ((traces[1] > 0) & ~hit)[table.targets[words]]
    moved = np.concatenate([hits[rising], words[falling]])
    active = fired | (traces[0] > theta)
    moved_active = moved[active[table.sources[moved]]]
    return LearningStep(fired, active, len(columns), hits, moved, moved_active)


def joined_ranges(starts: Places, stops: Places) -> Places:
    """Join the ranges start … stop."""
    lengths = stops - starts
    before = np.cumsum(lengths) - lengths
    joined: Places = np.arange(lengths.sum()) + np.repeat(starts - before, lengths)
    return joined

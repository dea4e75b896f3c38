"""The words of memory that learning touches, by schemes of walking synapses.

A word is one number in memory, whatever its width: a weight, a trace, an index. All
schemes learn the same pairs of spikes; `dense` and `two_tables` know no threshold, the
others drop the changes by sources at or below theta. In a step each one walks:

- `dense`: every synapse.
- `two_tables`: rows of the sources that fired, then, through a reverse table, columns
  of the targets that fired (the textbook's event-driven scheme).
- `forward_only`: full rows of active sources, those that fired or whose |trace| is
  above theta: Urbizagastegui, van Schaik and Wang, Front. Neurosci. 18:1450640 (2024).
- `forward_only_skipping`: the same, but rows of sources that did not just fire only in
  steps where some target fired.
- `compiled`: rows of sources that just fired; of other active sources, in steps where
  some target fired, only the words of those targets. This is `kernels.three_variable`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.profiling.learning_steps import (
    Factors,
    FanOut,
    LearningStep,
    Mask,
    Places,
    Sources,
    Table,
    Targets,
    learning_steps,
    synapse_table,
)


@dataclass(frozen=True)
class Accesses:
    """Words touched, added up over all steps.

    Parameters
    ----------
    weight_words_read : int
        One a synapse visited; twice if a row and a column visit it. In compressed rows
        `compiled` reads only the weights it moves.
    weight_words_written : int
        One where the rule moves a weight, also if a bound stops it: the source has a
        trace and the target just fired, or the other way round. Without compressed
        rows `compiled` writes back all it reads.
    row_bursts : int
        Runs of weight words that follow one another in memory, where rows lie one after
        the other, in the order of the visit. Neighbouring rows join, so a scan of all
        is one run; a word alone is one too.
    state_words_read, state_words_written : int
        Every trace once a step, to decay and be marked; while walking, the trace of the
        neuron at the far end of each synapse looked at.
    index_words_read : int
        Of compressed rows: two pointers a row or column walked, an index a synapse
        looked at, two (source and place of the weight) through the reverse table. Where
        every source meets every target, places are computed, and only `compiled` reads
        any: which targets fired, again for each source.
    """

    weight_words_read: int
    weight_words_written: int
    row_bursts: int
    state_words_read: int
    state_words_written: int
    index_words_read: int


Counts = tuple[int, int, int, int, int]
"""Weights read, weights written, bursts, traces read while walking, index words."""


def count_accesses(
    pre: Sources,
    post: Targets,
    *,
    pre_decay: Factors,
    post_decay: Factors,
    theta: float,
    fan_out: FanOut | None = None,
) -> dict[str, Accesses]:
    """Count what every scheme touches while it learns these spikes.

    Traces are followed in single precision, as the rule does::

        x ← x·decay, and where a neuron fires x ← x + 1

    Parameters
    ----------
    pre, post : bool arrays, (time, n_pre) and (time, n_post)
        Spikes of sources and of targets.
    pre_decay, post_decay : float32 arrays, (n_pre,) and (n_post,)
        The share of a trace that remains after a step, exp(−dt/tau).
    theta : float
        A source is active while |trace| > theta, and when it fires.
    fan_out : (indptr, indices), optional
        Compressed rows of targets; none: every source meets every target.

    Returns
    -------
    counts : dict of str to Accesses
        By scheme, in the order of `SCHEMES`.
    """
    table = synapse_table(pre.shape[1], post.shape[1], fan_out)
    totals = np.zeros((len(SCHEMES), 5), np.int64)
    for step in learning_steps(table, pre, post, (pre_decay, post_decay), theta):
        totals += [touch(table, step) for touch in SCHEMES.values()]
    decayed = pre.size + post.size
    return {
        scheme: Accesses(read, written, bursts, decayed + traces, decayed, index)
        for scheme, (read, written, bursts, traces, index) in zip(
            SCHEMES, totals.tolist(), strict=True
        )
    }


def _bursts(starts: Places, stops: Places) -> int:
    """Count runs of memory; one that goes on where the last one ended is the same."""
    some = stops > starts
    starts, stops = starts[some], stops[some]
    return len(starts) - int(np.count_nonzero(starts[1:] == stops[:-1]))


def _rows(table: Table, walked: Mask, moved: int) -> Counts:
    """Walk full rows, in order."""
    starts, stops = table.starts[walked], table.stops[walked]
    words = int((stops - starts).sum())
    index = table.indexed * (2 * len(starts) + words)
    return words, moved, _bursts(starts, stops), words, index


def _dense(table: Table, now: LearningStep) -> Counts:
    return _rows(table, np.ones_like(now.active), len(now.moved))


def _two_tables(table: Table, now: LearningStep) -> Counts:
    in_rows, _, _, _, index = _rows(table, now.fired, 0)
    starts = np.concatenate([table.starts[now.fired], now.hits])
    stops = np.concatenate([table.stops[now.fired], now.hits + 1])
    words = in_rows + len(now.hits)
    index += table.indexed * 2 * (now.n_targets + len(now.hits))
    return words, len(now.moved), _bursts(starts, stops), words, index


def _forward_only(table: Table, now: LearningStep) -> Counts:
    return _rows(table, now.active, len(now.moved_active))


def _forward_only_skipping(table: Table, now: LearningStep) -> Counts:
    walked = now.active & (now.fired | (now.n_targets > 0))
    return _rows(table, walked, len(now.moved_active))


def _compiled(table: Table, now: LearningStep) -> Counts:
    return _compiled_rows(table, now) if table.indexed else _compiled_dense(table, now)


def _compiled_rows(table: Table, now: LearningStep) -> Counts:
    # the index and the trace of every target show who fired
    _, _, _, looked_at, index = _forward_only_skipping(table, now)
    places = np.sort(now.moved_active)
    n_moved = len(places)
    return n_moved, n_moved, _bursts(places, places + 1), looked_at, index


def _compiled_dense(table: Table, now: LearningStep) -> Counts:
    in_rows, _, _, _, _ = _rows(table, now.active & now.fired, 0)
    alone = now.hits[(now.active & ~now.fired)[table.sources[now.hits]]]
    walked = now.active & now.fired
    starts = np.concatenate([table.starts[walked], alone])
    stops = np.concatenate([table.stops[walked], alone + 1])
    order = np.argsort(starts, kind="stable")
    words = in_rows + len(alone)
    return words, words, _bursts(starts[order], stops[order]), in_rows, len(alone)


SCHEMES: dict[str, Callable[[Table, LearningStep], Counts]] = {
    "dense": _dense,
    "two_tables": _two_tables,
    "forward_only": _forward_only,
    "forward_only_skipping": _forward_only_skipping,
    "compiled": _compiled,
}
"""The function that counts one step of each scheme, by name."""

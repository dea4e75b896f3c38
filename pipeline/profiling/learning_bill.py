"""The memory that learning takes: words touched per step, and bytes stored."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Literal

from pipeline.profiling.accesses import SCHEMES, Accesses, count_accesses
from pipeline.profiling.learning_steps import Factors, FanOut, Sources, Targets

Precision = Literal["float32", "int8"]

WORD = 4
"""Bytes of a membrane, a current, a threshold, an index or a pointer."""

LEARNED: dict[Precision, int] = {"float32": 4, "int8": 1}
"""Bytes of a weight or a trace."""

TRACES_ON_SYNAPSES = "traces_on_synapses"
"""The implementation that keeps both traces on each synapse, a weight and two words."""

STORES = (*SCHEMES, TRACES_ON_SYNAPSES)
"""The schemes that `bytes_of` accepts."""

ASSUMPTIONS = (
    "`dense` is the baseline that walks every synapse every step, in one run of memory",
    "`two_tables` is the baseline that walks rows of sources that fired and, through a "
    "reverse table, columns of targets that fired; it too lets traces decay every step",
    "`forward_only` reads no more weight words than `dense`, and at theta 0 nearly as "
    "many, since a source that ever fired stays active; it can read far more than "
    "`two_tables`",
    "`forward_only_skipping` reads no more weight words than `forward_only`",
    "`compiled` reads no more weight words than `forward_only_skipping` and than "
    "`two_tables`; in compressed rows it reads as many index words as the former, "
    "which can be far more than those of the latter",
    "`dense` and `two_tables` know no theta and learn every pair; the others, at a "
    "theta above 0, learn less than these baselines",
    "a weight is written where the rule moves it, also if a bound stops it; `compiled` "
    "without compressed rows writes back all it reads",
    "in every scheme each trace is read and written once a step, to decay and be "
    "marked; our kernel passes over them more than once",
    "words are those of float32 traces; int8 traces end at random, so that other "
    "sources may be active",
    "reading spikes, listing who fired, and membranes are not counted",
    "bytes a neuron are those of one that is source and target at once, with membrane, "
    "current and traces: two in `dense` and `two_tables`, one with a sign in the "
    "others; where sources and targets differ, a neuron has one trace under any of "
    "them, and nothing is saved against `two_tables`",
    "bytes a synapse of `two_tables` in compressed rows include its reverse table; "
    "where every source meets every target it needs none, and the others save no bytes "
    "a synapse against it",
    "`traces_on_synapses` is the baseline that keeps both traces on each synapse, as "
    "Brian2's example of STDP does, in words of our size and without Brian2's own "
    "indices and times of update",
)
"""The rules of counting, and the baseline of each comparison."""


def bytes_of(
    scheme: str,
    *,
    precision: Precision = "float32",
    compressed: bool = False,
    adaptive_threshold: bool = False,
) -> dict[str, float]:
    """Give the bytes stored for a synapse and for a neuron.

    ::

        synapse = weight + its traces + [compressed] · (index + reverse table)
        neuron = membrane + current + its traces + [compressed] · pointers

    where the reverse table of `two_tables` holds a source and an index of a weight.

    Parameters
    ----------
    scheme : str
        One of `STORES`.
    precision : "float32" or "int8"
        Of weights and traces.
    compressed : bool
        Whether rows list their targets, with one pointer a row or column.
    adaptive_threshold : bool
        Whether neurons keep a threshold of their own.

    Returns
    -------
    kept : dict
        Bytes `per_synapse` and `per_neuron`, for a neuron that is source and target.

    Raises
    ------
    KeyError
        There is no such scheme.
    """
    of_synapse, of_neuron, tables = _STORED[scheme]
    learned = LEARNED[precision]
    indices = compressed * (2 * tables - 1)
    words = 2 + adaptive_threshold + compressed * tables
    return {
        "per_synapse": float(learned * (1 + of_synapse) + WORD * indices),
        "per_neuron": float(learned * of_neuron + WORD * words),
    }


_STORED = {
    "dense": (0, 2, 1),
    "two_tables": (0, 2, 2),
    "forward_only": (0, 1, 1),
    "forward_only_skipping": (0, 1, 1),
    "compiled": (0, 1, 1),
    TRACES_ON_SYNAPSES: (2, 0, 1),
}
"""Traces of a synapse, traces of a neuron, tables: of rows, and of columns."""


def learning_bill(
    pre: Sources,
    post: Targets,
    *,
    dt: float,
    pre_decay: Factors,
    post_decay: Factors,
    theta: float,
    fan_out: FanOut | None = None,
    precision: Precision = "float32",
    adaptive_threshold: bool = False,
) -> dict[str, Any]:
    """Give the memory that learning takes in plain numbers, by scheme.

    Parameters
    ----------
    pre, post : bool arrays, (time, n_pre) and (time, n_post)
        Spikes learned from, at least one step.
    dt : float
        Seconds a step.
    pre_decay, post_decay, theta, fan_out
        As in `count_accesses`.
    precision, adaptive_threshold
        As in `bytes_of`.

    Returns
    -------
    bill : dict
        `per_step`: means over steps of what `Accesses` counts, by scheme; `bytes`, by
        scheme and for `traces_on_synapses`; rates; and the `assumptions`.
    """
    counted = count_accesses(
        pre,
        post,
        pre_decay=pre_decay,
        post_decay=post_decay,
        theta=theta,
        fan_out=fan_out,
    )
    kept: dict[str, Any] = {
        "precision": precision,
        "compressed": fan_out is not None,
        "adaptive_threshold": adaptive_threshold,
    }
    return {
        "assumptions": list(ASSUMPTIONS),
        "n_steps": len(pre),
        "n_pre": pre.shape[1],
        "n_post": post.shape[1],
        "theta": float(theta),
        "pre_rate_hz": float(pre.mean() / dt),
        "post_rate_hz": float(post.mean() / dt),
        "bytes": {scheme: bytes_of(scheme, **kept) for scheme in STORES},
        "per_step": _per_step(counted, len(pre)),
    }


def _per_step(
    counted: Mapping[str, Accesses], n_steps: int
) -> dict[str, dict[str, float]]:
    """Give means over steps of what was counted, by scheme."""
    return {
        scheme: {word: n / n_steps for word, n in asdict(accesses).items()}
        for scheme, accesses in counted.items()
    }

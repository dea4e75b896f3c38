"""The bill of a network that runs on: a second of signal, and a decision.

Each step passes its layers once, whenever decisions come; a decision reads what the
last layer put out. The same network, had it restarted, passes a window for every
decision. Both bills stand beside each other, with the encoder, of the same signal.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from pipeline.profiling.cost_tables import CostTable, Numbers, tables_for
from pipeline.profiling.counts import Counted, Layer, pooled
from pipeline.profiling.describing import totals
from pipeline.profiling.energy import encoder_energy, inapplicable, parts_j_per_window
from pipeline.profiling.operations import READING
from pipeline.profiling.profile import count_windows

if TYPE_CHECKING:
    from pipeline.networks.parts.stack import Stack
    from pipeline.training.batches import Windows

READ_OUT = "head"
"""What the names of a read-out's parts begin with."""


@dataclass(frozen=True)
class Spans:
    """Windows with what comes before them.

    Parameters
    ----------
    windows : Windows
        Each begins `warm` steps before a window, and ends with it.
    warm : int
        Steps in which a state forgets how it began.
    anew_per_s : float
        How often a network starts anew a window ago, whose memory is bounded.
    """

    windows: "Windows"
    warm: int
    anew_per_s: float = 0.0


@dataclass(frozen=True)
class Run:
    """What a network does in spans.

    Parameters
    ----------
    signal : Counted
        Of each window, what was there before it: what runs all the time.
    reading : Counted
        What a decision takes besides.
    restarted : Counted
        A window alone, and its decision.
    """

    signal: Counted
    reading: Counted
    restarted: Counted


def running_bill(
    folds: "Sequence[tuple[Stack, Spans]]",
    encoder: Mapping[str, int] | None,
    numbers: Numbers,
    decisions_per_s: float,
) -> dict[str, Any]:
    """Count and estimate what networks take that run on.

    Parameters
    ----------
    folds : sequence of (Stack, Spans)
        Each fold's network, and signal of it.
    encoder : mapping of str to int, or None
        Operations of the encoder a window, as `encoder_operations` gives them.
    numbers : str
        Of the networks.
    decisions_per_s : float

    Returns
    -------
    bill : dict
        `counted`, a second of signal, a decision, and a window with its decision where
        the network restarts; `estimated`, by cost table.

    Raises
    ------
    MeasurementError
        A network has a layer that cannot be counted.
    """
    from pipeline.training.devices import one_thread

    with one_thread():
        run = _pooled([_run(*fold) for fold in folds])
    anew_per_s = folds[0][1].anew_per_s
    window_s, n = run.signal.window_s, run.signal.n_windows
    return {
        "decisions_per_s": decisions_per_s,
        "anew_per_s": anew_per_s,
        "counted": {
            "per_second": _each(run.signal, n * window_s),
            "per_decision": _each(run.reading, n),
            "per_restarted_window": _each(run.restarted, n),
        },
        "estimated": {
            name: _estimate(run, encoder, table, (decisions_per_s, anew_per_s))
            for name, table in tables_for(numbers).items()
        },
    }


def _run(network: "Stack", spans: Spans) -> Run:
    """Count the windows warm, as the difference of what ends and begins with them."""
    spanned, warm = spans.windows, spans.warm
    alone = replace(spanned, first=spanned.first + warm, n_steps=spanned.n_steps - warm)
    cold = full = count_windows(network, alone)
    if warm:
        full = count_windows(network, spanned)
        full = _less(full, count_windows(network, replace(spanned, n_steps=warm)))
    now_and_then = network.head.averages

    def reads(name: str) -> bool:
        if name == f"{READ_OUT}.{READING}":
            return True
        return now_and_then and name.startswith(READ_OUT)

    return Run(_part(full, lambda name: not reads(name)), _part(cold, reads), cold)


def _pooled(runs: Sequence[Run]) -> Run:
    return Run(
        pooled([run.signal for run in runs]),
        pooled([run.reading for run in runs]),
        pooled([run.restarted for run in runs]),
    )


def _part(counted: Counted, belongs: Callable[[str], bool]) -> Counted:
    """Give some layers' counts alone."""
    return replace(
        counted,
        synapses=tuple(each for each in counted.synapses if belongs(each.name)),
        neurons=tuple(each for each in counted.neurons if belongs(each.name)),
    )


def _less(counted: Counted, before: Counted) -> Counted:
    """Subtract the counts of the steps before."""
    synapses = zip(counted.synapses, before.synapses, strict=True)
    neurons = zip(counted.neurons, before.neurons, strict=True)
    return replace(
        counted,
        window_s=counted.window_s - before.window_s,
        synapses=tuple(_rest(*each) for each in synapses),
        neurons=tuple(_rest(*each) for each in neurons),
    )


def _rest(layer: Layer, before: Layer) -> Layer:
    kept = ("weights", "zero_weights")
    names = [f.name for f in fields(layer) if f.type is int and f.name not in kept]
    return replace(layer, **{n: getattr(layer, n) - getattr(before, n) for n in names})


def _each(counted: Counted, number: float) -> dict[str, float]:
    return {name: value / number for name, value in totals(counted).items()}


def _estimate(
    run: Run,
    encoder: Mapping[str, int] | None,
    table: CostTable,
    per_s: tuple[float, float],
) -> dict[str, Any]:
    """Estimate a second of signal, by one table; encoder and decisions included.

    ::

        runs on    E = encoder + signal + reading · decisions + window · starts anew
        restarts   E = encoder + window · decisions

    `parts_j_per_second` has the network's share of the first line, part by part.
    """
    if reason := inapplicable(run.restarted, table):
        return {"absent": reason}
    signal, reading, window = (
        parts_j_per_window(counted, table)
        for counted in (run.signal, run.reading, run.restarted)
    )
    decisions, anew = per_s
    parts = {
        part: signal.get(part, 0.0) / run.signal.window_s
        + reading.get(part, 0.0) * decisions
        + energy_j * anew
        for part, energy_j in window.items()
    }
    signal_w = sum(signal.values()) / run.signal.window_s
    reading_j, window_j = sum(reading.values()), sum(window.values())
    found: dict[str, Any] = {
        "signal_j_per_second": signal_w,
        "reading_j_per_decision": reading_j,
        "restarted_j_per_decision": window_j,
        "parts_j_per_second": parts,
    }
    coding = encoder_energy(encoder, table, run.signal.window_s)
    if "absent" in coding:
        return found | {"encoder": coding}
    always_w = coding["energy_j_per_second"] + signal_w + window_j * anew
    restarting_w = coding["energy_j_per_second"] + window_j * decisions
    return found | {
        "encoder_j_per_second": coding["energy_j_per_second"],
        "always_on_w": always_w,
        "energy_uj_per_second": (always_w + reading_j * decisions) * 1e6,
        "restarting_uj_per_second": restarting_w * 1e6,
    }

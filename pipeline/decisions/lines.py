"""A traced decision as a table, a line of its figure a row."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from pipeline.decisions.series import Series
from pipeline.decisions.tested import Decision
from pipeline.decisions.trace import DecisionTrace, LayerTrace

MOST_MEMBRANES = 3
"""The most neurons whose membranes are shown: those that fire most."""


def lines(trace: DecisionTrace) -> pd.DataFrame:
    """Tabulate what a figure of a decision shows.

    Returns
    -------
    lines : DataFrame
        panel; kind: `lines`, `raster` (0 and 1), `graded`, `membranes`, or `note`,
        whose row is a text; row, unit, start_s, dt, threshold (NaN: none), and values,
        an array of float32 each.
    """
    rows = [
        *_lines("recorded", "lines", trace.recorded),
        *_lines("filtered", "lines", trace.filtered),
        *_lines("code", "raster", trace.spikes),
    ]
    for number, layer in enumerate(trace.layers, start=1):
        kind = "raster" if layer.spiking else "graded"
        rows += _lines(f"layer {number}", kind, layer.outputs)
    if trace.layers:
        rows += _membranes(f"membranes, layer {len(trace.layers)}", trace.layers[-1])
    for each in trace.activation:
        rows += _lines("activation", "lines", each)
    rows += _lines("evidence", "lines", trace.evidence)
    return pd.DataFrame(rows)


def title(decision: Decision) -> str:
    """Write which decision it is, its truth, and of whom and when, on three lines."""
    verdict = "right" if decision.is_right else "wrong"
    session = f", session {decision.session}" if decision.session else ""
    return (
        f"{decision.cell}, decision {decision.window}\n"
        f"truth {decision.truth}, decided {decision.predicted} ({verdict}), "
        f"probability {decision.probability:.3f}\n"
        f"person {decision.subject}{session}, recording {decision.recording}, "
        f"{decision.onset_s:.2f} s"
    )


def alt(decision: Decision, table: pd.DataFrame) -> str:
    """Describe the figure to those who do not see it."""
    panels = ", ".join(dict.fromkeys(table["panel"]))
    counts = table[table["kind"] == "raster"].groupby("panel", sort=False)["values"]
    spikes = ", ".join(
        f"{int(sum(each.sum() for each in rows))} spikes of {panel}"
        for panel, rows in counts
    )
    evidence = table[table["panel"] == "evidence"]
    ends = ", ".join(
        f"{row} {values[-1]:.2f}"
        for row, values in zip(evidence["row"], evidence["values"], strict=True)
    )
    return (
        f"{title(decision)}. Over time: {panels}; {spikes}. Logits at the end: {ends}."
    ).replace("\n", "; ")


def _membranes(panel: str, layer: LayerTrace) -> list[dict[str, Any]]:
    """Give the membranes of the neurons that fire most, or why there are none."""
    if layer.membranes is None or layer.thresholds is None:
        none = Series(np.empty((1, 0)), (layer.absent,), 0.0, 1.0)
        return list(_lines(panel, "note", none))
    counts, spread = layer.outputs.values.sum(1), np.ptp(layer.membranes.values, axis=1)
    chosen = np.lexsort((-spread, -counts))[:MOST_MEMBRANES]
    rows = list(_lines(panel, "membranes", layer.membranes))
    return [
        rows[n] | {"row": f"neuron {n}", "threshold": float(layer.thresholds[n])}
        for n in chosen
    ]


def _lines(panel: str, kind: str, series: Series) -> Iterator[dict[str, Any]]:
    for name, values in zip(series.rows, series.values, strict=True):
        yield {
            "panel": panel,
            "kind": kind,
            "row": name,
            "unit": series.unit,
            "start_s": series.start_s,
            "dt": series.dt,
            "threshold": np.nan,
            "values": values.astype(np.float32),
        }

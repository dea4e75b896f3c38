"""A layer's state while it learned by local rules: tables for the report and MLflow.

A fold's weights file holds its snapshots; the tables put those of all folds together.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline import files
from pipeline.plasticity.parts.population import Population
from pipeline.plasticity.parts.state import LearningState

WEIGHTS, UNITS, FIELDS = "weights.parquet", "units.parquet", "fields.parquet"
EDGES = np.linspace(0, 1, 21)
"""Edges of the bins of the weights' histogram, in shares of w_max."""


class Snapshots:
    """Snapshots of a layer: one before learning, then whenever `take` is called.

    Parameters
    ----------
    population : Population
    """

    def __init__(self, population: Population) -> None:
        self.population = population
        self.taken: list[dict[str, Any]] = []

    def take(
        self, state: LearningState, windows: int, spikes: np.ndarray | None
    ) -> None:
        """Take a snapshot.

        Parameters
        ----------
        state : LearningState
        windows : int
            Windows seen so far.
        spikes : array, shape (target,), or None
            Counted since the last snapshot; None before the first step.
        """
        seconds = state.clock * self.population.dt
        before = self.taken[-1]["learned_s"] if self.taken else 0.0
        lived_s = seconds - before
        self.taken.append(
            {
                "windows": windows,
                "learned_s": seconds,
                "shares": _shares(self.population, state),
                "rates_hz": None if spikes is None else _short(spikes / lived_s),
                "thresholds": _short(state.thresholds),
            }
        )


def relative(population: Population, weights: np.ndarray) -> np.ndarray:
    """Give weights in shares of the largest there may be."""
    return weights / population.w_max


def save(
    folder: Path,
    by_fold: Mapping[int, Sequence[Mapping[str, Any]]],
    fields: Mapping[int, pd.DataFrame],
) -> set[str]:
    """Write the by_fold of all folds; gives the names of the files.

    Parameters
    ----------
    folder : Path
        The cell's run.
    by_fold : mapping of int to sequence of mapping
        Each fold's snapshots.
    fields : mapping of int to DataFrame
        Each fold's receptive fields, as `field_table` makes them.
    """
    tables = {
        WEIGHTS: [
            _weight_rows(each, fold) for fold, c in by_fold.items() for each in c
        ],
        UNITS: [_unit_rows(each, fold) for fold, c in by_fold.items() for each in c],
        FIELDS: [table.assign(fold=fold) for fold, table in fields.items()],
    }
    for name, parts in tables.items():
        files.save_table(folder / name, pd.concat(parts, ignore_index=True))
    return set(tables)


def field_table(
    features: Sequence[str], delays_s: Sequence[float], start: Any, learned: Any
) -> pd.DataFrame:
    """Tabulate receptive fields.

    Parameters
    ----------
    features : sequence of str
        Names of the input's rows.
    delays_s : sequence of float
        Of each copy of a feature, seconds.
    start, learned : array, shape (feature·delay, unit)
        In shares of the largest weight.

    Returns
    -------
    table : DataFrame
        unit, feature, delay_s, start, weight (learned).
    """
    n_units, n_delays = learned.shape[1], len(delays_s)
    return pd.DataFrame(
        {
            "unit": np.repeat(np.arange(n_units), learned.shape[0]),
            "feature": np.tile(np.repeat(list(features), n_delays), n_units),
            "delay_s": np.tile(delays_s, len(features) * n_units),
            "start": np.float32(start).T.ravel(),
            "weight": np.float32(learned).T.ravel(),
        }
    )


def _shares(population: Population, state: LearningState) -> list[float]:
    weights = relative(population, population.values(state))
    counts, _ = np.histogram(weights, EDGES)
    return _short(counts / counts.sum())


def _short(values: np.ndarray) -> list[float]:
    """Write float32 in the fewest digits that keep it."""
    return [float(str(v)) for v in np.asarray(values, np.float32)]


def _weight_rows(snapshot: Mapping[str, Any], fold: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "fold": fold,
            "windows": snapshot["windows"],
            "learned_s": snapshot["learned_s"],
            "low": EDGES[:-1],
            "high": EDGES[1:],
            "share": np.float32(snapshot["shares"]),
        }
    )


def _unit_rows(snapshot: Mapping[str, Any], fold: int) -> pd.DataFrame:
    thresholds, rates = snapshot["thresholds"], snapshot["rates_hz"]
    return pd.DataFrame(
        {
            "fold": fold,
            "windows": snapshot["windows"],
            "learned_s": snapshot["learned_s"],
            "unit": np.arange(len(thresholds)),
            "rate_hz": np.float32(np.nan if rates is None else rates),
            "threshold": np.float32(thresholds),
        }
    )

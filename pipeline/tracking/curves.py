"""Curves of a fold for MLflow, tables with one row a step."""

import numpy as np
import pandas as pd

from pipeline.plots import plasticity
from pipeline.plots.snapshots import STRONG, WEAK, parted


def quartiles(learned: pd.DataFrame) -> pd.DataFrame:
    """Give the quartiles of each quantity by epoch: the median and, aside, the others.

    The columns are `epoch`, `layer1.tau_mem_s`, `layer1.tau_mem_s.p25` and so on.
    """
    finite = learned[np.isfinite(learned["value"])]
    groups = finite.groupby(["epoch", "layer", "quantity"])["value"]
    suffixes = {0.25: ".p25", 0.5: "", 0.75: ".p75"}
    table = groups.quantile(np.array(list(suffixes))).unstack([1, 2, 3])
    table.columns = [
        f"layer{layer}.{quantity}{suffixes[share]}"
        for layer, quantity, share in table.columns
    ]
    curves: pd.DataFrame = table.reset_index()
    return curves


def snapshots(local: plasticity.Tables, fold: int) -> pd.DataFrame:
    """Tabulate a fold's weights, rates and thresholds by the number of the snapshot.

    The columns are `epoch`, which holds that number, `share_below_0.1`, `rate_hz`,
    `rate_hz.p25` and so on.
    """
    shares = parted(local.weights[local.weights["fold"] == fold]).set_index("windows")
    units = local.units[local.units["fold"] == fold].groupby("windows")
    columns = {
        f"share_below_{WEAK:g}": shares["weak"],
        f"share_above_{STRONG:g}": shares["strong"],
        "rate_hz.p25": units["rate_hz"].quantile(0.25),
        "rate_hz": units["rate_hz"].median(),
        "rate_hz.p75": units["rate_hz"].quantile(0.75),
        "threshold": units["threshold"].median(),
    }
    return (
        pd.DataFrame(columns).reset_index(drop=True).rename_axis("epoch").reset_index()
    )

"""Totals of a data set as tables: by class, by subject, by channel."""

import json
from collections import Counter

import numpy as np
import pandas as pd

from pipeline.inspection.check import Checked
from pipeline.inspection.feasibility import by_role
from pipeline.inspection.measuring import SHARES, Seen
from pipeline.roles import UNKNOWN, known

MICRO = 1e6


def classes(checked: Checked) -> pd.DataFrame:
    """Count labels, windows and subjects of each class."""
    used = checked.trial.used
    labels = Counter[str]()
    for row in checked.done.rows:
        if row.status == "used":
            labels.update(json.loads(row.annotations))
    subjects = known(used["subject"]).groupby(used["label"]).nunique()
    windows = used["label"].value_counts()
    share = 100 * windows / max(1, len(used))
    names = checked.asked.labels
    table = pd.DataFrame(
        {
            "class": list(names),
            "meaning": list(names.values()),
            "labels": [labels[name] for name in names],
            "windows": [int(windows.get(name, 0)) for name in names],
            "%": [float(share.get(name, 0.0)) for name in names],
            "subjects": [int(subjects.get(name, 0)) for name in names],
        }
    )
    same = (table["class"] == table["meaning"]).all()
    return table.drop(columns="meaning") if same else table


def subjects(checked: Checked) -> pd.DataFrame:
    """Count recordings, minutes and windows of each subject, a column a class."""
    rows = pd.DataFrame(
        {
            "subject": row.subject,
            "recordings": 1,
            "minutes": row.duration_s / 60,
        }
        for row in checked.done.rows
        if row.status == "used" and row.subject != UNKNOWN
    )
    if rows.empty:
        return rows
    table = rows.groupby("subject").sum()
    used = checked.trial.used
    counts = pd.crosstab(used["subject"], used["label"])
    for label in checked.asked.labels:
        own = counts[label] if label in counts else pd.Series(dtype=int)
        table[label] = own.reindex(table.index, fill_value=0).astype(int)
    return table.reset_index()


def folds(checked: Checked) -> pd.DataFrame:
    """Count windows and subjects by fold and role; a fold is named in its first row."""
    table = by_role(checked.trial, list(checked.asked.labels)).reset_index()
    if len(table):
        table["fold"] = table["fold"].astype(str).where(~table["fold"].duplicated(), "")
    return table


def channels(checked: Checked) -> pd.DataFrame:
    """Tabulate rate and amplitude of each channel over the recordings in use.

    Returns
    -------
    table : DataFrame
        Amplitudes in µV: the median of the recordings' RMS about the mean, the least
        and the largest of them, and the median span of 98 % of the samples. NaN for
        events, which are no voltages.
    """
    found: dict[str, list[tuple[Seen, int]]] = {}
    for seen in used_recordings(checked).values():
        for k, name in enumerate(seen.channels):
            found.setdefault(name, []).append((seen, k))
    rows = []
    low, high = SHARES.index(0.01), SHARES.index(0.99)
    for name, each in found.items():
        kind = each[0][0].types[each[0][1]]
        micro = np.nan if kind == "stim" else MICRO
        rms = micro * np.array([seen.rms[k] for seen, k in each])
        spans = [s.quantiles[k, high] - s.quantiles[k, low] for s, k in each]
        rates = sorted({seen.sfreq for seen, _ in each})
        rows.append(
            {
                "channel": name,
                "type": kind,
                "recordings": len(each),
                "Hz": ", ".join(f"{rate:g}" for rate in rates),
                "RMS µV": float(np.median(rms)),
                "least": float(rms.min()),
                "largest": float(rms.max()),
                "98 % span": float(micro * np.median(spans)),
            }
        )
    return pd.DataFrame(rows)


def used_recordings(checked: Checked) -> dict[str, Seen]:
    """Keep what was measured of the recordings in use."""
    rows = [row.recording for row in checked.done.rows if row.status == "used"]
    return {name: checked.done.seen[name] for name in rows}

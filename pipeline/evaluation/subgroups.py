"""A model's scores in the subgroups that a data set states.

These are sessions, and numbers such as an age, which `values.numbers` asks for. A
number with few values parts persons by value, another one at its median.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from pipeline.evaluation.evaluate import EvaluationSettings, evaluate_balanced
from pipeline.roles import known

Plain = dict[str, Any]

FEW = 4
"""Values of a number; with more, persons are parted at its median."""


def subgroups(
    predictions: pd.DataFrame,
    recordings: pd.DataFrame,
    labels: Sequence[str],
    settings: EvaluationSettings,
    *,
    seed: int,
) -> list[Plain]:
    """Estimate a model's balanced accuracy in each subgroup.

    Parameters
    ----------
    predictions : DataFrame
        As `evaluate` takes them, with the column recording.
    recordings : DataFrame
        As in `recordings.parquet`; used are recording, subject, session, numbers.
    labels : sequence of str
    settings : EvaluationSettings
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    rows : list of dict
        `of`, what parts the persons; `group`; `subjects` and `windows` in it; and its
        `balanced_accuracy`, an estimate. Empty if the data set states nothing.
    """
    found = []
    tested = recordings[recordings["recording"].isin(predictions["recording"])]
    for of, groups in _partitions(tested):
        group_of = predictions["recording"].map(groups)
        names = sorted(group_of.dropna().unique(), key=_order)
        if len(names) < 2:
            continue
        for name in names:
            rows = predictions[group_of == name]
            accuracy = evaluate_balanced(rows, labels, settings, seed=seed)
            found.append(
                {
                    "of": of,
                    "group": name,
                    "subjects": int(known(rows["subject"]).nunique()),
                    "windows": len(rows),
                    "balanced_accuracy": accuracy,
                }
            )
    return found


def _partitions(recordings: pd.DataFrame) -> Iterator[tuple[str, pd.Series]]:
    """Give what parts the recordings, and the group of each by its name."""
    table = recordings.set_index("recording")
    sessions = table["session"]
    if (sessions != "").any():
        yield "session", sessions[sessions != ""]
    numbers = pd.DataFrame(map(json.loads, table["numbers"]), index=table.index)
    for name in numbers:
        values = numbers[name].dropna().astype(float)
        yield str(name), _parted(values, table["subject"])


def _parted(values: pd.Series, subjects: pd.Series) -> pd.Series:
    """Name the group of each recording's value; the median is that of the persons."""
    if values.nunique() <= FEW:
        return values.map("{:g}".format)
    middle = values.groupby(subjects.reindex(values.index)).mean().median()
    return values.le(middle).map(
        {True: f"up to {middle:g}", False: f"above {middle:g}"}
    )


def _order(name: str) -> tuple[bool, float | str]:
    """Order numbers by value, and the lower half first."""
    try:
        return False, float(name)
    except ValueError:
        return True, ("" if name.startswith("up to ") else name)

"""The decisions that a cell took of its test windows, and the surest of them."""

from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import pandas as pd

from pipeline import files
from pipeline.errors import DataError
from pipeline.training.cell import TrainedCell

SUREST = 3
"""Errors, and hits, that are listed of a class."""


@dataclass(frozen=True)
class Decision:
    """A decision that a cell took of a window it was not trained on.

    Parameters
    ----------
    cell : str
    window : int
        Its number in `windows.parquet`.
    fold : int
        Whose network took it.
    recording, subject, session : str
    onset_s : float
        Of the label, on the recording's clock, seconds.
    truth, predicted : str
    probabilities : dict of str to float
        By class.
    """

    cell: str
    window: int
    fold: int
    recording: str
    subject: str
    session: str
    onset_s: float
    truth: str
    predicted: str
    probabilities: dict[str, float]

    @property
    def is_right(self) -> bool:
        """Whether it is the truth."""
        return self.predicted == self.truth

    @property
    def probability(self) -> float:
        """That of the predicted class."""
        return self.probabilities[self.predicted]


class Other(NamedTuple):
    """A beat, an event or a window beside one that was decided.

    Parameters
    ----------
    onset_s : float
        On the recording's clock, seconds.
    truth, predicted : str
        predicted is "" where no decision was taken.
    """

    onset_s: float
    truth: str
    predicted: str


def decided(cell: TrainedCell) -> pd.DataFrame:
    """List a cell's decisions, as `predictions.parquet` has them, with their time.

    Of windows that several folds tested, the first fold's decision stands here.

    Returns
    -------
    decisions : DataFrame
        In the order of the windows' numbers; also `onset_s` and `probability`, that of
        the predicted class.
    """
    table = files.load_table(cell.folder / "predictions.parquet")
    table = table.sort_values(["window", "fold"], kind="stable")
    table = table.drop_duplicates("window")
    likely = table[[f"p_{label}" for label in cell.labels]].max(axis=1)
    table = table.assign(probability=likely)
    return table.merge(
        cell.table[["window", "onset_s"]], on="window", validate="1:1"
    ).reset_index(drop=True)


def decision(cell: TrainedCell, window: int) -> Decision:
    """Find a decision by its window's number.

    Raises
    ------
    DataError
        There is no such window, or no fold tested it.
    """
    table = decided(cell)
    found = table[table["window"] == window]
    if found.empty:
        raise _untested(cell, table, window)
    return _decision(cell, _plain(found)[0])


def others(
    cell: TrainedCell, found: Decision, span: tuple[float, float]
) -> list[Other]:
    """List what else of known class begins in a span of a decision's recording."""
    table = cell.table
    near = table[
        (table["recording"] == found.recording)
        & table["onset_s"].between(*span)
        & (table["window"] != found.window)
        & table["label"].isin(cell.labels)
    ]
    taken = decided(cell)[["window", "predicted"]]
    rows = near.merge(taken, on="window", how="left").fillna({"predicted": ""})
    columns = rows[["onset_s", "label", "predicted"]]
    return [Other(*row) for row in columns.itertuples(index=False, name=None)]


def surest(cell: TrainedCell, count: int = SUREST) -> list[Decision]:
    """Choose the surest errors, then the surest hits, of each class.

    The surest are those whose predicted class has the highest probability; of equal
    ones, the first. Classes are those that are true, in the order of the logits.
    """
    table = decided(cell)
    right = table["predicted"] == table["label"]
    chosen = []
    for label in cell.labels:
        mine = table["label"] == label
        for kind in (~right, right):
            rows = table[mine & kind].sort_values(
                "probability", ascending=False, kind="stable"
            )
            chosen += [_decision(cell, row) for row in _plain(rows.head(count))]
    return chosen


def _plain(rows: pd.DataFrame) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", rows.to_dict("records"))


def _decision(cell: TrainedCell, row: dict[str, Any]) -> Decision:
    return Decision(
        cell=cell.name,
        window=int(row["window"]),
        fold=int(row["fold"]),
        recording=str(row["recording"]),
        subject=str(row["subject"]),
        session=str(row["session"]),
        onset_s=float(row["onset_s"]),
        truth=str(row["label"]),
        predicted=str(row["predicted"]),
        probabilities={label: float(row[f"p_{label}"]) for label in cell.labels},
    )


def _untested(cell: TrainedCell, table: pd.DataFrame, window: int) -> DataError:
    rows = cell.table[cell.table["window"] == window]
    reason = "there is no such window"
    if len(rows):
        unused = str(rows.iloc[0].get("reason", ""))
        reason = f"it is not used: {unused}" if unused else "no fold tested it"
    known = table["window"]
    return DataError(
        f"{cell.name}: decision {window}",
        reason,
        expected=f"one of the {len(known)} tested, from {known.min()} to {known.max()}",
        remedy=f"`biospike show {cell.name}` lists some; predictions.parquet has all",
    )

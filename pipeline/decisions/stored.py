"""The traces that the report draws, as the stage `profile` writes them."""

from dataclasses import asdict

import pandas as pd

from pipeline import files
from pipeline.decisions.lines import alt, lines, title
from pipeline.decisions.tested import surest
from pipeline.decisions.trace import trace
from pipeline.training.cell import TrainedCell


def write_surest(cell: TrainedCell) -> None:
    """Trace the surest errors and hits of each class, and write them.

    Writes `lines.parquet`, the lines of all figures with the column `window`, and
    `decisions.json`, what is known of each, its title and its text.

    Raises
    ------
    DataError
        As for `trace`.
    """
    tables, known = [], []
    for each in surest(cell):
        table = lines(trace(cell, each))
        words = {"title": title(each), "alt": alt(each, table)}
        known.append(asdict(each) | words | {"is_right": each.is_right})
        tables.append(table.assign(window=each.window))
    folder = files.folder("traces", cell.name)
    files.save_table(folder / "lines.parquet", pd.concat(tables, ignore_index=True))
    files.save_json(folder / "decisions.json", {"decisions": known})

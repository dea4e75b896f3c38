"""Single decisions as the stage `profile` writes them, to be drawn and to be asked."""

from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from pipeline import files
from pipeline.axes import Precise
from pipeline.decisions.example import Example, example, recorded_input
from pipeline.decisions.lines import alt, lines, title
from pipeline.decisions.raw import RawDecider
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
        traced = trace(cell, each)
        table = lines(traced)
        words = {"title": title(each), "alt": alt(each, table)}
        beside = [other._asdict() for other in traced.others]
        known.append(
            asdict(each) | words | {"is_right": each.is_right, "others": beside}
        )
        tables.append(table.assign(window=each.window))
    folder = files.folder("traces", cell.name)
    files.save_table(folder / "lines.parquet", pd.concat(tables, ignore_index=True))
    files.save_json(folder / "decisions.json", {"decisions": known})


def write_example(cell: TrainedCell) -> None:
    """Let a cell decide about an example, and write both for those who serve it.

    Writes `example.parquet`, a column of volts a channel, and `example.json`: what the
    cell takes, where the example comes from and the answer; of an oracle, which takes
    more than samples, `absent`, the reason.
    """
    folder = files.folder("traces", cell.name)
    if cell.encoder.is_oracle or cell.network.is_oracle:
        absent = {"absent": "it is given annotations, which no device has"}
        files.save_json(folder / "example.json", absent)
        return
    decider = RawDecider(cell, recorded_input(cell))
    chosen = example(decider)
    (answer,) = decider.decide(chosen.recorded, chosen.fold).to_dict("records")
    samples = pd.DataFrame(chosen.recorded[0], columns=list(decider.takes.channels))
    files.save_table(folder / "example.parquet", samples)
    expected = {str(name): value for name, value in answer.items()}
    files.save_json(folder / "example.json", _about(decider, chosen, expected))


def _about(
    decider: RawDecider, chosen: Example, expected: dict[str, Any]
) -> dict[str, Any]:
    """Describe what a cell takes, and an example with the answer to it."""
    known = {"truth": chosen.truth, "tested": chosen.tested}
    return {
        "channels": list(decider.takes.channels),
        "unit": "V",
        "sfreq": decider.takes.sfreq,
        "classes": list(decider.cell.labels),
        "example": {
            "origin": chosen.origin,
            "fold": chosen.fold,
            **{key: label for key, label in known.items() if label},
            "expected": expected,
        },
    }


def load_example(cell: str) -> tuple[dict[str, Any], Precise]:
    """Read what `write_example` wrote of a cell.

    Returns
    -------
    about : dict
    recorded : array, shape (1, time, channel)
        Volts; of a cell without an example, of no sample.

    Raises
    ------
    DataError
        The stage `profile` has not run.
    """
    folder = files.folder("traces", cell)
    about = files.load_json(folder / "example.json")
    if "absent" in about:
        return about, np.empty((1, 0, 0))
    samples = files.load_table(folder / "example.parquet")
    return about, samples.to_numpy(np.float64)[None]

"""Cells of a benchmark, each kept when it is done, and how far all of them are.

A cell is used again as long as its inputs, its settings and the sources are the same. A
killed run keeps the recordings that are encoded and the folds that are trained.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pipeline import config, files, unfinished
from pipeline.errors import MachineError, PipelineError
from pipeline.parallel import console
from pipeline.profiling.bill import bill_cell
from pipeline.profiling.folds import load_folds
from pipeline.training.cell import TrainedCell
from pipeline.training.task import Task
from pipeline.training.train import train


@dataclass(frozen=True)
class Score:
    """What a cell scored and cost, or why there is none.

    Parameters
    ----------
    kept : bool
        It was done before.
    found : mapping
        With `seconds`; or `absent`, the reason.
    """

    kept: bool
    found: Mapping[str, Any]

    @property
    def state(self) -> str:
        """Describe what became of it."""
        if reason := self.found.get("absent"):
            return f"absent: {reason}"
        return "kept" if self.kept else f"{self.found['seconds']:.0f} s"


def attempted(work: Callable[[], Score]) -> Score:
    """Make a cell; what refuses it is its reason to be absent."""
    try:
        return work()
    except MachineError:
        raise
    except PipelineError as error:
        return Score(False, {"absent": f"{error.where}: {error.found}"})


def kept(folder: Path, inputs: str, judge: Callable[[], dict[str, Any]]) -> Score:
    """Read the score of a cell that is made of these inputs, or make it."""
    path = folder / "score.json"
    if unfinished.is_made_of(path, inputs):
        return Score(True, files.load_json(path))
    begun = time.perf_counter()
    made = judge() | {"seconds": time.perf_counter() - begun}
    files.save_json(path, made)
    unfinished.note_inputs(path, inputs)
    return Score(False, made)


def billed(
    task: Task, folder: Path, spikes: Path, run: Mapping[str, Any]
) -> tuple[TrainedCell, Mapping[str, Any]]:
    """Train all folds, and bill their networks; `run` has `dataset` and `settings`."""
    folds = train(task, folder)
    run = {**run, "labels": list(task.labels), "folds": folds}
    windows = files.folder("windows", run["dataset"])
    cell = TrainedCell(task.name, run, folder, windows, spikes)
    per_fold = config.load().read("profiling").windows_per_fold
    bill = bill_cell(
        load_folds(cell, per_fold), cell.table, cell.encoder, task.sparsity
    )
    return cell, bill


@cache
def sources(*more: str) -> str:
    """Compute the digest of the package's sources, of these and of more."""
    code = sorted(Path("pipeline").rglob("*.py"))
    return files.inputs_digest(
        files.file_digests(*code, Path(__file__), *map(Path, more))
    )


class Progress:
    """Reports each cell, and how long the others will take at most.

    Parameters
    ----------
    n_cells : int
    """

    def __init__(self, n_cells: int) -> None:
        self._begun, self._n_cells, self._made = time.perf_counter(), n_cells, 0

    def report(self, number: int, what: str, score: Score) -> None:
        """Report the cell of a number, from 1 on."""
        self._made += not score.kept
        spent_s = time.perf_counter() - self._begun
        per_cell_s = spent_s / self._made if self._made else 0.0
        left_min = per_cell_s * (self._n_cells - number) / 60
        console.print(
            f"{what}: {score.state}; {number} of {self._n_cells}, "
            f"{per_cell_s:.0f} s a cell, {left_min:.0f} min left at most",
            markup=False,
        )

"""What a cell's program in C does on this host and on emulated processors."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.device.emulation import emulate
from pipeline.device.expected import expected
from pipeline.device.stimulus import Stimulus
from pipeline.exporting import Trained, load_trained
from pipeline.exporting._c_program import (
    Program,
    fold_stimulus,
    load_program,
    matched_ann,
    sample,
    stratified,
    window_spikes,
)
from pipeline.exporting.c import write_program

WINDOWS = 200
"""Test windows on an emulated processor: about so many, as many of each class."""


def emulate_cell(cell: str, fold: int | None = None) -> dict[str, Any]:
    """Run the program of a cell, and that of its matched network.

    The host hears the whole test fold, from raw samples; the processors hear some of
    its windows, and the start of a recording.

    Returns
    -------
    emulated : dict
        `cell`, `fold`, what `emulate` gives, and `matched_ann` likewise where there is
        one.

    Raises
    ------
    PipelineError
        There is no program in C of the cell.
    MeasurementError
        A program does not build, dies, or prints what it should not.
    """
    trained = load_trained(cell, fold)
    found = matched_ann(trained)
    emulated = _emulate(trained)
    return emulated | ({"matched_ann": _emulate(found)} if found else {})


def _emulate(trained: Trained) -> dict[str, Any]:
    program = load_program(trained)
    whole, labels = fold_stimulus(program)
    said = expected(program.network, whole, program.encode)
    some = _some(program)
    with tempfile.TemporaryDirectory(prefix="biospike-") as parent:
        folder = Path(parent)
        write_program(program, folder, "")
        emulated = emulate(
            folder,
            host=(whole, said),
            device=(some, expected(program.network, some, program.encode)),
        )
    names = trained.run["labels"]
    emulated["host"]["balanced_accuracy"] = _balanced(
        np.array(labels), np.array(names)[said.decisions.argmax(1)]
    )
    return {"cell": trained.cell, "fold": trained.fold, **emulated}


def _some(program: Program) -> Stimulus:
    windows = window_spikes(program, stratified(program, WINDOWS))
    start = sample(program).recordings
    return Stimulus(program.shape, len(program.channels), windows, start)


def _balanced(labels: np.ndarray, predicted: np.ndarray) -> float:
    """Compute the mean sensitivity of the classes that occur."""
    right = labels == predicted
    return float(np.mean([right[labels == label].mean() for label in set(labels)]))

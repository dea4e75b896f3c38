"""C99 for microcontrollers: a folder with the network, its front end and two harnesses.

The network is event-driven and in integers, and gives the same bits as
`pipeline.quantization`. The folder has random windows and samples with their expected
output, so that it can be tested alone.
"""

import html
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from string import Template
from typing import ClassVar

from pipeline import files
from pipeline.device.expected import Results, expected, expected_lines
from pipeline.device.running import Running
from pipeline.device.stimulus import Stimulus
from pipeline.errors import DataError, PipelineError
from pipeline.exporting.base import Exporter
from pipeline.exporting.parts.c_encoder import write_encoder
from pipeline.exporting.parts.c_front_end import front_end_constants
from pipeline.exporting.parts.c_model import FIRST_LINE, header, kinds, source
from pipeline.exporting.parts.c_neurons import (
    c_source,
    with_declarations,
    with_states,
)
from pipeline.exporting.parts.c_program import (
    Program,
    load_program,
    matched_ann,
    sample,
)
from pipeline.front_end.chain import FrontEnd
from pipeline.networks.base import Shape
from pipeline.quantization.network import READ_OUTS, IntegerNetwork
from pipeline.quantization.neurons.base import IntegerNeurons
from pipeline.training.cell import TrainedFold

SOURCES = Path(__file__).parent / "c_sources"
MARK = "model.h"
"""The file whose first line identifies an exported folder."""
MATCHED = "matched_ann"


class C(Exporter):
    """A folder of C99, with its matched network of rectified units in one below."""

    suffix: ClassVar[str] = "-c"

    def export(self, trained: TrainedFold, path: Path) -> None:
        """Write the trained network of a fold as a folder of C.

        Raises
        ------
        PipelineError
            The cell has no network in integers, or a part of it has no form in C.
        DataError
            There is something else at `path`, or a file of the cell is missing.
        """
        _refuse_foreign(path)
        program = load_program(trained)
        matched, note = _matched(trained)
        with files.replacing_folder(path) as partial:
            write_program(program, partial, note)
            if matched:
                (partial / MATCHED).mkdir()
                write_program(matched, partial / MATCHED, "")


def write_program(program: Program, folder: Path, note: str) -> None:
    """Write everything of one program; `note` goes into its README."""
    write_sources(
        folder, program.network, program.shape, program.front_end, program.running
    )
    (folder / "README.md").write_text(readme(program, note), encoding="utf-8")
    stimulus = sample(program)
    results = expected(program.network, stimulus, program.encode, program.running)
    write_sample(folder, stimulus, results)


def write_sources(
    folder: Path,
    network: IntegerNetwork,
    shape: Shape,
    front_end: FrontEnd,
    running: Running,
) -> None:
    """Write the sources of a network and its front end, and how to build them.

    Raises
    ------
    InexpressibleError
        A layer has no form in C.
    """
    used = kinds(network)
    layers, steps = (
        (SOURCES / name).read_text(encoding="utf-8")
        for name in ("layers.h", "network.c")
    )
    made = {
        MARK: header(network, shape, running),
        "model.c": source(network),
        "model.mk": _kinds(used, network.head.kind),
        "front_end_constants.h": front_end_constants(front_end),
        "layers.h": with_declarations(layers, used),
        "network.c": with_states(steps, used),
    }
    others = [f"{kind}.c" for kind in READ_OUTS if kind != network.head.kind]
    ignored = shutil.ignore_patterns(*others)
    shutil.copytree(SOURCES, folder, dirs_exist_ok=True, ignore=ignored)
    for neurons in used:
        shutil.copy2(c_source(neurons.kind), folder)
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")
    write_encoder(front_end, folder)


def _kinds(used: Iterable[type[IntegerNeurons]], read_out: str) -> str:
    """Write which kinds of neurons and of read-out are compiled in."""
    neurons = " ".join(f"{each.kind}.c" for each in used)
    return f"NEURONS := {neurons}\nREAD_OUT := {read_out}.c\n"


def write_sample(folder: Path, stimulus: Stimulus, results: Results) -> None:
    """Write the input of a program's test, and its expected output."""
    stimulus.write_file(folder / "sample.bin")
    stimulus.write_source(folder / "mcu" / "stimulus.c")
    lines = expected_lines(stimulus, results)
    (folder / "sample.expected").write_text("\n".join(lines) + "\n", encoding="utf-8")


def readme(program: Program, note: str) -> str:
    """Write the folder's description for its recipients."""
    front_end, trained = program.front_end, program.trained
    text = (SOURCES / "README.md").read_text(encoding="utf-8")
    labels = trained.cell.labels
    return Template(text).substitute(
        cell=trained.cell.name,
        fold=trained.number,
        run_key=trained.cell.run["run_key"],
        labels="\n".join(
            f"| {k} | {_markdown(label)} |" for k, label in enumerate(labels)
        ),
        channels=", ".join(map(_markdown, program.channels)),
        recorded=f"{front_end.recorded_sfreq:g}",
        rate=f"{front_end.sfreq:g}",
        running=_running(program),
        note=note,
    )


def _running(program: Program) -> str:
    """Say how the network goes from decision to decision."""
    shape, running = program.shape, program.running
    steps = f"{shape.n_steps} steps ({shape.n_steps * shape.dt:g} s)"
    if running.restarts:
        return (
            f"A decision is about the last {steps}: the network starts anew before "
            "them, as it was trained to."
        )
    stride = program.network.stride
    reads = f"what its last layer put out in the last {steps}"
    if program.network.head.has_steps:
        reads = "the traces that its read-out keeps of all steps"
    words = (
        "The network runs on, as it was trained to: each step goes through it once, "
        f"and a decision reads {reads}."
    )
    if stride > 1:
        words += (
            f"\n`biospike_decide` returns -1 up to {stride - 1} steps long, where the "
            "layers' strides await more: ask again after the next step."
        )
    if running.memory is not None:
        words += (
            f"\nIt was trained to remember {running.memory * shape.dt:g} s. Before the "
            f"first decision after each {running.memory} steps (`BIOSPIKE_MEMORY`), "
            "counted from the start,\ncall `biospike_start_anew()`: it passes the last "
            "window again."
        )
    return words


def _markdown(text: str) -> str:
    """Write a text of a recording so that Markdown shows it: no tags, links or rows."""
    plain = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return re.sub(r"([\\`*\[\]<>|~])", r"\\\1", html.escape(plain))


def _matched(trained: TrainedFold) -> tuple[Program | None, str]:
    """Load the matched network, or give the reason why there is none."""
    if trained.cell.neuron_name == "relu":
        return None, ""
    try:
        found = matched_ann(trained)
        if found is None:
            return None, "There is no matched network of rectified units beside it."
        return load_program(found), (
            f"`{MATCHED}/` holds the matched network of rectified units, "
            f"{found.cell}, in the same form."
        )
    except PipelineError as error:
        why = f"{error.where}: {error.found}"
        return None, f"Its matched network is not beside it: {why}."


def _refuse_foreign(path: Path) -> None:
    """Refuse to replace anything but an exported folder."""
    if path.is_symlink():
        raise DataError(
            str(path),
            "is a link",
            expected="a new folder, or one to be written again",
            remedy=f"choose {path.resolve()} with --output",
        )
    if not path.exists() or _is_exported(path):
        return
    if path.is_dir() and not any(path.iterdir()):
        return
    raise DataError(
        str(path),
        "is there already and is no exported program",
        expected="a new folder, or one to be written again",
        remedy="choose another with --output",
    )


def _is_exported(path: Path) -> bool:
    """Whether a folder is an exported one: others may have a `model.h` too."""
    try:
        return (path / MARK).read_bytes().startswith(FIRST_LINE.encode())
    except OSError:
        return False

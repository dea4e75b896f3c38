"""Compile an exported program, run it here and on emulated processors, and compare.

An emulator counts instructions, exactly and equally in every repeat. It does not model
wait states and pipelines: these are not cycles.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.device.expected import Results
from pipeline.device.stimulus import Stimulus
from pipeline.errors import MeasurementError
from pipeline.measurement import toolchain
from pipeline.measurement.output import Output, agreement, parse

BUILD_S, RUN_S = 120.0, 600.0
"""How long a build and a run may take, seconds."""


@dataclass(frozen=True)
class Processor:
    """A processor that is emulated.

    Parameters
    ----------
    name : str
        The name in the run's file below `data/measured`.
    target : str
        Of the exported Makefile.
    tools : tuple of str
        The programs for building and running; compiler and emulator come first.
    """

    name: str
    target: str
    tools: tuple[str, ...]


PROCESSORS = (
    Processor(
        "cortex_m4",
        "m4",
        ("arm-none-eabi-gcc", "qemu-system-arm", "arm-none-eabi-size", "make"),
    ),
    Processor(
        "rv32imac",
        "rv32",
        ("riscv64-unknown-elf-gcc", "qemu-system-riscv32", "riscv64-unknown-elf-size",
         "make"),
    ),
)  # fmt: skip


def emulate(
    folder: Path,
    *,
    host: tuple[Stimulus, Results],
    device: tuple[Stimulus, Results],
) -> dict[str, Any]:
    """Run an exported program on this host and on emulated processors.

    Parameters
    ----------
    folder : Path
        As `biospike export --target c` writes it; it is not changed.
    host, device : tuple of Stimulus and Results
        The inputs of the host and the processors, and their expected results.

    Returns
    -------
    measured : dict
        `host`, and each processor by its name; one whose tools are not here is
        `{"absent": how to install them}`.

    Raises
    ------
    MeasurementError
        The program does not build, dies, takes too long, or prints an unexpected line.
    """
    with tempfile.TemporaryDirectory(prefix="biospike-") as parent:
        copy = Path(parent) / "program"
        ignored = shutil.ignore_patterns("build", "matched_ann")
        shutil.copytree(folder, copy, ignore=ignored)
        return {"host": _on_host(copy, *host)} | {
            processor.name: _on_processor(processor, copy, *device)
            for processor in PROCESSORS
        }


def _on_host(folder: Path, stimulus: Stimulus, truth: Results) -> dict[str, Any]:
    if reason := toolchain.absent(("gcc", "make")):
        return {"absent": reason}
    stimulus.write_file(folder / "stimulus.bin")
    _run(["make", "-s", "CC=gcc"], folder, BUILD_S)
    text = _run([str(folder / "build" / "biospike"), "stimulus.bin"], folder, RUN_S)
    output = parse(text, stimulus.shape.n_classes)
    return _compared(output, truth) | {"compiler": toolchain.version("gcc")}


def _on_processor(
    processor: Processor, folder: Path, stimulus: Stimulus, truth: Results
) -> dict[str, Any]:
    if reason := toolchain.absent(processor.tools):
        return {"absent": reason}
    output = _run_processor(processor, folder, stimulus)
    # A processor gets the first recording only.
    decided = truth.decisions[: sum(len(r.decisions) for r in stimulus.recordings[:1])]
    possible = Results(truth.windows, decided, truth.trains[:1])
    sizes = _run(["make", "-s", f"size-{processor.target}"], folder, BUILD_S)
    compiler, emulator, *_ = map(toolchain.version, processor.tools)
    return (
        _compared(output, possible)
        | _instructions(output)
        | _sizes(sizes)
        | {"stack_bytes": output.stack_bytes}
        | {"compiler": compiler, "emulator": emulator}
    )


def _run_processor(processor: Processor, folder: Path, stimulus: Stimulus) -> Output:
    stimulus.write_source(folder / "mcu" / "stimulus.c")
    _run(["make", "-s", processor.target], folder, BUILD_S)
    text = _run(["make", "-s", f"run-{processor.target}"], folder, RUN_S)
    if not text.endswith("done\n"):
        last = next(reversed(text.splitlines()), "nothing")
        where = f"the exported program on {processor.name}"
        raise MeasurementError(where, f"ended after {last[:60]!r}")
    return parse(text, stimulus.shape.n_classes)


def _compared(output: Output, truth: Results) -> dict[str, Any]:
    trains = zip(output.results.trains, truth.trains, strict=False)
    same = [one == other for one, other in trains]
    same += [False] * abs(len(output.results.trains) - len(truth.trains))
    return {
        "windows": len(truth.windows),
        "decisions": len(truth.decisions),
        "recordings": len(truth.trains),
        "agreement": agreement(output, truth),
        "front_end_agreement": sum(same) / len(same) if same else None,
    }


def _instructions(output: Output) -> dict[str, Any]:
    """Give the instructions of windows alone, of decisions, and of what comes before.

    A sample goes through the front end, and through the network if it runs on; then a
    decision only reads, where a network that restarts passes its window.
    """
    spent, deciding = (
        np.array(each, np.float64)
        for each in (output.instructions, output.decision_instructions)
    )
    n_samples = sum(train.samples for train in output.results.trains)
    n_steps = sum(train.steps for train in output.results.trains)
    front_end = output.front_end_instructions
    network = output.chain_instructions - front_end
    return {
        "instructions": output.instructions,
        "instructions_per_window": float(spent.mean()) if len(spent) else None,
        "instructions_per_window_sd": float(spent.std(ddof=1))
        if len(spent) > 1
        else None,
        "instructions_per_decision": float(deciding.mean()) if len(deciding) else None,
        "front_end_instructions_per_sample": front_end / n_samples
        if n_samples
        else None,
        "network_instructions_per_step": network / n_steps if n_steps else None,
    }


def _sizes(table: str) -> dict[str, int]:
    """Add up `size`'s columns text, data and bss, over the library's objects."""
    rows = [line.split()[:3] for line in table.splitlines()[1:]]
    text, data, bss = (sum(int(row[k]) for row in rows) for k in range(3))
    return {"flash_bytes": text + data, "ram_bytes": data + bss}


def _run(command: Sequence[str], folder: Path, seconds: float) -> str:
    """Run a program to its end; returns stdout and stderr (QEMU prints to stderr)."""
    where = " ".join([Path(command[0]).name, *command[1:]])
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        raise MeasurementError(
            where,
            f"was not done after {seconds:g} s",
            expected="an end before that",
            remedy="run it again when the machine does nothing else",
        ) from None
    text = done.stdout.decode("utf-8", "replace")
    if done.returncode:
        last = " | ".join(text.strip().splitlines()[-3:])
        raise MeasurementError(where, f"ended with status {done.returncode} ({last})")
    return text

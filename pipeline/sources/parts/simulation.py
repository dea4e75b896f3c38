"""Files of a simulator, written subject by subject, completely or not at all.

Each subject is written in a folder of its own, moved into place, and only then recorded
in `.inputs/<subject>.json` with what it was made of and its files' checksums. A subject
whose record and files still agree is kept; all others are written again.
"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pipeline.components import Component
from pipeline.digests import describe
from pipeline.files import (
    file_digest,
    inputs_digest,
    load_json,
    replacing,
    save_json,
)
from pipeline.machine import writing
from pipeline.parallel import parallel_map
from pipeline.sources.parts.tidy import remove_others

NOT_SIMULATED = {"subjects", "pattern", "only", "excluded"}
"""Settings that no subject's bytes depend on."""

WriteSubject = Callable[[str, Path], None]
"""Writes the files of the subject named first below the folder named second."""


@dataclass(frozen=True)
class Simulation:
    """The expected content of a raw folder.

    Parameters
    ----------
    target : Path
        The data set's raw folder.
    inputs : str
        Digest of what a subject is made of: settings, seed and code.
    subjects : list of str
        All that are wanted; those of earlier settings are removed.
    """

    target: Path
    inputs: str
    subjects: list[str]


def subject_names(count: int) -> list[str]:
    """Name the subjects: `01`, `02` and so on."""
    return [f"{number:02d}" for number in range(1, count + 1)]


def simulation_inputs(simulator: Component, seed: int) -> str:
    """Digest what one subject depends on, which is not how many others there are.

    Other code makes other recordings, so the simulator's code counts too.

    Parameters
    ----------
    simulator : Component
        Its settings count, but for `NOT_SIMULATED`.
    seed : int
        The seed of the draw.
    """
    settings = simulator.model_dump(mode="json", exclude=NOT_SIMULATED)
    return inputs_digest(settings, seed, describe("fetch", [simulator]))


def simulate(simulation: Simulation, write: WriteSubject) -> dict[str, str]:
    """Bring the raw folder to hold exactly the wanted subjects.

    Parameters
    ----------
    simulation : Simulation
        Where to, whom, and made of what.
    write : callable
        Writes one subject's files; sent to other processes.

    Returns
    -------
    files : dict of str to str
        SHA-256 of the subjects' files, by path.
    """
    for unfinished in simulation.target.glob(".unfinished-*"):
        shutil.rmtree(unfinished)
    for record in simulation.target.glob(".inputs/*.json"):
        if record.stem not in simulation.subjects:
            _remove(simulation.target, record)
    records = list(simulation.target.glob(".inputs/*.json"))
    ours = {f".inputs/{record.name}" for record in records}
    remove_others(simulation.target, ours.union(*map(_files_of, records)))
    bring = partial(_bring, simulation, write)
    delivered = parallel_map(bring, simulation.subjects, what="simulating")
    return {path: digest for files in delivered for path, digest in files.items()}


def write_texts(target: Path, texts: Mapping[str, str]) -> dict[str, str]:
    """Write the data set's own files, text by name, and return their SHA-256."""
    for name, text in texts.items():
        with replacing(target / name) as unfinished:
            unfinished.write_text(text, encoding="utf-8")
    return {name: file_digest(target / name) for name in texts}


def _bring(simulation: Simulation, write: WriteSubject, subject: str) -> dict[str, str]:
    """Keep a subject that is there and right, else write it anew."""
    record = simulation.target / ".inputs" / f"{subject}.json"
    kept = _kept(simulation, record)
    if kept is not None:
        return kept
    _remove(simulation.target, record)
    unfinished = simulation.target / f".unfinished-{subject}"
    with writing(unfinished):
        unfinished.mkdir(parents=True)
        write(subject, unfinished)
    files = _move(unfinished, simulation.target)
    save_json(record, {"inputs": simulation.inputs, "files": files})
    return files


def _files_of(record: Path) -> dict[str, str]:
    """Read the SHA-256 of a subject's files, by path."""
    files: dict[str, str] = load_json(record)["files"]
    return files


def _kept(simulation: Simulation, record: Path) -> dict[str, str] | None:
    """Read a subject's checksums if it was made of the same and nothing changed."""
    if not record.exists():
        return None
    files = _files_of(record)
    complete = all(
        (path := simulation.target / name).is_file() and file_digest(path) == digest
        for name, digest in files.items()
    )
    same = load_json(record)["inputs"] == simulation.inputs
    return files if same and complete else None


def _move(unfinished: Path, target: Path) -> dict[str, str]:
    """Move a finished folder's files into the target; return their SHA-256."""
    files = {}
    for path in sorted(path for path in unfinished.rglob("*") if path.is_file()):
        name = path.relative_to(unfinished).as_posix()
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        files[name] = file_digest(path)
        path.replace(target / name)
    shutil.rmtree(unfinished)
    return files


def _remove(target: Path, record: Path) -> None:
    """Remove what a record lists, the folders this empties, and the record."""
    if not record.exists():
        return
    for name in _files_of(record):
        (target / name).unlink(missing_ok=True)
        _remove_empty(target, Path(name).parent)
    record.unlink()


def _remove_empty(target: Path, inner: Path) -> None:
    """Remove a folder below the target and those above it while they are empty."""
    folders = [target / part for part in (inner, *inner.parents)][:-1]
    for folder in folders:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()

"""The chain of stages that made a cell, as DVC's lock states it.

The lock has the MD5 of everything that a stage read and wrote. So the raw files made a
cell if each stage read what the stage before it wrote.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pipeline import files, yaml_text
from pipeline.sources.base import LINKS

LOCK = Path("dvc.lock")
STAGES = (
    "fetch@{dataset}",
    "ingest@{dataset}",
    "prepare@{dataset}",
    "encode@{dataset}-{encoder}",
    "train@{dataset}-{encoder}-{model}",
)
"""The stages from raw files to a network, in their order."""
IGNORED = ("__pycache__", LINKS)
"""Folders that `.dvcignore` leaves out of what stages read and write."""


@dataclass(frozen=True)
class Step:
    """A stage as it last ran.

    Parameters
    ----------
    name, command : str
    reads, wrote : mapping of str to str
        MD5 as DVC writes it, by path; of a folder it ends with `.dir`.
    """

    name: str
    command: str
    reads: Mapping[str, str]
    wrote: Mapping[str, str]


def chain(names: Mapping[str, str]) -> list[Step]:
    """Read the stages that made a cell; those that DVC never ran are missing.

    Parameters
    ----------
    names : mapping of str to str
        The cell's dataset, encoder and model.
    """
    if not LOCK.is_file():
        return []
    known = _stages(LOCK.stat().st_mtime_ns)
    wanted = (stage.format(**names) for stage in STAGES)
    return [_step(name, known[name]) for name in wanted if name in known]


@cache
def _stages(version: int) -> dict[str, Any]:
    """Read the lock, once for each of its versions."""
    found: dict[str, Any] = (yaml_text.load(LOCK) or {}).get("stages") or {}
    return found


def _step(name: str, locked: Mapping[str, Any]) -> Step:
    reads, wrote = (
        {str(each["path"]): str(each.get("md5", "")) for each in locked.get(part, ())}
        for part in ("deps", "outs")
    )
    return Step(name, str(locked["cmd"]), reads, wrote)


def gap(steps: Sequence[Step], names: Mapping[str, str]) -> str:
    """Find where the lock does not lead from raw files to the cell's folder.

    Returns
    -------
    reason : str
        Empty if each stage read what the one before it wrote, and the cell's folder
        holds what the last one wrote.
    """
    ran = {step.name for step in steps}
    for stage in STAGES:
        if (name := stage.format(**names)) not in ran:
            return f"{LOCK} has no {name}: DVC did not run it here"
    written: dict[str, tuple[str, str]] = {}
    for step in steps:
        for path, digest in step.reads.items():
            writer, last = written.get(path, ("", digest))
            if last != digest:
                return f"{step.name} read another {path} than {writer} wrote last"
        written |= {path: (step.name, digest) for path, digest in step.wrote.items()}
    return next(
        (fault for path in steps[-1].wrote if (fault := changed(steps, path))), ""
    )


def changed(steps: Sequence[Step], path: str) -> str:
    """Report that a path does not hold what its stage wrote; empty if it does."""
    (writer,) = (step for step in steps if path in step.wrote)
    if not Path(path).exists():
        return f"{path} is not here"
    if digest(Path(path)) != writer.wrote[path]:
        return f"{path} does not hold what {writer.name} wrote"
    return ""


def digest(path: Path) -> str:
    """Compute the MD5 of a file or folder as DVC does.

    That of a folder is the MD5 of its list of files, sorted, as JSON.
    """
    if path.is_file():
        return _md5(path)
    rows = [
        {"md5": _md5(each), "relpath": each.relative_to(path).as_posix()}
        for each in path.rglob("*")
        if each.is_file() and not set(IGNORED) & set(each.relative_to(path).parts[:-1])
    ]
    listed = json.dumps(sorted(rows, key=lambda row: row["relpath"]), sort_keys=True)
    return hashlib.md5(listed.encode(), usedforsecurity=False).hexdigest() + ".dir"


def _md5(path: Path) -> str:
    with path.open("rb") as stream:
        made = hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False))
    return made.hexdigest()


def raw_fault(step: Step, dataset: str) -> str:
    """Explain why the manifest of the raw files may not be that of the lock.

    A raw file that has changed since it was fetched does not make its manifest wrong;
    a stage that was started by hand may have written another one.
    """
    folder = files.folder("raw", dataset)
    if not changed([step], folder.as_posix()):
        return ""
    manifest = load_manifest(dataset)
    if not manifest:
        return f"{folder} is not here"
    if any(
        here(dataset, manifest, name) != sha for name, sha in manifest["files"].items()
    ):
        return ""
    return f"{folder} has another manifest than {step.name} wrote"


def load_manifest(dataset: str) -> dict[str, Any]:
    """Read the manifest of a data set's raw files; empty if it is not here."""
    path = files.folder("raw", dataset) / "manifest.json"
    return files.load_json(path) if path.is_file() else {}


def here(dataset: str, manifest: Mapping[str, Any], name: str) -> str:
    """Compute the SHA-256 of a raw file as it is now; empty if it is gone."""
    path = files.folder("raw", dataset) / manifest["root"] / name
    return files.file_digest(path) if path.is_file() else ""

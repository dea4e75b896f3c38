"""What made a trained cell, as it is kept with its run."""

import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pipeline import checkout, files
from pipeline.digests import LOCK as REQUIREMENTS
from pipeline.origins import lock
from pipeline.syntax import ROOT

KINDS = ("spikes", "windows", "code")
"""Folders of `data` that training reads."""


@dataclass(frozen=True)
class Origin:
    """What made a trained cell.

    Parameters
    ----------
    cell, dataset, run_key : str
    raw : tuple of str
        SHA-256 of the raw files, in the order of their paths.
    absent : str
        Why they are not known; empty if they are.
    inputs : dict of str to list of str
        SHA-256 of the files that training read, by kind, in the order of their paths.
    settings : dict
        All that shaped the run.
    commands : tuple of str
        The stages' commands, from the raw files on.
    commit : str
        Of the checkout; empty if it is no repository.
    dirty : bool
        Whether files differed from it.
    environment : dict of str to str
    """

    cell: str
    dataset: str
    run_key: str
    raw: tuple[str, ...]
    absent: str
    inputs: dict[str, list[str]]
    settings: dict[str, Any]
    commands: tuple[str, ...]
    commit: str
    dirty: bool
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def raw_digest(self) -> str:
        """Digest all raw files; empty if they are not known."""
        return files.inputs_digest(sorted(self.raw))[:32] if self.raw else ""

    @property
    def tags(self) -> dict[str, str]:
        """Name what a run is found and compared by."""
        known = {
            "raw.digest": self.raw_digest,
            "raw.absent": self.absent,
            **{f"environment.{key}": text for key, text in self.environment.items()},
        }
        return {key: text for key, text in known.items() if text}

    def plain(self) -> dict[str, Any]:
        """Give it as JSON can hold it."""
        return asdict(self)

    @classmethod
    def of_plain(cls, kept: Mapping[str, Any]) -> "Origin":
        """Make an origin of what `plain` gave."""
        lists = {name: tuple(kept[name]) for name in ("raw", "commands")}
        return cls(**{**kept, **lists})


def of_run(run: Mapping[str, Any]) -> Origin:
    """Find what made a run of this checkout.

    Parameters
    ----------
    run : mapping
        As `run.json` has it.
    """
    names = {axis: str(run[axis]) for axis in ("dataset", "encoder", "model")}
    steps = lock.chain(names)
    absent = lock.gap(steps, names) or lock.raw_fault(steps[0], names["dataset"])
    manifest = {} if absent else lock.load_manifest(names["dataset"])
    commit, dirty = checkout.revision()
    return Origin(
        cell="-".join(names.values()),
        dataset=names["dataset"],
        run_key=run["run_key"],
        raw=tuple(sha for _, sha in sorted(manifest.get("files", {}).items())),
        absent=absent,
        inputs={kind: _inputs(run["inputs"], kind) for kind in KINDS},
        settings=dict(run["settings"]),
        commands=tuple(step.command for step in steps),
        commit=commit,
        dirty=dirty,
        environment=environment(),
    )


def _inputs(inputs: Mapping[str, str], kind: str) -> list[str]:
    return [sha for _, sha in inputs_of(inputs, kind)]


def inputs_of(inputs: Mapping[str, str], kind: str) -> list[tuple[str, str]]:
    """List the files of a kind that training read, with their digests, by path."""
    folder = files.DATA / kind
    inside = (each for each in inputs.items() if Path(each[0]).is_relative_to(folder))
    return sorted(inside)


def environment() -> dict[str, str]:
    """Describe what computes here: no name of a machine or a person is in it."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "packages": _requirements(),
    }


def _requirements() -> str:
    """Digest the locked versions of all packages."""
    path = ROOT / REQUIREMENTS
    return files.file_digest(path)[:16] if path.is_file() else ""

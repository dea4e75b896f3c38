"""What has changed since the stages of a cell ran: the reasons why DVC runs them again.

`dvc.lock` holds, of each stage that ran here, the digest of every file that it read and
the settings that it read. One of these files describes the stage's code, module by
module; DVC's cache has it as it was then, whatever has described the code since.
"""

import hashlib
from collections.abc import Iterator, Mapping
from configparser import ConfigParser
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from pipeline import config, digests, entries, files, yaml_text
from pipeline.grid import Cell
from pipeline.wording import shown

LOCK = Path("dvc.lock")
HOME = Path(".dvc")
AXES = {
    "fetch": 1, "ingest": 1, "prepare": 1, "clock": 1, "encode": 2,
    "train": 3, "evaluate": 3, "profile": 3, "audit": 3,
}  # fmt: skip
"""The stages of a cell in their order, and how many of its three names each has."""
OPTIONAL = ("audit",)
"""Stages of a grid of their own: they count where they ran."""


@dataclass(frozen=True)
class StageStatus:
    """What has changed since a stage ran.

    Parameters
    ----------
    target : str
        As `dvc repro` takes it.
    has_run : bool
        Whether it ran here.
    code : tuple of str
        Modules, files and packages that differ.
    settings : tuple of str
        Settings that it reads itself, as they were and are.
    inputs : tuple of str
        Paths of files that other stages have made anew.
    """

    target: str
    has_run: bool = True
    code: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()

    @property
    def is_stale(self) -> bool:
        """Whether DVC would run it."""
        return not self.has_run or bool(self.code or self.settings or self.inputs)


def of_cell(cell: Cell, params: config.Params) -> list[StageStatus]:
    """Compare every stage of a cell with what it was made of.

    Parameters
    ----------
    cell : Cell
    params : Params

    Raises
    ------
    ConfigError
        `params.yaml` no longer defines one of its names, or a section of theirs.
    """
    entries.check_names(params, cell._asdict())
    stages = yaml_text.load(LOCK)["stages"] if LOCK.is_file() else {}
    made = {
        out["path"]: out["md5"] for stage in stages.values() for out in _outs(stage)
    }
    found = []
    for stage, n_names in AXES.items():
        names = dict(islice(cell._asdict().items(), n_names))
        target = f"{stage}@{'-'.join(names.values())}"
        lock = stages.get(target)
        if lock is None and stage in OPTIONAL:
            continue
        if lock is None or not all(Path(out["path"]).exists() for out in _outs(lock)):
            found.append(StageStatus(target, has_run=False))
            continue
        read = {each["path"]: each["md5"] for each in lock.get("deps", ())}
        path = entries.code_path(stage, names)
        before = read.pop(str(path), "")
        now = entries.describe(params, stage, names)
        code = tuple(_code_changes(before, now, path))
        settings = tuple(_setting_changes(lock, params))
        inputs = tuple(p for p, md5 in read.items() if not _is_same(p, md5, made))
        found.append(StageStatus(target, True, code, settings, inputs))
    return found


def _outs(stage: Mapping[str, Any]) -> list[dict[str, Any]]:
    outs: list[dict[str, Any]] = stage.get("outs", [])
    return outs


def _code_changes(before: str, now: Mapping[str, Any], path: Path) -> list[str]:
    """Name what differs from the description of the code that has a digest."""
    for place in (path, _cache() / before[:2] / before[2:]):
        if _md5(place) == before:
            return digests.changes(files.load_json(place), now)
    return [f"unknown: DVC's cache lacks {path} as it was"]


def _cache() -> Path:
    """Find the folder of DVC's cache, which a setting may move."""
    settings = ConfigParser(interpolation=None)
    settings.read([HOME / "config", HOME / "config.local"], encoding="utf-8")
    return HOME / settings.get("cache", "dir", fallback="cache") / "files" / "md5"


def _md5(path: Path) -> str:
    """Digest a file as DVC does; "" if there is none."""
    if not path.is_file():
        return ""
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def _is_same(path: str, md5: str, made: Mapping[str, str]) -> bool:
    """Whether an input is as it was; a folder is as the stage left it that made it."""
    if Path(path).is_dir():
        return made.get(path, md5) == md5
    return _md5(Path(path)) == md5


def _setting_changes(lock: Mapping[str, Any], params: config.Params) -> Iterator[str]:
    """Name settings that differ, down to the value."""
    for name, before in lock.get("params", {}).get(str(config.PARAMS), {}).items():
        yield from _differing(name, before, params.plain(name))


def _differing(name: str, before: Any, now: Any) -> Iterator[str]:
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys([*before, *now]):
            yield from _differing(f"{name}.{key}", before.get(key), now.get(key))
    elif before != now:
        yield f"{name}: {shown(before)}, now {shown(now)}"

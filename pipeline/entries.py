"""The files below `data/code`, and the entry that each describes.

An *entry* is a stage with the components that it lets `params.yaml` choose: the code of
`train/lif.json` is that of the stage `train` with the network and the neuron of the
model `lif`. The stage `code` writes a file an entry; every other stage computes its own
anew before it starts, and refuses to work if the file differs.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from pipeline import digests, files
from pipeline.components import Component, Settings
from pipeline.config import Params
from pipeline.errors import ConfigError, DataError, PipelineError
from pipeline.grid import Audited, Grid
from pipeline.wording import did_you_mean

AXES = {"dataset": "data set", "encoder": "encoder", "model": "model"}
"""The axes of the grid, in words."""

CHOICES = {
    "fetch": ("datasets.{dataset}.source",),
    "ingest": ("datasets.{dataset}.reader",),
    "prepare": (),
    "clock": (),
    "encode": ("encoders.{encoder}",),
    "train": ("models.{model}.network", "models.{model}.neuron"),
    "evaluate": (),
    "profile": (
        "encoders.{encoder}",
        "models.{model}.network",
        "models.{model}.neuron",
    ),
    "audit": (
        "encoders.{encoder}",
        "models.{model}.network",
        "models.{model}.neuron",
    ),
    "report": (),
}
"""The sections of `params.yaml` that choose the components of each stage."""


def code_path(stage: str, names: Mapping[str, str]) -> Path:
    """Name the file of an entry: `data/code/train/lif.json`.

    Parameters
    ----------
    stage : str
    names : mapping of str to str
        The stage's data set, encoder and model; those that choose nothing are left out.
    """
    axes = _axes(stage)
    name = "-".join(names[axis] for axis in axes) or stage
    return files.folder("code", stage if axes else "") / f"{name}.json"


def describe(params: Params, stage: str, names: Mapping[str, str]) -> dict[str, Any]:
    """Describe the code of an entry, as it is now."""
    chosen = [params.read(section.format(**names)) for section in CHOICES[stage]]
    return digests.describe(stage, components_in(chosen))


def describe_all(params: Params) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Describe the code of every entry that the grid needs, with its path."""
    grid: Grid = params.read("grid")
    for stage in CHOICES:
        axes, wanted = _axes(stage), _wanted(grid, stage)
        for chosen in product(*(getattr(wanted, axis) for axis in axes)):
            names = dict(zip(axes, chosen, strict=True))
            yield code_path(stage, names), describe(params, stage, names)


def check_names(params: Params, names: Mapping[str, str]) -> None:
    """Refuse names that `params.yaml` does not define.

    Parameters
    ----------
    params : Params
    names : mapping of str to str
        The data set, encoder and model, by their axis of the grid.

    Raises
    ------
    ConfigError
        With the name that was probably meant.
    """
    for axis, name in names.items():
        if name not in (defined := params.names(f"{axis}s")):
            raise ConfigError(
                f"params.yaml: {axis}s",
                f"there is no {AXES[axis]} '{name}'",
                expected=did_you_mean(name, defined),
                remedy=f"correct the name, or add it to `{axis}s` in params.yaml",
            )


def check_code(params: Params, stage: str, names: Mapping[str, str]) -> str:
    """Compare the code of an entry with its file, and give the digest of that.

    Raises
    ------
    DataError
        The code has changed since the file was written, or there is none.
    """
    path = code_path(stage, names)
    now = describe(params, stage, names)
    if not path.exists():
        raise _undescribed(params, stage, path, {a: names[a] for a in _axes(stage)})
    before = files.load_json(path)
    if different := digests.changes(before, now):
        more = f" and {len(different) - 3} more" if len(different) > 3 else ""
        raise DataError(
            str(path),
            f"the code has changed since: {', '.join(different[:3])}{more}",
            expected="the code that this file describes",
            remedy="run `dvc repro code`, or `dvc repro` with the stage's name, which "
            "does it first",
        )
    return files.file_digest(path)


def _wanted(grid: Grid, stage: str) -> Grid | Audited:
    """Give the names that a stage runs for."""
    return grid.audit if stage == "audit" else grid


def _undescribed(
    params: Params, stage: str, path: Path, names: Mapping[str, str]
) -> PipelineError:
    """Explain why there is no digest: the grid lacks a name, or `code` has not run."""
    wanted = _wanted(params.read("grid"), stage)
    place = "grid.audit" if stage == "audit" else "grid"
    for axis, name in names.items():
        if name not in getattr(wanted, axis):
            return ConfigError(
                f"params.yaml: {place}.{axis}",
                f"the {AXES[axis]} '{name}' is not in the grid",
                expected="the names of what is to run",
                remedy=f"add {name} to {place}.{axis}, and run `dvc repro code`",
            )
    return DataError(
        str(path),
        "there is no such file",
        expected="a digest of the code, for everything that `grid` names",
        remedy="run `dvc repro code`",
    )


def _axes(stage: str) -> list[str]:
    """List the axes of the grid that choose components of a stage."""
    return list(dict.fromkeys(re.findall(r"\{(\w+)\}", "".join(CHOICES[stage]))))


def resolved(params: Params, section: str) -> Any:
    """Give a section as plain values, its defaults filled in."""
    settings = params.read(section)
    if not isinstance(settings, Settings):
        return to_jsonable_python(settings)
    plain = params.plain(section) or {}
    name = {"name": plain["name"]} if "name" in plain else {}
    return {**name, **settings.model_dump(mode="json")}


def components_in(values: Iterable[Any]) -> Iterator[Component]:
    """Find the components in settings, however deep."""
    for value in values:
        if isinstance(value, Component):
            yield value
        if isinstance(value, BaseModel):
            yield from components_in(dict(value).values())
        elif isinstance(value, Mapping):
            yield from components_in(value.values())
        elif isinstance(value, list | tuple):
            yield from components_in(value)

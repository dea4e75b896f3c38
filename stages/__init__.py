"""The eight stages, all alike: parse, read settings, call one function, tell.

A stage declares the sections of `params.yaml` that it reads; `Stage.read` gives it
those and no others, and a test holds the same list against `dvc.yaml`.
"""

import argparse
import os
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from pipeline import config, files
from pipeline.components import Settings
from pipeline.config import Skip, skips
from pipeline.errors import PipelineError
from pipeline.parallel import console

# Nothing phones home from a hospital, whatever the environment says.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["DO_NOT_TRACK"] = "true"


@dataclass(frozen=True)
class Stage:
    """What one run of a stage works on.

    Parameters
    ----------
    name : str
        The stage's name in `dvc.yaml`.
    names : dict of str to str
        The data set, encoder and model, as far as the stage has them.
    sections : tuple of str
        The sections of `params.yaml` it may read, with `{dataset}` and so on in them.
    params : Params
        The validated file.
    """

    name: str
    names: dict[str, str]
    sections: tuple[str, ...]
    params: config.Params

    @property
    def label(self) -> str:
        """Name the data set, the data set with its encoder, or the cell."""
        return "-".join(self.names.values())

    def read(self, section: str) -> Any:
        """Validate and give one of the declared sections, or a part of one."""
        return self.params.read(self._declared(section))

    def resolved(self, section: str) -> Any:
        """Give a declared section as plain values, its defaults filled in."""
        settings, plain = self.read(section), self._plain(section)
        if not isinstance(settings, Settings):
            return settings
        name = {"name": plain["name"]} if "name" in (plain or {}) else {}
        return {**name, **settings.model_dump(mode="json")}

    def dependencies(self) -> list[Path]:
        """List the deps that `dvc.yaml` gives this run of the stage."""
        text = Path("dvc.yaml").read_text(encoding="utf-8")
        deps = YAML(typ="safe").load(text)["stages"][self.name]["deps"]
        for axis, name in self.names.items():
            deps = [dep.replace(f"${{item.{axis}}}", name) for dep in deps]
        return [Path(dep) for dep in deps]

    def _plain(self, section: str) -> Any:
        return self.params.plain(self._declared(section))

    def _declared(self, section: str) -> str:
        whole = {".".join(section.split(".")[:n]) for n in (1, 2, 3)}
        if not whole & set(self.sections):
            raise LookupError(f"{section} is not declared by this stage")
        return section.format(**self.names)


def left_out(stage: Stage, folder: Path) -> str | None:
    """Leave a mark in the folder of a cell that `grid.skip` leaves out, and say so."""
    patterns: Skip = stage.read("grid.skip")
    if not skips(patterns, stage.label):
        return None
    shutil.rmtree(folder, ignore_errors=True)
    files.save_json(folder / "left_out.json", {"grid.skip": list(patterns)})
    return "left out by grid.skip"


def run(
    main: Callable[[Stage], str], *, axes: tuple[str, ...], sections: tuple[str, ...]
) -> None:
    """Run a stage from the command line and end the process.

    Parameters
    ----------
    main : callable
        Does the work and returns one line that says what was written.
    axes : tuple of str
        The stage's arguments: `dataset`, `encoder`, `model`.
    sections : tuple of str
        The sections of `params.yaml` it reads.
    """
    title = Path(sys.argv[0]).stem
    parser = argparse.ArgumentParser(f"stages/run {title}", description=main.__doc__)
    for axis in axes:
        parser.add_argument(axis, help=f"a {axis} of params.yaml")
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    arguments = vars(parser.parse_args())
    debug = arguments.pop("debug") or "BIOSPIKE_DEBUG" in os.environ
    begun = time.monotonic()
    try:
        stage = Stage(title, arguments, sections, config.load())
        done = main(stage)
    except PipelineError as error:
        if debug:
            raise
        console.print(f"[bold red]{title} {'-'.join(arguments.values())}[/]", end=" ")
        console.print(str(error), markup=False)
        raise SystemExit(2) from None
    seconds = time.monotonic() - begun
    console.print(f"[bold]{title}[/] {stage.label}: {done} [dim]({seconds:.1f} s)[/]")

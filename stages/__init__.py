"""The stages, all alike: parse, read settings, call one function, report.

A stage declares the sections of `params.yaml` that it reads; `Stage.read` gives it
those and no others, and a test holds the same list against `dvc.yaml`. What earlier
stages read it takes from their files: each passes on its settings with its output.
"""

import sys

from pipeline import stopping

if sys.argv[0] == "-m":  # `python -m stages.train`: a signal may come among the imports
    stopping.install()

import argparse
import gc
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import config, entries, files
from pipeline.checkout import check_here
from pipeline.ending import in_one_message
from pipeline.errors import PipelineError
from pipeline.locks import only_one
from pipeline.parallel import console
from pipeline.real_names import shown

# Imports make many objects that stay: looking for garbage among them takes a tenth of
# a stage's time.
gc.set_threshold(100_000)

# Nothing is sent out of a hospital, whatever the environment sets.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["DO_NOT_TRACK"] = "true"


@dataclass(frozen=True)
class Stage:
    """The work of one run of a stage.

    Parameters
    ----------
    name : str
        The stage's name in `dvc.yaml`.
    names : dict of str to str
        The data set, encoder and model, as far as the stage has them.
    sections : tuple of str
        The sections of `params.yaml` it may read, with `{dataset}` and so on in them.
    params : Params
        The file, validated section by section.
    code : str
        Digest of the code that the stage uses.
    """

    name: str
    names: dict[str, str]
    sections: tuple[str, ...]
    params: config.Params
    code: str = ""

    @property
    def label(self) -> str:
        """Name the data set, the data set with its encoder, or the cell."""
        return "-".join(self.names.values())

    def read(self, section: str) -> Any:
        """Validate and give one of the declared sections, or a part of one."""
        return self.params.read(self._declared(section))

    def settings(self, *sections: str) -> dict[str, Any]:
        """Give declared sections as plain values, their defaults filled in.

        The keys are the sections' last words: `encoder` for `encoders.{encoder}`.
        """
        return {
            section.rpartition(".")[2].strip("{}"): entries.resolved(
                self.params, self._declared(section)
            )
            for section in sections
        }

    def _declared(self, section: str) -> str:
        """Fill in the names, if the section or one that it is a part of is declared."""
        around = {".".join(section.split(".")[:n]) for n in (1, 2, 3)}
        if not around & set(self.sections):
            raise LookupError(f"{section} is not declared by this stage")
        return section.format(**self.names)


def run(
    main: Callable[[Stage], str], *, axes: tuple[str, ...], sections: tuple[str, ...]
) -> None:
    """Run a stage from the command line and end the process.

    Parameters
    ----------
    main : callable
        Does the work and returns one line that reports what was written.
    axes : tuple of str
        The stage's arguments: `dataset`, `encoder`, `model`.
    sections : tuple of str
        The sections of `params.yaml` it reads.
    """
    title = Path(sys.argv[0]).stem
    names, debug = _arguments(title, main.__doc__, axes)
    begun = time.monotonic()
    stopping.install()
    if "DVC_STAGE" in os.environ:
        stopping.end_with_parent()
    label = "-".join(names.values())
    with in_one_message(f"{title} {label}".rstrip(), debug=debug):
        check_here()
        stage = _stage(title, names, sections)
        with only_one("@".join(filter(None, (title, label)))):
            done = main(stage)
    seconds = time.monotonic() - begun
    label = f"[bold]{title}[/] {label}".rstrip()
    console.print(f"{label}: {shown(done, console)} [dim]({seconds:.1f} s)[/]")
    _note(title, list(names.values()), seconds)
    gc.freeze()  # a last search for garbage would be useless


def _note(title: str, names: list[str], seconds: float) -> None:
    """Note how long a stage took, for the report; a full disk is no failure here."""
    name = "@".join(filter(None, (title, "-".join(names))))
    with suppress(OSError, PipelineError):
        path = files.folder("measured", "stages") / f"{name}.json"
        files.save_json(path, {"seconds": round(seconds, 1)})


def _arguments(
    title: str, description: str | None, axes: tuple[str, ...]
) -> tuple[dict[str, str], bool]:
    """Read the names that a stage is given, and whether tracebacks are wanted.

    DVC gives each name with its axis (`--dataset mitdb`); a person need not.
    """
    parser = argparse.ArgumentParser(
        f"stages/run {title}",
        description=description,
        epilog=_epilog(title, axes),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
    )
    for axis in axes:
        kind = f"{entries.AXES[axis]}s"
        parser.add_argument(axis, nargs="?", help=f"one of the {kind} in params.yaml")
        parser.add_argument(f"--{axis}", help=argparse.SUPPRESS)
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    given = vars(parser.parse_args())
    if missing := [axis for axis in axes if axis not in given]:
        parser.error(f"no {' and no '.join(missing)} is given")
    debug = "debug" in given or "BIOSPIKE_DEBUG" in os.environ
    return {axis: given[axis] for axis in axes}, debug


def _epilog(title: str, axes: tuple[str, ...]) -> str:
    """Show how the stage is started, and that DVC does it better."""
    examples = {"dataset": "ecg_demo", "encoder": "delta", "model": "lif"}
    names = [examples[axis] for axis in axes]
    target = "@".join(filter(None, (title, "-".join(names))))
    return (
        f"example:\n  {' '.join(['stages/run', title, *names])}\n\n"
        f"`dvc repro {target}` runs it if anything\n"
        "has changed, and before it all that it needs.\n"
        "data/README.md lists the folder that each stage writes."
    )


def _stage(name: str, names: dict[str, str], sections: tuple[str, ...]) -> Stage:
    """Read what a stage works on; the stage `code` validates all of params.yaml."""
    if name == "code":
        return Stage(name, names, sections, config.load())
    params = config.read()
    entries.check_names(params, names)
    code = entries.check_code(params, name, names)
    return Stage(name, names, sections, params, code)

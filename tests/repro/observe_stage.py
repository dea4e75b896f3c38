"""Run stages and write down what each does: the code it runs, what it reads.

    python observe_stage.py PACKAGE ...

imports packages of others, and then runs a stage for each line that it is given,
`NOTES STAGE NAME ...`, in a process forked for it: nothing of ours is imported before,
and what others' packages do while they are imported is not observed, which would take
longer than the stages. It answers each line with the exit status.

NOTES becomes a JSON object: `modules` of ours of which a function ran, other than while
a module was imported; `read`: files below the checkout that were opened to be read;
`params`: sections of params.yaml that the stage read; `torch`: whether it was imported.
"""

import importlib
import json
import os
import sys
import threading
import traceback
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path.cwd()


def main(notes: Path, name: str, names: list[str]) -> None:
    ran: set[str] = set()
    read: set[str] = set()
    sections: set[str] = set()

    importing = 0

    def on_return(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal importing
        importing -= event == "return"
        return on_return

    def on_call(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal importing
        code = frame.f_code
        if code.co_name == "<module>":
            frame.f_trace_lines = False
            importing += 1
            return on_return
        if not importing:
            ran.add(code.co_filename)
        return None

    def on_event(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str | bytes | Path):
            path, mode, flags = arguments
            writes = flags & (os.O_WRONLY | os.O_RDWR)
            if not writes and (mode is None or not set(mode) & set("wax+")):
                read.add(os.fsdecode(path))

    import stages
    from pipeline import config
    from pipeline.files import schema as _schema

    class Observed(config.Params):
        def read(self, section: str) -> Any:
            sections.add(section)
            return super().read(section)

    reading = _schema.reading

    def noted(path: Path, *faults: type[Exception]) -> Any:
        read.add(str(path))
        return reading(path, *faults)

    module = importlib.import_module(f"stages.{name}")
    observed = stages._stage(name, names_of(names), getattr(module, "SECTIONS", ()))
    observed.params.__class__ = Observed
    _schema.reading = noted
    sys.addaudithook(on_event)
    threading.settrace(on_call)
    sys.settrace(on_call)
    module.main(observed)
    sys.settrace(None)
    found = {
        "modules": sorted(filter(None, map(module_name, ran))),
        "read": sorted(filter(None, map(inside, read))),
        "params": sorted(sections),
        "torch": "torch" in sys.modules,
    }
    notes.write_text(json.dumps(found))


def names_of(names: list[str]) -> dict[str, str]:
    return dict(zip(("dataset", "encoder", "model"), names, strict=False))


def inside(path: str) -> str | None:
    full = (ROOT / path).resolve()
    return full.relative_to(ROOT).as_posix() if full.is_relative_to(ROOT) else None


def module_name(path: str) -> str | None:
    name = inside(path)
    ours = name is not None and name.startswith(("pipeline/", "stages/"))
    if name is None or not (ours and name.endswith(".py")):
        return None
    return name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def serve(packages: list[str]) -> None:
    for package in packages:
        importlib.import_module(package)
    assert not {"pipeline", "stages"} & set(sys.modules)
    for line in sys.stdin:
        notes, name, *names = line.split()
        if not (child := os.fork()):
            status = 1
            os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
            try:
                main(Path(notes), name, names)
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(status)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{status}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve(sys.argv[1:])

"""The version of the files' layout, and the refusal of files that cannot be read."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.errors import DataError
from pipeline.files.places import DATA, UNFINISHED
from pipeline.machine import refusal

SCHEMA = 1
MAKERS = {
    "raw": "fetch",
    "recordings": "ingest",
    "signals": "prepare",
    "windows": "prepare",
    "clock": "clock",
    "encoding": "encode",
    "spikes": "encode",
    "runs": "train",
    "metrics": "evaluate",
    "energy": "profile",
    "traces": "profile",
    "audits": "audit",
}
"""The stage that makes each kind of folder."""


def parse_object(text: str) -> dict[str, Any]:
    """Parse JSON that must be an object.

    Raises
    ------
    ValueError
        It is not JSON, or no object.
    """
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


@contextmanager
def reading(path: Path, *faults: type[Exception]) -> Iterator[None]:
    """Name the stage that makes a file, where it is absent or its reading fails.

    Parameters
    ----------
    path : Path
    *faults : type
        Exceptions that a damaged file raises in the block.

    Raises
    ------
    DataError
        The file is absent, or one of the faults was raised.
    MachineError
        The machine refused to read it.
    """
    refuse_absent(path)
    try:
        yield
    except faults as error:
        if refused := refusal(error, path):
            raise refused from error
        text = next(iter(str(error).splitlines()), "")
        raise DataError(
            str(path),
            f"cannot be read ({type(error).__name__}: {text})",
            expected="a complete file",
            remedy="remove it, and run the stage that makes it again "
            f"(`dvc repro -s -f {maker(path)}`)",
        ) from error


def refuse_absent(path: Path) -> None:
    """Refuse a path where nothing is.

    Raises
    ------
    DataError
        With the stage that makes the file.
    """
    if not path.exists():
        raise DataError(
            str(path),
            "there is no such file",
            expected="what an earlier stage writes",
            remedy=f"run the stage that makes it (`dvc repro {maker(path)}`)",
        )


def check(path: Path, schema: object) -> None:
    """Refuse a file of another schema.

    Raises
    ------
    DataError
        With the stage that makes the file.
    """
    if schema != SCHEMA:
        raise DataError(
            str(path),
            f"it was written with schema {schema}",
            expected=f"schema {SCHEMA}",
            remedy="run the stage that makes it again "
            f"(`dvc repro -s -f {maker(path)}`)",
        )


def maker(path: Path) -> str:
    """Name the target of `dvc repro` that makes a file, as far as its path shows it."""
    parts = tuple(part for part in path.parts if part != UNFINISHED.name)
    inside = parts[parts.index(DATA.name) + 1 :] if DATA.name in parts else ()
    match inside:
        case ["report" | "code" | "inventory" as stage, *_]:
            return stage
        case ["cards", name]:
            return f"fetch@{Path(name).stem}"
        case ["measured", cell, _]:
            return f"profile@{cell}"
        case [kind, name, _] if kind in MAKERS:
            return f"{MAKERS[kind]}@{name}"
    return "STAGE"

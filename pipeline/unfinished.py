"""Where a stage works until its output is complete, and what a killed run left there.

A stage writes its files into a folder of `data/.unfinished` and notes for each what it
was made of. When all are there, the folder takes the place of the output, without the
notes: so the bytes of an output do not depend on the code that made it.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.files import (
    DATA,
    UNFINISHED,
    clear_partial,
    file_digest,
    refuse_links,
    replacing,
)

NOTES = ".inputs"
"""Folder of the notes, beside the files."""


@contextmanager
def finishing(path: Path) -> Iterator[Path]:
    """Yield a folder to work in, which takes the name `path` when the block succeeds.

    If the block fails or is killed, the folder stays, and the next run finds there what
    was finished (`is_made_of`). What was at `path` is removed only when the new folder
    is complete.
    """
    work = (UNFINISHED / path.relative_to(DATA)).absolute()
    refuse_links(path)
    refuse_links(work)
    work.mkdir(parents=True, exist_ok=True)
    clear_partial(work)
    yield work
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        shutil.rmtree(path)
    shutil.rmtree(work / NOTES, ignore_errors=True)
    work.replace(path)


def is_made_of(path: Path, inputs: str) -> bool:
    """Whether a file is undamaged and was made of these inputs."""
    note = path.parent / NOTES / path.name
    if not (path.is_file() and note.is_file()):
        return False
    return note.read_text(encoding="utf-8") == f"{inputs} {file_digest(path)}"


def note_inputs(path: Path, inputs: str) -> None:
    """Note what a finished file was made of, and its digest."""
    with replacing(path.parent / NOTES / path.name) as partial:
        partial.write_text(f"{inputs} {file_digest(path)}", encoding="utf-8")

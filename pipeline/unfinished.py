"""The place where a stage works until its output is complete, and its remains.

A stage writes its files into a folder of `data/.unfinished` and notes for each what it
was made of. When all are there, the folder takes the place of the output, without the
notes: so the bytes of an output do not depend on the code that made it.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pipeline.errors import MachineError
from pipeline.files import (
    DATA,
    UNFINISHED,
    clear_partial,
    file_digest,
    refuse_links,
    replacing,
)
from pipeline.machine import AGAIN, writing

NOTES = ".inputs"
"""Folder of the notes, beside the files."""


@contextmanager
def finishing(path: Path) -> Iterator[Path]:
    """Yield a folder to work in, which takes the name `path` when the block succeeds.

    If the block fails or is killed, the folder stays, and the next run finds there what
    was finished (`is_made_of`). What was at `path` is removed only when the new folder
    stands in its place.

    Raises
    ------
    MachineError
        The disk is full, something else than a folder is at `path`, or the like.
    """
    work = (UNFINISHED / path.relative_to(DATA)).absolute()
    refuse_links(path)
    refuse_links(work)
    with writing(path):
        _refuse_other(path)
        work.mkdir(parents=True, exist_ok=True)
        clear_partial(work)
    try:
        yield work
    except BaseException:
        with suppress(OSError):
            clear_partial(work)  # its room is needed elsewhere
        raise
    with writing(path):
        _put_in_place(work, path)


def _refuse_other(path: Path) -> None:
    """Refuse a file where a folder will be, or a place that is closed."""
    if path.exists() and not path.is_dir():
        raise MachineError(
            str(path),
            "this is a file",
            expected="a folder that this stage made, or nothing",
            remedy=f"move it away, then {AGAIN}",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(path.parent, os.W_OK):  # better now than after the work
        raise PermissionError(errno.EACCES, "not writable", str(path.parent))


def _put_in_place(work: Path, path: Path) -> None:
    """Let a finished folder take the place of the one before.

    Notes that cannot be removed end it: those of ingest hold names. A worker of a
    cluster that was killed has left what it was at, which another one made again.
    """
    clear_partial(work)
    if (work / NOTES).exists():
        shutil.rmtree(work / NOTES)
    before = work.with_name(f".replaced-{work.name}")
    shutil.rmtree(before, ignore_errors=True)  # of a killed run
    if path.exists():
        path.replace(before)
    try:
        work.replace(path)
    except OSError:
        if before.exists():
            before.replace(path)
        raise
    shutil.rmtree(before, ignore_errors=True)


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
